/* SPDX-License-Identifier: ISC
 *
 * A stack of idle connections under one lock: the last one used is the next one taken, so that quiet ones
 * grow old and can be closed.
 */
#include "drivers/pool.h"

#include "base/log.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define RETRY_MS 1000 /* how long an absent peer is left alone */

struct pool {
	const char *peer;
	int max, keep;
	void (*close_item)(void *);
	pthread_mutex_t lock;
	pthread_cond_t freed;
	int borrowed, nidle;
	bool away;
	int64_t away_until; /* on clock_mono_ms() */
	void *idle[];
};

struct pool *
pool_new(const char *peer, int max, int keep, void (*close_item)(void *))
{
	struct pool *p = calloc(1, sizeof(*p) + (size_t)max * sizeof(void *));
	pthread_condattr_t attr;

	if (p == NULL)
		return NULL;
	p->peer = peer;
	p->max = max;
	p->keep = keep;
	p->close_item = close_item;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->freed, &attr);
	pthread_condattr_destroy(&attr);
	return p;
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	pool_clear(p);
	pthread_cond_destroy(&p->freed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

enum rc
pool_take(struct pool *p, struct deadline d, void **item)
{
	struct timespec until = { d.at_ms / 1000, d.at_ms % 1000 * 1000000 };
	enum rc rc = RC_OK;

	*item = NULL;
	pthread_mutex_lock(&p->lock);
	while (p->borrowed == p->max && rc == RC_OK)
		if (pthread_cond_timedwait(&p->freed, &p->lock, &until) != 0 &&
		    p->borrowed == p->max)
			rc = RC_BUSY;
	if (rc == RC_OK && p->away && clock_mono_ms() < p->away_until)
		rc = RC_DOWN;
	if (rc == RC_OK) {
		p->borrowed++;
		if (p->nidle > 0)
			*item = p->idle[--p->nidle];
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

void
pool_give(struct pool *p, void *item)
{
	pthread_mutex_lock(&p->lock);
	p->borrowed--;
	if (item != NULL && p->nidle < p->keep) {
		p->idle[p->nidle++] = item;
		item = NULL;
	}
	pthread_cond_signal(&p->freed);
	pthread_mutex_unlock(&p->lock);
	if (item != NULL)
		p->close_item(item);
}

static void *
pop_idle(struct pool *p)
{
	void *item;

	pthread_mutex_lock(&p->lock);
	item = p->nidle > 0 ? p->idle[--p->nidle] : NULL;
	pthread_mutex_unlock(&p->lock);
	return item;
}

void
pool_clear(struct pool *p)
{
	void *item;

	while ((item = pop_idle(p)) != NULL)
		p->close_item(item);
}

void
pool_report(struct pool *p, bool up, const char *reason)
{
	bool changed;

	pthread_mutex_lock(&p->lock);
	changed = p->away == up;
	p->away = !up;
	if (!up)
		p->away_until = clock_mono_ms() + RETRY_MS;
	pthread_mutex_unlock(&p->lock);
	if (changed)
		log_event(up ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
		    up ? "peer is back" : "peer is away",
		    LOG_WITH(log_s("peer", p->peer), log_s("reason", reason)));
}
