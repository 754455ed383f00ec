/* SPDX-License-Identifier: ISC
 *
 * weather/current, schedule, city and wmo: the body as DESIGN has it, how long it stays right, and reading it back.
 */
#include "unit.h"

#include "weather/current.h"
#include "weather/schedule.h"
#include "weather/wmo.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OBSERVED 1795385700 /* 2026-11-22T22:15:00Z */
#define COLLECTED 1795385763 /* 22:16:03 */
#define NEXT 1795386660 /* 22:31:00 */
#define STALE (NEXT + 900)

static const struct settings settings = {
	.ingest_interval = 900, .ingest_offset = 60, .stale_after = 900
};

/* A row of the query weather_current. */
static char *row[] = { "jakarta", "Jakarta", "ID", "Jakarta", "-6.21462", "106.84513",
	"Asia/Jakarta", "8540121", "t", "1795385700", "1795385763", "27.4", "31.9", "84", "0", "3",
	"f", "97", "1009.8", "6.1", "210", "14.4", "open-meteo", "1" };
static const struct db_rows rows = { .n = 1, .columns = COUNT(row), .values = row };

static const char body[] =
    "{\"city\":{\"slug\":\"jakarta\",\"name\":\"Jakarta\",\"country\":\"ID\",\"latitude\":-6.21462,"
    "\"longitude\":106.84513,"
    "\"timezone\":\"Asia/Jakarta\"},"
    "\"current\":{\"observed_at\":\"2026-11-22T22:15:00Z\",\"temperature\":27.4,\"apparent_"
    "temperature\":31.9,"
    "\"relative_humidity\":84,\"precipitation\":0.0,\"weather_code\":3,\"weather_desc\":"
    "\"Overcast\",\"is_day\":false,"
    "\"cloud_cover\":97,\"pressure_msl\":1009.8,\"wind_speed\":6.1,\"wind_direction\":210,\"wind_"
    "gusts\":14.4},"
    "\"units\":{\"temperature\":\"°C\",\"apparent_temperature\":\"°C\",\"relative_humidity\":\"%\","
    "\"precipitation\":\"mm\","
    "\"cloud_cover\":\"%\",\"pressure_msl\":\"hPa\",\"wind_speed\":\"km/"
    "h\",\"wind_direction\":\"°\",\"wind_gusts\":\"km/h\"},"
    "\"collected_at\":\"2026-11-22T22:16:03Z\",\"next_update_at\":\"2026-11-22T22:31:00Z\","
    "\"stale\":false,"
    "\"source\":\"open-meteo\",\"attribution\":{\"text\":\"Weather data by Open-Meteo.com\","
    "\"url\":\"https://open-meteo.com/\",\"licence\":\"CC BY 4.0\"}}";

static void
the_body_is_exactly_the_contract(void **state)
{
	struct buf b = BUF_INIT(8192);
	struct jsonw w = JSONW_INIT(&b);
	struct current c;

	(void)state;
	assert_true(current_from_row(&rows, 0, &settings, &c));
	current_json(&w, &c, &settings, COLLECTED, &present_default);
	assert_true(buf_ok(&b));
	assert_string_equal(b.p, body);
	buf_free(&b);
}

/* The same bytes as long as current_ttl() said, from any moment on. */
static void
the_body_is_stable_for_its_ttl(void **state)
{
	struct buf first = BUF_INIT(8192), b = BUF_INIT(8192);
	struct current c;

	(void)state;
	assert_true(current_from_row(&rows, 0, &settings, &c));
	for (int64_t t = COLLECTED; t < COLLECTED + 2 * 3600; t += 7) {
		struct jsonw w = JSONW_INIT(&first);
		int64_t ttl = current_ttl(&c, &settings, t);

		assert_in_range(ttl, 1, 600);
		buf_reset(&first);
		current_json(&w, &c, &settings, t, &present_default);
		for (int64_t later = t; later<t + ttl; later += ttl> 1 ? ttl - 1 : 1) {
			w = (struct jsonw)JSONW_INIT(&b);
			buf_reset(&b);
			current_json(&w, &c, &settings, later, &present_default);
			assert_string_equal(b.p, first.p);
		}
	}
	buf_free(&first);
	buf_free(&b);
}

static bool
says_stale(int64_t now)
{
	struct buf b = BUF_INIT(8192);
	struct jsonw w = JSONW_INIT(&b);
	struct current c;
	bool stale;

	assert_true(current_from_row(&rows, 0, &settings, &c));
	current_json(&w, &c, &settings, now, &present_default);
	stale = strstr(b.p, "\"stale\":true") != NULL;
	assert_int_not_equal(stale, strstr(b.p, "\"stale\":false") != NULL);
	buf_free(&b);
	return stale;
}

static void
stale_begins_when_the_update_is_overdue(void **state)
{
	struct current c;

	(void)state;
	assert_false(says_stale(COLLECTED));
	assert_false(says_stale(STALE - 1));
	assert_true(says_stale(STALE));
	assert_true(says_stale(STALE + 100 * 86400));
	assert_true(current_from_row(&rows, 0, &settings, &c));
	assert_int_equal(current_ttl(&c, &settings, COLLECTED), 600);
	assert_int_equal(current_ttl(&c, &settings, NEXT - 10), 10);
	assert_int_equal(current_ttl(&c, &settings, STALE - 3), 3);
	assert_int_equal(
	    current_ttl(&c, &settings, COLLECTED - 5), 600); /* a clock that was set back */
}

static void
the_next_update_is_never_past(void **state)
{
	struct buf b = BUF_INIT(8192);
	struct current c;

	(void)state;
	assert_true(current_from_row(&rows, 0, &settings, &c));
	for (int64_t t = COLLECTED - 100; t < COLLECTED + 7200; t += 13) {
		struct jsonw w = JSONW_INIT(&b);
		int64_t collected, next;

		buf_reset(&b);
		current_json(&w, &c, &settings, t, &present_default);
		assert_true(current_times(b.p, b.len, &collected, &next));
		assert_int_equal(collected, COLLECTED);
		assert_true(next > t && next <= t + 1800);
		assert_int_equal(next % 900, 60);
	}
	buf_free(&b);
}

/* Of a city that is collected in one of eight runs: due two hours later, and stale when that is overdue. */
static void
a_pace_of_its_own_decides_when_it_is_due(void **state)
{
	static const int64_t due = NEXT + 7 * 900;
	char *slow_row[COUNT(row)];
	struct db_rows slow = { .n = 1, .columns = COUNT(row), .values = slow_row };
	struct buf b = BUF_INIT(8192), again = BUF_INIT(8192);
	struct arena *a = arena_new(65536);
	struct current c, back;

	(void)state;
	memcpy(slow_row, row, sizeof(row));
	slow_row[COUNT(row) - 1] = "8";
	assert_true(current_from_row(&slow, 0, &settings, &c));
	assert_int_equal(c.due_at, due);
	for (int64_t t = COLLECTED; t < due + 4 * 900; t += 217) {
		struct jsonw w = JSONW_INIT(&b), w2 = JSONW_INIT(&again);
		int64_t collected, next, ttl = current_ttl(&c, &settings, t);

		buf_reset(&b);
		current_json(&w, &c, &settings, t, &present_default);
		assert_true(current_times(b.p, b.len, &collected, &next));
		assert_int_equal(next, t < due ? due : schedule_next(&settings, t));
		assert_int_equal(strstr(b.p, "\"stale\":true") != NULL, t >= due + 900);
		assert_int_equal(current_is_stale(&c, &settings, t), t >= due + 900);
		assert_in_range(ttl, 1, 600);
		/* read back and written again it stays the same as long as it may be kept */
		assert_int_equal(current_parse(a, b.p, b.len, &back), RC_OK);
		buf_reset(&again);
		current_json(&w2, &back, &settings, t + ttl - 1, &present_default);
		assert_string_equal(again.p, b.p);
		arena_reset(a);
	}
	buf_free(&again);
	buf_free(&b);
	arena_free(a);
}

static void
what_is_missing_is_null(void **state)
{
	char *holes[COUNT(row)];
	struct db_rows hollow = { .n = 1, .columns = COUNT(row), .values = holes };
	struct buf b = BUF_INIT(8192);
	struct jsonw w = JSONW_INIT(&b);
	struct current c;

	(void)state;
	memcpy(holes, row, sizeof(row));
	for (size_t i = 11; i < COUNT(row) - 2; i++)
		holes[i] = NULL;
	assert_true(current_from_row(&hollow, 0, &settings, &c));
	current_json(&w, &c, &settings, COLLECTED, &present_default);
	assert_non_null(
	    strstr(b.p, "\"temperature\":null,\"apparent_temperature\":null,\"relative_humidity\":"
			"null,\"precipitation\":null,"
			"\"weather_code\":null,\"weather_desc\":null,\"is_day\":false,\"cloud_"
			"cover\":null,\"pressure_msl\":null,"
			"\"wind_speed\":null,\"wind_direction\":null,\"wind_gusts\":null}"));
	buf_free(&b);

	holes[9] = NULL; /* observed_at: a city without an observation */
	assert_false(current_from_row(&hollow, 0, &settings, &c));
	assert_string_equal(c.city.slug, "jakarta");
	assert_true(c.city.tracked);
}

static void
times_are_read_back_or_refused(void **state)
{
	static const char no_month[] =
	    "\"collected_at\":\"2026-13-22T22:16:03Z\",\"next_update_at\":\"2026-11-22T22:31:00Z\"";
	const size_t enough = (size_t)(strstr(body, "22:31:00Z") - body) + strlen("22:31:00Z");
	int64_t collected, next;

	(void)state;
	assert_true(current_times(body, strlen(body), &collected, &next));
	assert_int_equal(collected, COLLECTED);
	assert_int_equal(next, NEXT);
	assert_false(current_times("", 0, &collected, &next));
	assert_false(current_times("{}", 2, &collected, &next));
	assert_false(current_times("{\"collected_at\":\"", 16, &collected, &next));
	assert_false(current_times(no_month, strlen(no_month), &collected, &next));
	for (size_t len = 0; len <= strlen(body);
	     len++) { /* cut anywhere, with nothing readable behind */
		char *cut = malloc(len);

		assert_non_null(memcpy(cut, body, len));
		assert_int_equal(current_times(cut, len, &collected, &next), len >= enough);
		free(cut);
	}
}

static void
keys_are_as_the_design_has_them(void **state)
{
	struct arena *a = arena_new(4096);

	(void)state;
	assert_string_equal(
	    current_key(a, "springfield-us-mo"), "weather:springfield-us-mo:current");
	assert_string_equal(current_last_key(a, "jakarta"), "weather:jakarta:last");
	arena_free(a);
}

static void
a_city_has_nine_members_and_perhaps_a_distance(void **state)
{
	static const char plain[] =
	    "{\"slug\":\"jakarta\",\"name\":\"Jakarta\",\"country\":\"ID\",\"admin1\":\"Jakarta\","
	    "\"latitude\":-6.21462,\"longitude\":106.84513,\"timezone\":\"Asia/Jakarta\","
	    "\"population\":8540121,\"tracked\":true}";
	struct buf b = BUF_INIT(8192);
	struct jsonw w = JSONW_INIT(&b);
	struct city c;

	(void)state;
	city_from_row(&rows, 0, 0, &c);
	city_json(&w, NULL, &c, NAN);
	assert_string_equal(b.p, plain);
	buf_reset(&b);
	w = (struct jsonw)JSONW_INIT(&b);
	c.admin1 = NULL;
	city_json(&w, NULL, &c, 0);
	assert_non_null(strstr(b.p, "\"admin1\":null,"));
	assert_non_null(strstr(b.p, "\"tracked\":true,\"distance_km\":0.0}"));
	buf_free(&b);
}

static void
ingests_are_on_the_timetable(void **state)
{
	static const struct {
		int64_t interval, offset, t, next;
	} table[] = {
		{ 900, 60, 0, 60 },
		{ 900, 60, 59, 60 },
		{ 900, 60, 60, 960 },
		{ 900, 60, 959, 960 },
		{ 900, 60, 960, 1860 },
		{ 900, 0, 0, 900 },
		{ 900, 0, 899, 900 },
		{ 60, 60, 30, 60 },
		{ 900, 960, 59, 60 },
		{ 3600, 1800, 1799, 1800 },
		{ 3600, 1800, 1800, 5400 },
		{ 900, 60, COLLECTED, NEXT },
		{ 86400, 86399, 86398, 86399 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct settings s = { .ingest_interval = table[i].interval,
			.ingest_offset = table[i].offset,
			.stale_after = 5 };

		assert_int_equal(schedule_next(&s, table[i].t), table[i].next);
		assert_int_equal(schedule_stale_at(&s, table[i].t), table[i].next + 5);
	}
}

static void
every_code_has_words(void **state)
{
	(void)state;
	assert_string_equal(wmo_text(0, LANG_EN), "Clear sky");
	assert_string_equal(wmo_text(3, LANG_EN), "Overcast");
	assert_string_equal(wmo_text(97, LANG_EN), "Heavy thunderstorm");
	assert_string_equal(wmo_text(4, LANG_EN), "Unknown");
	for (int code = -300; code < 300; code++)
		assert_true(strlen(wmo_text(code, LANG_EN)) > 0);
	assert_string_equal(wmo_text(-1, LANG_EN), "Unknown");
	assert_string_equal(wmo_text(100, LANG_EN), "Unknown");
	assert_string_equal(wmo_text(INT32_MAX, LANG_EN), "Unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_body_is_exactly_the_contract),
		cmocka_unit_test(the_body_is_stable_for_its_ttl),
		cmocka_unit_test(stale_begins_when_the_update_is_overdue),
		cmocka_unit_test(the_next_update_is_never_past),
		cmocka_unit_test(a_pace_of_its_own_decides_when_it_is_due),
		cmocka_unit_test(what_is_missing_is_null),
		cmocka_unit_test(times_are_read_back_or_refused),
		cmocka_unit_test(keys_are_as_the_design_has_them),
		cmocka_unit_test(a_city_has_nine_members_and_perhaps_a_distance),
		cmocka_unit_test(ingests_are_on_the_timetable),
		cmocka_unit_test(every_code_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
