/* SPDX-License-Identifier: ISC
 *
 * Redis: bytes under keys, each with a time to live. A failure of Redis is RC_DOWN and, for callers, a miss.
 */
#ifndef CUACA_CACHE_H
#define CUACA_CACHE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/rc.h"
#include "base/settings.h"

#include <stddef.h>

struct cache;

struct cache_value {
	const char *data; /* NULL: no such key */
	size_t len;
};

struct cache_item {
	const char *key;
	const char *data;
	size_t len;
	int64_t ttl; /* seconds, at least 1 */
};

/* Nothing is connected yet. s must outlive the result. NULL without memory. cache_close() it. */
struct cache *cache_open(const struct settings *s);
void cache_close(struct cache *c);

/* The values of n keys in one round trip, copied into the arena. RC_OK even where all are missing. */
enum rc cache_get(struct cache *c, struct deadline d, struct arena *a, int n,
    const char *const keys[], struct cache_value values[]);

/* Store n values in one round trip. */
enum rc cache_set(struct cache *c, struct deadline d, int n, const struct cache_item items[]);

/* One PING. */
enum rc cache_ping(struct cache *c, struct deadline d);

#endif
