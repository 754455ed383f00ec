/* SPDX-License-Identifier: ISC
 *
 * The shapes of error and bye, and the counting of both.
 */
#include "say.h"

#include "base/clock.h"
#include "conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ERRORS_MAX 100 /* of a connection */
#define BYE_MS 2000 /* until a client that does not read its bye is left without */
#define MESSAGE_SIZE 256

static const char *const faults[FAULT__MAX] = {
	[FAULT_BAD_JSON] = "bad_json",
	[FAULT_UNKNOWN_TYPE] = "unknown_type",
	[FAULT_BAD_FIELD] = "bad_field",
	[FAULT_TOO_LONG] = "too_long",
	[FAULT_NOT_CONNECTED] = "not_connected",
	[FAULT_ALREADY_CONNECTED] = "already_connected",
	[FAULT_UNAUTHORIZED] = "unauthorized",
	[FAULT_FORBIDDEN] = "forbidden",
	[FAULT_NO_SUCH_ROOM] = "no_such_room",
	[FAULT_NO_SUCH_USER] = "no_such_user",
	[FAULT_NO_SUCH_CITY] = "no_such_city",
	[FAULT_NOT_FOUND] = "not_found",
	[FAULT_NOT_JOINED] = "not_joined",
	[FAULT_MUTED] = "muted",
	[FAULT_RATE_LIMITED] = "rate_limited",
	[FAULT_TOO_MANY] = "too_many",
	[FAULT_UNAVAILABLE] = "unavailable",
	[FAULT_INTERNAL] = "internal",
};

static const char *const byes[BYE__MAX] = {
	[BYE_SLOW_CONSUMER] = "slow_consumer",
	[BYE_IDLE] = "idle",
	[BYE_UNAUTHORIZED] = "unauthorized",
	[BYE_SHUTDOWN] = "shutdown",
	[BYE_REPLACED] = "replaced",
	[BYE_TOO_MANY] = "too_many",
};

const char *
say_fault_name(enum fault f)
{
	return faults[f];
}

const char *
say_bye_name(enum bye b)
{
	return byes[b];
}

int64_t
say_retry_ms(void)
{
	return 500 + (int64_t)arc4random_uniform(2000);
}

struct jsonw
say_begin(struct conn *c, const char *type, const char *id)
{
	struct jsonw w = outbox_begin(&c->out);

	jsonw_object(&w, NULL);
	if (id != NULL)
		jsonw_raw(&w, "id", id, strlen(id));
	jsonw_string(&w, "type", type);
	return w;
}

void
say_end(struct conn *c, struct jsonw *w)
{
	jsonw_end(w);
	outbox_end(&c->out);
}

void
say_error(struct conn *c, const char *id, enum fault f, int64_t retry_ms, const char *fmt, ...)
{
	char message[MESSAGE_SIZE];
	struct jsonw w;
	va_list ap;

	if (c->ending)
		return;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	c->count.faults[f]++;
	c->faults += f != FAULT_UNAVAILABLE && f != FAULT_INTERNAL;
	w = say_begin(c, "error", id);
	jsonw_string(&w, "code", faults[f]);
	jsonw_string(&w, "message", message);
	if (retry_ms >= 0)
		jsonw_int(&w, "retry_after_ms", retry_ms);
	say_end(c, &w);
	if (c->faults > ERRORS_MAX)
		say_bye(c, BYE_TOO_MANY, say_retry_ms(), "too many errors");
}

void
say_bye(struct conn *c, enum bye b, int64_t retry_ms, const char *message)
{
	struct jsonw w;

	if (c->ending)
		return;
	c->ending = true;
	c->bye = b;
	c->end_by = clock_mono_ms() + BYE_MS;
	c->count.byes[b]++;
	if (c->out.over)
		outbox_drop(&c->out);
	c->out.limit += 1024; /* there is always room for this one */
	w = say_begin(c, "bye", NULL);
	jsonw_string(&w, "code", byes[b]);
	jsonw_string(&w, "message", message);
	jsonw_bool(&w, "reconnect", retry_ms >= 0);
	if (retry_ms >= 0)
		jsonw_int(&w, "retry_after_ms", retry_ms);
	say_end(c, &w);
	outbox_close(&c->out);
}
