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
	const char *data; /* NULL: the key is deleted */
	size_t len;
	int64_t ttl; /* seconds; 0: for ever */
};

/* A leaky bucket that requests are counted in. Its key goes by itself some time after it has run empty. */
struct cache_bucket {
	const char *key;
	const char *rate_key; /* the key that holds the rate; NULL: rate is given */
	int64_t
	    rate; /* requests a second; comes back as rate_key has it, -1 where there is no such key */
	int64_t burst; /* how many more may come at once */
	int64_t
	    left; /* comes back: how many may still come now; negative: one too many, room in so many ms */
	int64_t granted; /* comes back: how many were counted, this one and others ahead */
};

/* Nothing is connected yet. s must outlive the result. NULL without memory. cache_close() it. */
struct cache *cache_open(const struct settings *s);
void cache_close(struct cache *c);

/* The values of n keys in one round trip, copied into the arena. RC_OK even where all are missing. */
enum rc cache_get(struct cache *c, struct deadline d, struct arena *a, int n,
    const char *const keys[], struct cache_value values[]);

/* The same after counting one request in the bucket, still one round trip. Where rate_key has more than 1,000 a second,
 * those of a thousandth of a second are counted ahead. Where the rate comes back below 1, nothing was counted. n may
 * be 0. bucket is untouched unless it is RC_OK. */
enum rc cache_get_counted(struct cache *c, struct deadline d, struct arena *a,
    struct cache_bucket *bucket, int n, const char *const keys[], struct cache_value values[]);

/* The values of n fields of a hash. RC_OK even where all are missing. */
enum rc cache_hash_get(struct cache *c, struct deadline d, struct arena *a, const char *key, int n,
    const char *const fields[], struct cache_value values[]);

struct cache_score {
	const char *member;
	double score;
};

/* Add to the scores of n members of a sorted set, in one round trip. */
enum rc cache_rank(
    struct cache *c, struct deadline d, const char *key, int n, const struct cache_score add[]);

/* Give a member of a sorted set this score, unless its own is higher. */
enum rc cache_score_raise(
    struct cache *c, struct deadline d, const char *key, const char *member, int64_t score);

/* Store or delete n values in one round trip. */
enum rc cache_set(struct cache *c, struct deadline d, int n, const struct cache_item items[]);

/* Set n fields of a hash, which then lives for ttl seconds. */
enum rc cache_hash_set(struct cache *c, struct deadline d, const char *key, int n,
    const char *const fields[], const char *const values[], int64_t ttl);

/* Add the same number to n fields of a hash, which then lives for ttl seconds. Where the connection breaks it may
 * be added twice. */
enum rc cache_hash_add(struct cache *c, struct deadline d, const char *key, int n,
    const char *const fields[], double number, int64_t ttl);

struct cache_count {
	const char *key;
	int64_t n; /* comes back: how many it is now */
	int64_t left; /* comes back: seconds until it begins again at 0 */
};

/* Count 1 in each of n counters, which begin again window seconds after their first. One round trip. */
enum rc cache_count(
    struct cache *c, struct deadline d, int n, struct cache_count counts[], int64_t window);

/* Take the max highest members off a sorted set; nobody else gets them. */
enum rc cache_scores_take(struct cache *c, struct deadline d, struct arena *a, const char *key,
    int max, int *n, const struct cache_score **scores);

/* Run a Lua script. The first nkeys of the argc arguments are its keys. What it returns, a flat table of texts and
 * whole numbers, comes as texts in the arena. May run twice where the connection breaks. */
enum rc cache_script(struct cache *c, struct deadline d, struct arena *a, const char *script,
    int nkeys, int argc, const char *const argv[], int *n, const char ***out);

/* One PING. */
enum rc cache_ping(struct cache *c, struct deadline d);

#endif
