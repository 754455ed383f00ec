/* SPDX-License-Identifier: ISC
 *
 * A short list of what is being fetched: never longer than there are threads.
 */
#include "flight.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Lives as long as somebody uses it; leaves the list when it is done. */
struct flight {
	struct flight *next;
	const char *key; /* the filler's, valid until it is done */
	int waiting;
	bool done;
	enum rc rc;
	struct finding found;
	char *body; /* found.body, a copy made only for waiters */
};

struct flights {
	pthread_mutex_t lock;
	pthread_cond_t landed;
	struct flight *list;
};

struct flights *
flights_new(void)
{
	struct flights *f = calloc(1, sizeof(*f));
	pthread_condattr_t attr;

	if (f == NULL)
		return NULL;
	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&f->landed, &attr);
	pthread_condattr_destroy(&attr);
	return f;
}

void
flights_free(struct flights *f)
{
	if (f == NULL)
		return;
	pthread_cond_destroy(&f->landed);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static struct flight *
find(const struct flights *f, const char *key)
{
	struct flight *fl = f->list;

	while (fl != NULL && strcmp(fl->key, key) != 0)
		fl = fl->next;
	return fl;
}

static void
leave(struct flight *fl)
{
	free(fl->body);
	free(fl);
}

static enum rc
copy_finding(struct arena *a, const struct flight *fl, struct finding *out)
{
	*out = fl->found;
	if (fl->rc != RC_OK || out->body == NULL)
		return fl->rc;
	out->body = arena_strndup(a, out->body, out->len);
	return out->body != NULL ? RC_OK : RC_NOMEM;
}

/* Wait for another thread's flight, the lock being held. */
static enum rc
wait_for(
    struct flights *f, struct flight *fl, struct deadline d, struct arena *a, struct finding *out)
{
	struct timespec until = { d.at_ms / 1000, d.at_ms % 1000 * 1000000 };
	int err = 0;
	enum rc rc;

	fl->waiting++;
	while (!fl->done && err == 0)
		err = pthread_cond_timedwait(&f->landed, &f->lock, &until);
	rc = fl->done ? copy_finding(a, fl, out) : RC_BUSY;
	if (--fl->waiting == 0 && fl->done)
		leave(fl);
	return rc;
}

static void
unlink_flight(struct flights *f, const struct flight *fl)
{
	struct flight **at = &f->list;

	while (*at != fl)
		at = &(*at)->next;
	*at = fl->next;
}

/* Take a finished flight off the list and leave its result to those who wait, the lock being held. */
static void
land(struct flights *f, struct flight *fl, enum rc rc, const struct finding *found)
{
	unlink_flight(f, fl);
	fl->done = true;
	fl->rc = rc;
	if (fl->waiting == 0) {
		leave(fl);
		return;
	}
	fl->found = *found;
	if (found->body != NULL && (fl->body = strndup(found->body, found->len)) == NULL)
		fl->rc = RC_NOMEM;
	fl->found.body = fl->body;
	pthread_cond_broadcast(&f->landed);
}

enum rc
flight_join(struct flights *f, const char *key, struct deadline d, struct arena *a,
    enum rc (*fill)(void *arg, struct finding *out), void *arg, struct finding *out)
{
	struct flight *fl;
	enum rc rc;

	*out = (struct finding){ 0 };
	pthread_mutex_lock(&f->lock);
	if ((fl = find(f, key)) != NULL) {
		rc = wait_for(f, fl, d, a, out);
	} else if ((fl = calloc(1, sizeof(*fl))) == NULL) {
		rc = RC_NOMEM;
	} else {
		fl->key = key;
		fl->next = f->list;
		f->list = fl;
		pthread_mutex_unlock(&f->lock);
		rc = fill(arg, out);
		pthread_mutex_lock(&f->lock);
		land(f, fl, rc, out);
	}
	pthread_mutex_unlock(&f->lock);
	return rc;
}
