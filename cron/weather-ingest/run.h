/* SPDX-License-Identifier: ISC
 *
 * What the steps of one run share: its settings, its clock, its time budget and its tally, which ends up in
 * the last log line and the metrics file.
 */
#ifndef CUACA_INGEST_RUN_H
#define CUACA_INGEST_RUN_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/settings.h"
#include "check.h"
#include "drivers/cache.h"
#include "drivers/db.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Atomic, since the watchdog reads it from its own thread. Places neither stored nor refused have failed: they
 * were not answered, or not stored. */
struct tally {
	atomic_llong places, stored;
	atomic_llong refused; /* places whose answer was no good */
	atomic_llong forecasts, forecasts_stored;
	atomic_llong granted; /* places served on demand */
	atomic_llong left_out; /* tracked places that this run was not to collect */
	atomic_llong requests, retries;
	_Atomic double weight; /* of the upstream's quota, errors included */
	_Atomic double spent[3]; /* of it this minute, hour and day, other runs included */
	atomic_int breaker; /* enum breaker_state */
	atomic_llong refusals
	    [REFUSAL__MAX]; /* answers and single places, those that a retry mended included */
	atomic_bool redis_away, nats_away;
};

struct run {
	const struct settings *settings;
	struct db *db;
	struct cache *cache;
	bool locked; /* the lock of PostgreSQL is ours; it goes with the connection */
	bool now_given;
	int64_t given_now; /* --now: stands still, but for run_wait() */
	int64_t started_ms; /* on clock_mono_ms() */
	struct deadline deadline; /* the budget */
	struct tally tally;
};

void run_start(struct run *r, const struct settings *s, bool now_given, int64_t given_now);

/* UNIX seconds. */
int64_t run_now(const struct run *r);

/* Let so many seconds of the run's clock pass. */
void run_wait(struct run *r, int64_t seconds);

/* A time as the argument of a query, in the arena; NULL without memory. */
const char *run_time_text(struct arena *a, int64_t unix_s);

/* db_query() within ms and the budget. */
enum rc run_query(struct run *r, struct arena *a, int64_t ms, enum sql id, const char *const argv[],
    const struct db_rows **rows);

/* The deadline of one step: ms from now, never later than the run's. */
struct deadline run_within(const struct run *r, int64_t ms);

/* Places that were to be collected and are neither stored nor refused. */
long long run_failed_places(const struct run *r);

/* The summary line and the metrics file of a run that ends with exit code code. */
void run_report(const struct run *r, int code);

#endif
