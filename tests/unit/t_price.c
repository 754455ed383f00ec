/* SPDX-License-Identifier: ISC
 *
 * weather/price: Open-Meteo's arithmetic, and how many places a day has room for.
 */
#include "unit.h"

#include "weather/price.h"

static void
a_place_weighs_by_variables_and_days(void **state)
{
	static const struct {
		int variables, days;
		double weight;
	} rows[] = {
		{ 1, 1, 1 },
		{ 10, 1, 1 },
		{ 10, 14, 1 },
		{ 11, 1, 1.1 },
		{ 20, 7, 2 },
		{ 20, 14, 2 },
		{ 10, 28, 2 },
		{ 20, 28, 4 },
		{ 5, 28, 1 },
		{ 10, 365, 10 / 10.0 * 365 / 14 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		ROW("%d variables, %d days", rows[i].variables, rows[i].days);
		assert_float_equal(
		    price_place(rows[i].variables, rows[i].days), rows[i].weight, 1e-9);
	}
	assert_float_equal(price_current(), 1, 0);
	assert_float_equal(price_forecast(), 2, 0);
}

static struct settings
defaults(void)
{
	struct settings s;

	assert_int_equal(settings_load(&s, NULL), RC_OK);
	return s;
}

static void
a_day_adds_runs_and_forecasts(void **state)
{
	struct settings s = defaults();
	struct price_day d = price_day(&s, 90);

	(void)state;
	assert_int_equal(d.runs, 96);
	assert_int_equal(d.renewals, 4);
	assert_float_equal(d.current, 8640, 0);
	assert_float_equal(d.forecasts, 720, 0);
	assert_float_equal(price_total(&d), 9360, 0);

	s.ingest_interval = 50000; /* a part of an interval is a run as well */
	assert_int_equal(price_day(&s, 1).runs, 2);
}

static void
ninety_six_places_fit_a_free_day(void **state)
{
	struct settings s = defaults();
	struct price_day d = price_day(&s, 96);

	(void)state;
	assert_true(price_fits(&d, &s));
	d = price_day(&s, 97);
	assert_false(price_fits(&d, &s));
	s.quota_day = 10088;
	assert_true(price_fits(&d, &s));
	s.quota_day = 0; /* no limit */
	d = price_day(&s, 1000000);
	assert_true(price_fits(&d, &s));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_place_weighs_by_variables_and_days),
		cmocka_unit_test(a_day_adds_runs_and_forecasts),
		cmocka_unit_test(ninety_six_places_fit_a_free_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
