/* SPDX-License-Identifier: ISC
 *
 * What the steps of one run share: its settings, its clock, its time budget and its tally, which ends up in
 * the last log line and the metrics file.
 */
#ifndef CUACA_INGEST_RUN_H
#define CUACA_INGEST_RUN_H

#include "base/clock.h"
#include "base/settings.h"
#include "check.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Atomic, since the watchdog reads it from its own thread. Places neither stored nor refused have failed: they
 * were not answered, or not stored. */
struct tally {
	atomic_llong places, stored;
	atomic_llong refused; /* places whose answer was no good */
	atomic_llong requests, retries;
	atomic_llong weight; /* of the upstream's quota, errors included */
	atomic_llong refusals
	    [REFUSAL__MAX]; /* answers and single places, those that a retry mended included */
	atomic_bool redis_away, nats_away;
};

struct run {
	const struct settings *settings;
	bool now_given;
	int64_t given_now; /* --now: stands still */
	int64_t started_ms; /* on clock_mono_ms() */
	struct deadline deadline; /* the budget */
	struct tally tally;
};

void run_start(struct run *r, const struct settings *s, bool now_given, int64_t given_now);

/* UNIX seconds. */
int64_t run_now(const struct run *r);

/* The deadline of one step: ms from now, never later than the run's. */
struct deadline run_within(const struct run *r, int64_t ms);

/* The summary line and the metrics file of a run that ends with exit code code. */
void run_report(const struct run *r, int code);

#endif
