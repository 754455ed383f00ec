/* SPDX-License-Identifier: ISC
 *
 * cuacactl chat, what happens now: who is there, what is said, saying something, showing somebody out.
 */
#include "base/clock.h"
#include "base/jsonw.h"
#include "base/utf8.h"
#include "chat.h"
#include "chat/event.h"
#include "commands.h"
#include "drivers/digest.h"
#include "drivers/live.h"
#include "drivers/stream.h"
#include "table.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAMES_MAX 10000
#define TAIL_MEMORY ((size_t)1 << 20) /* for one event */

/* Who is there */

/* KEYS: a room's connections. ARGV: how many at most. Five texts for each of them. */
static const char who_script[] =
    "local out = {} "
    "local t = redis.call('TIME') "
    "for _, who in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], t[1] * 1000, '+inf', 'LIMIT', 0, "
    "ARGV[1])) do "
    "  local user, conn = string.match(who, '^([^/]+)/(.*)$') "
    "  local s = redis.call('HMGET', 'ws:sessions:' .. conn, 'address', 'node', 'connected_at') "
    "  for _, v in ipairs({ user, conn, s[1] or '', s[2] or '', s[3] or '' }) do out[#out + 1] = v "
    "end "
    "end "
    "return out";

enum { WHO_USER, WHO_CONN, WHO_ADDRESS, WHO_NODE, WHO_SINCE, WHO__MAX };

static int
by_user(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
print_who(struct ctl *ctl, int n, const char **who)
{
	static const struct column columns[] = { { "USER", false }, { "SINCE", false },
		{ "ADDRESS", false }, { "NODE", false }, { "CONNECTION", false } };
	struct table *t = table_new(ctl->arena, WHO__MAX, columns);

	for (const char **w = who; w < who + n; w += WHO__MAX) {
		table_cell(t, "%s", w[WHO_USER]);
		table_cell(t, "%s", w[WHO_SINCE]);
		table_cell(t, "%s", w[WHO_ADDRESS]);
		table_cell(t, "%s", w[WHO_NODE]);
		table_cell(t, "%s", w[WHO_CONN]);
	}
	return table_print(t);
}

static const char *
or_null(const char *s)
{
	return s[0] != '\0' ? s : NULL;
}

static int
put_who(const char *room, int n, const char **who)
{
	struct buf out = BUF_INIT(CTL_OUTPUT_MAX);
	struct jsonw w = JSONW_INIT(&out);

	jsonw_object(&w, NULL);
	jsonw_string(&w, "room", room);
	jsonw_array(&w, "items");
	for (const char **i = who; i < who + n; i += WHO__MAX) {
		jsonw_object(&w, NULL);
		jsonw_string(&w, "user", i[WHO_USER]);
		jsonw_string(&w, "conn", i[WHO_CONN]);
		jsonw_string(&w, "address", or_null(i[WHO_ADDRESS]));
		jsonw_string(&w, "node", or_null(i[WHO_NODE]));
		jsonw_string(&w, "connected_at", or_null(i[WHO_SINCE]));
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	return ctl_print(&out);
}

int
cmd_chat_who(struct ctl *ctl)
{
	const char *argv[2] = { NULL, ctl_int(ctl, NAMES_MAX) }, **who = NULL;
	struct cache *cache;
	struct room room;
	enum rc rc;
	int n = 0;

	if (chat_room_operand(ctl->argc > 0 ? ctl->argv[0] : "broadcast", &room) != EXIT_DONE)
		return EXIT_USAGE;
	argv[0] = arena_printf(ctl->arena, "presence:%s", room.text);
	cache = cache_open(ctl->settings);
	if (cache == NULL || argv[0] == NULL || argv[1] == NULL)
		return ctl_failed(RC_NOMEM);
	rc = cache_script(
	    cache, deadline_in(CHAT_MS), ctl->arena, who_script, 1, 2, argv, &n, &who);
	cache_close(cache);
	if (rc != RC_OK) {
		ctl_say("Redis, which knows who is there, is away");
		return EXIT_PEER;
	}
	qsort(who, (size_t)n / WHO__MAX, WHO__MAX * sizeof(*who), by_user);
	return (ctl->options & OPT_JSON) != 0 ? put_who(room.text, n, who) : print_who(ctl, n, who);
}

/* Looking in */

static volatile sig_atomic_t ended;

static void
on_signal(int sig)
{
	(void)sig;
	ended = 1;
}

/* A terminal must not obey what others wrote. */
static void
print_plain(const char *text)
{
	for (size_t n; *text != '\0'; text += n > 0 ? n : 1) {
		n = utf8_control(text);
		putchar(n > 0 ? ' ' : *text);
	}
}

/* What a person reads of an event. */
static void
print_event(const char *room, const struct event *e)
{
	time_t t = (time_t)(e->sent_at / 1000);
	char at[16];
	struct tm tm;

	localtime_r(&t, &tm);
	strftime(at, sizeof(at), "%H:%M:%S", &tm);
	printf("%s %s ", at, room);
	if (e->kind == EVENT_MESSAGE)
		printf("%s: ", e->from);
	else
		printf(
		    "%s %s %s", e->from, event_kind_name(e->kind), e->user != NULL ? e->user : "");
	print_plain(e->body != NULL ? e->body : "");
	putchar('\n');
}

static void
put_event(const char *room, const struct live_msg *m, const struct event *e)
{
	struct buf out = BUF_INIT(TAIL_MEMORY);

	event_push(&out, room, m->seq, m->prev, e);
	if (buf_ok(&out))
		puts(out.p);
	buf_free(&out);
}

static void
show(struct ctl *ctl, struct arena *a, const struct live_msg *m)
{
	struct room room;
	struct event e;

	if (!room_of_subject(m->subject, &room) || event_read(a, m->data, m->len, &e) != RC_OK)
		return;
	if ((ctl->options & OPT_JSON) != 0)
		put_event(room.text, m, &e);
	else
		print_event(room.text, &e);
}

/* Print what comes until a signal says stop or the output is closed. */
static int
follow(struct ctl *ctl, struct live *l, struct arena *a)
{
	struct pollfd p[LIVE_FDS];
	struct live_msg m;
	bool was_up = true;

	while (!ended) {
		live_poll(l, p);
		poll(p, LIVE_FDS, 1000);
		live_step(l, p);
		while (live_next(l, &m)) {
			show(ctl, a, &m);
			arena_reset(a);
		}
		if (fflush(stdout) != 0)
			return ctl_written();
		if (was_up != live_up(l) && live_generation(l) > 0)
			ctl_say(was_up ? "NATS is away; what is said meanwhile is not shown"
				       : "NATS is back");
		was_up = live_up(l) || live_generation(l) == 0;
	}
	return EXIT_DONE;
}

static int
subscribe(struct ctl *ctl, struct live *l)
{
	char subject[ROOM_SUBJECT_SIZE];
	struct room room;

	for (int i = 0; i < ctl->argc; i++) {
		if (chat_room_operand(ctl->argv[i], &room) != EXIT_DONE)
			return EXIT_USAGE;
		snprintf(subject, sizeof(subject), ROOM_OUT "%s", room.text);
		if (live_subscribe(l, subject) != RC_OK)
			return ctl_failed(RC_NOMEM);
	}
	if (ctl->argc > 0)
		return EXIT_DONE;
	if (live_subscribe(l, ROOM_OUT "broadcast") != RC_OK ||
	    live_subscribe(l, ROOM_OUT "group.*") != RC_OK)
		return ctl_failed(RC_NOMEM);
	return EXIT_DONE;
}

int
cmd_chat_tail(struct ctl *ctl)
{
	const struct sigaction stop = { .sa_handler = on_signal };
	struct arena *a = arena_new(TAIL_MEMORY);
	struct live *l = NULL;
	int code;

	if (a == NULL || live_open(ctl->settings, ADMIN, &l) != RC_OK) {
		arena_free(a);
		return ctl_failed(RC_NOMEM);
	}
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	code = subscribe(ctl, l);
	if (code == EXIT_DONE)
		code = follow(ctl, l, a);
	live_close(l);
	arena_free(a);
	return code;
}

/* Saying something */

/* The words, with a blank between two, in the arena. */
static const char *
join_words(struct arena *a, int n, char **words)
{
	const char *text = words[0];

	for (int i = 1; i < n && text != NULL; i++)
		text = arena_printf(a, "%s %s", text, words[i]);
	return text;
}

static enum rc
publish(struct ctl *ctl, const struct room *room, const struct event *e, uint64_t *seq)
{
	const char *subject = arena_printf(ctl->arena, ROOM_LOG "%s", room->text);
	const char *id = arena_printf(ctl->arena, ADMIN "/%s/%s", room->text, e->mid);
	struct bus *bus = bus_open(ctl->settings, ADMIN);
	struct buf out = BUF_INIT(TAIL_MEMORY);
	enum rc rc = RC_NOMEM;
	bool duplicate;

	event_write(&out, e);
	if (subject != NULL && id != NULL && bus != NULL && buf_ok(&out))
		rc = stream_publish(bus, subject, id, out.p, out.len, seq, &duplicate);
	buf_free(&out);
	bus_close(bus);
	return rc;
}

int
cmd_chat_say(struct ctl *ctl)
{
	char mid[DIGEST_TEXT];
	struct event e = { .kind = EVENT_MESSAGE,
		.from = ADMIN,
		.mid = mid,
		.sent_at = clock_now_ms(),
		.body = join_words(ctl->arena, ctl->argc - 1, ctl->argv + 1) };
	const char *fault = e.body != NULL ? event_body_fault(e.body) : "is too long";
	struct room room;
	uint64_t seq;

	if (chat_room_operand(ctl->argv[0], &room) != EXIT_DONE)
		return EXIT_USAGE;
	if (fault != NULL) {
		ctl_say("the text %s", fault);
		return EXIT_USAGE;
	}
	if (digest_random(mid) != RC_OK)
		return EXIT_SYSTEM;
	if (publish(ctl, &room, &e, &seq) != RC_OK) {
		ctl_say("NATS is away: it is not certain that it was said");
		return EXIT_PEER;
	}
	printf("%s: said, as %llu\n", room.text, (unsigned long long)seq);
	return ctl_written();
}

/* Showing somebody out */

/* What the handlers of a user are told. */
static void
put_kick(struct buf *out, const char *room, const char *reason)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_object(&w, NULL);
	jsonw_string(&w, "op", "kick");
	if (room != NULL)
		jsonw_string(&w, "room", room);
	if (reason != NULL)
		jsonw_string(&w, "reason", reason);
	jsonw_end(&w);
}

int
cmd_chat_kick(struct ctl *ctl)
{
	const char *name = ctl->argv[0];
	const char *subject = arena_printf(ctl->arena, "ctl.chat.user.%s", name);
	struct buf out = BUF_INIT(4096);
	struct bus *bus;
	struct room room;
	enum rc rc = RC_NOMEM;

	if (chat_name_operand(name) != EXIT_DONE ||
	    (ctl->room != NULL && chat_room_operand(ctl->room, &room) != EXIT_DONE))
		return EXIT_USAGE;
	put_kick(&out, ctl->room, ctl->reason);
	bus = bus_open(ctl->settings, ADMIN);
	if (bus != NULL && subject != NULL && buf_ok(&out) &&
	    (rc = bus_publish(bus, subject, out.p, out.len)) == RC_OK)
		rc = bus_flush(bus);
	bus_close(bus);
	buf_free(&out);
	if (rc != RC_OK) {
		ctl_say("NATS is away: nobody was shown out");
		return EXIT_PEER;
	}
	printf("%s: shown out%s%s\n", name, ctl->room != NULL ? " of " : "",
	    ctl->room != NULL ? ctl->room : "");
	return ctl_written();
}
