/* SPDX-License-Identifier: ISC
 *
 * The weather of cities, as the ingest publishes it: at once from Redis, then each change from NATS.
 */
#ifndef CUACA_CHAT_WATCH_H
#define CUACA_CHAT_WATCH_H

#include "drivers/live.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

#define SLUG_SIZE 65

struct conn;

struct watch {
	struct watch *next;
	char city[SLUG_SIZE];
};

/* The requests watch and unwatch. */
void watch_begin(struct conn *c, const cJSON *o, const char *id);
void watch_end(struct conn *c, const cJSON *o, const char *id);

/* News of a city have arrived. */
void watch_take(struct conn *c, const struct live_msg *m);

/* News may have been missed: tell of all cities again. False: Redis is away, nothing was told. */
bool watch_again(struct conn *c);

/* Forget all. */
void watch_free(struct conn *c);

#endif
