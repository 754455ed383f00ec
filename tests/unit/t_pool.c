/* SPDX-License-Identifier: ISC
 *
 * drivers/pool: its bounds, who waits and for how long, and what a peer that is away means.
 */
#include "unit.h"

#include "base/log.h"
#include "drivers/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

static int closed;

static void
close_item(void *item)
{
	(void)item;
	closed++;
}

static void
sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static int items[4]; /* what stands for connections: only their addresses count */

static void
the_last_one_used_is_the_next(void **state)
{
	struct pool *p = pool_new("test", 3, 3, close_item);
	void *item;

	(void)state;
	closed = 0;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pool_take(p, deadline_in(100), &item), RC_OK);
		assert_null(item);
	}
	for (int i = 0; i < 3; i++)
		pool_give(p, &items[i]);
	for (int i = 2; i >= 0; i--) {
		assert_int_equal(pool_take(p, deadline_in(100), &item), RC_OK);
		assert_ptr_equal(item, &items[i]);
	}
	for (int i = 0; i < 3; i++)
		pool_give(p, &items[i]);
	assert_int_equal(closed, 0);
	pool_free(p);
	assert_int_equal(closed, 3);
}

static void
no_more_than_the_maximum(void **state)
{
	struct pool *p = pool_new("test", 2, 2, close_item);
	int64_t start;
	void *item;

	(void)state;
	assert_int_equal(pool_take(p, deadline_in(100), &item), RC_OK);
	assert_int_equal(pool_take(p, deadline_in(100), &item), RC_OK);
	start = clock_mono_ms();
	item = &items[0];
	assert_int_equal(pool_take(p, deadline_in(50), &item), RC_BUSY);
	assert_null(item);
	assert_in_range(clock_mono_ms() - start, 49, 1000);
	assert_int_equal(pool_take(p, deadline_in(0), &item), RC_BUSY);
	pool_give(p, NULL); /* it could not be opened: the place is free all the same */
	assert_int_equal(pool_take(p, deadline_in(50), &item), RC_OK);
	assert_null(item);
	pool_give(p, NULL);
	pool_give(p, NULL);
	pool_free(p);
}

static void
only_so_many_are_kept(void **state)
{
	struct pool *p = pool_new("test", 3, 1, close_item);
	void *item;

	(void)state;
	closed = 0;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pool_take(p, deadline_in(100), &item), RC_OK);
	for (int i = 0; i < 3; i++)
		pool_give(p, &items[i]);
	assert_int_equal(closed, 2);
	pool_clear(p);
	assert_int_equal(closed, 3);
	assert_int_equal(pool_take(p, deadline_in(100), &item), RC_OK);
	assert_null(item);
	pool_give(p, NULL);
	pool_free(p);
	pool_free(NULL);
}

static void *
give_later(void *pool)
{
	sleep_ms(50);
	pool_give(pool, &items[1]);
	return NULL;
}

static void
who_waits_gets_what_is_given_back(void **state)
{
	struct pool *p = pool_new("test", 1, 1, close_item);
	int64_t start = clock_mono_ms();
	pthread_t thread;
	void *item;

	(void)state;
	assert_int_equal(pool_take(p, deadline_in(100), &item), RC_OK);
	assert_int_equal(pthread_create(&thread, NULL, give_later, p), 0);
	assert_int_equal(pool_take(p, deadline_in(5000), &item), RC_OK);
	assert_ptr_equal(item, &items[1]);
	assert_in_range(clock_mono_ms() - start, 45, 2000);
	pthread_join(thread, NULL);
	pool_give(p, NULL);
	pool_free(p);
}

static void
a_peer_that_is_away_is_left_alone_for_a_second(void **state)
{
	struct pool *p = pool_new("test", 2, 2, close_item);
	int64_t start = clock_mono_ms();
	void *item = &items[0];

	(void)state;
	pool_report(p, false, "test");
	assert_int_equal(pool_take(p, deadline_in(5000), &item), RC_DOWN);
	assert_null(item);
	assert_in_range(clock_mono_ms() - start, 0, 500); /* at once */
	sleep_ms(1050);
	assert_int_equal(pool_take(p, deadline_in(100), &item), RC_OK); /* somebody has to try */
	pool_give(p, NULL);
	pool_report(p, false, "test");
	assert_int_equal(pool_take(p, deadline_in(100), &item), RC_DOWN);
	pool_report(p, true, NULL);
	assert_int_equal(pool_take(p, deadline_in(100), &item), RC_OK);
	pool_give(p, NULL);
	pool_free(p);
}

#define THREADS 8

static struct {
	struct pool *pool;
	pthread_mutex_t lock;
	int out, most, served;
} crowd = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void *
borrow_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 200; i++) {
		void *item;

		if (pool_take(crowd.pool, deadline_in(10000), &item) != RC_OK)
			return NULL;
		pthread_mutex_lock(&crowd.lock);
		crowd.served++;
		crowd.most = ++crowd.out > crowd.most ? crowd.out : crowd.most;
		pthread_mutex_unlock(&crowd.lock);
		sched_yield();
		pthread_mutex_lock(&crowd.lock);
		crowd.out--;
		pthread_mutex_unlock(&crowd.lock);
		pool_give(crowd.pool, item != NULL ? item : &items[0]);
	}
	return NULL;
}

static void
a_crowd_is_served_within_the_bounds(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	crowd.pool = pool_new("test", 3, 2, close_item);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, borrow_often, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crowd.served, THREADS * 200);
	assert_in_range(crowd.most, 1, 3);
	pool_free(crowd.pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_one_used_is_the_next),
		cmocka_unit_test(no_more_than_the_maximum),
		cmocka_unit_test(only_so_many_are_kept),
		cmocka_unit_test(who_waits_gets_what_is_given_back),
		cmocka_unit_test(a_peer_that_is_away_is_left_alone_for_a_second),
		cmocka_unit_test(a_crowd_is_served_within_the_bounds),
	};

	log_open("t_pool", LOG_SINK_JSON, LOG_LEVEL__MAX); /* nothing */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
