/* SPDX-License-Identifier: ISC
 *
 * Pages by the last name of the one before.
 */
#include "page.h"

struct page
page_read(const struct req *rq)
{
	const struct value *after = request_value(rq, "after"), *limit = request_value(rq, "limit");
	struct page p = { .after = after->given ? after->text : "",
		.limit = limit->given ? (int)limit->i : PAGE_DEFAULT };

	str_from_int(p.limit + 1, p.rows);
	return p;
}

int
page_fits(const struct page *p, const struct db_rows *rows)
{
	return rows->n < p->limit ? rows->n : p->limit;
}

void
page_next(struct jsonw *w, const struct page *p, const struct db_rows *rows)
{
	jsonw_string(w, "next", rows->n > p->limit ? db_text(rows, p->limit - 1, 0) : NULL);
}
