/* SPDX-License-Identifier: ISC
 *
 * weather/budget: how a day's quota is divided, whatever is left of it.
 */
#include "unit.h"

#include "weather/budget.h"
#include "weather/price.h"

#include <math.h>

#define MIDNIGHT 1795305600 /* 2026-11-22T00:00:00Z */

static const struct settings settings = {
	.ingest_interval = 900, .ingest_offset = 60, .forecast_interval = 21600, .demand_cities = 30
};

static struct budget
divide(double left, int runs, int tracked, int granted, int missing)
{
	struct budget b = { .left = left,
		.runs = runs,
		.tracked = tracked,
		.granted = granted,
		.missing = missing };

	budget_divide(&b, &settings);
	return b;
}

/* What would be spent until the day ends if each run took its part. */
static double
spent(const struct budget *b)
{
	double beside = price_forecast() * 900 / 21600;

	return b->current_rate * b->runs + b->forecast_all +
	       b->demand_rate * b->runs * (1 + beside);
}

static void
runs_are_counted(void **state)
{
	(void)state;
	assert_int_equal(budget_runs(&settings, MIDNIGHT), 97); /* by hand, and then 96 */
	assert_int_equal(budget_runs(&settings, MIDNIGHT + 60), 96);
	assert_int_equal(budget_runs(&settings, MIDNIGHT + 61), 96);
	assert_int_equal(budget_runs(&settings, MIDNIGHT + 86400 - 840), 1);
	assert_int_equal(budget_runs(&settings, MIDNIGHT + 86399), 1);
	assert_int_equal(budget_runs_of_hour(&settings, MIDNIGHT), 5);
	assert_int_equal(budget_runs_of_hour(&settings, MIDNIGHT + 60), 4);
	assert_int_equal(budget_runs_of_hour(&settings, MIDNIGHT + 3599), 1);
}

static void
ninety_cities_fit(void **state)
{
	struct budget b = divide(10000, 96, 90, 30, 90);

	(void)state;
	assert_true(b.fits);
	assert_float_equal(b.claim, 8640, 1e-6);
	assert_float_equal(b.later, 8550, 1e-6);
	assert_float_equal(b.spare, 1270, 1e-6);
	assert_float_equal(b.wanted, 720 + 180, 1e-6);
	assert_float_equal(b.forecast_all, 900, 1e-6);
	assert_float_equal(b.forecast_rate, 7.5, 1e-6); /* 3.75 forecasts: each four times a day */
	assert_float_equal(b.demand_all, 370, 1e-6);
	assert_true(b.demand_max > 20 && b.demand_max <= 30);
}

static void
forecasts_are_stretched_before_current_weather(void **state)
{
	struct budget b = divide(10000, 96, 102, 0, 0);

	(void)state;
	assert_true(b.fits);
	assert_float_equal(b.current_rate, 102, 1e-6);
	assert_float_equal(b.forecast_all, 106, 1e-6);
	assert_true(b.forecast_rate > 0);
}

static void
demand_gets_its_share_of_what_is_spare(void **state)
{
	struct budget b = divide(10000, 96, 100, 30, 0);

	(void)state;
	assert_float_equal(b.spare, 300, 1e-6);
	assert_float_equal(b.demand_all, 75, 1e-6);
	assert_true(b.demand_max >= 1);
	b = divide(10000, 96, 104, 30, 0);
	assert_true(b.fits);
	assert_float_equal(b.demand_all, 0, 1e-6);
	assert_int_equal(b.demand_max, 0);
}

static void
too_many_cities_share(void **state)
{
	struct budget b = divide(9600, 96, 200, 10, 200);

	(void)state;
	assert_false(b.fits);
	assert_true(b.current_rate > 90 && b.current_rate < 100);
	assert_float_equal(b.demand_rate, 0, 1e-6);
	b = divide(0, 10, 5, 5, 5);
	assert_float_equal(b.current_rate, 0, 1e-6);
	assert_float_equal(b.forecast_all, 0, 1e-6);
}

static void
nothing_is_spent_twice(void **state)
{
	(void)state;
	for (int left = 0; left <= 10000; left += 250)
		for (int tracked = 0; tracked <= 240; tracked += 30)
			for (int granted = 0; granted <= 60; granted += 30)
				for (int runs = 1; runs <= 96; runs += 19) {
					struct budget b = divide(
					    left, runs, tracked, granted, tracked / 2);

					assert_true(spent(&b) <= left + 1e-6);
					assert_true(b.forecast_all >= 0 && b.forecast_rate >= 0);
					assert_true(b.demand_all >= 0 && b.demand_max >= 0);
				}
}

static void
without_a_limit_everybody_gets_all(void **state)
{
	struct budget b = divide(BUDGET_UNLIMITED, 96, 10000, 30, 10000);

	(void)state;
	assert_true(b.fits);
	assert_float_equal(b.demand_rate, 30, 1e-6);
	assert_int_equal(b.demand_max, 30);
	assert_float_equal(b.forecast_all, b.wanted, 1e-3);
}

static void
paces_follow_requests(void **state)
{
	const double requests[] = { 1000, 20, 20, 0, 0, 0 };
	double pace[6], sum = 0;

	(void)state;
	budget_paces(6, requests, 2, pace);
	for (int i = 0; i < 6; i++) {
		sum += pace[i];
		assert_true(pace[i] >= BUDGET_PACE_MIN - 1e-9 && pace[i] <= 1);
	}
	assert_float_equal(sum, 2, 1e-6);
	assert_float_equal(pace[0], 1, 1e-6);
	assert_float_equal(pace[1], pace[2], 1e-9);
	assert_true(pace[1] > pace[3]);
	budget_paces(6, requests, 6, pace);
	assert_float_equal(pace[5], 1, 1e-6);
	budget_paces(6, requests, 0.06, pace); /* below the least: the same for all */
	assert_float_equal(pace[0], 0.01, 1e-6);
	assert_float_equal(pace[5], 0.01, 1e-6);
	budget_paces(6, requests, 0, pace);
	assert_float_equal(pace[0], 0, 1e-6);
}

static void
tokens_add_up(void **state)
{
	int sum = 0;

	(void)state;
	for (int64_t i = 1994784; i < 1994784 + 96; i++)
		sum += budget_tokens(3.75, i);
	assert_in_range(sum, 359, 361);
	assert_int_equal(budget_tokens(0, 1994784), 0);
	assert_int_equal(budget_tokens(7, 1994784), 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_are_counted),
		cmocka_unit_test(ninety_cities_fit),
		cmocka_unit_test(forecasts_are_stretched_before_current_weather),
		cmocka_unit_test(demand_gets_its_share_of_what_is_spare),
		cmocka_unit_test(too_many_cities_share),
		cmocka_unit_test(nothing_is_spent_twice),
		cmocka_unit_test(without_a_limit_everybody_gets_all),
		cmocka_unit_test(paces_follow_requests),
		cmocka_unit_test(tokens_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
