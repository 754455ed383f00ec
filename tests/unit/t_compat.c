/* SPDX-License-Identifier: ISC
 *
 * fcgi-bin/weather/compat: the query as Open-Meteo reads it, days and zones, and the JSON to the byte.
 */
#include "unit.h"

#include "../../fcgi-bin/weather/compat.h"

#include <math.h>
#include <string.h>

#define NOW 1795385700 /* 2026-11-22T22:15:00Z, the 23rd in Jakarta */
#define MIDNIGHT 1795366800 /* 2026-11-22T17:00:00Z, midnight in Jakarta */
#define OFFSET (7 * 3600)

static struct arena *arena;

static int
set_up(void **state)
{
	(void)state;
	return (arena = arena_new(1 << 20)) == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct compat_query
read_query(const char *text)
{
	struct compat_query q;
	const char *no = compat_query_read(arena, text, NOW, &q);

	ROW("%s: %s", text, no != NULL ? no : "well");
	assert_null(no);
	return q;
}

static void
queries_are_read_as_open_meteo_does(void **state)
{
	struct compat_query q = read_query("latitude=-6.2&longitude=106.8");

	(void)state;
	assert_int_equal(q.n, 1);
	assert_true(q.places[0].latitude == -6.2f && isnan(q.places[0].elevation));
	assert_string_equal(q.places[0].zone.name, "GMT");
	assert_string_equal(q.units[DIM_SPEED]->name, "km/h");
	assert_null(q.columns[COMPAT_CURRENT].list);
	assert_int_equal(q.days.n, 7);

	q = read_query("latitude=1,,2&latitude=3&longitude=4&longitude%5B%5D=5,6&timezone=auto,"
		       "Asia/Tokyo,UTC&utm=x&&=&nonsense");
	assert_int_equal(q.n, 3);
	assert_true(q.places[2].latitude == 3 && q.places[2].longitude == 6);
	assert_string_equal(q.places[0].zone.name, "auto");
	assert_int_equal(q.places[1].zone.offset, 9 * 3600);

	q = read_query("latitude=1&longitude=2&current=windspeed_10m,is_day&hourly=&daily="
		       "daylight_duration&wind_speed_unit=x&wind_speed_unit=kn");
	assert_int_equal(q.columns[COMPAT_CURRENT].n, 2);
	assert_int_equal(q.columns[COMPAT_CURRENT].list[0].id, Q_WIND_SPEED);
	assert_string_equal(q.columns[COMPAT_CURRENT].list[0].name, "windspeed_10m");
	assert_int_equal(q.columns[COMPAT_CURRENT].list[1].id, COMPAT_IS_DAY);
	assert_null(q.columns[COMPAT_HOURLY].list);
	assert_int_equal(q.columns[COMPAT_DAILY].list[0].id, COMPAT_DAYLIGHT);
	assert_string_equal(q.units[DIM_SPEED]->name, "kn");

	q = read_query("latitude=1&longitude=2&current=is_day&current_weather=true");
	assert_true(q.current_weather);
	assert_int_equal(q.columns[COMPAT_CURRENT].n, 5);
}

static void
mistakes_have_open_meteos_words(void **state)
{
#define PLACE "latitude=1&longitude=2&"
	static const struct {
		const char *query, *reason;
	} rows[] = {
		{ "", "Parameter 'latitude' and 'longitude' must not be empty" },
		{ "latitude=1",
		    "Parameter 'latitude' and 'longitude' must have the same number of elements" },
		{ "latitude=-91&longitude=1",
		    "Latitude must be in range of -90 to 90°. Given: -91.0." },
		{ "latitude=1&longitude=180.25",
		    "Longitude must be in range of -180 to 180°. Given: 180.25." },
		{ "latitude=0x1&longitude=1", "Data corrupted at path ''. Cannot initialize Float "
					      "from invalid String value 0x1." },
		{ "latitude=%zz", "The query has a broken escape or is not UTF-8" },
		{ PLACE "hourly=temperature_2m,windgusts_10m",
		    "Data corrupted at path ''. Cannot initialize "
		    "SurfacePressureAndHeightVariable<VariableAndPreviousDay, "
		    "VariableOrSpread<ForecastPressureVariable>, ForecastHeightVariable> from "
		    "invalid String value temperature_2m,windgusts_10m." },
		{ PLACE "daily=is_day", "Data corrupted at path ''. Cannot initialize "
					"ForecastVariableDaily from invalid String value is_day." },
		{ PLACE "past_days=1.5", "Data corrupted at path 'past_days'. Cannot initialize "
					 "Int from invalid String value 1.5." },
		{ PLACE "past_days=94", "Past days is invalid. Allowed range 0 to 93. Given 94." },
		{ PLACE "forecast_hours=385",
		    "Forecast days is invalid. Allowed range 0 to 384. Given 385." },
		{ PLACE "timezone=Asia/Jakarta,UTC",
		    "Parameter 'timezone' and coordinates must have the same number of elements" },
		{ PLACE "timezone=right/UTC", "Invalid timezone" },
		{ PLACE "start_date=2026-11-22",
		    "Both 'start_date' and 'end_date' must be set in the url" },
		{ PLACE "start_date=2026-11-22&end_date=2026-11-21",
		    "End-date must be larger or equals than start-date" },
		{ PLACE "start_date=2026-02-30&end_date=2026-11-21",
		    "Invalid date format. Make sure to use 'YYYY-MM-DD'" },
		{ PLACE "start_date=2026-11-22&end_date=2026-12-08",
		    "Parameter 'end_date' is out of allowed range from 2026-08-21 to 2026-12-07" },
		{ PLACE "start_date=2026-11-22&end_date=2026-11-22&past_days=1",
		    "Parameter 'past_days' is mutually exclusive with 'start_date' and "
		    "'end_date'" },
		{ PLACE "weekly=x", "Parameter 'weekly' must not be set" },
		{ PLACE "elevation=1,2", "Parameter 'elevation' must have the same number of "
					 "elements as coordinates" },
		{ PLACE "timeformat=", "Data corrupted at path 'timeformat'. Cannot initialize "
				       "Timeformat from invalid String value ." },
	};
	struct compat_query q;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *no = compat_query_read(arena, rows[i].query, NOW, &q);

		ROW("%s", rows[i].query);
		assert_non_null(no);
		assert_string_equal(no, rows[i].reason);
	}
}

static void
axes_are_local(void **state)
{
	struct compat_query q = read_query("latitude=1&longitude=2&past_days=1&forecast_days=2");
	struct compat_axis axis = compat_dates(&q.days, OFFSET, NOW);

	(void)state;
	assert_int_equal(axis.from, MIDNIGHT - 86400);
	assert_int_equal(axis.n, 3);
	axis = compat_hours(&q.days, -3600, NOW);
	assert_int_equal(axis.from, MIDNIGHT - 16 * 3600 - 86400);
	assert_int_equal(axis.n, 72);
	q = read_query("latitude=1&longitude=2&past_hours=1&forecast_hours=2");
	axis = compat_hours(&q.days, 19800, NOW);
	assert_int_equal(axis.from, NOW - 900 - 1800 - 3600); /* 22:15 is 3:45 there */
	assert_int_equal(axis.n, 3);
	q = read_query("latitude=1&longitude=2&start_date=2026-11-23&end_date=2026-11-24");
	axis = compat_dates(&q.days, OFFSET, NOW);
	assert_int_equal(axis.from, MIDNIGHT);
	assert_int_equal(axis.n, 2);
}

static void
zones_are_abbreviated_by_offset(void **state)
{
	static const struct {
		const char *name, *abbreviation;
	} rows[] = { { "GMT", "GMT" }, { "UTC", "UTC" }, { "Europe/London", "GMT" },
		{ "Asia/Jakarta", "GMT+7" }, { "Asia/Kathmandu", "GMT+5:45" },
		{ "America/St_Johns", "GMT-3:30" } };
	struct compat_zone z;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_null(compat_zone_read(rows[i].name, NOW, &z));
		assert_string_equal(compat_zone_abbreviation(arena, &z), rows[i].abbreviation);
	}
}

static void
floats_are_printed_as_swift_does(void **state)
{
	static const struct {
		float v;
		const char *text;
	} rows[] = { { 0, "0.0" }, { 7, "7.0" }, { -6.21462f, "-6.21462" }, { 0.1f, "0.1" },
		{ 106.84513f, "106.84513" }, { 16777216, "16777216.0" } };
	char text[COMPAT_FLOAT];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(compat_float(rows[i].v, text), rows[i].text);
}

/* Two hours and a day of Jakarta. */
static void
fill_place(struct compat_place *p)
{
	static struct current current;
	static struct forecast forecast;
	static double hours[H__MAX][2], days[D__MAX][1];

	p->city = (struct city){ .latitude = -6.2, .longitude = 106.8, .timezone = "Asia/Jakarta" };
	current = (struct current){ .observed_at = NOW, .is_day = false };
	forecast = (struct forecast){ .city = p->city,
		.utc_offset = OFFSET,
		.hourly_from = MIDNIGHT,
		.hours = 2,
		.daily_from = MIDNIGHT,
		.days = 1 };
	for (int i = 0; i < Q__MAX; i++)
		current.value[i] = i == Q_WIND_GUSTS ? NAN : i * 10 + 0.1;
	for (int i = 0; i < H__MAX; i++) {
		hours[i][0] = -17.8;
		hours[i][1] = i == H_PRECIPITATION ? NAN : 36;
		forecast.hourly[i] = hours[i];
	}
	for (int i = 0; i < D__MAX; i++) {
		days[i][0] = i == D_SUNRISE ? MIDNIGHT + 20000 : i == D_SUNSET ? 0 : 3;
		forecast.daily[i] = days[i];
	}
	p->current = &current;
	p->forecast = &forecast;
}

static void
json_is_open_meteos(void **state)
{
	struct compat_query q = read_query(
	    "latitude=-6,-6&longitude=106,106&timezone=Asia/"
	    "Jakarta&past_hours=5&forecast_hours=0&start_date="
	    "&current=temperature_2m,is_day,wind_gusts_10m"
	    "&hourly=temperature_2m,precipitation,weather_code,wind_speed_10m&temperature_unit="
	    "fahrenheit&wind_speed_unit=ms&elevation=8,nan"
	    "&daily=weather_code,sunrise,sunset,daylight_duration&forecast_days=2"
	    "&past_days=0");
	struct buf b = BUF_INIT(16384);
	struct jsonw w = JSONW_INIT(&b);

	(void)state;
	fill_place(&q.places[0]);
	compat_json(&w, arena, &q, 0, NOW, 0.25);
	assert_string_equal(b.p,
	    "{\"latitude\":-6.2,\"longitude\":106.8,\"generationtime_ms\":0.25,"
	    "\"utc_offset_seconds\":25200,\"timezone\":\"Asia/Jakarta\","
	    "\"timezone_abbreviation\":\"GMT+7\",\"elevation\":8.0,"
	    "\"current_units\":{\"time\":\"iso8601\",\"interval\":\"seconds\","
	    "\"temperature_2m\":\"°F\",\"is_day\":\"\",\"wind_gusts_10m\":\"m/s\"},"
	    "\"current\":{\"time\":\"2026-11-23T05:15\",\"interval\":900,"
	    "\"temperature_2m\":32.2,\"is_day\":0,\"wind_gusts_10m\":null},"
	    "\"hourly_units\":{\"time\":\"iso8601\",\"temperature_2m\":\"°F\","
	    "\"precipitation\":\"mm\",\"weather_code\":\"wmo code\","
	    "\"wind_speed_10m\":\"m/s\"},"
	    "\"hourly\":{\"time\":[\"2026-11-23T00:00\",\"2026-11-23T01:00\","
	    "\"2026-11-23T02:00\",\"2026-11-23T03:00\",\"2026-11-23T04:00\"],"
	    "\"temperature_2m\":[-0.0,96.8,null,null,null],"
	    "\"precipitation\":[-17.80,null,null,null,null],"
	    "\"weather_code\":[-18,36,null,null,null],"
	    "\"wind_speed_10m\":[-4.94,10.00,null,null,null]},"
	    "\"daily_units\":{\"time\":\"iso8601\",\"weather_code\":\"wmo code\","
	    "\"sunrise\":\"iso8601\",\"sunset\":\"iso8601\",\"daylight_duration\":\"s\"},"
	    "\"daily\":{\"time\":[\"2026-11-23\",\"2026-11-24\"],\"weather_code\":[3,null],"
	    "\"sunrise\":[\"2026-11-23T05:33\",null],\"sunset\":[null,null],"
	    "\"daylight_duration\":[null,null]}}");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    queries_are_read_as_open_meteo_does, set_up, tear_down),
		cmocka_unit_test_setup_teardown(mistakes_have_open_meteos_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(axes_are_local, set_up, tear_down),
		cmocka_unit_test_setup_teardown(zones_are_abbreviated_by_offset, set_up, tear_down),
		cmocka_unit_test(floats_are_printed_as_swift_does),
		cmocka_unit_test_setup_teardown(json_is_open_meteos, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
