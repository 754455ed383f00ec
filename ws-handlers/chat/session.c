/* SPDX-License-Identifier: ISC
 *
 * The life of a session.
 */
#include "session.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "chat/member.h"
#include "conn.h"
#include "presence.h"
#include "record.h"
#include "recover.h"
#include "resume.h"
#include "rights.h"
#include "rooms.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define VERIFY_MS 2000 /* a ping waits so long for the log, then goes without */
#define RENEW_MS 1000 /* until Redis is asked again that was away */
#define HEARD_MS 200 /* until NATS knows of a new connection's subscriptions */
#define WARNING_S 60 /* before a token expires */

/* Tokens */

/* The member "token"; NULL: the client was told that it is none. */
static const char *
take_text(struct conn *c, const cJSON *o, const char *id)
{
	const char *text = member_text(o, "token");

	if (text == NULL)
		say_error(c, id, FAULT_BAD_FIELD, -1, "token: must be a text");
	return text;
}

/* Judge a token. False: the client was told what is wrong with it. */
static bool
is_good(struct conn *c, const char *text, const char *id, struct token *t)
{
	enum token_fault fault = token_check(c->settings, text, clock_now(), t);

	if (fault != TOKEN_OK)
		say_error(c, id, FAULT_UNAUTHORIZED, -1, "%s", token_fault_text(fault));
	return fault == TOKEN_OK;
}

/* Until when the token is good, on the clock that timers have. */
static void
set_expiry(struct conn *c)
{
	int64_t left_s = c->token.exp - clock_now(), now = clock_mono_ms();

	c->expired_at = now + left_s * 1000;
	c->expiring_at = now + (left_s - WARNING_S) * 1000;
}

/* Connect */

static bool
may_come_in(struct conn *c, const char *id)
{
	const char *why = rights_ended(c);

	if (why != NULL) {
		say_error(c, id, FAULT_UNAUTHORIZED, -1, "%s", why);
		say_bye(c, BYE_UNAUTHORIZED, -1, why);
		return false;
	}
	if (record_open(c) == RC_BUSY) {
		say_error(c, id, FAULT_TOO_MANY, say_retry_ms(), "too many connections");
		say_bye(c, BYE_TOO_MANY, say_retry_ms(), "too many connections");
		return false;
	}
	return true;
}

/* An earlier connection of the same client is to go: it may hang on for a while all alone. */
static void
replace(struct conn *c)
{
	char subject[64], text[128];
	int len;

	if (c->replaces[0] == '\0')
		return;
	snprintf(subject, sizeof(subject), "ctl.chat.user.%s", c->token.sub);
	len = snprintf(text, sizeof(text), "{\"op\":\"replace\",\"conn\":\"%s\"}", c->replaces);
	live_publish(c->live, subject, text, (size_t)len);
}

/* Check the member "conn", which is optional. */
static bool
take_replaces(struct conn *c, const cJSON *o, const char *id)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, "conn");
	const char *text = cJSON_GetStringValue(v);

	if (v == NULL)
		return true;
	if (text != NULL && strlen(text) == CONN_ID_SIZE - 1 &&
	    strspn(text, "0123456789abcdef") == CONN_ID_SIZE - 1)
		return str_copy(c->replaces, text, sizeof(c->replaces));
	say_error(c, id, FAULT_BAD_FIELD, -1, "conn: must be what connected had as conn");
	return false;
}

static void
begin(struct conn *c, const cJSON *o, const char *id)
{
	char subject[64];

	if (live_open(c->settings, "chat", &c->live) != RC_OK)
		log_die(EXIT_SYSTEM, "no memory", NULL);
	snprintf(subject, sizeof(subject), "ctl.chat.user.%s", c->token.sub);
	live_subscribe(c->live, subject);
	live_subscribe(c->live, "ctl.chat.all");
	c->stage = STAGE_CONNECTING;
	c->connect_id = id != NULL ? conn_strdup(id) : NULL;
	c->connect_by = clock_mono_ms() + c->settings->ws_connect * 1000;
	set_expiry(c);
	rooms_begin(c, o);
}

void
session_connect(struct conn *c, const cJSON *o, const char *id)
{
	const char *text = take_text(c, o, id);
	struct rights nothing;
	bool changed;

	if (text == NULL || !resume_check(c, o, id) || !take_replaces(c, o, id))
		return;
	if (!is_good(c, text, id, &c->token)) {
		say_bye(c, BYE_UNAUTHORIZED, -1, "the token is not good");
		return;
	}
	rights_read(c, &nothing, &changed);
	if (may_come_in(c, id))
		begin(c, o, id);
}

static void
say_connected(struct conn *c)
{
	struct jsonw w = say_begin(c, "connected", c->connect_id);

	jsonw_string(&w, "conn", c->id);
	jsonw_string(&w, "user", c->token.sub);
	jsonw_bool(&w, "admin", c->rights.user.admin);
	jsonw_int(&w, "ping", c->settings->ws_ping);
	recover_epoch(&w, c);
	jsonw_time(&w, "expires_at", c->token.exp);
	jsonw_array(&w, "rooms");
	rooms_list(c, &w);
	jsonw_end(&w);
	jsonw_bool(&w, "partial", resume_unknown(c));
	say_end(c, &w);
}

void
session_serve(struct conn *c)
{
	if (c->stage != STAGE_CONNECTING || !rooms_ready(c))
		return;
	say_connected(c);
	free(c->connect_id);
	c->connect_id = NULL;
	c->stage = STAGE_CONNECTED;
	c->connect_by = INT64_MAX;
	c->ping_at = clock_mono_ms() + c->settings->ws_ping * 1000;
	if (!rooms_enter(c))
		c->renew_at = clock_mono_ms() + RENEW_MS;
	session_recheck(c); /* what was told since connect was not heeded */
	replace(c);
}

/* Refresh */

void
session_refresh(struct conn *c, const cJSON *o, const char *id)
{
	const char *text = take_text(c, o, id);
	struct token t, old = c->token;
	struct jsonw w;

	if (text == NULL || !is_good(c, text, id, &t))
		return;
	if (strcmp(t.sub, c->token.sub) != 0) {
		say_error(c, id, FAULT_FORBIDDEN, -1, "the token is somebody else's");
		return;
	}
	c->token = t;
	if (rights_ended(c) != NULL) {
		say_error(c, id, FAULT_UNAUTHORIZED, -1, "%s", rights_ended(c));
		c->token = old;
		return;
	}
	set_expiry(c);
	w = say_begin(c, "refreshed", id);
	jsonw_time(&w, "expires_at", c->token.exp);
	say_end(c, &w);
}

static void
say_expiring(struct conn *c)
{
	struct jsonw w = say_begin(c, "expiring", NULL);

	jsonw_time(&w, "expires_at", c->token.exp);
	say_end(c, &w);
	c->expiring_at = INT64_MAX;
}

/* Heartbeat */

static enum rc
recheck(struct conn *c)
{
	struct rights old = { 0 };
	bool changed;
	enum rc rc = rights_read(c, &old, &changed);

	if (rc != RC_OK)
		return rc;
	rights_leave_name(c);
	if (rights_ended(c) != NULL)
		say_bye(c, BYE_UNAUTHORIZED, -1, rights_ended(c));
	else
		rc = rooms_recheck(c, changed ? &old : NULL);
	if (changed)
		arena_free(old.memory);
	return rc;
}

void
session_recheck(struct conn *c)
{
	c->recheck_at = recheck(c) == RC_OK ? INT64_MAX : clock_mono_ms() + RENEW_MS;
}

void
session_doubt(struct conn *c)
{
	c->recheck_at = clock_mono_ms() + HEARD_MS + (int64_t)arc4random_uniform(RENEW_MS);
	c->rewatch_at = c->recheck_at;
}

/* Renew what Redis has of the connection, and again soon where that failed. */
static void
renew(struct conn *c, int64_t now)
{
	bool recorded = record_renew(c) == RC_OK, present = presence_renew(c, NULL) >= 0;

	c->renew_at = recorded && present ? INT64_MAX : now + RENEW_MS;
}

/* A ping is due: first make sure that nothing of the log was missed. It is also the time to give back the memory that
 * busier moments have needed. */
static void
begin_ping(struct conn *c, int64_t now)
{
	malloc_trim(0);
	c->ping_at = now + c->settings->ws_ping * 1000;
	c->ping_by = now + VERIFY_MS;
	recover_doubt(c);
	renew(c, now);
	session_recheck(c);
}

static void
say_ping(struct conn *c, int64_t now)
{
	struct jsonw w = say_begin(c, "ping", NULL);

	jsonw_object(&w, "tops");
	for (const struct channel *ch = c->channels; ch != NULL; ch = ch->next)
		jsonw_int(&w, ch->room, (int64_t)ch->told);
	jsonw_end(&w);
	say_end(c, &w);
	c->ping_by = INT64_MAX;
	if (c->pong_by != INT64_MAX) /* the ping before is not answered yet */
		return;
	c->pinged_at = now;
	c->pong_by = now + c->settings->ws_pong * 1000;
}

static void
judge_silence(struct conn *c)
{
	c->pong_by = INT64_MAX;
	if (c->heard_at < c->pinged_at)
		say_bye(c, BYE_IDLE, say_retry_ms(), "no answer to a ping");
}

static void
give_up_connecting(struct conn *c)
{
	if (c->stage == STAGE_CONNECTING) {
		say_error(c, c->connect_id, FAULT_UNAVAILABLE, say_retry_ms(),
		    "the chat's log cannot be read at the moment");
		say_bye(c, BYE_SHUTDOWN, say_retry_ms(), "the chat is not available at the moment");
	} else if (c->heard_at == 0) {
		say_bye(c, BYE_IDLE, say_retry_ms(), "nothing was said");
	} else {
		say_bye(c, BYE_UNAUTHORIZED, say_retry_ms(), "no token was shown in time");
	}
}

void
session_tick(struct conn *c, int64_t now)
{
	if (c->connect_by <= now)
		give_up_connecting(c);
	if (c->expired_at <= now)
		say_bye(c, BYE_UNAUTHORIZED, -1, "the token has expired");
	if (c->expiring_at <= now && c->stage == STAGE_CONNECTED)
		say_expiring(c);
	if (c->pong_by <= now)
		judge_silence(c);
	if (c->renew_at <= now)
		renew(c, now);
	if (c->recheck_at <= now)
		session_recheck(c);
	if (c->rewatch_at <= now)
		c->rewatch_at = watch_again(c) ? INT64_MAX : now + RENEW_MS;
	if (c->ping_at <= now)
		begin_ping(c, now);
	if (c->ping_by <= now ||
	    (c->ping_by != INT64_MAX && (!recover_busy(c) || !live_up(c->live))))
		say_ping(c, now);
}

int64_t
session_due(const struct conn *c)
{
	const int64_t at[] = { c->connect_by, c->expired_at, c->pong_by, c->renew_at, c->recheck_at,
		c->rewatch_at, c->ping_at, c->ping_by,
		c->stage == STAGE_CONNECTED ? c->expiring_at : INT64_MAX };
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (at[i] < due)
			due = at[i];
	return due;
}

void
session_end(struct conn *c)
{
	if (c->stage == STAGE_CONNECTED)
		presence_leave(c, NULL);
	record_close(c);
}
