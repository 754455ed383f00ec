/* SPDX-License-Identifier: ISC
 *
 * What the commands of cuacactl work with, and how they say what went wrong.
 */
#ifndef CUACA_CTL_H
#define CUACA_CTL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/settings.h"
#include "drivers/db.h"

#include <stdbool.h>
#include <stdint.h>

#define CTL_OUTPUT_MAX (64 << 20) /* bytes of JSON that a command prints at most */

/* The options of commands; a command's row says which it takes. */
enum {
	OPT_JSON = 1,
	OPT_FORCE = 2,
	OPT_LIMIT = 4,
	OPT_RATE = 8,
	OPT_ROOM = 16,
	OPT_FOR = 32,
	OPT_REASON = 64,
};

struct ctl {
	const struct settings *settings;
	struct db *db;
	struct arena *arena;
	int64_t now;
	bool caller_logs_in; /* PGUSER is the caller's choice, not ours */

	unsigned options; /* those given */
	int64_t limit, rate; /* 0: not given */
	int64_t seconds; /* --for; 0: not given */
	const char *room, *reason; /* NULL: not given */
	int argc; /* operands after the command's name */
	char **argv;
};

/* db_query() with this program's patience. */
enum rc ctl_query(
    struct ctl *ctl, enum sql id, const char *const argv[], const struct db_rows **rows);

/* An integer as an argument of a query, in the arena; NULL without memory, which is SQL's NULL. */
const char *ctl_int(struct ctl *ctl, int64_t v);

/* "cuacactl: ..." and a newline on standard error. */
void ctl_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Say why a query failed, as far as the driver's log line left that open; the exit code for it. */
int ctl_failed(enum rc rc);

/* After the last output: whether it got to where it goes, as an exit code. */
int ctl_written(void);

/* Print JSON that is complete, and free it; the exit code. */
int ctl_print(struct buf *json);

#endif
