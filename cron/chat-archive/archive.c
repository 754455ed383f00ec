/* SPDX-License-Identifier: ISC
 *
 * Queries in the memory of a step.
 */
#include "archive.h"

enum rc
archive_query(struct archive *ar, int64_t ms, enum sql id, const char *const argv[],
    const struct db_rows **rows)
{
	for (int i = 0; i < stmts[id].nargs; i++)
		if (argv[i] == NULL)
			return RC_NOMEM;
	return db_query(ar->db, deadline_in(ms), ar->memory, id, argv, rows);
}

const char *
archive_number(struct archive *ar, int64_t v)
{
	return arena_printf(ar->memory, "%lld", (long long)v);
}
