/* SPDX-License-Identifier: ISC
 *
 * Groups: which there are, a new one, and the end of one.
 */
#include "chat.h"
#include "page.h"
#include "rights.h"

#include "base/jsonw.h"
#include "chat/mirror.h"

#include <string.h>

/* A group as who asks sees it, in the order of the columns of the query rooms_list. */
struct group {
	const char *name, *title;
	bool public;
	const char *owner;
	bool member;
	int64_t members, created_at;
};

static struct group
read_group(const struct db_rows *rows, int i)
{
	return (struct group){
		.name = db_text(rows, i, 0),
		.title = db_text(rows, i, 1),
		.public = db_bool(rows, i, 2),
		.owner = db_text(rows, i, 3),
		.member = db_bool(rows, i, 4),
		.members = db_int(rows, i, 5),
		.created_at = db_int(rows, i, 6),
	};
}

static void
put_group(struct jsonw *w, struct arena *a, const struct group *g)
{
	jsonw_object(w, NULL);
	jsonw_string(w, "room", arena_printf(a, "group.%s", g->name));
	jsonw_string(w, "name", g->name);
	jsonw_string(w, "title", g->title);
	jsonw_bool(w, "public", g->public);
	jsonw_string(w, "owner", g->owner);
	jsonw_bool(w, "member", g->member);
	jsonw_int(w, "members", g->members);
	jsonw_time(w, "created_at", g->created_at);
	jsonw_end(w);
}

enum rc
rooms_list(struct req *rq, struct res *rs)
{
	const struct chat_app *app = rq->app;
	const struct chat_user *u = rq->user;
	struct jsonw w = JSONW_INIT(&rs->body);
	struct page p = page_read(rq);
	const char *argv[] = { u->name, p.after, p.rows };
	const struct db_rows *rows;
	enum rc rc = db_query(app->db, rq->deadline, rq->arena, SQL_ROOMS_LIST, argv, &rows);

	if (rc != RC_OK)
		return rc;
	jsonw_object(&w, NULL);
	jsonw_array(&w, "items");
	for (int i = 0; i < page_fits(&p, rows); i++) {
		struct group g = read_group(rows, i);

		put_group(&w, rq->arena, &g);
	}
	jsonw_end(&w);
	page_next(&w, &p, rows);
	jsonw_end(&w);
	return RC_OK;
}

/* What can be told before PostgreSQL is asked. */
static enum rc
may_create(struct req *rq, const char *name)
{
	const struct chat_app *app = rq->app;
	const struct chat_user *u = rq->user;
	int64_t owned = 0;

	if (u->guest)
		return request_refuse(rq, RC_DENIED, "guests cannot make groups: register first");
	if (strcmp(name, "broadcast") == 0 || strcmp(name, STATE_SITE) == 0)
		return request_refuse(rq, RC_CONFLICT, "this name means something else here");
	/* Their owner is in all of them at once, and a connection may be in so many. */
	while (u->state.owns[owned] != NULL)
		owned++;
	return owned < app->settings->chat_rooms
		   ? RC_OK
		   : request_refuse(rq, RC_DENIED, "you own as many groups as one may");
}

static enum rc
create(struct req *rq, struct group *g)
{
	const struct chat_app *app = rq->app;
	const char *argv[] = { g->name, g->title, g->public ? "t" : "f", g->owner };
	const struct db_rows *rows;
	enum rc rc = db_query(app->db, rq->deadline, rq->arena, SQL_ROOM_CREATE, argv, &rows);

	if (rc != RC_OK)
		return rc;
	if (rows->n == 0)
		return request_refuse(rq, RC_CONFLICT, "there is a group of this name, or was one");
	g->created_at = db_int(rows, 0, 0);
	(void)mirror_group(app->db, app->cache, app->bus, rq->deadline, rq->arena, g->name);
	(void)mirror_user(app->db, app->cache, app->bus, rq->deadline, rq->arena, g->owner);
	return RC_OK;
}

enum rc
rooms_create(struct req *rq, struct res *rs)
{
	const struct chat_user *u = rq->user;
	const struct value *title = request_value(rq, "title");
	struct jsonw w = JSONW_INIT(&rs->body);
	struct group g = { .name = request_value(rq, "name")->text,
		.public = request_value(rq, "public")->i == 1,
		.owner = u->name,
		.member = true,
		.members = 1 };
	enum rc rc = may_create(rq, g.name);

	g.title = title->given ? title->text : g.name;
	if (rc != RC_OK || (rc = create(rq, &g)) != RC_OK)
		return rc;
	put_group(&w, rq->arena, &g);
	rs->status = 201;
	return RC_OK;
}

/* Handlers that hear that the group is gone let everybody go; what Redis has of its members is put right as far as time
 * allows, the rest of it by the archiver. */
static void
mirror_end(const struct req *rq, const char *group, const struct db_rows *members)
{
	const struct chat_app *app = rq->app;
	enum rc rc = mirror_group(app->db, app->cache, app->bus, rq->deadline, rq->arena, group);

	for (int i = 0; i < members->n && rc == RC_OK; i++)
		rc = mirror_user(
		    app->db, app->cache, app->bus, rq->deadline, rq->arena, db_text(members, i, 0));
}

enum rc
rooms_delete(struct req *rq, struct res *rs)
{
	const struct chat_app *app = rq->app;
	const struct db_rows *members;
	struct rights r;
	struct room room;
	const char *name = room.name;
	enum rc rc = rights_of_path(rq, &room, &r);

	if (rc != RC_OK || (rc = rights_to_moderate(rq, &r)) != RC_OK)
		return rc;
	rc = db_query(app->db, rq->deadline, rq->arena, SQL_ROOM_DELETE, &name, &members);
	if (rc != RC_OK)
		return rc;
	mirror_end(rq, name, members);
	rs->status = 204;
	return RC_OK;
}
