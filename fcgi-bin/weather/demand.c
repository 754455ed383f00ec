/* SPDX-License-Identifier: ISC
 *
 * A hash table with open addressing, emptied every few seconds. While Redis is away wishes go unheard.
 */
#include "demand.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEY "demand:cities" /* sorted set: the ingest takes what is most wanted off it */
#define TELL_S 5
#define TELL_MS 2000 /* for one round trip */
#define SLOTS 2048
#define CITIES_MAX (SLOTS / 2) /* counted at a time */
#define BATCH 100
#define SLUG_MAX 64

struct slot {
	char slug[SLUG_MAX + 1]; /* empty: free */
	uint32_t n;
};

struct table {
	int used;
	struct slot slots[SLOTS];
};

struct demand {
	struct cache *cache;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ending;
	bool end;
	struct table *counting; /* one of both; the other is the thread's */
	struct table tables[2];
};

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint32_t
hash(const char *s)
{
	uint32_t h = 2166136261U;

	while (*s != '\0')
		h = (h ^ (unsigned char)*s++) * 16777619U;
	return h;
}

void
demand_note(struct demand *dm, const char *slug)
{
	size_t len = strlen(slug);
	struct table *t;
	struct slot *s;

	if (len > SLUG_MAX)
		return;
	pthread_mutex_lock(&dm->lock);
	t = dm->counting;
	for (uint32_t i = hash(slug);; i++) {
		s = &t->slots[i % SLOTS];
		if (s->slug[0] == '\0' || strcmp(s->slug, slug) == 0)
			break;
	}
	if (s->slug[0] == '\0' && t->used < CITIES_MAX) {
		memcpy(s->slug, slug, len + 1);
		t->used++;
	}
	if (s->slug[0] != '\0')
		s->n++;
	pthread_mutex_unlock(&dm->lock);
}

/* Tell Redis of all that the table has, and empty it. */
static void
tell(struct demand *dm, struct table *t)
{
	struct cache_score add[BATCH];
	enum rc rc = RC_OK;
	int n = 0;

	if (t->used == 0)
		return;
	for (int i = 0; i < SLOTS && rc == RC_OK; i++) {
		if (t->slots[i].n > 0)
			add[n++] = (struct cache_score){ t->slots[i].slug, t->slots[i].n };
		if (n == BATCH || (n > 0 && i == SLOTS - 1)) {
			rc = cache_rank(dm->cache, deadline_in(TELL_MS), KEY, n, add);
			n = 0;
		}
	}
	memset(t, 0, sizeof(*t));
}

/* Wait a while, or until the end; then take what was counted meanwhile. False: that was all. */
static bool
take(struct demand *dm, struct table **counted)
{
	struct timespec until;
	int err = 0;
	bool more;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += TELL_S;
	pthread_mutex_lock(&dm->lock);
	while (!dm->end && err == 0)
		err = pthread_cond_timedwait(&dm->ending, &dm->lock, &until);
	more = !dm->end;
	*counted = dm->counting;
	dm->counting = &dm->tables[*counted == dm->tables];
	pthread_mutex_unlock(&dm->lock);
	return more;
}

static void *
run(void *arg)
{
	struct demand *dm = arg;
	struct table *counted;
	bool more;

	do {
		more = take(dm, &counted);
		tell(dm, counted);
	} while (more);
	return NULL;
}

/* No signal is for the thread. */
static bool
start(struct demand *dm)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&dm->thread, NULL, run, dm);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err == 0;
}

struct demand *
demand_begin(struct cache *c)
{
	struct demand *dm = calloc(1, sizeof(*dm));
	pthread_condattr_t attr;

	if (dm == NULL)
		return NULL;
	dm->cache = c;
	dm->counting = dm->tables;
	pthread_mutex_init(&dm->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&dm->ending, &attr);
	pthread_condattr_destroy(&attr);
	if (start(dm))
		return dm;
	free(dm);
	return NULL;
}

void
demand_end(struct demand *dm)
{
	pthread_mutex_lock(&dm->lock);
	dm->end = true;
	pthread_cond_signal(&dm->ending);
	pthread_mutex_unlock(&dm->lock);
	pthread_join(dm->thread, NULL);
	pthread_cond_destroy(&dm->ending);
	pthread_mutex_destroy(&dm->lock);
	free(dm);
}
