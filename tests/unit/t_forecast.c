/* SPDX-License-Identifier: ISC
 *
 * weather/forecast, quantity and units: from a row to the body and back, local days, both systems of units.
 */
#include "unit.h"

#include "weather/forecast.h"
#include "weather/schedule.h"

#include <math.h>
#include <string.h>

#define MIDNIGHT 1795366800 /* 2026-11-22T17:00:00Z, midnight in Jakarta */
#define COLLECTED (MIDNIGHT + 5 * 3600)
#define OFFSET (7 * 3600)
#define DAYS 2
#define HOURS 48

static const struct settings settings = {
	.ingest_interval = 900, .ingest_offset = 60, .stale_after = 900, .forecast_interval = 21600
};

static struct forecast
make_forecast(struct arena *a)
{
	struct forecast f = { .city = { .slug = "jakarta",
				  .name = "Jakarta",
				  .country = "ID",
				  .latitude = -6.2,
				  .longitude = 106.8,
				  .timezone = "Asia/Jakarta" },
		.collected_at = COLLECTED,
		.utc_offset = OFFSET,
		.source = "simulator",
		.hourly_from = MIDNIGHT,
		.hours = HOURS,
		.daily_from = MIDNIGHT,
		.days = DAYS };

	for (int q = 0; q < H__MAX; q++) {
		f.hourly[q] = arena_alloc(a, HOURS * sizeof(double));
		for (int i = 0; i < HOURS; i++)
			f.hourly[q][i] = q == H_WEATHER_CODE ? 3 : i + q / 10.0;
	}
	for (int q = 0; q < D__MAX; q++) {
		f.daily[q] = arena_alloc(a, DAYS * sizeof(double));
		for (int i = 0; i < DAYS; i++)
			f.daily[q][i] = q == D_SUNRISE ? MIDNIGHT + i * 86400 + 20000 : 10 + i;
	}
	f.hourly[H_TEMPERATURE][1] = NAN;
	return f;
}

static void
a_body_reads_back_as_it_was(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct buf b = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
	struct jsonw w = JSONW_INIT(&b), w2 = JSONW_INIT(&again);
	struct forecast f = make_forecast(a), back;

	(void)state;
	forecast_json_all(&w, &f, &settings, COLLECTED);
	assert_int_equal(forecast_parse(a, b.p, b.len, &back), RC_OK);
	assert_int_equal(back.hours, HOURS);
	assert_int_equal(back.daily_from, MIDNIGHT);
	assert_true(isnan(back.hourly[H_TEMPERATURE][1]));
	forecast_json_all(&w2, &back, &settings, COLLECTED);
	assert_string_equal(again.p, b.p);
	assert_int_equal(forecast_parse(a, "{}", 2, &back), RC_INVALID);
	assert_int_equal(forecast_parse(a, b.p, b.len - 1, &back), RC_INVALID);
	buf_free(&b);
	buf_free(&again);
	arena_free(a);
}

/* Whether so many days are cut out of a canonical body at now; if so, that is what would be made of it. */
static bool
is_cut(const struct buf *body, int64_t now, int days)
{
	struct arena *a = arena_new(1 << 20);
	struct buf whole = BUF_INIT(1 << 20), made = BUF_INIT(1 << 20), cut = BUF_INIT(1 << 20);
	struct forecast f;
	int64_t collected_at, today;
	bool yes;

	assert_int_equal(forecast_parse(a, body->p, body->len, &f), RC_OK);
	forecast_json_all(&(struct jsonw)JSONW_INIT(&whole), &f, &settings, now);
	forecast_json(&(struct jsonw)JSONW_INIT(&made), &f, &settings, now, days, &present_default);
	yes = forecast_cut(&cut, body->p, body->len, &settings, now, days, &collected_at, &today);
	ROW("now %lld, %d days", (long long)now, days);
	assert_int_equal(yes, strcmp(whole.p, body->p) == 0 && now < f.daily_from + DAYS * 86400);
	if (yes) {
		assert_string_equal(cut.p, made.p);
		assert_int_equal(collected_at, f.collected_at);
		assert_int_equal(today, forecast_span(&f, now, days).from);
	}
	assert_true(yes || cut.len == 0);
	buf_free(&whole);
	buf_free(&made);
	buf_free(&cut);
	arena_free(a);
	return yes;
}

/* Every few minutes of three days: before and after it is due, stale, past midnight, and over. */
static void
days_are_cut_out_only_where_that_is_the_answer(void **state)
{
	static const int offsets[] = { OFFSET, 0, -12600, 20700 };
	struct arena *a = arena_new(1 << 20);
	struct buf b = BUF_INIT(1 << 20);
	struct forecast f = make_forecast(a);

	(void)state;
	for (size_t i = 0; i < COUNT(offsets); i++) {
		int64_t due = schedule_forecast_next(&settings, COLLECTED);

		f.utc_offset = offsets[i];
		f.hourly_from = f.daily_from = MIDNIGHT + OFFSET - offsets[i];
		for (int64_t made = COLLECTED; made < COLLECTED + 86400; made += 21600) {
			buf_reset(&b);
			forecast_json_all(&(struct jsonw)JSONW_INIT(&b), &f, &settings, made);
			for (int64_t now = COLLECTED - 43200; now < COLLECTED + 2 * 86400;
			     now += 1733)
				is_cut(&b, now, 1 + (int)(now % 3));
		}
		buf_reset(&b);
		forecast_json_all(&(struct jsonw)JSONW_INIT(&b), &f, &settings, COLLECTED);
		for (int days = 1; days <= FORECAST_DAYS; days++)
			assert_true(is_cut(&b, COLLECTED, days));
		assert_false(is_cut(&b, due, 1));
	}
	buf_free(&b);
	arena_free(a);
}

/* The hour that a body stays in Redis at most: as it is while it is not due, or else written anew. */
static void
a_body_that_is_not_due_stands_for_its_ttl(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct buf b = BUF_INIT(1 << 20);
	struct forecast f = make_forecast(a);
	int64_t due = schedule_forecast_next(&settings, COLLECTED);

	(void)state;
	for (int64_t now = COLLECTED; now < due; now += 617) {
		buf_reset(&b);
		forecast_json_all(&(struct jsonw)JSONW_INIT(&b), &f, &settings, now);
		assert_true(is_cut(&b, now + forecast_ttl(&f, &settings, now) - 1, FORECAST_DAYS));
	}
	buf_free(&b);
	arena_free(a);
}

static void
past_midnight_the_day_before_goes(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct buf b = BUF_INIT(1 << 20);
	struct forecast f = make_forecast(a);

	(void)state;
	f.collected_at = MIDNIGHT + 86400 - 600;
	forecast_json_all(&(struct jsonw)JSONW_INIT(&b), &f, &settings, f.collected_at);
	assert_true(is_cut(&b, MIDNIGHT + 86400 - 1, 1));
	assert_true(is_cut(&b, MIDNIGHT + 86400, 7));
	buf_free(&b);
	arena_free(a);
}

static void
what_is_no_body_is_no_answer(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct buf b = BUF_INIT(1 << 20);
	struct buf out = BUF_INIT(1 << 20);
	struct forecast f = make_forecast(a);
	int64_t t, today;
	char *at;

	(void)state;
	forecast_json_all(&(struct jsonw)JSONW_INIT(&b), &f, &settings, COLLECTED);
	for (size_t len = 0; len + 250 < b.len; len += 13)
		assert_false(forecast_cut(&out, b.p, len, &settings, COLLECTED, 7, &t, &today));
	assert_int_equal(out.len, 0);
	assert_true(forecast_cut(&out, b.p, b.len, &settings, COLLECTED, 7, &t, &today));
	at = strstr(b.p, "\"daily\":[{\"date\":\"");
	assert_non_null(at);
	at[18] = 'x';
	assert_false(forecast_cut(&out, b.p, b.len, &settings, COLLECTED, 7, &t, &today));
	buf_free(&out);
	buf_free(&b);
	arena_free(a);
}

static void
days_begin_with_the_local_today(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct buf b = BUF_INIT(1 << 20);
	struct jsonw w = JSONW_INIT(&b);
	struct forecast f = make_forecast(a);

	(void)state;
	forecast_json(&w, &f, &settings, MIDNIGHT + 86400 + 60, 7, &present_default);
	assert_true(buf_ok(&b));
	assert_null(strstr(b.p, "\"date\":\"2026-11-23\""));
	assert_non_null(strstr(b.p, "\"daily\":[{\"date\":\"2026-11-24\""));
	assert_non_null(strstr(b.p, "\"hourly\":[{\"time\":\"2026-11-23T17:00:00Z\""));
	buf_free(&b);
	arena_free(a);
}

static void
imperial_is_rounded_as_the_upstream_does(void **state)
{
	struct arena *a = arena_new(1 << 20);
	struct buf b = BUF_INIT(1 << 20);
	struct jsonw w = JSONW_INIT(&b);
	struct forecast f = make_forecast(a);
	const struct present p = { UNITS_IMPERIAL, LANG_ID };

	(void)state;
	f.hourly[H_TEMPERATURE][0] = 27.4;
	f.hourly[H_PRECIPITATION][0] = 1.2;
	f.hourly[H_WIND_SPEED][0] = 10;
	forecast_json(&w, &f, &settings, COLLECTED, 1, &p);
	assert_non_null(strstr(b.p, "\"temperature\":81.3,"));
	assert_non_null(strstr(b.p, "\"precipitation\":0.047,"));
	assert_non_null(strstr(b.p, "\"wind_speed\":6.2,"));
	assert_non_null(strstr(b.p, "\"weather_desc\":\"Berawan tebal\""));
	assert_non_null(strstr(b.p, "\"temperature\":\"°F\""));
	buf_free(&b);
	arena_free(a);
}

static void
arrays_of_a_row_must_fit_together(void **state)
{
	struct arena *a = arena_new(1 << 20);
	char *values[CITY_COLUMNS + 5 + H__MAX + D__MAX] = { "x", "X", "ID", NULL, "1", "2", "UTC",
		"5", "t", "1795385763", "25200", "simulator", "1795366800", "1795366800" };
	struct db_rows rows = { .n = 1, .columns = COUNT(values), .values = values };
	struct forecast f;

	(void)state;
	for (size_t i = CITY_COLUMNS + 5; i < COUNT(values); i++)
		values[i] = "{1.5,NULL}";
	assert_int_equal(forecast_from_row(a, &rows, 0, &f), RC_OK);
	assert_int_equal(f.hours, 2);
	assert_true(isnan(f.daily[D_SUNRISE][1]));
	values[CITY_COLUMNS + 6] = "{1}";
	assert_int_equal(forecast_from_row(a, &rows, 0, &f), RC_INVALID);
	values[CITY_COLUMNS + 6] = "{1,x}";
	assert_int_equal(forecast_from_row(a, &rows, 0, &f), RC_INVALID);
	values[CITY_COLUMNS] = NULL;
	assert_int_equal(forecast_from_row(a, &rows, 0, &f), RC_NOTFOUND);
	arena_free(a);
}

static void
a_forecast_is_due_after_its_interval(void **state)
{
	(void)state;
	assert_int_equal(schedule_forecast_next(&settings, 1795385763), 1795386660 + 21600 - 900);
	assert_int_equal(
	    schedule_forecast_stale_at(&settings, 1795385763), 1795386660 + 2 * 21600 - 900);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_reads_back_as_it_was),
		cmocka_unit_test(days_are_cut_out_only_where_that_is_the_answer),
		cmocka_unit_test(a_body_that_is_not_due_stands_for_its_ttl),
		cmocka_unit_test(past_midnight_the_day_before_goes),
		cmocka_unit_test(what_is_no_body_is_no_answer),
		cmocka_unit_test(days_begin_with_the_local_today),
		cmocka_unit_test(imperial_is_rounded_as_the_upstream_does),
		cmocka_unit_test(arrays_of_a_row_must_fit_together),
		cmocka_unit_test(a_forecast_is_due_after_its_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
