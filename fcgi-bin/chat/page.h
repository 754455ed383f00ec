/* SPDX-License-Identifier: ISC
 *
 * Lists by name, in pages: the parameters limit and after, and the member next.
 */
#ifndef CUACA_PAGE_H
#define CUACA_PAGE_H

#include "base/jsonw.h"
#include "base/str.h"
#include "drivers/db.h"
#include "web/request.h"

#define PAGE_DEFAULT 100

/* Which page is asked for, as the queries of lists take it: they are asked for one row more than fits. */
struct page {
	const char *after; /* "": the first */
	char rows[STR_INT]; /* how many to ask for */
	int limit;
};

struct page page_read(const struct req *rq);

/* How many of the rows are on this page. */
int page_fits(const struct page *p, const struct db_rows *rows);

/* "next": what after is for the next page, the first column of this one's last row; null on the last page. */
void page_next(struct jsonw *w, const struct page *p, const struct db_rows *rows);

#endif
