/* SPDX-License-Identifier: ISC
 *
 * One JSON object a line: ts, level, program, pid, msg, then the fields of the event.
 *
 *	log_event(LOG_WARN, "fetch refused", LOG_WITH(log_s("url", url), log_i("status", 503)));
 *
 * Never put tokens, secrets or message text into a field.
 */
#ifndef CUACA_LOG_H
#define CUACA_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL__MAX };

enum log_sink { LOG_SINK_JSON, LOG_SINK_TEXT, LOG_SINK_SYSLOG };

struct log_field {
	const char *key;
	enum { LOG_TEXT, LOG_INT, LOG_REAL } type;
	const char *text;
	int64_t i;
	double real;
};

static inline struct log_field
log_s(const char *key, const char *text)
{
	return (struct log_field){ .key = key, .type = LOG_TEXT, .text = text };
}

static inline struct log_field
log_i(const char *key, int64_t i)
{
	return (struct log_field){ .key = key, .type = LOG_INT, .i = i };
}

static inline struct log_field
log_f(const char *key, double real)
{
	return (struct log_field){ .key = key, .type = LOG_REAL, .real = real };
}

#define LOG_WITH(...) ((const struct log_field[]){ __VA_ARGS__, { 0 } })

/* Lines below level are dropped. program must outlive the process's logging. */
void log_open(const char *program, enum log_sink sink, enum log_level level);

/* fields ends with a zero key; NULL is none. Cut at 2 KiB (websocketd stops reading at a 4 KiB line). */
void log_event(enum log_level level, const char *msg, const struct log_field *fields);

/* The same at error level, then _exit(code). */
_Noreturn void log_die(int code, const char *msg, const struct log_field *fields);

/* The request this thread works for, added to each of its lines; NULL for none. Not copied. */
void log_set_request(const char *request_id);

#endif
