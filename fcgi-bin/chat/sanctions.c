/* SPDX-License-Identifier: ISC
 *
 * Mutes and bans: of a group by its owner and by admins, of the broadcast and of the whole site by admins. PostgreSQL
 * has them first and the log afterwards, so that who is told that it failed can do the same again.
 */
#include "chat.h"
#include "rights.h"

#include "base/jsonw.h"
#include "base/str.h"
#include "chat/event.h"
#include "chat/mirror.h"
#include "drivers/stream.h"

#include <string.h>

#define LIST_MAX "500"

/* Columns of the query sanctions_list. */
enum { USER_NAME, ROOM, KIND, UNTIL, REASON, BY, CREATED_AT };

/* In the order of the choices of the parameter kind. */
static const char *const kinds[] = { "mute", "ban" };

/* Whom it is about, and where. */
struct sanction_target {
	const char *user, *kind;
	struct room room; /* whose log has it */
	const char *place; /* the room, or the site */
};

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
	return rc == RC_OK ? rights_to_moderate(rq, &r) : rc;
}

/* What the parameters username, kind and site say. */
static enum rc
find_target(struct req *rq, struct sanction_target *t)
{
	const struct chat_user *u = rq->user;
	bool site = request_value(rq, "site")->i == 1;
	enum rc rc = find_room(rq, &t->room);

	t->user = request_value(rq, "username")->text;
	t->kind = kinds[request_value(rq, "kind")->i];
	t->place = site ? STATE_SITE : t->room.text;
	if (rc == RC_OK && site && t->room.kind != ROOM_BROADCAST)
		return request_reject(rq, "site", "only goes with the room broadcast");
	if (rc == RC_OK && strcmp(t->user, u->name) == 0)
		return request_reject(rq, "username", "is your own name");
	return rc;
}

/* Say it in the room's log, as the event's place in time has it. */
static enum rc
publish(const struct req *rq, const struct sanction_target *t, struct event *e)
{
	const struct chat_app *app = rq->app;
	const struct chat_user *u = rq->user;
	const char *subject = arena_printf(rq->arena, "%s%s", ROOM_LOG, t->room.text);
	const char *id = arena_printf(rq->arena, "%s/%s/%s", u->name, t->room.text, rq->id);
	struct buf out = BUF_INIT(1024);
	bool duplicate;
	uint64_t seq;
	enum rc rc = RC_NOMEM;

	e->from = u->name;
	e->mid = rq->id;
	e->user = t->user;
	e->site = strcmp(t->place, STATE_SITE) == 0;
	event_write(&out, e);
	if (subject != NULL && id != NULL && buf_ok(&out))
		rc = stream_publish(app->bus, subject, id, out.p, out.len, &seq, &duplicate);
	buf_free(&out);
	return rc;
}

/* Let PostgreSQL note it by this statement, whose one column says whether it did, then everybody else. */
static enum rc
carry_out(struct req *rq, const struct sanction_target *t, struct event *e, enum sql id,
    const char *const argv[])
{
	const struct chat_app *app = rq->app;
	const struct db_rows *rows;
	enum rc rc = db_query(app->db, rq->deadline, rq->arena, id, argv, &rows);

	if (rc != RC_OK)
		return rc;
	if (!db_bool(rows, 0, 0))
		return request_refuse(rq, RC_CONFLICT, "something later was said about it already");
	(void)mirror_user(app->db, app->cache, app->bus, rq->deadline, rq->arena, t->user);
	return publish(rq, t, e);
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
	const struct value *minutes = request_value(rq, "minutes");
	const char *reason = request_value(rq, "reason")->text;
	const struct chat_user *u = rq->user;
	struct jsonw w = JSONW_INIT(&rs->body);
	struct sanction_target t;
	struct event e = { .sent_at = clock_now_ms() };
	char until[STR_INT], at[STR_INT];
	enum rc rc = find_target(rq, &t);

	if (rc != RC_OK)
		return rc;
	e.kind = t.kind == kinds[0] ? EVENT_MUTE : EVENT_BAN;
	e.until = minutes->given ? e.sent_at / 1000 + 60 * minutes->i : 0;
	rc = carry_out(rq, &t, &e, SQL_SANCTION_SET,
	    (const char *[]){ t.user, t.place, t.kind, str_from_int(e.until, until), reason,
		u->name, str_from_int(e.sent_at, at) });
	if (rc != RC_OK)
		return rc;
	jsonw_object(&w, NULL);
	jsonw_string(&w, "username", t.user);
	jsonw_string(&w, "room", t.place);
	jsonw_string(&w, "kind", t.kind);
	put_time_or_null(&w, "until", e.until);
	jsonw_string(&w, "reason", reason);
	jsonw_string(&w, "by", u->name);
	jsonw_time(&w, "created_at", e.sent_at / 1000);
	jsonw_end(&w);
	rs->status = 201;
	return RC_OK;
}

enum rc
sanctions_lift(struct req *rq, struct res *rs)
{
	const struct chat_user *u = rq->user;
	struct sanction_target t;
	struct event e = { .sent_at = clock_now_ms() };
	char at[STR_INT];
	enum rc rc = find_target(rq, &t);

	if (rc != RC_OK)
		return rc;
	e.kind = t.kind == kinds[0] ? EVENT_UNMUTE : EVENT_UNBAN;
	rc = carry_out(rq, &t, &e, SQL_SANCTION_LIFT,
	    (const char *[]){ t.user, t.place, t.kind, u->name, str_from_int(e.sent_at, at) });
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
