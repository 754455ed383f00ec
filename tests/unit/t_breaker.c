/* SPDX-License-Identifier: ISC
 *
 * cron/weather-ingest/breaker.c and quota.c: the state machine and the windows, at any time.
 */
#include "unit.h"

#include "../../cron/weather-ingest/breaker.h"
#include "../../cron/weather-ingest/quota.h"
#include "weather/budget.h"

#include <string.h>

#define NOW 1795385760 /* 2026-11-22T22:16:00Z */

static const struct settings settings = {
	.breaker_failures = 3, .breaker_trials = 2, .breaker_window = 60, .breaker_open = 30
};

static void
fail_times(struct breaker *b, int n, int64_t now)
{
	for (int i = 0; i < n; i++)
		breaker_fail(b, &settings, now, "server-error");
}

static void
failures_in_a_window_open_it(void **state)
{
	struct breaker b = { .state = BREAKER_CLOSED };

	(void)state;
	fail_times(&b, 2, NOW);
	assert_int_equal(b.state, BREAKER_CLOSED);
	assert_true(breaker_allows(&b, NOW));
	fail_times(&b, 1, NOW + 59);
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_int_equal(b.opened_at, NOW + 59);
	assert_int_equal(b.until, NOW + 89);
	assert_string_equal(b.reason, "server-error");
	assert_false(breaker_allows(&b, NOW + 88));
}

static void
failures_far_apart_do_not(void **state)
{
	struct breaker b = { .state = BREAKER_CLOSED };

	(void)state;
	fail_times(&b, 2, NOW);
	fail_times(&b, 2, NOW + 60);
	assert_int_equal(b.state, BREAKER_CLOSED);
	fail_times(&b, 1, NOW + 61);
	assert_int_equal(b.state, BREAKER_OPEN);
}

static void
trials_close_it(void **state)
{
	struct breaker b = { .state = BREAKER_CLOSED };

	(void)state;
	fail_times(&b, 3, NOW);
	assert_true(breaker_allows(&b, NOW + 30));
	assert_int_equal(b.state, BREAKER_HALF_OPEN);
	breaker_succeed(&b, &settings, NOW + 30);
	assert_int_equal(b.state, BREAKER_HALF_OPEN);
	breaker_succeed(&b, &settings, NOW + 31);
	assert_int_equal(b.state, BREAKER_CLOSED);
	fail_times(&b, 2, NOW + 32);
	assert_int_equal(b.state, BREAKER_CLOSED);
}

static void
one_bad_trial_opens_it_again(void **state)
{
	struct breaker b = { .state = BREAKER_CLOSED };

	(void)state;
	fail_times(&b, 3, NOW);
	assert_true(breaker_allows(&b, NOW + 30));
	breaker_succeed(&b, &settings, NOW + 30);
	fail_times(&b, 1, NOW + 31);
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_false(breaker_allows(&b, NOW + 60));
	assert_true(breaker_allows(&b, NOW + 61));
	breaker_succeed(&b, &settings, NOW + 61); /* the good trial of before is forgotten */
	assert_int_equal(b.state, BREAKER_HALF_OPEN);
}

static void
a_limit_opens_it_at_once(void **state)
{
	struct breaker b = { .state = BREAKER_CLOSED };

	(void)state;
	breaker_trip(&b, NOW, NOW + 6240, "limit-daily");
	assert_false(breaker_allows(&b, NOW + 6239));
	assert_true(breaker_allows(&b, NOW + 6240));
}

static void
windows_are_those_of_the_clock(void **state)
{
	(void)state;
	assert_int_equal(window_left(WINDOW_MINUTE, NOW), 60);
	assert_int_equal(window_left(WINDOW_MINUTE, NOW + 59), 1);
	assert_int_equal(window_left(WINDOW_HOUR, NOW), 2640);
	assert_int_equal(window_left(WINDOW_DAY, NOW), 6240);
}

static void
nothing_overflows(void **state)
{
	static const double none[WINDOW__MAX] = { 0 };
	struct quota q = { .limit = { 600, 5000, 10000 }, .spent = { 500, 4000, 9000 } };

	(void)state;
	assert_int_equal(quota_obstacle(&q, 100, (double[]){ 0, 900, 900 }), WINDOW__MAX);
	assert_int_equal(quota_obstacle(&q, 100.5, none), WINDOW_MINUTE);
	assert_int_equal(quota_obstacle(&q, 100, (double[]){ 0, 900.5, 0 }), WINDOW_HOUR);
	assert_int_equal(quota_obstacle(&q, 100, (double[]){ 0, 0, 900.5 }), WINDOW_DAY);
	assert_int_equal(quota_obstacle(&q, 1001, none), WINDOW_DAY); /* the longest */
	q.spent[WINDOW_HOUR] = 5000;
	assert_int_equal(quota_obstacle(&q, 1, none), WINDOW_HOUR);
	assert_float_equal(quota_day_left(&q), 1000, 1e-6);
	memset(q.limit, 0, sizeof(q.limit));
	assert_int_equal(quota_obstacle(&q, 1e9, none), WINDOW__MAX);
	assert_float_equal(quota_day_left(&q), BUDGET_UNLIMITED, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_in_a_window_open_it),
		cmocka_unit_test(failures_far_apart_do_not),
		cmocka_unit_test(trials_close_it),
		cmocka_unit_test(one_bad_trial_opens_it_again),
		cmocka_unit_test(a_limit_opens_it_at_once),
		cmocka_unit_test(windows_are_those_of_the_clock),
		cmocka_unit_test(nothing_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
