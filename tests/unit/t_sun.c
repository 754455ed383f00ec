/* SPDX-License-Identifier: ISC
 *
 * weather/sun against almanacs: sunrise and sunset to the minute or two they round to, polar day and polar night.
 */
#include "unit.h"

#include "weather/sun.h"

#include "base/clock.h"

#include <stdlib.h>

#define TOLERANCE 150 /* seconds */

static int64_t
at(const char *text)
{
	int64_t t = 0;

	assert_true(clock_parse(text, &t));
	return t;
}

/* When the sun is up, or no longer up, for the first time after t: to the second, or 0 within a day. */
static int64_t
change_after(int64_t t, double lat, double lon)
{
	bool up = sun_is_up(t, lat, lon);

	for (int64_t end = t + 86400; t < end; t += 10)
		if (sun_is_up(t, lat, lon) != up)
			return t;
	return 0;
}

static void
sunrise_and_sunset(void **state)
{
	static const struct {
		const char *place;
		double lat, lon;
		const char *rise, *set;
	} table[] = {
		{ "London, midsummer", 51.5074, -0.1278, "2024-06-20T04:43:00+01:00",
		    "2024-06-20T21:21:30+01:00" },
		{ "London, midwinter", 51.5074, -0.1278, "2024-12-21T08:04:00Z",
		    "2024-12-21T15:53:30Z" },
		{ "New York, midwinter", 40.7128, -74.0060, "2024-12-21T07:16:30-05:00",
		    "2024-12-21T16:31:30-05:00" },
		{ "Sydney, midsummer", -33.8688, 151.2093, "2024-12-21T05:41:00+11:00",
		    "2024-12-21T20:05:30+11:00" },
		{ "Quito, equinox", -0.1807, -78.4678, "2024-03-20T06:18:00-05:00",
		    "2024-03-20T18:24:30-05:00" },
		{ "Reykjavik, midwinter", 64.1466, -21.9426, "2024-12-21T11:22:00Z",
		    "2024-12-21T15:30:00Z" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		int64_t rise = at(table[i].rise), set = at(table[i].set);
		int64_t got_rise = change_after(rise - 3600, table[i].lat, table[i].lon);
		int64_t got_set = change_after(set - 3600, table[i].lat, table[i].lon);

		assert_false(sun_is_up(rise - 3600, table[i].lat, table[i].lon));
		assert_true(sun_is_up((rise + set) / 2, table[i].lat, table[i].lon));
		if (llabs(got_rise - rise) > TOLERANCE || llabs(got_set - set) > TOLERANCE)
			fail_msg("%s: sunrise off by %lld s, sunset by %lld s", table[i].place,
			    (long long)(got_rise - rise), (long long)(got_set - set));
	}
}

static void
polar_day_and_night(void **state)
{
	static const struct {
		double lat, lon;
	} north[] = { { 69.6492, 18.9553 }, { 78.2232, 15.6267 }, { 90, 0 } };

	(void)state;
	for (size_t i = 0; i < COUNT(north); i++)
		for (int hour = 0; hour < 24; hour++) {
			int64_t summer = at("2026-06-21T00:00:00Z") + hour * 3600,
				winter = at("2026-12-21T00:00:00Z") + hour * 3600;

			assert_true(sun_is_up(summer, north[i].lat, north[i].lon));
			assert_false(sun_is_up(winter, north[i].lat, north[i].lon));
			assert_false(sun_is_up(summer, -north[i].lat, north[i].lon));
			assert_true(sun_is_up(winter, -north[i].lat, north[i].lon));
		}
}

static void
elevation_at_noon(void **state)
{
	(void)state;
	/* In Jakarta the sun culminates at 90 degrees less the distance of latitude and declination. */
	assert_true(
	    sun_elevation(at("2026-06-21T04:54:30Z"), -6.2146, 106.8451) - (90 - 6.2146 - 23.436) <
	    0.05);
	assert_true(
	    sun_elevation(at("2026-06-21T04:54:30Z"), -6.2146, 106.8451) - (90 - 6.2146 - 23.436) >
	    -0.05);
	/* At the poles it moves along its declination. */
	assert_true(sun_elevation(at("2026-06-21T08:24:00Z"), 90, 0) > 23.38);
	assert_true(sun_elevation(at("2026-06-21T08:24:00Z"), 90, 0) < 23.49);
	assert_true(sun_elevation(at("2026-12-21T20:50:00Z"), -90, 0) > 23.38);
}

static void
longitude_goes_round(void **state)
{
	(void)state;
	for (int hour = 0; hour < 24; hour++) {
		int64_t t = at("2026-11-22T00:00:00Z") + hour * 3600;
		double west = sun_elevation(t, 10, -180), east = sun_elevation(t, 10, 180);

		assert_true(west - east < 1e-6 && east - west < 1e-6);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sunrise_and_sunset),
		cmocka_unit_test(polar_day_and_night),
		cmocka_unit_test(elevation_at_noon),
		cmocka_unit_test(longitude_goes_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
