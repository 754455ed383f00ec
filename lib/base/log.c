/* SPDX-License-Identifier: ISC
 *
 * A line is built in a fixed buffer and written with one write(2), so lines of threads and processes that
 * share a pipe do not mix.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

struct line {
	char text[LINE_MAX_BYTES];
	size_t len;
};

static struct {
	const char *program;
	enum log_sink sink;
	enum log_level level;
} conf = { "cuaca", LOG_SINK_TEXT, LOG_LEVEL_INFO };

static _Thread_local const char *request;

static const struct {
	const char *name;
	int priority;
} levels[LOG_LEVEL__MAX] = {
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_WARN] = { "warn", LOG_WARNING },
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
};

void
log_open(const char *program, enum log_sink sink, enum log_level level)
{
	conf.program = program;
	conf.sink = sink;
	conf.level = level;
	if (sink == LOG_SINK_SYSLOG)
		openlog(program, LOG_PID, LOG_DAEMON);
}

void
log_set_request(const char *request_id)
{
	request = request_id;
}

/* Keeps four bytes free for the end of the object and the newline. */
static void
put(struct line *l, const char *s, size_t len)
{
	size_t room = sizeof(l->text) - 4 - l->len;
	size_t n = len < room ? len : room;

	memcpy(l->text + l->len, s, n);
	l->len += n;
}

static void
puts_line(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

/* Escapes are whole or absent, characters too, and a cut string is still closed: the line stays JSON. */
static void
put_string(struct line *l, const char *s)
{
	bool utf8 = utf8_valid(s, strlen(s));
	char esc[8];

	puts_line(l, "\"");
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (l->len > sizeof(l->text) - 64 && (!utf8 || (c & 0xc0) != 0x80))
			break;
		if (c == '"' || c == '\\')
			snprintf(esc, sizeof(esc), "\\%c", c);
		else if (c < 0x20 || c == 0x7f || (c > 0x7f && !utf8))
			snprintf(esc, sizeof(esc), "\\u%04x", c);
		else
			snprintf(esc, sizeof(esc), "%c", c);
		puts_line(l, esc);
	}
	puts_line(l, "\"");
}

static void
put_field(struct line *l, const struct log_field *f, bool json)
{
	char number[64];

	if (l->len > sizeof(l->text) - 160) /* a cut line ends before a field, not inside one */
		return;
	puts_line(l, json ? "," : " ");
	if (json)
		put_string(l, f->key);
	else
		puts_line(l, f->key);
	puts_line(l, json ? ":" : "=");
	if (f->type == LOG_TEXT) {
		put_string(l, f->text != NULL ? f->text : "");
		return;
	}
	if (f->type == LOG_INT)
		snprintf(number, sizeof(number), "%" PRId64, f->i);
	else
		snprintf(number, sizeof(number), "%.3f", f->real);
	puts_line(l, number);
}

static void
put_head(struct line *l, enum log_level level, const char *msg, bool json)
{
	char text[CLOCK_TEXT], head[128];
	int64_t ms = clock_now_ms();

	clock_format(ms / 1000, text);
	text[19] = '\0';
	if (!json) {
		snprintf(head, sizeof(head), "%s %-5s ", text + 11, levels[level].name);
		puts_line(l, head);
		puts_line(l, msg);
		return;
	}
	snprintf(head, sizeof(head),
	    "{\"ts\":\"%s.%03dZ\",\"level\":\"%s\",\"program\":\"%s\",\"pid\":%d,\"msg\":", text,
	    (int)(ms % 1000), levels[level].name, conf.program, (int)getpid());
	puts_line(l, head);
	put_string(l, msg);
}

void
log_event(enum log_level level, const char *msg, const struct log_field *fields)
{
	struct line l = { .len = 0 };
	bool json = conf.sink != LOG_SINK_TEXT;

	if (level < conf.level)
		return;
	put_head(&l, level, msg, json);
	if (request != NULL)
		put_field(&l, &(struct log_field){ .key = "request_id", .text = request }, json);
	for (; fields != NULL && fields->key != NULL; fields++)
		put_field(&l, fields, json);
	if (json)
		l.text[l.len++] = '}';
	if (conf.sink == LOG_SINK_SYSLOG) {
		syslog(levels[level].priority, "%.*s", (int)l.len, l.text);
		return;
	}
	l.text[l.len++] = '\n';
	if (write(STDERR_FILENO, l.text, l.len) == -1)
		return; /* nowhere left to say so */
}

void
log_die(int code, const char *msg, const struct log_field *fields)
{
	log_event(LOG_LEVEL_ERROR, msg, fields);
	_exit(code);
}
