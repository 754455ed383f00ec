/* SPDX-License-Identifier: ISC
 *
 * Fourth step: the good observations of a batch into PostgreSQL, all or none.
 */
#ifndef CUACA_INGEST_STORE_H
#define CUACA_INGEST_STORE_H

#include "drivers/db.h"
#include "run.h"
#include "weather/current.h"

/* Insert or replace the rows of n cities, of which ids has cities.id as text. collected_at and source must be
 * the same for all. When it fails the old rows are as they were. Scratch memory from the arena. */
enum rc store_batch(const struct run *r, struct db *db, struct arena *a, int n,
    const char *const ids[], const struct current fresh[]);

#endif
