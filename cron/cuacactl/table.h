/* SPDX-License-Identifier: ISC
 *
 * Text in columns, aligned by how wide it is on a screen: é takes one place there, 東 two.
 */
#ifndef CUACA_TABLE_H
#define CUACA_TABLE_H

#include "base/arena.h"

#include <stdbool.h>

#define TABLE_COLUMNS 16

struct column {
	const char *title; /* NULL in all columns: no line of titles */
	bool right; /* numbers stand at the right */
};

struct table;

/* An empty table of so many columns, which are kept. NULL without memory, which the other functions accept. */
struct table *table_new(struct arena *a, int ncolumns, const struct column columns[]);

/* The next cell, from left to right and top to bottom. Control characters become "?". */
void table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Print it on standard output; the exit code. On a terminal the titles are bold, unless NO_COLOR is set. */
int table_print(const struct table *t);

#endif
