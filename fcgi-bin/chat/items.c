/* SPDX-License-Identifier: ISC
 *
 * Items of the log, out of the archive.
 */
#include "items.h"

#include "base/str.h"
#include "web/response.h"

#include <string.h>

#define ITEM_MAX \
	32768 /* bytes that an item may have: 4000 characters, each escaped, and the rest */

/* Columns of the queries. */
enum { EPOCH, SEQ, KIND, FROM, BODY, MID, SENT, EDITED, DELETED, ABOUT, UNTIL, SITE, ARCHIVED };

static const char *
digits(struct arena *a, const char *text, size_t len)
{
	int64_t n;
	char *copy = arena_strndup(a, text, len);

	return copy != NULL && str_to_int(copy, &n) && n >= 0 ? copy : NULL;
}

enum rc
place_read(struct req *rq, const char *name, struct place *out)
{
	const char *text = request_value(rq, name)->text;
	const char *dash = strchr(text, '-');

	*out = (struct place){ 0 };
	if (dash != NULL)
		out->epoch = digits(rq->arena, text, (size_t)(dash - text));
	text = dash != NULL ? dash + 1 : text;
	out->seq = digits(rq->arena, text, strlen(text));
	return out->seq != NULL && (dash == NULL || out->epoch != NULL)
		   ? RC_OK
		   : request_reject(rq, name, "is neither a place in the log nor what next was");
}

int
items_limit(const struct req *rq)
{
	const struct value *limit = request_value(rq, "limit");

	return limit->given ? (int)limit->i : ITEMS_DEFAULT;
}

bool
items_fits(const struct jsonw *w, const struct db_rows *rows, int i, int limit)
{
	return i < rows->n && db_text(rows, i, EPOCH) != NULL && i < limit &&
	       w->out->len < RESPONSE_BODY_MAX - ITEM_MAX;
}

static void
put_message(struct jsonw *w, const struct db_rows *rows, int i)
{
	jsonw_string(w, "body", db_text(rows, i, BODY));
	if (db_text(rows, i, EDITED) != NULL)
		jsonw_time_ms(w, "edited_at", db_int(rows, i, EDITED));
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

void
items_put(struct jsonw *w, const char *name, const char *room, const struct db_rows *rows, int i)
{
	const char *kind = db_text(rows, i, KIND);

	jsonw_object(w, name);
	jsonw_string(w, "room", room);
	jsonw_string(w, "epoch", db_text(rows, i, EPOCH));
	jsonw_int(w, "seq", db_int(rows, i, SEQ));
	jsonw_string(w, "kind", kind);
	jsonw_string(w, "from", db_text(rows, i, FROM));
	jsonw_string(w, "mid", db_text(rows, i, MID));
	jsonw_time_ms(w, "sent_at", db_int(rows, i, SENT));
	if (strcmp(kind, "message") == 0)
		put_message(w, rows, i);
	else
		put_sanction(w, rows, i);
	jsonw_end(w);
}

/* What is not an item is the one row that there always is. */
void
items_end(struct jsonw *w, struct arena *a, const struct db_rows *rows, int n)
{
	bool more = n > 0 && n < rows->n;

	jsonw_string(w, "next",
	    more ? arena_printf(a, "%s-%s", db_text(rows, n - 1, EPOCH), db_text(rows, n - 1, SEQ))
		 : NULL);
	jsonw_string(w, "archived", db_text(rows, 0, ARCHIVED));
}
