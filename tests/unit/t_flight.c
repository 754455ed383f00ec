/* SPDX-License-Identifier: ISC
 *
 * fcgi-bin/weather/flight: one thread fetches, the others share what it got, and nobody waits past its deadline.
 */
#include "unit.h"

/* Who waits is nobody's business but this test's: a copy, by other names, that it may look into. */
#define flights_new own_flights_new
#define flights_free own_flights_free
#define flight_join own_flight_join
#include "../../fcgi-bin/weather/flight.c"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define THREADS 16
#define PATIENCE_MS 20000

struct passenger {
	pthread_t thread;
	const char *key;
	int64_t patience_ms;
	struct arena *arena;
	enum rc rc;
	struct finding found;
};

static struct flights *flights;
static atomic_int fills;
static sem_t filling, may_land; /* a filler has begun; it may end */
static enum rc fill_rc;
static const char *fill_body;

/* What a filler finds; its memory is overwritten as soon as it is done, as an arena's would be. */
static enum rc
fill(void *arg, struct finding *out)
{
	(void)arg;
	fills++;
	sem_post(&filling);
	sem_wait(&may_land);
	*out = (struct finding){ .kind = fill_body != NULL ? FOUND : NOT_TRACKED,
		.body = fill_body,
		.len = fill_body != NULL ? strlen(fill_body) : 0 };
	return fill_rc;
}

static void *
board(void *arg)
{
	struct passenger *p = arg;

	p->rc = flight_join(
	    flights, p->key, deadline_in(p->patience_ms), p->arena, fill, NULL, &p->found);
	return NULL;
}

static void
begin(struct passenger *p, const char *key, int64_t patience_ms)
{
	*p = (struct passenger){
		.key = key, .patience_ms = patience_ms, .arena = arena_new(65536)
	};
	assert_int_equal(pthread_create(&p->thread, NULL, board, p), 0);
}

static void
end(struct passenger *p)
{
	pthread_join(p->thread, NULL);
}

/* Until so many wait for the one flight that there is. */
static void
wait_until_waiting(int n)
{
	int waiting;

	do {
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
		pthread_mutex_lock(&flights->lock);
		waiting = flights->list->waiting;
		pthread_mutex_unlock(&flights->lock);
	} while (waiting < n);
}

static int
prepare(void **state)
{
	(void)state;
	flights = flights_new();
	fills = 0;
	fill_rc = RC_OK;
	fill_body = "{\"a\":1}";
	return sem_init(&filling, 0, 0) + sem_init(&may_land, 0, 0);
}

static int
clean_up(void **state)
{
	(void)state;
	flights_free(flights);
	flights_free(NULL);
	return 0;
}

static void
many_share_one_filler(void **state)
{
	struct passenger p[THREADS];

	(void)state;
	begin(&p[0], "jakarta", PATIENCE_MS);
	sem_wait(&filling);
	for (int i = 1; i < THREADS; i++)
		begin(&p[i], "jakarta", PATIENCE_MS);
	wait_until_waiting(THREADS - 1);
	sem_post(&may_land);
	for (int i = 0; i < THREADS; i++) {
		end(&p[i]);
		assert_int_equal(p[i].rc, RC_OK);
		assert_int_equal(p[i].found.kind, FOUND);
		assert_int_equal(p[i].found.len, strlen(fill_body));
		assert_string_equal(p[i].found.body, fill_body);
		assert_int_equal(
		    p[i].found.body == fill_body, i == 0); /* the others have copies of their own */
	}
	for (int i = 0; i < THREADS; i++)
		arena_free(p[i].arena);
	assert_int_equal(fills, 1);
}

static void
a_failure_is_shared_too(void **state)
{
	struct passenger p[2];

	(void)state;
	fill_rc = RC_DOWN;
	fill_body = NULL;
	begin(&p[0], "jakarta", PATIENCE_MS);
	sem_wait(&filling);
	begin(&p[1], "jakarta", PATIENCE_MS);
	wait_until_waiting(1);
	sem_post(&may_land);
	for (int i = 0; i < 2; i++) {
		end(&p[i]);
		assert_int_equal(p[i].rc, RC_DOWN);
		arena_free(p[i].arena);
	}
	assert_int_equal(fills, 1);
}

static void
finding_nothing_is_shared_too(void **state)
{
	struct passenger p[2];

	(void)state;
	fill_body = NULL;
	begin(&p[0], "bogor", PATIENCE_MS);
	sem_wait(&filling);
	begin(&p[1], "bogor", PATIENCE_MS);
	wait_until_waiting(1);
	sem_post(&may_land);
	for (int i = 0; i < 2; i++) {
		end(&p[i]);
		assert_int_equal(p[i].rc, RC_OK);
		assert_int_equal(p[i].found.kind, NOT_TRACKED);
		assert_null(p[i].found.body);
		arena_free(p[i].arena);
	}
}

static void
another_key_does_not_wait(void **state)
{
	struct passenger p[2];

	(void)state;
	begin(&p[0], "jakarta", PATIENCE_MS);
	sem_wait(&filling);
	begin(&p[1], "bandung", PATIENCE_MS);
	sem_wait(&filling); /* its own filler has begun while the first one is still at it */
	assert_int_equal(fills, 2);
	sem_post(&may_land);
	sem_post(&may_land);
	for (int i = 0; i < 2; i++) {
		end(&p[i]);
		assert_int_equal(p[i].rc, RC_OK);
		arena_free(p[i].arena);
	}
}

static void
nobody_waits_past_the_deadline(void **state)
{
	struct passenger p[3];
	int64_t start;

	(void)state;
	begin(&p[0], "jakarta", PATIENCE_MS);
	sem_wait(&filling);
	start = clock_mono_ms();
	begin(&p[1], "jakarta", 60);
	end(&p[1]);
	assert_int_equal(p[1].rc, RC_BUSY);
	assert_in_range(clock_mono_ms() - start, 59, PATIENCE_MS);
	begin(&p[2], "jakarta", PATIENCE_MS); /* the flight is still there for others */
	wait_until_waiting(1);
	sem_post(&may_land);
	end(&p[0]);
	end(&p[2]);
	assert_int_equal(p[0].rc, RC_OK);
	assert_int_equal(p[2].rc, RC_OK);
	assert_string_equal(p[2].found.body, fill_body);
	for (int i = 0; i < 3; i++)
		arena_free(p[i].arena);
	assert_int_equal(fills, 1);
}

static void
what_has_landed_is_not_shared(void **state)
{
	struct passenger p;

	(void)state;
	for (int i = 1; i <= 3; i++) {
		sem_post(&may_land);
		begin(&p, "jakarta", PATIENCE_MS);
		end(&p);
		arena_free(p.arena);
		assert_int_equal(fills, i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(many_share_one_filler, prepare, clean_up),
		cmocka_unit_test_setup_teardown(a_failure_is_shared_too, prepare, clean_up),
		cmocka_unit_test_setup_teardown(finding_nothing_is_shared_too, prepare, clean_up),
		cmocka_unit_test_setup_teardown(another_key_does_not_wait, prepare, clean_up),
		cmocka_unit_test_setup_teardown(nobody_waits_past_the_deadline, prepare, clean_up),
		cmocka_unit_test_setup_teardown(what_has_landed_is_not_shared, prepare, clean_up),
	};

	alarm(120); /* what is broken here waits for ever */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
