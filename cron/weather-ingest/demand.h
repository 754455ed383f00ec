/* SPDX-License-Identifier: ISC
 *
 * Cities that somebody asks for and that are not tracked. The API counts requests in Redis, as the sorted set
 * demand:cities; here they move to PostgreSQL, and the most wanted cities are served as far as the quota's spare
 * carries. They fade when nobody asks for a while.
 */
#ifndef CUACA_INGEST_DEMAND_H
#define CUACA_INGEST_DEMAND_H

#include "base/arena.h"
#include "run.h"

/* Move what Redis has counted to PostgreSQL. Scratch memory from the arena, here and below. */
void demand_collect(struct run *r, struct arena *a);

/* Serve the most wanted, up to most of them, and no others. *changed: the served places are not those they were. */
enum rc demand_decide(struct run *r, struct arena *a, int most, bool *changed);

#endif
