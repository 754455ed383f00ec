/* SPDX-License-Identifier: ISC
 *
 * What was said in a room, out of the archive: the last moments may be missing, which the log and the protocol's "after"
 * are for.
 */
#include "chat.h"
#include "rights.h"

#include "base/jsonw.h"
#include "base/str.h"

#include <string.h>

#define LIMIT_DEFAULT 50
#define ITEM_MAX \
	32768 /* bytes that an item may have: 4000 characters, each escaped, and the rest */

/* Columns of the four queries. */
enum { EPOCH, SEQ, KIND, USERNAME, BODY, MID, SENT_AT, EDITED_AT, DELETED, ABOUT, UNTIL, SITE };

/* What is asked for. */
struct question {
	struct room room;
	const char *epoch, *seq; /* the place that the page is before or after; NULL: none */
	bool forward; /* after it, the oldest first */
	int limit;
	const char *words; /* to look for; NULL: all */
};

static const char *
digits(struct arena *a, const char *text, size_t len)
{
	int64_t n;
	char *copy = arena_strndup(a, text, len);

	return copy != NULL && str_to_int(copy, &n) && n >= 0 ? copy : NULL;
}

/* "41", or "<epoch>-41" as next has it. */
static enum rc
read_place(struct req *rq, const char *name, struct question *q)
{
	const char *text = request_value(rq, name)->text;
	const char *dash = strchr(text, '-');

	if (dash != NULL)
		q->epoch = digits(rq->arena, text, (size_t)(dash - text));
	text = dash != NULL ? dash + 1 : text;
	q->seq = digits(rq->arena, text, strlen(text));
	return q->seq != NULL && (dash == NULL || q->epoch != NULL)
		   ? RC_OK
		   : request_reject(rq, name, "is neither a place in the log nor what next was");
}

static enum rc
read_question(struct req *rq, struct question *q)
{
	const struct value *limit = request_value(rq, "limit"),
			   *before = request_value(rq, "before");
	const struct chat_user *u = rq->user;

	*q = (struct question){ .forward = request_value(rq, "after")->given,
		.limit = limit->given ? (int)limit->i : LIMIT_DEFAULT,
		.words = request_value(rq, "q")->text };
	if (!room_parse_as(request_value(rq, "room")->text, u->name, &q->room))
		return request_reject(
		    rq, "room", "must be broadcast, group.<name> or private.<name of the other>");
	if (before->given && q->forward)
		return request_reject(rq, "after", "cannot be combined with before");
	if (!before->given && !q->forward)
		return RC_OK;
	return read_place(rq, q->forward ? "after" : "before", q);
}

static enum rc
find_items(const struct req *rq, const struct question *q, const struct db_rows **rows)
{
	static const enum sql queries[2][2] = { { SQL_HISTORY_BEFORE, SQL_HISTORY_AFTER },
		{ SQL_SEARCH_BEFORE, SQL_SEARCH_AFTER } };
	const struct chat_app *app = rq->app;
	const struct chat_user *u = rq->user;
	char since[STR_INT], limit[STR_INT];
	const char *argv[] = { q->room.text, q->epoch, q->seq, u->name,
		str_from_int(u->token.since, since), str_from_int(q->limit + 1, limit), q->words };

	return db_query(
	    app->db, rq->deadline, rq->arena, queries[q->words != NULL][q->forward], argv, rows);
}

static void
put_message(struct jsonw *w, const struct db_rows *rows, int i)
{
	jsonw_string(w, "body", db_text(rows, i, BODY));
	if (db_text(rows, i, EDITED_AT) != NULL)
		jsonw_time_ms(w, "edited_at", db_int(rows, i, EDITED_AT));
	jsonw_bool(w, "deleted", db_bool(rows, i, DELETED));
}

static void
put_sanction(struct jsonw *w, const struct db_rows *rows, int i)
{
	jsonw_string(w, "user", db_text(rows, i, ABOUT));
	if (db_text(rows, i, UNTIL) != NULL)
		jsonw_time(w, "until", db_int(rows, i, UNTIL));
	else
		jsonw_string(w, "until", NULL);
	jsonw_bool(w, "site", db_bool(rows, i, SITE));
}

static void
put_item(struct jsonw *w, const struct question *q, const struct db_rows *rows, int i)
{
	const char *kind = db_text(rows, i, KIND);

	jsonw_object(w, NULL);
	jsonw_string(w, "room", q->room.text);
	jsonw_string(w, "epoch", db_text(rows, i, EPOCH));
	jsonw_int(w, "seq", db_int(rows, i, SEQ));
	jsonw_string(w, "kind", kind);
	jsonw_string(w, "from", db_text(rows, i, USERNAME));
	jsonw_string(w, "mid", db_text(rows, i, MID));
	jsonw_time_ms(w, "sent_at", db_int(rows, i, SENT_AT));
	if (strcmp(kind, "message") == 0)
		put_message(w, rows, i);
	else
		put_sanction(w, rows, i);
	jsonw_end(w);
}

/* A page is full when it has as many items as were asked for, or no room for another. */
static void
put_page(struct jsonw *w, struct arena *a, const struct question *q, const struct db_rows *rows)
{
	int n = 0;

	jsonw_object(w, NULL);
	jsonw_string(w, "room", q->room.text);
	jsonw_array(w, "items");
	for (; n < rows->n && n < q->limit && w->out->len < RESPONSE_BODY_MAX - ITEM_MAX; n++)
		put_item(w, q, rows, n);
	jsonw_end(w);
	jsonw_string(w, "next",
	    n < rows->n
		? arena_printf(a, "%s-%s", db_text(rows, n - 1, EPOCH), db_text(rows, n - 1, SEQ))
		: NULL);
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
