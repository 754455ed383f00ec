/* SPDX-License-Identifier: ISC
 *
 * One filler: threads that miss the same thing at the same time let one of them fetch it and share what it got.
 */
#ifndef CUACA_FLIGHT_H
#define CUACA_FLIGHT_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/rc.h"

#include <stddef.h>

struct flights;

/* What is known of the weather of a city. */
struct finding {
	enum { FOUND, UNKNOWN_CITY, NOT_TRACKED, NO_DATA_YET } kind;
	const char *body; /* FOUND: the answer's JSON */
	size_t len;
};

/* NULL without memory. */
struct flights *flights_new(void);
void flights_free(struct flights *f);

/* Run fill(arg, out) unless another thread runs one for the same key now: then wait for that one and copy what
 * it found into the arena. RC_BUSY where the deadline passes first, else what fill returned. */
enum rc flight_join(struct flights *f, const char *key, struct deadline d, struct arena *a,
    enum rc (*fill)(void *arg, struct finding *out), void *arg, struct finding *out);

#endif
