/* SPDX-License-Identifier: ISC
 *
 * A request becomes a posting, which lives until it is answered: checked here, then against the message that it is
 * about, then published, then acknowledged.
 */
#include "publish.h"

#include "allow.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/utf8.h"
#include "chat/event.h"
#include "chat/member.h"
#include "conn.h"
#include "recover.h"
#include "rights.h"
#include "rooms.h"
#include "sanction.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWER_MS 5000
#define PENDING_MAX 64
#define EVENT_BYTES 65536 /* as the stream takes it */
#define MINUTES_MAX 5256000 /* ten years */

struct posting {
	char *id; /* JSON of the request's id; NULL: it has none */
	struct room room;
	struct event event; /* its texts are below */
	char mid[MID_SIZE], user[NAME_SIZE];
	char *body;
	int64_t repeats; /* where in the log the one with this mid is; 0: it is the first */
};

/* The end of a posting */

static void
finish(struct conn *c, struct posting *p)
{
	c->pending--;
	free(p->id);
	free(p->body);
	free(p);
}

static void
fail(struct conn *c, struct posting *p, enum fault f, const char *why)
{
	say_error(c, p->id, f, f == FAULT_UNAVAILABLE ? say_retry_ms() : -1, "%s", why);
	finish(c, p);
}

/* It may have been stored all the same: a client that gave it a mid can send it again without harm. */
static void
fail_unanswered(struct conn *c, struct posting *p)
{
	fail(c, p, FAULT_UNAVAILABLE, "the chat's log does not answer; it may be sent again");
}

static void
acknowledge(struct conn *c, struct posting *p, int64_t seq, bool duplicate, int64_t sent_at)
{
	struct jsonw w = say_begin(c, "ack", p->id);

	jsonw_string(&w, "room", p->room.text);
	jsonw_int(&w, "seq", seq);
	jsonw_bool(&w, "duplicate", duplicate);
	jsonw_time_ms(&w, "sent_at", sent_at);
	say_end(c, &w);
	c->count.messages += !duplicate;
	if (p->event.kind >= EVENT_MUTE)
		sanction_apply(c, p->room.text, &p->event);
	finish(c, p);
}

/* Publishing */

static void
ask_position(struct conn *c, int64_t seq, ask_done *done, struct posting *p)
{
	char request[48];
	int len = snprintf(request, sizeof(request), "{\"seq\":%" PRId64 "}", seq);

	ask_send(c, RECOVER_GET, NULL, request, (size_t)len, ANSWER_MS, done, p);
}

static bool
is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Whether the event of the log is what the posting would do again. */
static bool
is_repeated(const struct conn *c, const struct posting *p, const struct event *e)
{
	return e->kind == p->event.kind && e->target == p->event.target &&
	       is_same(e->user, p->event.user) && e->site == p->event.site &&
	       token_had_name(&c->token, e->sent_at);
}

/* The event that has the posting's mid. Where the log has it no more, nobody can tell what it was. */
static void
original_done(struct conn *c, void *arg, const struct live_msg *m)
{
	struct posting *p = arg;
	struct event e;

	if (m == NULL || (m->status != 0 && m->status != 404))
		fail_unanswered(c, p);
	else if (m->status == 404 || event_read(c->arena, m->data, m->len, &e) != RC_OK)
		acknowledge(c, p, p->repeats, true, p->event.sent_at);
	else if (!is_repeated(c, p, &e))
		fail(c, p, FAULT_BAD_FIELD, "mid: was used for something else");
	else {
		p->event.until = e.until;
		acknowledge(c, p, p->repeats, true, e.sent_at);
	}
}

static void
ack_done(struct conn *c, void *arg, const struct live_msg *m)
{
	struct posting *p = arg;
	cJSON *ack;
	int64_t seq;
	bool duplicate;

	if (m == NULL || m->status != 0) {
		fail_unanswered(c, p);
		return;
	}
	ack = cJSON_ParseWithLength(m->data, m->len);
	seq = member_whole(ack, "seq");
	duplicate = member_true(ack, "duplicate");
	cJSON_Delete(ack);
	if (seq <= 0) {
		log_event(LOG_LEVEL_ERROR, "the log refuses",
		    LOG_WITH(log_s("answer", arena_strndup(c->arena, m->data, m->len))));
		fail_unanswered(c, p);
	} else if (duplicate) {
		p->repeats = seq;
		ask_position(c, seq, original_done, p);
	} else {
		acknowledge(c, p, seq, false, p->event.sent_at);
	}
}

static void
publish(struct conn *c, struct posting *p)
{
	struct buf b = BUF_INIT(EVENT_BYTES);
	char subject[ROOM_SUBJECT_SIZE];
	const char *msg_id = arena_printf(
	    c->arena, "%s/%s/%s", c->token.sub, p->room.text, p->event.mid);

	p->event.sent_at = clock_now_ms();
	event_write(&b, &p->event);
	snprintf(subject, sizeof(subject), ROOM_LOG "%s", p->room.text);
	if (buf_ok(&b) && msg_id != NULL)
		ask_send(c, subject, msg_id, b.p, b.len, ANSWER_MS, ack_done, p);
	else
		fail(c, p, FAULT_INTERNAL, "the message cannot be written");
	buf_free(&b);
}

/* Making a posting of a request */

/* Read the member "mid"; without one, make it up. */
static bool
take_mid(struct conn *c, const cJSON *o, const char *id, const char **mid)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, "mid");

	*mid = v != NULL
		   ? cJSON_GetStringValue(v)
		   : arena_printf(c->arena, "%08" PRIx32 "%08" PRIx32, arc4random(), arc4random());
	if (*mid != NULL && event_mid_ok(*mid))
		return true;
	say_error(c, id, FAULT_BAD_FIELD, -1,
	    "mid: must be 1 to 64 printable characters of ASCII without spaces");
	return false;
}

static bool
take_body(struct conn *c, const cJSON *o, const char *id, const char **body)
{
	const char *fault = "must be a text";

	*body = member_text(o, "body");
	if (*body != NULL)
		fault = event_body_fault(*body);
	if (fault == NULL)
		return true;
	if (*body != NULL && utf8_length(*body, strlen(*body)) > BODY_MAX_CHARS)
		say_error(c, id, FAULT_TOO_LONG, -1, "body: %s", fault);
	else
		say_error(c, id, FAULT_BAD_FIELD, -1, "body: %s", fault);
	return false;
}

static bool
take_target(struct conn *c, const cJSON *o, const char *id, uint64_t *target)
{
	int64_t seq = member_whole(o, "seq");

	*target = seq > 0 ? (uint64_t)seq : 0;
	if (*target == 0)
		say_error(c, id, FAULT_BAD_FIELD, -1, "seq: must be the position of a message");
	return *target != 0;
}

static bool
may_publish(struct conn *c, const char *id)
{
	int64_t wait_ms;

	if (c->pending == PENDING_MAX) {
		say_error(c, id, FAULT_TOO_MANY, 1000, "too many messages are pending");
		return false;
	}
	if (allow_message(c, &wait_ms))
		return true;
	say_error(c, id, FAULT_RATE_LIMITED, wait_ms, "too many messages");
	return false;
}

/* May the user write to the room? It must be joined. */
static bool
may_write(struct conn *c, const char *id, const struct room *r)
{
	struct verdict v;

	if (rooms_joined(c, r, id) == NULL)
		return false;
	v = rights_speak(c, r);
	if (!v.yes)
		say_error(c, id, v.fault, -1, "%s", v.why);
	return v.yes;
}

/* A posting of its own of what was read and allowed. */
static struct posting *
begin(struct conn *c, const char *id, const struct room *r, const struct event *e)
{
	struct posting *p = conn_alloc(sizeof(*p));

	p->id = id != NULL ? conn_strdup(id) : NULL;
	p->room = *r;
	p->event = *e;
	p->event.from = c->token.sub;
	str_copy(p->mid, e->mid, sizeof(p->mid));
	p->event.mid = p->mid;
	if (e->user != NULL) {
		str_copy(p->user, e->user, sizeof(p->user));
		p->event.user = p->user;
	}
	if (e->body != NULL)
		p->event.body = p->body = conn_strdup(e->body);
	c->pending++;
	return p;
}

void
publish_message(struct conn *c, const cJSON *o, const char *id)
{
	struct event e = { .kind = EVENT_MESSAGE };
	struct room r;

	if (rooms_take(c, o, id, &r) && take_body(c, o, id, &e.body) &&
	    take_mid(c, o, id, &e.mid) && may_write(c, id, &r) && may_publish(c, id))
		publish(c, begin(c, id, &r, &e));
}

/* Edits and deletions */

/* Whether the event of the log in m is a message of the posting's room. */
static bool
is_message_of(struct conn *c, const struct posting *p, const struct live_msg *m, struct event *e)
{
	struct room r;

	return m->status == 0 && room_of_subject(m->subject, &r) &&
	       strcmp(r.text, p->room.text) == 0 &&
	       event_read(c->arena, m->data, m->len, e) == RC_OK && e->kind == EVENT_MESSAGE;
}

/* What an earlier bearer of the name wrote is somebody else's. */
static bool
is_own(const struct conn *c, const struct event *e)
{
	return strcmp(e->from, c->token.sub) == 0 && token_had_name(&c->token, e->sent_at);
}

static void
target_done(struct conn *c, void *arg, const struct live_msg *m)
{
	struct posting *p = arg;
	struct event e;

	if (m == NULL || (m->status != 0 && m->status != 404))
		fail_unanswered(c, p);
	else if (!is_message_of(c, p, m, &e))
		fail(c, p, FAULT_NOT_FOUND, "the log has no such message in this room");
	else if (!is_own(c, &e) && (p->event.kind != EVENT_DELETE || !rights_moderate(c, &p->room)))
		fail(c, p, FAULT_FORBIDDEN, "the message is somebody else's");
	else
		publish(c, p);
}

static void
change(struct conn *c, const cJSON *o, const char *id, struct event *e)
{
	struct room r;

	if (rooms_take(c, o, id, &r) && take_target(c, o, id, &e->target) &&
	    take_mid(c, o, id, &e->mid) && may_write(c, id, &r) && may_publish(c, id))
		ask_position(c, (int64_t)e->target, target_done, begin(c, id, &r, e));
}

void
publish_edit(struct conn *c, const cJSON *o, const char *id)
{
	struct event e = { .kind = EVENT_EDIT };

	if (take_body(c, o, id, &e.body))
		change(c, o, id, &e);
}

void
publish_delete(struct conn *c, const cJSON *o, const char *id)
{
	struct event e = { .kind = EVENT_DELETE };

	change(c, o, id, &e);
}

/* Mutes and bans */

static enum event_kind
sanction_kind(const char *type)
{
	static const enum event_kind kinds[] = { EVENT_MUTE, EVENT_UNMUTE, EVENT_BAN, EVENT_UNBAN };
	size_t i = 0;

	while (strcmp(type, event_kind_name(kinds[i])) != 0)
		i++;
	return kinds[i];
}

/* Read "user" and "minutes". */
static bool
take_sanction(struct conn *c, const cJSON *o, const char *id, struct event *e)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, "minutes");
	int64_t minutes = v != NULL ? member_whole_value(v) : 0;
	const char *fault = NULL;

	e->user = member_text(o, "user");
	e->until = minutes > 0 ? clock_now() + minutes * 60 : 0;
	if (e->user == NULL || !room_name_ok(e->user) || strcmp(e->user, c->token.sub) == 0)
		fault = "user: must be the name of somebody else";
	else if ((v != NULL && minutes < 1) || minutes > MINUTES_MAX)
		fault = "minutes: must be 1 to 5256000";
	if (fault != NULL)
		say_error(c, id, FAULT_BAD_FIELD, -1, "%s", fault);
	return fault == NULL;
}

/* Where it holds: in the room, or with "site" in broadcast everywhere. */
static bool
take_scope(struct conn *c, const cJSON *o, const char *id, struct room *r, struct event *e)
{
	const cJSON *site = cJSON_GetObjectItemCaseSensitive(o, "site");

	if (!rooms_take(c, o, id, r))
		return false;
	if (site != NULL && !cJSON_IsBool(site)) {
		say_error(c, id, FAULT_BAD_FIELD, -1, "site: must be true or false");
		return false;
	}
	e->site = cJSON_IsTrue(site);
	if (r->kind == ROOM_PRIVATE || (e->site && r->kind != ROOM_BROADCAST)) {
		say_error(c, id, FAULT_BAD_FIELD, -1,
		    "room: must be a group or broadcast; with site, broadcast");
		return false;
	}
	if (!rights_moderate(c, r)) {
		say_error(c, id, FAULT_FORBIDDEN, -1, "that is for the room's owner and admins");
		return false;
	}
	if (r->kind == ROOM_GROUP && !rights_group_exists(c, r)) {
		say_error(c, id, FAULT_NO_SUCH_ROOM, -1, "there is no such group");
		return false;
	}
	return true;
}

void
publish_sanction(struct conn *c, const cJSON *o, const char *id)
{
	struct event e = { .kind = sanction_kind(member_text(o, "type")) };
	struct room r;

	if (!take_scope(c, o, id, &r, &e) || !take_sanction(c, o, id, &e) ||
	    !take_mid(c, o, id, &e.mid) || !may_publish(c, id))
		return;
	if (rights_exists(c, e.user))
		publish(c, begin(c, id, &r, &e));
	else
		say_error(c, id, FAULT_NO_SUCH_USER, -1, "there is nobody of this name");
}
