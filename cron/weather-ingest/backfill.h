/* SPDX-License-Identifier: ISC
 *
 * weather-ingest --backfill: hours of the past from Open-Meteo's archive, for places that have none.
 */
#ifndef CUACA_INGEST_BACKFILL_H
#define CUACA_INGEST_BACKFILL_H

#include "collect.h"

struct backfill {
	int64_t from, to; /* UTC midnights; to is the first that is left out */
	const char *city; /* NULL: all that are served */
	bool dry_run;
};

/* The exit code. What is there already is not asked for again, so it goes on where it was stopped. Memory for the
 * places from the arena. */
int backfill_run(const struct backfill *bf, struct collector *c, struct arena *a);

#endif
