/* SPDX-License-Identifier: ISC
 *
 * What the parts of the archiver share: its peers, its place in the log, and its tally.
 */
#ifndef CUACA_ARCHIVE_H
#define CUACA_ARCHIVE_H

#include "base/arena.h"
#include "base/settings.h"
#include "drivers/bus.h"
#include "drivers/cache.h"
#include "drivers/db.h"

#include <stdbool.h>
#include <stdint.h>

#define ARCHIVE_HOLDER 128

/* Since the start. */
struct tally {
	int64_t stored, batches;
	int64_t refused; /* messages of the log that are no events, or that PostgreSQL refuses */
	int64_t missing; /* places of the log that had gone before they were archived */
	int64_t mirrored; /* times the whole mirror was made anew */
};

struct archive {
	const struct settings *settings;
	struct db *db;
	struct cache *cache;
	struct bus *bus;
	struct arena *memory; /* for one step, reset before the next */
	char holder[ARCHIVE_HOLDER]; /* who we are to other archivers */

	bool mine; /* it is our turn to archive */
	unsigned generation; /* of the connection over which log and archive were compared */
	int64_t epoch; /* of the log */
	uint64_t next; /* the first event that is not archived */
	uint64_t last; /* of the log, when it was last asked */

	int64_t turn_at, mirror_at, touched_at, upkeep_at, report_at; /* on clock_mono_ms() */
	int64_t copied_at; /* the same: when Redis last got what was touched; 0: not yet */
	int64_t archived_at; /* UNIX seconds: when PostgreSQL last took a batch; 0: not yet */
	struct tally tally, reported; /* now, and in the last summary line */
};

/* db_query() in the step's memory, within ms. */
enum rc archive_query(struct archive *ar, int64_t ms, enum sql id, const char *const argv[],
    const struct db_rows **rows);

/* A number as an argument of a query. NULL without memory. */
const char *archive_number(struct archive *ar, int64_t v);

#endif
