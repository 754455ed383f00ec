/* SPDX-License-Identifier: ISC
 *
 * The URLs of what is asked: with the key unless it is NULL or empty, in the arena. NULL where the setting is no URL.
 */
#ifndef CUACA_INGEST_ASK_H
#define CUACA_INGEST_ASK_H

#include "plan.h"

/* The current weather or the forecasts of a batch, from open_meteo_url. */
const char *ask_url(
    struct arena *a, const struct settings *s, const struct batch *b, const char *key);

/* The hours of a place from the UTC day that from is in to the day that last is in, itself included, from
 * open_meteo_archive_url. */
const char *ask_past_url(struct arena *a, const struct settings *s, const struct place *pl,
    int64_t from, int64_t last, const char *key);

#endif
