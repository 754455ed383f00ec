/* SPDX-License-Identifier: ISC
 *
 * First step: which places are asked for, in which requests, at what price.
 */
#ifndef CUACA_INGEST_PLAN_H
#define CUACA_INGEST_PLAN_H

#include "drivers/db.h"
#include "run.h"
#include "weather/city.h"

struct place {
	const char *id; /* cities.id, as text */
	struct city city;
};

struct plan {
	const struct place *places;
	int n;
	int batch_size;
};

/* Some places next to each other: one request. */
struct batch {
	int number; /* from 1 */
	const struct place *places;
	int n;
};

/* The tracked places, or only the one called slug where that is not NULL. All of it lives in the arena.
 * RC_NOTFOUND, logged: slug is no tracked city. */
enum rc plan_load(
    struct plan *p, const struct run *r, struct db *db, struct arena *a, const char *slug);

int plan_batches(const struct plan *p);

/* The batch number i, from 0. */
struct batch plan_batch(const struct plan *p, int i);

/* What a request for n places weighs in the upstream's quota. */
int plan_weight(int n);

/* What would be asked, on standard output; keys left out. Memory from scratch. */
enum rc plan_print(const struct plan *p, const struct settings *s, struct arena *scratch);

#endif
