/* SPDX-License-Identifier: ISC
 *
 * Mutes and bans: of a group by its owner and by admins, of the broadcast and of the whole site by admins.
 */
#include "chat.h"
#include "rights.h"

#include "base/jsonw.h"
#include "chat/moderate.h"

#include <string.h>

#define LIST_MAX "500"

/* Columns of the query sanctions_list. */
enum { USER_NAME, ROOM, KIND, UNTIL, REASON, BY, CREATED_AT };

/* The room of the path, which who asks moderates; with site, all of them. */
static enum rc
find_room(struct req *rq, struct room *room)
{
	struct rights r;
	enum rc rc;

	if (strcmp(rq->segment, "broadcast") != 0)
		rc = rights_of_path(rq, room, &r);
	else if (room_parse("broadcast", room))
		rc = rights_read(rq, room, &r);
	else
		rc = RC_NOTFOUND;
	if (rc != RC_OK || (rc = rights_to_moderate(rq, &r)) != RC_OK)
		return rc;
	if (request_value(rq, "site")->i == 1 && room->kind != ROOM_BROADCAST)
		return request_reject(rq, "site", "only goes with the room broadcast");
	return RC_OK;
}

/* What the parameters username, kind and site say, as one of two events: that the kind is put on somebody, or lifted. */
static enum rc
find_event(struct req *rq, const enum event_kind of_kinds[], struct room *room, struct event *e)
{
	const struct chat_user *u = rq->user;
	enum rc rc = find_room(rq, room);

	*e = (struct event){ .kind = of_kinds[request_value(rq, "kind")->i],
		.from = u->name,
		.mid = rq->id,
		.user = request_value(rq, "username")->text,
		.site = request_value(rq, "site")->i == 1 };
	if (rc == RC_OK && strcmp(e->user, u->name) == 0)
		return request_reject(rq, "username", "is your own name");
	return rc;
}

static enum rc
carry_out(struct req *rq, const struct room *room, struct event *e, const char *reason)
{
	const struct chat_app *app = rq->app;
	const struct moderate_peers peers = { app->db, app->cache, app->bus };
	enum rc rc = moderate(&peers, rq->deadline, rq->arena, room, e, reason);

	if (rc == RC_CONFLICT)
		return request_refuse(rq, rc, "something later was said about it already");
	return rc;
}

static void
put_time_or_null(struct jsonw *w, const char *name, int64_t t)
{
	if (t > 0)
		jsonw_time(w, name, t);
	else
		jsonw_string(w, name, NULL);
}

enum rc
sanctions_set(struct req *rq, struct res *rs)
{
	static const enum event_kind of_kinds[] = { EVENT_MUTE, EVENT_BAN };
	const struct value *minutes = request_value(rq, "minutes");
	const char *reason = request_value(rq, "reason")->text;
	struct jsonw w = JSONW_INIT(&rs->body);
	struct event e;
	struct room room;
	enum rc rc = find_event(rq, of_kinds, &room, &e);

	if (rc != RC_OK)
		return rc;
	if (minutes->given)
		e.until = clock_now() + 60 * minutes->i;
	rc = carry_out(rq, &room, &e, reason);
	if (rc != RC_OK)
		return rc;
	jsonw_object(&w, NULL);
	jsonw_string(&w, "username", e.user);
	jsonw_string(&w, "room", e.site ? STATE_SITE : room.text);
	jsonw_string(&w, "kind", event_kind_name(e.kind));
	put_time_or_null(&w, "until", e.until);
	jsonw_string(&w, "reason", reason);
	jsonw_string(&w, "by", e.from);
	jsonw_time(&w, "created_at", e.sent_at / 1000);
	jsonw_end(&w);
	rs->status = 201;
	return RC_OK;
}

enum rc
sanctions_lift(struct req *rq, struct res *rs)
{
	static const enum event_kind of_kinds[] = { EVENT_UNMUTE, EVENT_UNBAN };
	struct event e;
	struct room room;
	enum rc rc = find_event(rq, of_kinds, &room, &e);

	if (rc == RC_OK)
		rc = carry_out(rq, &room, &e, NULL);
	if (rc == RC_OK)
		rs->status = 204;
	return rc;
}

static void
put_sanction(struct jsonw *w, const struct db_rows *rows, int i)
{
	jsonw_object(w, NULL);
	jsonw_string(w, "username", db_text(rows, i, USER_NAME));
	jsonw_string(w, "room", db_text(rows, i, ROOM));
	jsonw_string(w, "kind", db_text(rows, i, KIND));
	put_time_or_null(w, "until", db_int(rows, i, UNTIL));
	jsonw_string(w, "reason", db_text(rows, i, REASON));
	jsonw_string(w, "by", db_text(rows, i, BY));
	jsonw_time(w, "created_at", db_int(rows, i, CREATED_AT));
	jsonw_end(w);
}

enum rc
sanctions_list(struct req *rq, struct res *rs)
{
	const struct chat_app *app = rq->app;
	struct jsonw w = JSONW_INIT(&rs->body);
	const struct db_rows *rows;
	struct room room;
	const char *argv[] = { room.text, LIST_MAX };
	enum rc rc = find_room(rq, &room);

	if (rc != RC_OK)
		return rc;
	if (request_value(rq, "site")->i == 1)
		argv[0] = STATE_SITE;
	rc = db_query(app->db, rq->deadline, rq->arena, SQL_SANCTIONS_LIST, argv, &rows);
	if (rc != RC_OK)
		return rc;
	jsonw_object(&w, NULL);
	jsonw_array(&w, "items");
	for (int i = 0; i < rows->n; i++)
		put_sanction(&w, rows, i);
	jsonw_end(&w);
	jsonw_end(&w);
	return RC_OK;
}
