/* SPDX-License-Identifier: ISC
 *
 * One statement says it all.
 */
#include "rights.h"

#include "chat.h"

/* Columns of the query room_rights. */
enum { KNOWN, PUBLIC, OWNER, MEMBER, ADMIN, BANNED };

enum rc
rights_read(struct req *rq, const struct room *room, struct rights *out)
{
	const struct chat_app *app = rq->app;
	const struct chat_user *u = rq->user;
	const char *argv[] = { room->text, u->name };
	const struct db_rows *rows;
	enum rc rc = db_query(app->db, rq->deadline, rq->arena, SQL_ROOM_RIGHTS, argv, &rows);

	if (rc != RC_OK)
		return rc;
	if (!db_bool(rows, 0, KNOWN))
		return request_refuse(rq, RC_NOTFOUND, "there is no such room");
	if (db_bool(rows, 0, BANNED))
		return request_refuse(rq, RC_DENIED, "you are banned from this room");
	*out = (struct rights){
		.public = db_bool(rows, 0, PUBLIC),
		.owner = db_bool(rows, 0, OWNER),
		.member = db_bool(rows, 0, MEMBER),
		.admin = db_bool(rows, 0, ADMIN),
	};
	return RC_OK;
}

enum rc
rights_of_path(struct req *rq, struct room *room, struct rights *out)
{
	const char *text = arena_printf(rq->arena, "group.%s", rq->segment);

	if (text == NULL)
		return RC_NOMEM;
	if (!room_parse(text, room))
		return request_refuse(rq, RC_NOTFOUND, "there is no such room");
	return rights_read(rq, room, out);
}

enum rc
rights_to_read(struct req *rq, const struct rights *r)
{
	return r->public || r->member
		   ? RC_OK
		   : request_refuse(rq, RC_DENIED, "this room is for its members");
}

enum rc
rights_to_moderate(struct req *rq, const struct rights *r)
{
	return r->owner || r->admin ? RC_OK
				    : request_refuse(rq, RC_DENIED,
					  "this is for the owner of the room and for admins");
}
