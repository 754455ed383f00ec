/* SPDX-License-Identifier: ISC
 *
 * What a client is told: lines of JSON, errors and the end.
 */
#ifndef CUACA_CHAT_SAY_H
#define CUACA_CHAT_SAY_H

#include "base/jsonw.h"

#include <stdbool.h>
#include <stdint.h>

struct conn;

/* Why a request was not done; each is counted. */
enum fault {
	FAULT_BAD_JSON,
	FAULT_UNKNOWN_TYPE,
	FAULT_BAD_FIELD,
	FAULT_TOO_LONG,
	FAULT_NOT_CONNECTED,
	FAULT_ALREADY_CONNECTED,
	FAULT_UNAUTHORIZED,
	FAULT_FORBIDDEN,
	FAULT_NO_SUCH_ROOM,
	FAULT_NO_SUCH_USER,
	FAULT_NO_SUCH_CITY,
	FAULT_NOT_FOUND,
	FAULT_NOT_JOINED,
	FAULT_MUTED,
	FAULT_RATE_LIMITED,
	FAULT_TOO_MANY,
	FAULT_UNAVAILABLE,
	FAULT_INTERNAL,
	FAULT__MAX
};

/* Why a connection ends. */
enum bye {
	BYE_SLOW_CONSUMER,
	BYE_IDLE,
	BYE_UNAUTHORIZED,
	BYE_SHUTDOWN,
	BYE_REPLACED,
	BYE_TOO_MANY,
	BYE__MAX
};

/* Static: "bad_json", "slow_consumer". */
const char *say_fault_name(enum fault f);
const char *say_bye_name(enum bye b);

/* Begin a line of this type. id is the JSON of the request's id, which its reply repeats, or NULL. The object is open
 * for further members; say_end() completes it. */
struct jsonw say_begin(struct conn *c, const char *type, const char *id);
void say_end(struct conn *c, struct jsonw *w);

/* An error. retry_ms is when to try again, -1 where that makes no sense. Too many that are the client's end the
 * connection. */
void say_error(struct conn *c, const char *id, enum fault f, int64_t retry_ms, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Tell why the connection ends, then end it once that is written, or in two seconds. retry_ms is when the client may
 * connect again, -1 where it had better not. Only the first one counts. Where a line was refused, what waits goes. */
void say_bye(struct conn *c, enum bye b, int64_t retry_ms, const char *message);

/* A moment to come back, spread so that a thousand clients do not come at once, milliseconds. */
int64_t say_retry_ms(void);

#endif
