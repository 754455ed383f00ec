/* SPDX-License-Identifier: ISC
 *
 * PostgreSQL: the named statements of sql/queries, prepared on first use, on two bounded pools of
 * connections: the primary for writing, the replicas (or the primary again) for reading.
 */
#ifndef CUACA_DB_H
#define CUACA_DB_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/rc.h"
#include "base/settings.h"
#include "sql.h" /* generated: enum sql, stmts[] */

#include <stdbool.h>

struct db;

/* A result, all text, in the arena of the query. */
struct db_rows {
	int n, columns;
	char **values; /* row by row; NULL where SQL says NULL */
};

/* Nothing is connected yet. program is the application_name that PostgreSQL shows; statement_timeout in
 * milliseconds is the server's own limit. s must outlive the result. NULL without memory. db_close() it. */
struct db *db_open(const struct settings *s, const char *program, int64_t statement_timeout);
void db_close(struct db *db);

/* Run statement id with stmts[id].nargs text arguments (NULL is SQL NULL), alone in its transaction. *rows
 * and all in it live in the arena. A lost connection is tried again once, for statements that only read.
 * RC_DOWN: PostgreSQL is away or going down; RC_BUSY: the deadline passed or no connection came free;
 * RC_INVALID: PostgreSQL refused the arguments; RC_CONFLICT: a constraint. All are logged here. */
enum rc db_query(struct db *db, struct deadline d, struct arena *a, enum sql id,
    const char *const argv[], const struct db_rows **rows);

/* The text at a row and column, NULL where SQL says NULL. */
const char *db_text(const struct db_rows *rows, int row, int column);

/* The same as a number, NAN for NULL; an integer, 0 for NULL; a boolean, false for NULL. */
double db_num(const struct db_rows *rows, int row, int column);
int64_t db_int(const struct db_rows *rows, int row, int column);
bool db_bool(const struct db_rows *rows, int row, int column);

#endif
