/* SPDX-License-Identifier: ISC
 *
 * A batch from the request to Redis: fetch, check, store and publish, one after the other.
 */
#ifndef CUACA_INGEST_COLLECT_H
#define CUACA_INGEST_COLLECT_H

#include "base/arena.h"
#include "fetch.h"
#include "plan.h"
#include "publish.h"
#include "run.h"

struct collector {
	struct run *run;
	struct upstream *upstream;
	struct publisher *publisher;
	struct arena *memory; /* for one batch, reset by whoever calls */
};

/* The lock that keeps two runs apart. RC_CONFLICT, logged: another run has it. */
enum rc collect_lock(struct collector *c);

/* All of the plan's batches. What becomes of them is in the run's tally. */
void collect_all(struct collector *c, const struct plan *p);

#endif
