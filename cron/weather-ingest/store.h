/* SPDX-License-Identifier: ISC
 *
 * Fourth step: what is good into PostgreSQL, all of a call or nothing. When one fails, the old rows are as they were.
 * Scratch memory from the arena.
 */
#ifndef CUACA_INGEST_STORE_H
#define CUACA_INGEST_STORE_H

#include "run.h"
#include "weather/current.h"
#include "weather/forecast.h"

/* Insert or replace the rows of n cities, of which ids has cities.id as text. collected_at and source must be
 * the same for all. */
enum rc store_batch(
    struct run *r, struct arena *a, int n, const char *const ids[], const struct current fresh[]);

/* The same for n hours of the past, where an hour has nothing yet; *stored is how many were new. */
enum rc store_past(struct run *r, struct arena *a, int n, const char *const ids[],
    const struct current past[], int64_t *stored);

/* Replace the forecast of the city whose cities.id is id. */
enum rc store_forecast(struct run *r, struct arena *a, const char *id, const struct forecast *f);

#endif
