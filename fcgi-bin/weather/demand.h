/* SPDX-License-Identifier: ISC
 *
 * Which cities are asked for, and how often: what the ingest spends the quota by. Requests are counted in the process;
 * a thread adds them up in Redis, so that no request waits for it.
 */
#ifndef CUACA_DEMAND_H
#define CUACA_DEMAND_H

#include "drivers/cache.h"

struct demand;

/* Starts the thread; c must outlive it. NULL without memory or a thread. demand_end() it. */
struct demand *demand_begin(struct cache *c);

/* One more request for the city of this slug, which has to be one of the gazetteer: there is a limit to how many are
 * counted at a time, and what is beyond it is not. */
void demand_note(struct demand *dm, const char *slug);

/* Tell Redis what it was not told yet, and end. */
void demand_end(struct demand *dm);

#endif
