/* SPDX-License-Identifier: ISC
 *
 * The rows of a query as they are: a table for people, {"items":[...]} for scripts.
 */
#ifndef CUACA_LIST_H
#define CUACA_LIST_H

#include "ctl.h"

enum list_type {
	LIST_TEXT,
	LIST_INT,
	LIST_BOOL,
	LIST_TIME, /* UNIX seconds */
	LIST_TIME_MS /* UNIX milliseconds */
};

/* A column of the query, in its order. NULL is null, and "-" in the table. */
struct list_column {
	const char *name; /* the member in JSON; NULL ends the columns */
	const char *title; /* above the table's column; NULL: it is not in the table */
	enum list_type type;
};

/* Print all rows; the exit code. */
int list_print(struct ctl *ctl, const struct db_rows *rows, const struct list_column columns[]);

#endif
