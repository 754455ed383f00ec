/* SPDX-License-Identifier: ISC
 *
 * The circuit breaker as weather-ingest leaves it: the hash breaker:open-meteo in Redis or, for when Redis is
 * away, a file in state_dir. Only read here.
 */
#ifndef CUACA_BREAKER_H
#define CUACA_BREAKER_H

#include "ctl.h"

struct breaker_view {
	const char *
	    state; /* "closed", "open", "half-open"; "unknown" where both records are out of reach */
	const char *reason; /* what opened it last; NULL where it never was */
	int64_t until; /* open: UNIX time from which trial calls are let through; otherwise 0 */
};

/* All in the arena. */
struct breaker_view breaker_look(struct ctl *ctl);

#endif
