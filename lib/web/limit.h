/* SPDX-License-Identifier: ISC
 *
 * How often a client may ask. Requests are counted in Redis, by class of route: those with an API key against the
 * key's own rate, the others per address against rate_api. The count goes along with the request's first read, so
 * that it costs no round trip; where a key may ask often, some requests are counted ahead. While Redis is away nobody is
 * limited.
 */
#ifndef CUACA_LIMIT_H
#define CUACA_LIMIT_H

#include "base/settings.h"
#include "drivers/cache.h"
#include "drivers/db.h"
#include "web/request.h"

struct limiter {
	const struct settings *settings;
	struct cache *cache;
	struct db *db; /* has the keys */
};

/* The values of n keys of Redis, and the request counted on the way, unless it was already. Where Redis is away
 * all are missing, and it is RC_OK. RC_BUSY: over the limit, rq->limit says how far. RC_DENIED: no such API key.
 * RC_DOWN: whether there is such a key cannot be found out now. */
enum rc limit_read(struct req *rq, int n, const char *const keys[], struct cache_value values[]);

/* Count the request, unless it was already. Fails as above. */
enum rc limit_count(struct req *rq);

#endif
