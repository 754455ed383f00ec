/* SPDX-License-Identifier: ISC
 *
 * Membership, from the requests of the client and from what others decide about it.
 */
#include "rooms.h"

#include "base/clock.h"
#include "base/str.h"
#include "chat/member.h"
#include "conn.h"
#include "presence.h"
#include "recover.h"
#include "resume.h"

#include <stdlib.h>

#define JOIN_MS 5000 /* until a join is answered, or given up */

static const struct group_state no_group;

/* Connect */

int
rooms_count(const struct conn *c)
{
	int n = 0;

	for (const struct channel *ch = c->channels; ch != NULL; ch = ch->next)
		n += ch->kind == ROOM_GROUP;
	return n;
}

struct channel *
rooms_open(struct conn *c, enum room_kind kind, const char *name, enum channel_tell tell)
{
	struct channel *ch = channel_open(c, kind, name);

	ch->tell = tell;
	return ch;
}

/* The groups that the user is in, those of before apart. */
static void
open_groups(struct conn *c, const struct rights *before, enum channel_tell tell)
{
	const struct user_state *u = &c->rights.user;
	struct room r;

	for (const char **g = u->groups; *g != NULL; g++) {
		const char *name = arena_printf(c->arena, "group.%s", *g);

		if (name != NULL && room_parse(name, &r) && channel_find(c, name) == NULL &&
		    !(before->told && state_in_group(&before->user, *g)) &&
		    !state_banned(u, name, clock_now()) && rooms_count(c) < c->settings->chat_rooms)
			rooms_open(c, ROOM_GROUP, name, tell);
	}
}

void
rooms_begin(struct conn *c, const cJSON *o)
{
	static const struct rights nothing;

	if (!state_banned(&c->rights.user, "broadcast", clock_now()))
		rooms_open(c, ROOM_BROADCAST, "broadcast", TELL_CONNECTED);
	rooms_open(c, ROOM_PRIVATE, CHANNEL_PRIVATE, TELL_CONNECTED);
	open_groups(c, &nothing, TELL_CONNECTED);
	resume_begin(c, o);
}

bool
rooms_ready(const struct conn *c)
{
	for (const struct channel *ch = c->channels; ch != NULL; ch = ch->next)
		if (ch->state != CHANNEL_READY)
			return false;
	return true;
}

/* last_seq and recovered, counted; the channel is reported then. */
static void
put_position(struct conn *c, struct channel *ch, struct jsonw *w)
{
	jsonw_int(w, "last_seq", (int64_t)(ch->recovered ? ch->top : ch->told));
	jsonw_bool(w, "recovered", ch->recovered);
	c->count.recovered += ch->asked && ch->recovered;
	c->count.not_recovered += ch->asked && !ch->recovered;
	ch->tell = TELL_NOBODY;
	ch->asked = true;
	ch->recovered = true;
}

void
rooms_list(struct conn *c, struct jsonw *w)
{
	for (struct channel *ch = c->channels; ch != NULL; ch = ch->next) {
		jsonw_object(w, NULL);
		jsonw_string(w, "room", ch->room);
		put_position(c, ch, w);
		jsonw_end(w);
	}
}

bool
rooms_enter(struct conn *c)
{
	for (struct channel *ch = c->channels; ch != NULL; ch = ch->next)
		ch->fresh = false;
	return presence_renew(c, NULL) >= 0;
}

/* Requests */

bool
rooms_take(struct conn *c, const cJSON *o, const char *id, struct room *out)
{
	const char *name = member_text(o, "room");

	if (name != NULL && room_parse_as(name, c->token.sub, out))
		return true;
	say_error(
	    c, id, FAULT_BAD_FIELD, -1, "room: must be broadcast, group.<name> or private.<user>");
	return false;
}

struct channel *
rooms_joined(struct conn *c, const struct room *r, const char *id)
{
	struct channel *ch = channel_of(c, r);

	if (ch == NULL && r->kind == ROOM_GROUP && resume_unknown(c))
		say_error(c, id, FAULT_UNAVAILABLE, say_retry_ms(),
		    "groups cannot be looked up at the moment");
	else if (ch == NULL)
		say_error(c, id, FAULT_NOT_JOINED, -1, "%s is not joined", r->text);
	return ch;
}

struct channel *
rooms_take_joined(struct conn *c, const cJSON *o, const char *id, struct room *r)
{
	return rooms_take(c, o, id, r) ? rooms_joined(c, r, id) : NULL;
}

static bool
may_join(struct conn *c, const struct room *r, const char *id)
{
	struct verdict v = rights_enter_now(c, r);

	if (v.yes && r->kind == ROOM_PRIVATE && !rights_exists(c, room_partner(r, c->token.sub)))
		v = (struct verdict){ false, FAULT_NO_SUCH_USER, "there is nobody of this name" };
	if (!v.yes)
		say_error(c, id, v.fault, v.fault == FAULT_UNAVAILABLE ? say_retry_ms() : -1, "%s",
		    v.why);
	else if (r->kind == ROOM_GROUP && channel_of(c, r) == NULL &&
		 rooms_count(c) >= c->settings->chat_rooms) {
		say_error(c, id, FAULT_TOO_MANY, -1, "too many rooms");
		return false;
	}
	return v.yes;
}

/* With "after", the position that the client has, and its epoch; otherwise *after is -1. */
static bool
take_position(struct conn *c, const cJSON *o, const char *id, int64_t *epoch, int64_t *after)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, "after");
	const cJSON *e = cJSON_GetObjectItemCaseSensitive(o, "epoch");
	const char *fault = NULL;

	*after = v != NULL ? member_whole_value(v) : -1;
	*epoch = e != NULL ? resume_epoch(o) : c->log.epoch;
	if (v != NULL && *after < 0)
		fault = "after: must be a position, 0 or more";
	else if (e != NULL && !cJSON_IsString(e))
		fault = "epoch: must be a text";
	if (fault != NULL)
		say_error(c, id, FAULT_BAD_FIELD, -1, "%s", fault);
	return fault == NULL;
}

/* The room of the request. */
static bool
take_join(struct conn *c, const cJSON *o, const char *id, struct room *r)
{
	const char *name = member_text(o, "room");

	*r = (struct room){ .kind = ROOM_PRIVATE, .text = CHANNEL_PRIVATE };
	if (name != NULL && strcmp(name, CHANNEL_PRIVATE) == 0)
		return true;
	return rooms_take(c, o, id, r) && may_join(c, r, id);
}

static void
join(struct conn *c, const struct room *r, int64_t epoch, int64_t after, const char *id)
{
	struct channel *ch = channel_of(c, r);

	if (ch != NULL && ch->tell != TELL_NOBODY) {
		say_error(c, id, FAULT_TOO_MANY, 1000, "%s is being joined already", r->text);
		return;
	}
	if (ch == NULL)
		ch = channel_open(c, r->kind, r->text);
	ch->tell = TELL_JOINED;
	ch->join_id = id != NULL ? conn_strdup(id) : NULL;
	ch->join_by = clock_mono_ms() + JOIN_MS;
	str_copy(ch->join_room, r->text, sizeof(ch->join_room));
	if (after >= 0) {
		channel_drop_held(c, ch);
		recover_stop(c, ch);
		channel_set_position(ch, epoch, (uint64_t)after);
		ch->state = CHANNEL_LOOK;
		ch->since = c->log.looks;
	}
	if (ch->state == CHANNEL_LIVE)
		ch->state = CHANNEL_READY;
	else
		recover_look(c);
}

void
rooms_join(struct conn *c, const cJSON *o, const char *id)
{
	struct room r;
	int64_t epoch, after;

	if (!take_position(c, o, id, &epoch, &after) || !take_join(c, o, id, &r))
		return;
	if (live_up(c->live))
		join(c, &r, epoch, after, id);
	else
		say_error(c, id, FAULT_UNAVAILABLE, say_retry_ms(), "the chat's log is away");
}

static void
say_left(struct conn *c, const char *id, const char *room, const char *reason)
{
	struct jsonw w = say_begin(c, "left", id);

	jsonw_string(&w, "room", room);
	if (reason != NULL)
		jsonw_string(&w, "reason", reason);
	say_end(c, &w);
}

void
rooms_leave(struct conn *c, const cJSON *o, const char *id)
{
	struct channel *ch;
	struct room r;

	if ((ch = rooms_take_joined(c, o, id, &r)) == NULL)
		return;
	if (ch->kind == ROOM_PRIVATE) {
		say_error(c, id, FAULT_BAD_FIELD, -1, "room: private conversations are never left");
		return;
	}
	presence_leave(c, ch);
	channel_close(c, ch);
	say_left(c, id, r.text, NULL);
}

void
rooms_drop(struct conn *c, struct channel *ch, const char *reason)
{
	presence_leave(c, ch);
	say_left(c, NULL, ch->room, reason);
	channel_close(c, ch);
}

/* Serving */

/* The reply to join, or word of a gap that could not be filled. */
static void
say_joined(struct conn *c, struct channel *ch)
{
	struct jsonw w;
	int64_t members;

	ch->fresh = false;
	members = presence_renew(c, ch);
	w = say_begin(c, "joined", ch->join_id);
	jsonw_string(&w, "room", ch->join_id != NULL ? ch->join_room : ch->room);
	recover_epoch(&w, c);
	put_position(c, ch, &w);
	if (ch->kind != ROOM_PRIVATE && members >= 0)
		jsonw_int(&w, "members", members);
	else if (ch->kind != ROOM_PRIVATE)
		jsonw_string(&w, "members", NULL);
	say_end(c, &w);
	free(ch->join_id);
	ch->join_id = NULL;
}

void
rooms_serve(struct conn *c)
{
	if (c->stage != STAGE_CONNECTED)
		return;
	for (struct channel *ch = c->channels; ch != NULL; ch = ch->next) {
		if (ch->state != CHANNEL_READY)
			continue;
		if (ch->tell == TELL_JOINED)
			say_joined(c, ch);
		channel_hand_on(c, ch);
	}
}

/* Rights that have changed */

/* What a verdict that is no means to a client that was in the room. */
static const char *
reason(const struct conn *c, const struct room *r, const struct verdict *v)
{
	return state_banned(&c->rights.user, r->text, clock_now()) ? "banned"
	       : v->fault == FAULT_NO_SUCH_ROOM                    ? "deleted"
								   : "removed";
}

void
rooms_refuse(struct conn *c, const struct room *r, const struct verdict *v)
{
	say_left(c, NULL, r->text, reason(c, r, v));
}

/* Why the user may not be in the room any more; NULL: that is all right. */
static const char *
reason_to_drop(const struct conn *c, const struct channel *ch, const struct group_state *g)
{
	struct verdict v;
	struct room r;

	if (ch->kind == ROOM_PRIVATE || !room_parse(ch->room, &r))
		return NULL;
	v = rights_enter(c, &r, g);
	return v.yes ? NULL : reason(c, &r, &v);
}

static enum rc
drop_some(struct conn *c)
{
	int n = rooms_count(c), i = 0;
	struct group_state *groups = arena_alloc(c->arena, ((size_t)n + 1) * sizeof(*groups));
	const char **rooms = arena_alloc(c->arena, ((size_t)n + 1) * sizeof(*rooms));
	struct channel *ch, *next;
	enum rc rc;

	if (groups == NULL || rooms == NULL)
		return RC_NOMEM;
	for (ch = c->channels; ch != NULL; ch = ch->next)
		if (ch->kind == ROOM_GROUP)
			rooms[i++] = ch->room;
	if ((rc = rights_groups(c, n, rooms, groups)) != RC_OK)
		return rc;
	i = 0;
	for (ch = c->channels; ch != NULL; ch = next) {
		const struct group_state *g = ch->kind == ROOM_GROUP ? &groups[i++] : &no_group;
		const char *reason = reason_to_drop(c, ch, g);

		next = ch->next;
		if (reason != NULL)
			rooms_drop(c, ch, reason);
	}
	return RC_OK;
}

enum rc
rooms_recheck(struct conn *c, const struct rights *old)
{
	enum rc rc = drop_some(c);

	if (old != NULL)
		open_groups(c, old, TELL_JOINED);
	if (old != NULL || c->unresumed != NULL) {
		resume_rest(c);
		recover_look(c);
	}
	return rc == RC_OK && c->unresumed != NULL ? RC_BUSY : rc;
}

/* Joins that take too long */

void
rooms_expire(struct conn *c, int64_t now)
{
	struct channel *ch, *next;

	for (ch = c->channels; ch != NULL; ch = next) {
		next = ch->next;
		if (ch->join_id == NULL || ch->join_by > now)
			continue;
		say_error(c, ch->join_id, FAULT_UNAVAILABLE, say_retry_ms(),
		    "the chat's log cannot be read at the moment");
		free(ch->join_id);
		ch->join_id = NULL;
		if (ch->fresh)
			channel_close(c, ch);
	}
}

int64_t
rooms_due(const struct conn *c)
{
	int64_t due = INT64_MAX;

	for (const struct channel *ch = c->channels; ch != NULL; ch = ch->next) {
		if (c->stage == STAGE_CONNECTED && ch->state == CHANNEL_READY &&
		    channel_may_hand_on(c, ch))
			return 0;
		if (ch->join_id != NULL && ch->join_by < due)
			due = ch->join_by;
	}
	return due;
}
