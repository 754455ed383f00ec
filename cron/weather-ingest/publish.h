/* SPDX-License-Identifier: ISC
 *
 * Last step: tell the rest of Cuaca. The bodies of the API's answers go into Redis, so that no request has
 * to ask PostgreSQL, and out on NATS as weather.updated.<slug>; the first page of a city's history leaves Redis.
 */
#ifndef CUACA_INGEST_PUBLISH_H
#define CUACA_INGEST_PUBLISH_H

#include "base/arena.h"
#include "run.h"
#include "weather/current.h"
#include "weather/forecast.h"

struct publisher;

/* NULL without memory. publisher_close() it. */
struct publisher *publisher_open(struct run *r);
void publisher_close(struct publisher *p);

/* Publish what was stored of one batch. PostgreSQL has the truth, so a peer that is away is logged, noted in
 * the tally and left alone for the rest of the run, and that is all. Scratch memory from the arena. */
void publish_batch(struct publisher *p, struct arena *a, int n, const struct current fresh[]);

/* The body of a forecast into Redis. */
void publish_forecast(struct publisher *p, struct arena *a, const struct forecast *f);

#endif
