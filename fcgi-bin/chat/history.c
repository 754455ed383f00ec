/* SPDX-License-Identifier: ISC
 *
 * What was said in a room, out of the archive: the last moments may be missing, which the log and the protocol's "after"
 * are for.
 */
#include "chat.h"
#include "items.h"
#include "rights.h"

#include "base/jsonw.h"
#include "base/str.h"

/* What is asked for. */
struct question {
	struct room room;
	struct place place; /* that the page is before or after */
	bool forward; /* after it, the oldest first */
	int limit;
	const char *words; /* to look for; NULL: all */
};

static enum rc
read_question(struct req *rq, struct question *q)
{
	bool backward = request_value(rq, "before")->given;
	const struct chat_user *u = rq->user;

	*q = (struct question){ .forward = request_value(rq, "after")->given,
		.limit = items_limit(rq),
		.words = request_value(rq, "q")->text };
	if (!room_parse_as(request_value(rq, "room")->text, u->name, &q->room))
		return request_reject(
		    rq, "room", "must be broadcast, group.<name> or private.<name of the other>");
	if (backward && q->forward)
		return request_reject(rq, "after", "cannot be combined with before");
	if (!backward && !q->forward)
		return RC_OK;
	return place_read(rq, q->forward ? "after" : "before", &q->place);
}

static enum rc
find_items(const struct req *rq, const struct question *q, const struct db_rows **rows)
{
	static const enum sql queries[2][2] = { { SQL_HISTORY_BEFORE, SQL_HISTORY_AFTER },
		{ SQL_SEARCH_BEFORE, SQL_SEARCH_AFTER } };
	const struct chat_app *app = rq->app;
	const struct chat_user *u = rq->user;
	char since[STR_INT], limit[STR_INT];
	const char *argv[] = { q->room.text, q->place.epoch, q->place.seq, u->name,
		str_from_int(u->token.since, since), str_from_int(q->limit + 1, limit), q->words };

	return db_query(
	    app->db, rq->deadline, rq->arena, queries[q->words != NULL][q->forward], argv, rows);
}

static void
put_page(struct jsonw *w, struct arena *a, const struct question *q, const struct db_rows *rows)
{
	int n = 0;

	jsonw_object(w, NULL);
	jsonw_string(w, "room", q->room.text);
	jsonw_array(w, "items");
	for (; items_fits(w, rows, n, q->limit); n++)
		items_put(w, NULL, q->room.text, rows, n);
	jsonw_end(w);
	items_end(w, a, rows, n);
	jsonw_end(w);
}

enum rc
chat_history(struct req *rq, struct res *rs)
{
	struct jsonw w = JSONW_INIT(&rs->body);
	const struct db_rows *rows;
	struct question q;
	struct rights r;
	enum rc rc = read_question(rq, &q);

	if (rc != RC_OK || (rc = rights_read(rq, &q.room, &r)) != RC_OK ||
	    (rc = rights_to_read(rq, &r)) != RC_OK || (rc = find_items(rq, &q, &rows)) != RC_OK)
		return rc;
	put_page(&w, rq->arena, &q, rows);
	return RC_OK;
}
