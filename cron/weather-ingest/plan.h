/* SPDX-License-Identifier: ISC
 *
 * First step: which places are asked for what, in which requests, at what price, and why no more.
 */
#ifndef CUACA_INGEST_PLAN_H
#define CUACA_INGEST_PLAN_H

#include "run.h"
#include "weather/budget.h"
#include "weather/city.h"

/* In the order in which they are asked for. */
enum ask {
	ASK_CURRENT, /* current weather of tracked places */
	ASK_DEMAND, /* of places on demand */
	ASK_FORECAST, /* forecasts of either */
	ASK__MAX
};

extern const char *const ask_names[ASK__MAX];

struct place {
	const char *id; /* cities.id, as text */
	struct city city;
	double requests; /* of late */
	int64_t collected_at, forecast_at; /* 0: never */
	int every_runs; /* it is collected in one of so many */
};

struct list {
	const struct place **places;
	int n;
	int batch; /* so many in a request */
};

struct plan {
	struct place *places; /* all that are served */
	int n;
	struct budget budget;
	struct list lists[ASK__MAX];
};

/* Some places of a list: one request. */
struct batch {
	enum ask ask;
	int number; /* from 1 */
	const struct place *const *places;
	int n;
	double weight;
	double reserve, reserve_retry; /* of the day's quota that belongs to others; to a retry */
};

/* The served places and what the day's quota has left for them, nothing chosen yet. All of it lives in the arena. */
enum rc plan_load(struct plan *p, struct run *r, double day_left, struct arena *a);

/* Choose what this run asks for. Only the city called slug where that is not NULL, whatever its pace; RC_NOTFOUND,
 * logged: it is not served. */
enum rc plan_choose(struct plan *p, struct run *r, struct arena *a, const char *slug);

/* Let the API know how often each place is to be collected. Scratch memory from the arena. */
enum rc plan_keep_paces(const struct plan *p, struct run *r, struct arena *a);

int plan_batches(const struct plan *p, enum ask ask);

/* The batch number i, from 0. */
struct batch plan_batch(const struct plan *p, enum ask ask, int i);

/* What a request for n places weighs in the upstream's quota. */
double plan_weight(enum ask ask, int n);

/* The arithmetic, and what would be asked, on standard output; keys left out. Memory from scratch. */
enum rc plan_print(const struct plan *p, const struct run *r, struct arena *scratch);

#endif
