/* SPDX-License-Identifier: ISC
 *
 * With whom one has talked in private, and what was said last, so that who was away learns of it.
 */
#include "chat.h"
#include "items.h"

#include "base/jsonw.h"
#include "base/str.h"
#include "chat/room.h"

#define PARTNER ITEM_COLUMNS

static enum rc
find_conversations(struct req *rq, int limit, const struct db_rows **rows)
{
	const struct chat_app *app = rq->app;
	const struct chat_user *u = rq->user;
	struct place after = { 0 };
	char since[STR_INT], most[STR_INT];
	enum rc rc = request_value(rq, "after")->given ? place_read(rq, "after", &after) : RC_OK;
	const char *argv[] = { u->name, str_from_int(u->token.since, since), after.epoch, after.seq,
		str_from_int(limit + 1, most) };

	return rc == RC_OK
		   ? db_query(app->db, rq->deadline, rq->arena, SQL_CONVERSATIONS, argv, rows)
		   : rc;
}

static void
put_conversation(
    struct jsonw *w, struct arena *a, const char *me, const struct db_rows *rows, int i)
{
	const char *with = db_text(rows, i, PARTNER);
	const char *text = arena_printf(a, "private.%s", with);
	struct room room;

	if (text == NULL || !room_parse_as(text, me, &room))
		return; /* no such name is ever archived */
	jsonw_object(w, NULL);
	jsonw_string(w, "room", room.text);
	jsonw_string(w, "with", with);
	items_put(w, "last", room.text, rows, i);
	jsonw_end(w);
}

enum rc
chat_conversations(struct req *rq, struct res *rs)
{
	const struct chat_user *u = rq->user;
	struct jsonw w = JSONW_INIT(&rs->body);
	const struct db_rows *rows;
	int n = 0, limit = items_limit(rq);
	enum rc rc = find_conversations(rq, limit, &rows);

	if (rc != RC_OK)
		return rc;
	jsonw_object(&w, NULL);
	jsonw_array(&w, "items");
	for (; items_fits(&w, rows, n, limit); n++)
		put_conversation(&w, rq->arena, u->name, rows, n);
	jsonw_end(&w);
	items_end(&w, rq->arena, rows, n);
	jsonw_end(&w);
	return RC_OK;
}
