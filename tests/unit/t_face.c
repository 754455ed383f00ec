/* SPDX-License-Identifier: ISC
 *
 * weather/face: the line, CSV and Prometheus's text, with both systems of units, in both languages, and with what
 * is not known.
 */
#include "unit.h"

#include "weather/face.h"

#include <math.h>
#include <string.h>

#define MIDNIGHT 1795366800 /* 2026-11-22T17:00:00Z, midnight in Jakarta */
#define OBSERVED 1795385700 /* 22:15:00 */
#define COLLECTED 1795385763 /* 22:16:03 */
#define DUE 1795386660 /* 22:31:00 */
#define OFFSET (7 * 3600)
#define DAYS 3
#define HOURS 72

static const struct settings settings = {
	.ingest_interval = 900, .ingest_offset = 60, .stale_after = 900, .forecast_interval = 21600
};

static const struct viewer metric = { &settings, COLLECTED, { UNITS_METRIC, LANG_EN } };
static const struct viewer imperial = { &settings, COLLECTED, { UNITS_IMPERIAL, LANG_ID } };

static const struct current jakarta = {
	.city = { .slug = "jakarta",
	    .name = "Jakarta",
	    .country = "ID",
	    .latitude = -6.21462,
	    .longitude = 106.84513,
	    .timezone = "Asia/Jakarta" },
	.observed_at = OBSERVED,
	.collected_at = COLLECTED,
	.due_at = DUE,
	.value = { 27.4, 31.9, 84, 1.2, 3, 97, 1009.8, 6.1, 210, 14.4 },
	.source = "open-meteo",
};

/* A name that no city has, with all that must be escaped. */
static const char odd_name[] = "A \"B\", C\\D";

static struct current
with(enum quantity q, double v)
{
	struct current c = jakarta;

	c.value[q] = v;
	return c;
}

static struct current
with_nothing(void)
{
	struct current c = jakarta;

	for (int q = 0; q < Q__MAX; q++)
		c.value[q] = NAN;
	return c;
}

static double series[H__MAX + D__MAX][HOURS];

/* Hour n has temperature n, day n a maximum of 30 + n. */
static struct forecast
make_forecast(void)
{
	static const double hour[H__MAX] = { 0, 31.9, 84, 1.2, 40, 3, 97, 1009.8, 10, 210 };
	static const double day[D__MAX] = { 61, 30, 24.5, 0, 0, 25.4, 80, 16.09344, 40, 300 };
	struct forecast f = { .city = jakarta.city,
		.collected_at = COLLECTED,
		.utc_offset = OFFSET,
		.source = "simulator",
		.hourly_from = MIDNIGHT,
		.hours = HOURS,
		.daily_from = MIDNIGHT,
		.days = DAYS };

	for (int q = 0; q < H__MAX; q++) {
		f.hourly[q] = series[q];
		for (int i = 0; i < HOURS; i++)
			f.hourly[q][i] = q == H_TEMPERATURE ? i : hour[q];
	}
	for (int q = 0; q < D__MAX; q++) {
		f.daily[q] = series[H__MAX + q];
		for (int i = 0; i < DAYS; i++)
			f.daily[q][i] = day[q] + (q == D_TEMPERATURE_MAX ? i : 0);
	}
	return f;
}

/* The first lines of b are these, and how many more there are. */
static void
assert_lines(const struct buf *b, const char *first, int more)
{
	const char *p = b->p;

	assert_true(buf_ok(b));
	assert_true(b->len > strlen(first));
	if (strncmp(b->p, first, strlen(first)) != 0)
		assert_string_equal(b->p, first);
	for (p += strlen(first); (p = strchr(p, '\n')) != NULL; p++)
		more--;
	assert_int_equal(more, 0);
}

static void
the_line_says_what_is_known(void **state)
{
	static const struct {
		enum quantity q;
		double v;
		const char *line;
	} table[] = {
		{ Q_TEMPERATURE, NAN,
		    "Jakarta: Overcast, humidity 84 %, wind 6.1 km/h from SSW\n" },
		{ Q_APPARENT_TEMPERATURE, NAN,
		    "Jakarta: 27.4 °C, Overcast, humidity 84 %, wind 6.1 km/h from SSW\n" },
		{ Q_WEATHER_CODE, NAN,
		    "Jakarta: 27.4 °C (feels like 31.9 °C), humidity 84 %, wind 6.1 km/h from "
		    "SSW\n" },
		{ Q_WEATHER_CODE, 42,
		    "Jakarta: 27.4 °C (feels like 31.9 °C), Unknown, humidity 84 %, wind 6.1 km/h "
		    "from SSW\n" },
		{ Q_RELATIVE_HUMIDITY, NAN,
		    "Jakarta: 27.4 °C (feels like 31.9 °C), Overcast, wind 6.1 km/h from SSW\n" },
		{ Q_WIND_SPEED, NAN,
		    "Jakarta: 27.4 °C (feels like 31.9 °C), Overcast, humidity 84 %\n" },
		{ Q_WIND_SPEED, 0.04,
		    "Jakarta: 27.4 °C (feels like 31.9 °C), Overcast, humidity 84 %, calm\n" },
		{ Q_WIND_DIRECTION, NAN,
		    "Jakarta: 27.4 °C (feels like 31.9 °C), Overcast, humidity 84 %, wind 6.1 "
		    "km/h\n" },
	};
	struct current none = with_nothing();
	struct buf b = BUF_INIT(4096);

	(void)state;
	face_text_current(&b, &jakarta, 12.34, &metric);
	assert_string_equal(b.p, "Jakarta, 12.3 km away: 27.4 °C (feels like 31.9 °C), Overcast, "
				 "humidity 84 %, wind 6.1 "
				 "km/h from SSW\n");
	for (size_t i = 0; i < COUNT(table); i++) {
		struct current c = with(table[i].q, table[i].v);

		buf_reset(&b);
		face_text_current(&b, &c, NAN, &metric);
		assert_string_equal(b.p, table[i].line);
	}
	buf_reset(&b);
	face_text_current(&b, &none, NAN, &metric);
	assert_string_equal(b.p, "Jakarta:\n");
	buf_free(&b);
}

static void
the_line_in_indonesian_and_imperial(void **state)
{
	struct viewer late = imperial;
	struct buf b = BUF_INIT(4096);
	struct current calm = with(Q_WIND_SPEED, 0);

	(void)state;
	face_text_current(&b, &jakarta, 3, &imperial);
	assert_string_equal(b.p, "Jakarta, 3.0 km jauhnya: 81.3 °F (terasa seperti 89.4 °F), "
				 "Berawan tebal, kelembapan 84 "
				 "%, angin 3.8 mph dari SSW\n");
	buf_reset(&b);
	late.now += 3 * 3600;
	face_text_current(&b, &calm, NAN, &late);
	assert_string_equal(b.p, "Jakarta: 81.3 °F (terasa seperti 89.4 °F), Berawan tebal, "
				 "kelembapan 84 %, angin tenang "
				 "(diamati 2026-11-22T22:15:00Z)\n");
	buf_free(&b);
}

static void
winds_have_sixteen_directions(void **state)
{
	static const struct {
		double degrees;
		const char *point;
	} table[] = { { 0, "N\n" }, { 11, "N\n" }, { 12, "NNE\n" }, { 45, "NE\n" }, { 90, "E\n" },
		{ 180, "S\n" }, { 225, "SW\n" }, { 270, "W\n" }, { 337, "NNW\n" }, { 348, "NNW\n" },
		{ 349, "N\n" }, { 360, "N\n" } };
	struct buf b = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct current c = with(Q_WIND_DIRECTION, table[i].degrees);

		ROW("%g degrees", table[i].degrees);
		buf_reset(&b);
		face_text_current(&b, &c, NAN, &metric);
		assert_non_null(strstr(b.p, "from "));
		assert_string_equal(strstr(b.p, "from ") + 5, table[i].point);
	}
	buf_free(&b);
}

static void
the_days_are_one_line(void **state)
{
	struct forecast f = make_forecast();
	struct viewer tomorrow = metric;
	struct buf b = BUF_INIT(4096);

	(void)state;
	face_text_forecast(&b, &f, 2, &metric);
	assert_string_equal(b.p, "Jakarta: 2026-11-23 Slight rain, 24.5 °C to 30.0 °C, "
				 "precipitation 25.4 mm (80 %), wind "
				 "up to 16.1 km/h; 2026-11-24 Slight rain, 24.5 °C to 31.0 °C, "
				 "precipitation 25.4 mm (80 "
				 "%), wind up to 16.1 km/h\n");
	buf_reset(&b);
	face_text_forecast(&b, &f, 1, &imperial);
	assert_string_equal(b.p, "Jakarta: 2026-11-23 Hujan ringan, 76.1 °F sampai 86.0 °F, curah "
				 "hujan 1.0 inch (80 %), "
				 "angin sampai 10.0 mph\n");
	buf_reset(&b);
	tomorrow.now += 86400;
	face_text_forecast(&b, &f, 1, &tomorrow);
	assert_memory_equal(b.p, "Jakarta: 2026-11-24 ", 20);
	buf_reset(&b);
	tomorrow.now += 9 * 86400;
	face_text_forecast(&b, &f, 1, &tomorrow);
	assert_string_equal(b.p, "Jakarta:\n");
	buf_free(&b);
}

static void
the_days_leave_out_what_is_not_known(void **state)
{
	static const struct {
		unsigned missing; /* bits */
		const char *line;
	} table[] = {
		{ 1 << D_WEATHER_CODE, "Jakarta: 2026-11-23, 24.5 °C to 30.0 °C, precipitation "
				       "25.4 mm (80 %), wind up to "
				       "16.1 km/h\n" },
		{ 1 << D_TEMPERATURE_MAX, "Jakarta: 2026-11-23 Slight rain, 24.5 °C, precipitation "
					  "25.4 mm (80 %), wind up "
					  "to 16.1 km/h\n" },
		{ 1 << D_TEMPERATURE_MIN, "Jakarta: 2026-11-23 Slight rain, to 30.0 °C, "
					  "precipitation 25.4 mm (80 %), wind "
					  "up to 16.1 km/h\n" },
		{ 1 << D_PRECIPITATION_SUM, "Jakarta: 2026-11-23 Slight rain, 24.5 °C to 30.0 °C, "
					    "precipitation 80 %, wind up "
					    "to 16.1 km/h\n" },
		{ 1 << D_PRECIPITATION_PROBABILITY_MAX, "Jakarta: 2026-11-23 Slight rain, 24.5 °C "
							"to 30.0 °C, precipitation 25.4 mm, wind "
							"up to 16.1 km/h\n" },
		{ 1 << D_WIND_SPEED_MAX, "Jakarta: 2026-11-23 Slight rain, 24.5 °C to 30.0 °C, "
					 "precipitation 25.4 mm (80 "
					 "%)\n" },
		{ (1 << D__MAX) - 1, "Jakarta: 2026-11-23\n" },
	};
	struct buf b = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct forecast f = make_forecast();

		for (int q = 0; q < D__MAX; q++)
			if (table[i].missing & (1u << q))
				f.daily[q][0] = NAN;
		buf_reset(&b);
		face_text_forecast(&b, &f, 1, &metric);
		assert_string_equal(b.p, table[i].line);
	}
	buf_free(&b);
}

static void
csv_has_a_line_for_each_city(void **state)
{
	struct current list[] = { jakarta, with_nothing() };
	struct buf b = BUF_INIT(4096);

	(void)state;
	list[1].city.name = odd_name;
	list[1].is_day = true;
	face_csv_current(&b, 2, list, NAN, &metric);
	assert_string_equal(b.p,
	    "city,name,country,latitude,longitude,observed_at,temperature "
	    "(°C),apparent_temperature "
	    "(°C),relative_humidity (%),precipitation "
	    "(mm),weather_code,weather_desc,is_day,cloud_cover "
	    "(%),pressure_msl (hPa),wind_speed (km/h),wind_direction (°),wind_gusts "
	    "(km/h),collected_at,source\r\n"
	    "jakarta,Jakarta,ID,-6.21462,106.84513,2026-11-22T22:15:00Z,27.4,31.9,84,1.2,3,"
	    "Overcast,"
	    "false,97,1009.8,6.1,210,14.4,2026-11-22T22:16:03Z,open-meteo\r\n"
	    "jakarta,\"A \"\"B\"\", "
	    "C\\D\",ID,-6.21462,106.84513,2026-11-22T22:15:00Z,,,,,,,true,,,,,,"
	    "2026-11-22T22:16:03Z,open-meteo\r\n");
	buf_reset(&b);
	face_csv_current(&b, 1, list, 12.34, &imperial);
	assert_string_equal(b.p,
	    "city,name,country,latitude,longitude,observed_at,temperature "
	    "(°F),apparent_temperature "
	    "(°F),relative_humidity (%),precipitation (inch),weather_code,weather_desc,is_day,"
	    "cloud_cover (%),pressure_msl (hPa),wind_speed (mph),wind_direction (°),wind_gusts "
	    "(mph),collected_at,source,distance_km\r\n"
	    "jakarta,Jakarta,ID,-6.21462,106.84513,2026-11-22T22:15:00Z,81.3,89.4,84,0.047,3,"
	    "Berawan "
	    "tebal,false,97,1009.8,3.8,210,8.9,2026-11-22T22:16:03Z,open-meteo,12.3\r\n");
	buf_free(&b);
}

static void
csv_has_a_line_for_each_hour(void **state)
{
	struct forecast f = make_forecast();
	struct viewer tomorrow = imperial;
	struct buf b = BUF_INIT(65536);

	(void)state;
	f.hourly[H_TEMPERATURE][1] = f.hourly[H_WEATHER_CODE][1] = NAN;
	face_csv_forecast(&b, &f, 2, &metric);
	assert_lines(&b,
	    "city,time,temperature (°C),apparent_temperature (°C),relative_humidity "
	    "(%),precipitation "
	    "(mm),precipitation_probability (%),weather_code,weather_desc,cloud_cover "
	    "(%),pressure_msl "
	    "(hPa),wind_speed (km/h),wind_direction (°),is_day\r\n"
	    "jakarta,2026-11-22T17:00:00Z,0.0,31.9,84,1.2,40,3,Overcast,97,1009.8,10.0,210,"
	    "false\r\n"
	    "jakarta,2026-11-22T18:00:00Z,,31.9,84,1.2,40,,,97,1009.8,10.0,210,false\r\n",
	    46);
	buf_reset(&b);
	tomorrow.now += 86400;
	face_csv_forecast(&b, &f, 1, &tomorrow);
	assert_lines(&b,
	    "city,time,temperature (°F),apparent_temperature (°F),relative_humidity "
	    "(%),precipitation "
	    "(inch),precipitation_probability (%),weather_code,weather_desc,cloud_cover (%),"
	    "pressure_msl (hPa),wind_speed (mph),wind_direction (°),is_day\r\n"
	    "jakarta,2026-11-23T17:00:00Z,75.2,89.4,84,0.047,40,3,Berawan "
	    "tebal,97,1009.8,6.2,210,false\r\n",
	    23);
	buf_free(&b);
}

static void
prometheus_is_metric_whoever_looks(void **state)
{
	struct current list[] = { jakarta, with(Q_TEMPERATURE, NAN) };
	struct buf b = BUF_INIT(65536), again = BUF_INIT(65536);
	struct viewer late = metric;

	(void)state;
	list[1].city.slug = "odd";
	list[1].city.name = odd_name;
	face_prometheus_current(&b, 2, list, &metric);
	assert_lines(&b,
	    "# Weather data by Open-Meteo.com, https://open-meteo.com/, CC BY 4.0\n"
	    "# HELP cuaca_weather_temperature_celsius temperature, °C\n"
	    "# TYPE cuaca_weather_temperature_celsius gauge\n"
	    "cuaca_weather_temperature_celsius{city=\"jakarta\",name=\"Jakarta\",country=\"ID\","
	    "source=\"open-meteo\"} 27.4\n"
	    "# HELP cuaca_weather_apparent_temperature_celsius apparent_temperature, °C\n",
	    3 + 8 * 4 + 4 * 4);
	assert_non_null(strstr(b.p,
	    "\ncuaca_weather_wind_speed_kilometers_per_hour{city=\"odd\",name=\"A \\\"B\\\", "
	    "C\\\\D\",country=\"ID\",source=\"open-meteo\"} 6.1\n"));
	assert_non_null(strstr(b.p, "\ncuaca_weather_code{city=\"jakarta\","));
	assert_non_null(strstr(b.p, "source=\"open-meteo\"} 1795385763\n"));
	face_prometheus_current(&again, 2, list, &imperial);
	assert_string_equal(again.p, b.p);
	buf_reset(&b);
	face_prometheus_current(&b, 1, list, &late);
	assert_string_equal(b.p + b.len - 23, "source=\"open-meteo\"} 0\n");
	buf_reset(&b);
	late.now += 3 * 3600;
	face_prometheus_current(&b, 1, list, &late);
	assert_string_equal(b.p + b.len - 23, "source=\"open-meteo\"} 1\n");
	buf_free(&b);
	buf_free(&again);
}

static void
prometheus_counts_days_from_today(void **state)
{
	struct forecast f = make_forecast();
	struct viewer tomorrow = imperial;
	struct buf b = BUF_INIT(65536);

	(void)state;
	f.daily[D_TEMPERATURE_MIN][2] = NAN;
	tomorrow.now += 86400;
	face_prometheus_forecast(&b, &f, 7, &tomorrow);
	assert_non_null(
	    strstr(b.p, "# TYPE cuaca_forecast_temperature_max_celsius gauge\n"
			"cuaca_forecast_temperature_max_celsius{city=\"jakarta\",name=\"Jakarta\","
			"country=\"ID\","
			"source=\"simulator\",day=\"0\"} 31.0\n"
			"cuaca_forecast_temperature_max_celsius{city=\"jakarta\",name=\"Jakarta\","
			"country=\"ID\","
			"source=\"simulator\",day=\"1\"} 32.0\n"
			"# HELP cuaca_forecast_temperature_min_celsius temperature_min, °C\n"
			"# TYPE cuaca_forecast_temperature_min_celsius gauge\n"
			"cuaca_forecast_temperature_min_celsius{city=\"jakarta\",name=\"Jakarta\","
			"country=\"ID\","
			"source=\"simulator\",day=\"0\"} 24.5\n"
			"# HELP cuaca_forecast_sunrise_timestamp_seconds sunrise, unixtime\n"));
	assert_string_equal(strstr(b.p, "\ncuaca_forecast_collected_timestamp_seconds{"),
	    "\ncuaca_forecast_collected_timestamp_seconds{city=\"jakarta\",name=\"Jakarta\","
	    "country="
	    "\"ID\",source=\"simulator\"} 1795385763\n");
	buf_free(&b);
}

static void
each_face_has_its_type(void **state)
{
	(void)state;
	assert_string_equal(face_type(FORMAT_JSON), "application/json");
	assert_string_equal(face_type(FORMAT_TEXT), "text/plain; charset=utf-8");
	assert_string_equal(face_type(FORMAT_CSV), "text/csv; charset=utf-8; header=present");
	assert_string_equal(
	    face_type(FORMAT_PROMETHEUS), "text/plain; version=0.0.4; charset=utf-8");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_says_what_is_known),
		cmocka_unit_test(the_line_in_indonesian_and_imperial),
		cmocka_unit_test(winds_have_sixteen_directions),
		cmocka_unit_test(the_days_are_one_line),
		cmocka_unit_test(the_days_leave_out_what_is_not_known),
		cmocka_unit_test(csv_has_a_line_for_each_city),
		cmocka_unit_test(csv_has_a_line_for_each_hour),
		cmocka_unit_test(prometheus_is_metric_whoever_looks),
		cmocka_unit_test(prometheus_counts_days_from_today),
		cmocka_unit_test(each_face_has_its_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
