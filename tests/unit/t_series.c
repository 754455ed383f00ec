/* SPDX-License-Identifier: ISC
 *
 * cron/weather-ingest/series.c: forecasts and hours of the past in, series or reasons out. Each test spoils a sound
 * answer in one place.
 */
#include "unit.h"

#include "../../cron/weather-ingest/series.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIDNIGHT 1795366800 /* 2026-11-22T17:00:00Z, midnight in Jakarta */
#define TODAY (MIDNIGHT + FORECAST_PAST * 86400) /* two midnights later */
#define NOW (TODAY + 5 * 3600)
#define OFFSET (7 * 3600)
#define HOURS (FORECAST_STORED * 24)
#define PAST_HOURS 48

static const struct asked asked[2] = { { -6.21462, 106.84513, ASKED_ANY_OFFSET },
	{ -6.21462, 106.84513, ASKED_ANY_OFFSET } };

/* What the last judgement said. */
static struct arena *arena;
static struct outlook seen[2];
static struct past past;
static char detail[CHECK_DETAIL];

static int
set_up(void **state)
{
	(void)state;
	arena = arena_new(1 << 22);
	return arena == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* A value that is in range for every quantity. */
static double
sound(const struct quantity_info *info)
{
	return info->min > 0 ? info->min : info->max < 25 ? info->max : 25;
}

/* A block: n times from from on, and as many values of each quantity. */
static void
add_block(cJSON *place, const char *name, const struct quantity_info infos[], int quantities_n,
    int64_t from, int64_t step, int n)
{
	cJSON *block = cJSON_AddObjectToObject(place, name), *units, *times;
	char units_name[32];

	snprintf(units_name, sizeof(units_name), "%s_units", name);
	units = cJSON_AddObjectToObject(place, units_name);
	times = cJSON_AddArrayToObject(block, "time");
	cJSON_AddStringToObject(units, "time", "unixtime");
	for (int i = 0; i < n; i++)
		cJSON_AddItemToArray(times, cJSON_CreateNumber((double)(from + i * step)));
	for (int q = 0; q < quantities_n; q++) {
		cJSON *values = cJSON_AddArrayToObject(block, infos[q].upstream);

		cJSON_AddStringToObject(units, infos[q].upstream, infos[q].upstream_unit);
		for (int i = 0; i < n; i++)
			cJSON_AddItemToArray(values, cJSON_CreateNumber(sound(&infos[q])));
	}
}

static cJSON *
make_head(int offset)
{
	cJSON *place = cJSON_CreateObject();

	cJSON_AddNumberToObject(place, "latitude", -6.25);
	cJSON_AddNumberToObject(place, "longitude", 106.875);
	cJSON_AddNumberToObject(place, "utc_offset_seconds", offset);
	return place;
}

/* A sound forecast whose first day begins at from. */
static cJSON *
make_forecast(int64_t from, int offset)
{
	cJSON *place = make_head(offset);

	add_block(place, "hourly", hourly_quantities, H__MAX, from, 3600, HOURS);
	add_block(place, "daily", daily_quantities, D__MAX, from, 86400, FORECAST_STORED);
	return place;
}

static cJSON *
make_past(int64_t from, int hours)
{
	cJSON *place = make_head(0);

	add_block(place, "hourly", quantities, Q__MAX, from, 3600, hours);
	return place;
}

static cJSON *
member(cJSON *place, const char *block, const char *name)
{
	cJSON *m = cJSON_GetObjectItemCaseSensitive(
	    cJSON_GetObjectItemCaseSensitive(place, block), name);

	assert_non_null(m);
	return m;
}

/* Judge n places at now, and free them. The refusal of the body or, where that is sound, of the first place. */
static enum refusal
judge_at(cJSON *root, int n, int64_t now)
{
	char *body = cJSON_PrintUnformatted(root);
	enum refusal why;

	assert_non_null(body);
	arena_reset(arena);
	why = check_forecasts(body, strlen(body), asked, n, now, arena, seen, detail);
	free(body);
	cJSON_Delete(root);
	return why != REFUSAL_NONE ? why : seen[0].refusal;
}

static enum refusal
judge(cJSON *place)
{
	return judge_at(place, 1, NOW);
}

static enum refusal
judge_past(cJSON *place, int64_t from)
{
	char *body = cJSON_PrintUnformatted(place);
	enum refusal why;

	assert_non_null(body);
	arena_reset(arena);
	why = check_past(
	    body, strlen(body), &asked[0], from, from + PAST_HOURS * 3600, arena, &past, detail);
	free(body);
	cJSON_Delete(place);
	return why != REFUSAL_NONE ? why : past.refusal;
}

static cJSON *
good(void)
{
	return make_forecast(MIDNIGHT, OFFSET);
}

/* A good forecast in which text, as JSON, stands in place of element i of a series. */
static enum refusal
judge_with(const char *block, const char *name, int i, const char *text)
{
	cJSON *place = good();

	ROW("%s of %s: %s at %d", block, name, text, i);
	assert_true(cJSON_ReplaceItemInArray(member(place, block, name), i, cJSON_Parse(text)));
	return judge(place);
}

static void
a_sound_forecast_is_read(void **state)
{
	const struct forecast *f = &seen[0].forecast;

	(void)state;
	assert_int_equal(judge(good()), REFUSAL_NONE);
	assert_int_equal(f->utc_offset, OFFSET);
	assert_int_equal(f->hourly_from, MIDNIGHT);
	assert_int_equal(f->daily_from, MIDNIGHT);
	assert_int_equal(f->hours, HOURS);
	assert_int_equal(f->days, FORECAST_STORED);
	assert_int_equal(judge_with("hourly", "temperature_2m", 167, "27.449"), REFUSAL_NONE);
	assert_true(fabs(f->hourly[H_TEMPERATURE][167] - 27.4) < 1e-9);
	assert_int_equal(judge_with("hourly", "temperature_2m", 0, "-0.04"), REFUSAL_NONE);
	assert_false(signbit(f->hourly[H_TEMPERATURE][0]));
	assert_int_equal(judge_with("daily", "sunrise", 6, "1795388400"), REFUSAL_NONE);
	assert_true(fabs(f->daily[D_SUNRISE][6] - 1795388400) < 1e-9);
}

static void
series_are_as_long_as_they_must_be(void **state)
{
	static const struct {
		const char *block, *name;
	} table[] = { { "hourly", "time" }, { "hourly", "temperature_2m" },
		{ "hourly", "wind_direction_10m" }, { "daily", "time" }, { "daily", "sunset" },
		{ "daily", "wind_direction_10m_dominant" } };

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		cJSON *shorter = good(), *longer = good(), *empty = good(), *number = good(),
		      *none = good(), *twice = good();
		const char *block = table[i].block, *name = table[i].name;

		ROW("%s of %s", block, name);
		cJSON_DeleteItemFromArray(member(shorter, block, name), 0);
		assert_int_equal(judge(shorter), REFUSAL_SERIES);
		assert_non_null(strstr(seen[0].detail, name));
		cJSON_AddItemToArray(member(longer, block, name), cJSON_CreateNull());
		assert_int_equal(judge(longer), REFUSAL_SERIES);
		cJSON_ReplaceItemInObject(
		    cJSON_GetObjectItem(empty, block), name, cJSON_CreateArray());
		assert_int_equal(judge(empty), REFUSAL_SERIES);
		cJSON_ReplaceItemInObject(
		    cJSON_GetObjectItem(number, block), name, cJSON_CreateNumber(1));
		assert_int_equal(judge(number), REFUSAL_SERIES);
		cJSON_DeleteItemFromObject(cJSON_GetObjectItem(none, block), name);
		assert_int_equal(judge(none), REFUSAL_MISSING);
		cJSON_AddItemToObject(cJSON_GetObjectItem(twice, block), name,
		    cJSON_Duplicate(member(twice, block, name), true));
		assert_int_equal(judge(twice), REFUSAL_MISSING);
	}
}

/* All of a block a day short: its series agree with each other, and still it isn't what was asked for. */
static void
all_days_must_be_there(void **state)
{
	cJSON *place = make_head(OFFSET);

	(void)state;
	add_block(place, "hourly", hourly_quantities, H__MAX, MIDNIGHT, 3600, HOURS - 24);
	add_block(place, "daily", daily_quantities, D__MAX, MIDNIGHT, 86400, FORECAST_STORED - 1);
	assert_int_equal(judge(place), REFUSAL_SERIES);
}

static void
times_follow_each_other(void **state)
{
	static const struct {
		const char *block;
		int i;
		const char *time;
		enum refusal why;
	} table[] = {
		{ "hourly", 1, "1795366800", REFUSAL_SERIES },
		{ "hourly", 1, "1795374000", REFUSAL_SERIES },
		{ "hourly", 1, "1795363200", REFUSAL_SERIES },
		{ "hourly", 167, "1795968001", REFUSAL_SERIES },
		{ "hourly", 100, "null", REFUSAL_SERIES },
		{ "hourly", 100, "\"2026-11-23T00:00\"", REFUSAL_SERIES },
		{ "daily", 6, "1795888800", REFUSAL_SERIES },
		{ "hourly", 0, "null", REFUSAL_TIME },
		{ "hourly", 0, "\"2026-11-23T00:00\"", REFUSAL_TIME },
		{ "hourly", 0, "1795366800.5", REFUSAL_TIME },
		{ "hourly", 0, "-3600", REFUSAL_TIME },
		{ "hourly", 0, "1e300", REFUSAL_TIME },
		{ "daily", 0, "[]", REFUSAL_TIME },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_int_equal(
		    judge_with(table[i].block, "time", table[i].i, table[i].time), table[i].why);
}

static void
units_are_those_asked_for(void **state)
{
	static const struct {
		const char *units, *name;
	} table[] = { { "hourly_units", "time" }, { "hourly_units", "temperature_2m" },
		{ "hourly_units", "weather_code" }, { "daily_units", "time" },
		{ "daily_units", "sunrise" }, { "daily_units", "wind_gusts_10m_max" } };
	cJSON *place;

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		ROW("%s of %s", table[i].units, table[i].name);
		place = good();
		assert_non_null(
		    cJSON_SetValuestring(member(place, table[i].units, table[i].name), "x"));
		assert_int_equal(judge(place), REFUSAL_UNIT);
		place = good();
		cJSON_DeleteItemFromObject(
		    cJSON_GetObjectItem(place, table[i].units), table[i].name);
		assert_int_equal(judge(place), REFUSAL_MISSING);
		place = good();
		cJSON_DeleteItemFromObject(place, table[i].units);
		assert_int_equal(judge(place), REFUSAL_MISSING);
	}
	place = good();
	cJSON_DeleteItemFromObject(place, "daily");
	assert_int_equal(judge(place), REFUSAL_MISSING);
}

static void
one_bad_value_refuses_the_place(void **state)
{
	static const struct {
		const char *block, *name, *value;
		enum refusal why;
	} table[] = {
		{ "hourly", "temperature_2m", "\"warm\"", REFUSAL_VALUE },
		{ "hourly", "temperature_2m", "true", REFUSAL_VALUE },
		{ "hourly", "temperature_2m", "[]", REFUSAL_VALUE },
		{ "hourly", "relative_humidity_2m", "84.5", REFUSAL_VALUE },
		{ "daily", "sunrise", "\"2026-11-23T05:30\"", REFUSAL_VALUE },
		{ "daily", "weather_code", "2.5", REFUSAL_VALUE },
		{ "hourly", "temperature_2m", "70.1", REFUSAL_RANGE },
		{ "hourly", "temperature_2m", "70", REFUSAL_NONE },
		{ "hourly", "temperature_2m", "-100", REFUSAL_NONE },
		{ "hourly", "temperature_2m", "-100.1", REFUSAL_RANGE },
		{ "hourly", "precipitation_probability", "101", REFUSAL_RANGE },
		{ "hourly", "pressure_msl", "0", REFUSAL_RANGE },
		{ "hourly", "weather_code", "100", REFUSAL_RANGE },
		{ "hourly", "wind_direction_10m", "360", REFUSAL_NONE },
		{ "daily", "temperature_2m_min", "-9999", REFUSAL_RANGE },
		{ "daily", "precipitation_sum", "3000.1", REFUSAL_RANGE },
		{ "daily", "sunset", "253402300800", REFUSAL_NONE },
		{ "daily", "sunset", "-1", REFUSAL_RANGE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_int_equal(
		    judge_with(table[i].block, table[i].name, 3, table[i].value), table[i].why);
}

/* Every value of a series becomes null. */
static void
nullify(cJSON *place, const char *block, const char *name)
{
	cJSON *values = member(place, block, name);

	for (int i = 0; i < cJSON_GetArraySize(values); i++)
		cJSON_ReplaceItemInArray(values, i, cJSON_CreateNull());
}

static void
nulls_are_not_known_values(void **state)
{
	cJSON *place = good();

	(void)state;
	assert_int_equal(judge_with("hourly", "temperature_2m", 5, "null"), REFUSAL_NONE);
	assert_true(isnan(seen[0].forecast.hourly[H_TEMPERATURE][5]));
	assert_false(isnan(seen[0].forecast.hourly[H_TEMPERATURE][4]));
	nullify(place, "hourly", "precipitation_probability");
	nullify(place, "daily", "sunrise");
	assert_int_equal(judge(place), REFUSAL_NONE);
	assert_true(isnan(seen[0].forecast.daily[D_SUNRISE][6]));
	place = good();
	nullify(place, "hourly", "temperature_2m");
	assert_int_equal(judge(place), REFUSAL_NO_TEMPERATURE);
	place = good();
	nullify(place, "daily", "temperature_2m_max");
	assert_int_equal(judge(place), REFUSAL_NO_TEMPERATURE);
	place = good();
	for (int q = 0; q < H__MAX; q++)
		nullify(place, "hourly", hourly_quantities[q].upstream);
	assert_int_equal(judge(place), REFUSAL_ALL_NULL);
}

static void
days_begin_at_midnight_of_the_place(void **state)
{
	static const struct {
		int made, said; /* offsets */
		enum refusal why;
	} table[] = {
		{ OFFSET, OFFSET, REFUSAL_NONE },
		{ 0, 0, REFUSAL_NONE },
		{ 20700, 20700, REFUSAL_NONE }, /* Nepal */
		{ -12600, -12600, REFUSAL_NONE }, /* Newfoundland */
		{ 50400, 50400, REFUSAL_NONE }, /* Kiritimati */
		{ -43200, -43200, REFUSAL_NONE },
		{ OFFSET, 0, REFUSAL_TIME },
		{ OFFSET, OFFSET + 3600, REFUSAL_TIME },
		{ OFFSET, OFFSET + 1, REFUSAL_TIME },
		{ OFFSET, OFFSET - 86400, REFUSAL_TIME },
		{ OFFSET, 50401, REFUSAL_TIME },
	};
	static const char *const not_offsets[] = { "null", "\"25200\"", "25200.5", "1e300" };
	cJSON *place;

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		ROW("made for %d, says %d", table[i].made, table[i].said);
		place = make_forecast(MIDNIGHT + OFFSET - table[i].made, table[i].made);
		cJSON_SetNumberValue(
		    cJSON_GetObjectItem(place, "utc_offset_seconds"), table[i].said);
		assert_int_equal(
		    judge_at(place, 1, TODAY + OFFSET - table[i].made + 3600), table[i].why);
	}
	for (size_t i = 0; i < COUNT(not_offsets); i++) {
		place = good();
		cJSON_ReplaceItemInObject(place, "utc_offset_seconds", cJSON_Parse(not_offsets[i]));
		assert_int_equal(judge(place), REFUSAL_TIME);
	}
	place = good();
	cJSON_DeleteItemFromObject(place, "utc_offset_seconds");
	assert_int_equal(judge(place), REFUSAL_TIME);
	/* Hours from another day than the days. */
	place = make_head(OFFSET);
	add_block(place, "hourly", hourly_quantities, H__MAX, MIDNIGHT - 86400, 3600, HOURS);
	add_block(place, "daily", daily_quantities, D__MAX, MIDNIGHT, 86400, FORECAST_STORED);
	assert_int_equal(judge(place), REFUSAL_TIME);
}

static void
today_is_the_third_day(void **state)
{
	static const struct {
		int64_t now;
		enum refusal why;
	} table[] = {
		{ TODAY - 301, REFUSAL_FUTURE },
		{ TODAY - 300, REFUSAL_NONE },
		{ TODAY + 86400 + 299, REFUSAL_NONE },
		{ TODAY + 86400 + 300, REFUSAL_OLD },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_int_equal(judge_at(good(), 1, table[i].now), table[i].why);
}

static void
a_place_is_refused_alone(void **state)
{
	cJSON *list = cJSON_CreateArray(), *bad = good(), *error = cJSON_CreateObject();

	(void)state;
	cJSON_SetNumberValue(cJSON_GetObjectItem(bad, "latitude"), 52);
	cJSON_AddItemToArray(list, bad);
	cJSON_AddItemToArray(list, good());
	assert_int_equal(judge_at(list, 2, NOW), REFUSAL_COORDINATES);
	assert_int_equal(seen[1].refusal, REFUSAL_NONE);
	assert_int_equal(seen[1].forecast.hours, HOURS);
	list = cJSON_CreateArray();
	cJSON_AddItemToArray(list, good());
	assert_int_equal(judge_at(list, 2, NOW), REFUSAL_COUNT);
	assert_int_equal(judge_at(good(), 2, NOW), REFUSAL_SHAPE);
	cJSON_AddTrueToObject(error, "error");
	cJSON_AddStringToObject(error, "reason", "Daily API request limit exceeded.");
	assert_int_equal(judge(error), REFUSAL_LIMIT_DAILY);
}

/* A body that ends anywhere but at its end is refused, without a byte read beyond. */
static void
a_cut_body_is_refused(void **state)
{
	cJSON *place = good();
	char *body = cJSON_PrintUnformatted(place);

	(void)state;
	for (size_t len = 0; len < strlen(body); len += 97) {
		char *copy = malloc(len + (len == 0));

		assert_non_null(copy);
		memcpy(copy, body, len);
		assert_int_not_equal(
		    check_forecasts(copy, len, asked, 1, NOW, arena, seen, detail), REFUSAL_NONE);
		free(copy);
	}
	free(body);
	cJSON_Delete(place);
}

static void
without_memory_the_place_is_refused(void **state)
{
	struct arena *whole = arena;
	enum refusal why;

	(void)state;
	arena = arena_new(4096);
	why = judge(good());
	arena_free(arena);
	arena = whole;
	assert_int_equal(why, REFUSAL_NO_MEMORY);
}

static void
the_past_is_all_its_hours(void **state)
{
	const int64_t from = 1795305600; /* 2026-11-22T00:00:00Z */
	cJSON *place;

	(void)state;
	assert_int_equal(judge_past(make_past(from, PAST_HOURS), from), REFUSAL_NONE);
	assert_int_equal(past.from, from);
	assert_int_equal(past.hours, PAST_HOURS);
	assert_true(fabs(past.value[Q_WIND_GUSTS][PAST_HOURS - 1] - 25) < 1e-9);
	assert_int_equal(judge_past(make_past(from, PAST_HOURS - 1), from), REFUSAL_SERIES);
	assert_int_equal(judge_past(make_past(from, PAST_HOURS + 1), from), REFUSAL_SERIES);
	assert_int_equal(judge_past(make_past(from - 3600, PAST_HOURS), from), REFUSAL_TIME);
	place = make_past(from, PAST_HOURS);
	cJSON_ReplaceItemInArray(member(place, "hourly", "time"), 7, cJSON_CreateNumber(0));
	assert_int_equal(judge_past(place, from), REFUSAL_SERIES);
	place = make_past(from, PAST_HOURS);
	cJSON_SetValuestring(member(place, "hourly_units", "wind_gusts_10m"), "kn");
	assert_int_equal(judge_past(place, from), REFUSAL_UNIT);
	place = make_past(from, PAST_HOURS);
	nullify(place, "hourly", "temperature_2m");
	assert_int_equal(judge_past(place, from), REFUSAL_NONE);
	assert_true(isnan(past.value[Q_TEMPERATURE][0]));
	place = make_past(from, PAST_HOURS);
	cJSON_SetNumberValue(cJSON_GetObjectItem(place, "longitude"), 0);
	assert_int_equal(judge_past(place, from), REFUSAL_COORDINATES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_forecast_is_read),
		cmocka_unit_test(series_are_as_long_as_they_must_be),
		cmocka_unit_test(all_days_must_be_there),
		cmocka_unit_test(times_follow_each_other),
		cmocka_unit_test(units_are_those_asked_for),
		cmocka_unit_test(one_bad_value_refuses_the_place),
		cmocka_unit_test(nulls_are_not_known_values),
		cmocka_unit_test(days_begin_at_midnight_of_the_place),
		cmocka_unit_test(today_is_the_third_day),
		cmocka_unit_test(a_place_is_refused_alone),
		cmocka_unit_test(a_cut_body_is_refused),
		cmocka_unit_test(without_memory_the_place_is_refused),
		cmocka_unit_test(the_past_is_all_its_hours),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
