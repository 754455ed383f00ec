/* SPDX-License-Identifier: ISC
 *
 * The circuit breaker around the upstream: too many failures within a time, and nothing is asked for a while; then
 * a few trial calls decide. The state machine knows no clock; the state outlives the run in Redis, as the hash
 * breaker:open-meteo, and in a file for when Redis is away or has forgotten. The archive is another host: it has
 * a breaker of its own.
 */
#ifndef CUACA_INGEST_BREAKER_H
#define CUACA_INGEST_BREAKER_H

#include "base/arena.h"
#include "run.h"

#define BREAKER_LIVE "open-meteo"
#define BREAKER_ARCHIVE "open-meteo-archive"
#define BREAKER_REASON 64

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN, BREAKER__MAX };

struct breaker {
	const char *name; /* one of the above */
	enum breaker_state state;
	int64_t failures, since; /* closed: so many from then on, within the window */
	int64_t trials; /* half-open: good calls so far */
	int64_t opened_at, until; /* open: from when to when */
	int64_t changed_at; /* of two records the later one counts */
	char reason[BREAKER_REASON]; /* what opened it last */
};

/* Whether a call may be made at UNIX time now. An open breaker whose time is over becomes half-open. */
bool breaker_allows(struct breaker *b, int64_t now);

/* What became of a call. */
void breaker_succeed(struct breaker *b, const struct settings *s, int64_t now);
void breaker_fail(struct breaker *b, const struct settings *s, int64_t now, const char *reason);

/* Open until a certain time, whatever the count. */
void breaker_trip(struct breaker *b, int64_t now, int64_t until, const char *reason);

const char *breaker_state_name(enum breaker_state state);

/* Take over the state that another call left, where that is later; scratch memory from the arena. */
void breaker_load(struct breaker *b, struct run *r, struct arena *a);

/* Keep the state, and log it where it is another than before. */
void breaker_save(const struct breaker *b, enum breaker_state before, struct run *r);

#endif
