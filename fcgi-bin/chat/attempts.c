/* SPDX-License-Identifier: ISC
 *
 * Two counters in Redis, which begin again a minute after their first attempt, good ones and bad ones alike: who is
 * told that he may try again could otherwise find out which it was.
 */
#include "attempts.h"

#include "chat.h"

#include <inttypes.h>

#define WINDOW 60 /* seconds */
#define PER_ADDRESS 3 /* times what a name may have: several people may share one */

static enum rc
too_many(struct req *rq, const struct cache_count *c, int64_t most, const char *of)
{
	rq->limit = (struct limit_state){
		.counted = true, .over = true, .rate = most, .left = 0, .reset = c->left
	};
	return request_refuse(rq, RC_BUSY,
	    arena_printf(rq->arena,
		"more than %" PRId64 " attempts a minute %s; wait %" PRId64 " s", most, of,
		c->left));
}

enum rc
attempts_count(struct req *rq, const char *name)
{
	const struct chat_app *app = rq->app;
	int64_t most = app->settings->rate_login;
	struct cache_count c[2] = {
		{ .key = arena_printf(rq->arena, "ratelimit:%s:login", rq->address) },
		{ .key = arena_printf(rq->arena, "ratelimit:user-%s:login", name) },
	};

	if (c[0].key == NULL || c[1].key == NULL)
		return RC_NOMEM;
	if (cache_count(app->cache, rq->deadline, name != NULL ? 2 : 1, c, WINDOW) != RC_OK)
		return RC_OK;
	if (c[0].n > PER_ADDRESS * most)
		return too_many(rq, &c[0], PER_ADDRESS * most, "from one address");
	if (name != NULL && c[1].n > most)
		return too_many(rq, &c[1], most, "for one name");
	return RC_OK;
}
