/* SPDX-License-Identifier: ISC
 *
 * Who belongs to a group. Its owner and admins add and remove anybody; others themselves, where it is public.
 */
#include "chat.h"
#include "page.h"
#include "rights.h"

#include "base/jsonw.h"
#include "chat/mirror.h"

#include <string.h>

/* Columns of the query members_list. */
enum { USER_NAME, ADDED_BY, ADDED_AT, IS_OWNER };

static void
put_member(struct jsonw *w, const struct db_rows *rows, int i)
{
	jsonw_object(w, NULL);
	jsonw_string(w, "username", db_text(rows, i, USER_NAME));
	jsonw_bool(w, "owner", db_bool(rows, i, IS_OWNER));
	jsonw_string(w, "added_by", db_text(rows, i, ADDED_BY));
	jsonw_time(w, "added_at", db_int(rows, i, ADDED_AT));
	jsonw_end(w);
}

static enum rc
find_members(struct req *rq, struct room *room, const struct page *p, const struct db_rows **rows)
{
	const struct chat_app *app = rq->app;
	const char *argv[] = { room->name, p->after, p->rows };
	struct rights r;
	enum rc rc = rights_of_path(rq, room, &r);

	if (rc != RC_OK || (!r.admin && (rc = rights_to_read(rq, &r)) != RC_OK))
		return rc;
	return db_query(app->db, rq->deadline, rq->arena, SQL_MEMBERS_LIST, argv, rows);
}

enum rc
members_list(struct req *rq, struct res *rs)
{
	struct jsonw w = JSONW_INIT(&rs->body);
	struct page p = page_read(rq);
	const struct db_rows *rows;
	struct room room;
	enum rc rc = find_members(rq, &room, &p, &rows);

	if (rc != RC_OK)
		return rc;
	jsonw_object(&w, NULL);
	jsonw_string(&w, "room", room.text);
	jsonw_array(&w, "items");
	for (int i = 0; i < page_fits(&p, rows); i++)
		put_member(&w, rows, i);
	jsonw_end(&w);
	page_next(&w, &p, rows);
	jsonw_end(&w);
	return RC_OK;
}

/* Whether anybody of this name may ever answer to it: an account, or somebody from elsewhere who has been here. A name
 * that comes with a group could not be registered any more. */
static enum rc
is_somebody(struct req *rq, const char *name)
{
	const struct chat_app *app = rq->app;
	const char *keys[] = { arena_printf(rq->arena, "%s%s", STATE_SEEN, name) };
	const struct db_rows *rows;
	struct cache_value seen;
	enum rc rc = db_query(app->db, rq->deadline, rq->arena, SQL_USER_GET, &name, &rows);

	if (rc != RC_OK || rows->n > 0)
		return rc;
	if (keys[0] == NULL)
		return RC_NOMEM;
	if (cache_get(app->cache, rq->deadline, rq->arena, 1, keys, &seen) == RC_OK &&
	    seen.data != NULL)
		return RC_OK;
	return request_refuse(
	    rq, RC_NOTFOUND, arena_printf(rq->arena, "nobody called \"%s\" has been here", name));
}

static enum rc
may_add(struct req *rq, const struct rights *r, const char *name)
{
	const struct chat_user *u = rq->user;

	if (strcmp(name, u->name) != 0) {
		enum rc rc = rights_to_moderate(rq, r);

		return rc == RC_OK ? is_somebody(rq, name) : rc;
	}
	return r->public || r->owner || r->admin
		   ? RC_OK
		   : request_refuse(rq, RC_DENIED, "the owner of the room adds its members");
}

enum rc
members_add(struct req *rq, struct res *rs)
{
	const struct chat_app *app = rq->app;
	const struct chat_user *u = rq->user;
	const char *name = request_value(rq, "username")->text;
	struct jsonw w = JSONW_INIT(&rs->body);
	const struct db_rows *rows;
	struct rights r;
	struct room room;
	const char *argv[] = { room.name, name, u->name };
	enum rc rc = rights_of_path(rq, &room, &r);

	if (rc != RC_OK || (rc = may_add(rq, &r, name)) != RC_OK)
		return rc;
	rc = db_query(app->db, rq->deadline, rq->arena, SQL_MEMBER_ADD, argv, &rows);
	if (rc != RC_OK)
		return rc;
	if (rows->n == 0)
		return request_refuse(rq, RC_NOTFOUND, "there is no such room");
	(void)mirror_user(app->db, app->cache, app->bus, rq->deadline, rq->arena, name);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "room", room.text);
	jsonw_string(&w, "username", name);
	jsonw_end(&w);
	rs->status = db_bool(rows, 0, 0) ? 201 : 200;
	return RC_OK;
}

static enum rc
may_remove(struct req *rq, const struct rights *r, const char *name)
{
	const struct chat_user *u = rq->user;

	if (strcmp(name, u->name) != 0)
		return rights_to_moderate(rq, r);
	return r->owner
		   ? request_refuse(rq, RC_CONFLICT, "the room is yours: you can only delete it")
		   : RC_OK;
}

enum rc
members_remove(struct req *rq, struct res *rs)
{
	const struct chat_app *app = rq->app;
	const char *name = request_value(rq, "username")->text;
	const struct db_rows *rows;
	struct rights r;
	struct room room;
	const char *argv[] = { room.name, name };
	enum rc rc = rights_of_path(rq, &room, &r);

	if (rc != RC_OK || (rc = may_remove(rq, &r, name)) != RC_OK)
		return rc;
	rc = db_query(app->db, rq->deadline, rq->arena, SQL_MEMBER_REMOVE, argv, &rows);
	if (rc != RC_OK)
		return rc;
	if (rows->n == 0)
		return request_refuse(rq, RC_NOTFOUND, "no member is called so, but the owner");
	(void)mirror_user(app->db, app->cache, app->bus, rq->deadline, rq->arena, name);
	rs->status = 204;
	return RC_OK;
}
