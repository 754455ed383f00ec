/* SPDX-License-Identifier: ISC
 *
 * cron/weather-ingest/check.c: bodies in, observations or reasons out. The last test reads answers of the real
 * service from beside the repository, where they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>

#include "../../cron/weather-ingest/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1795385760 /* 2026-11-22T22:16:00Z */
#define UNITS \
	"{\"time\":\"unixtime\",\"interval\":\"seconds\",\"temperature_2m\":\"°C\"," \
	"\"apparent_temperature\":\"°C\",\"relative_humidity_2m\":\"%\",\"precipitation\":\"mm\"," \
	"\"weather_code\":\"wmo code\",\"cloud_cover\":\"%\",\"pressure_msl\":\"hPa\"," \
	"\"wind_speed_10m\":\"km/h\",\"wind_direction_10m\":\"°\",\"wind_gusts_10m\":\"km/h\"}"
#define CURRENT \
	"{\"time\":1795385700,\"interval\":900,\"temperature_2m\":27.4," \
	"\"apparent_temperature\":31.9,\"relative_humidity_2m\":84,\"precipitation\":0.00," \
	"\"weather_code\":3,\"cloud_cover\":97,\"pressure_msl\":1009.8,\"wind_speed_10m\":6.1," \
	"\"wind_direction_10m\":210,\"wind_gusts_10m\":14.4}"
#define PLACE \
	"{\"latitude\":-6.25,\"longitude\":106.875,\"generationtime_ms\":0.1," \
	"\"utc_offset_seconds\":0,\"timezone\":\"GMT\",\"timezone_abbreviation\":\"GMT\"," \
	"\"elevation\":8.0,\"current_units\":" UNITS ",\"current\":" CURRENT "}"

static const struct asked jakarta[3] = { { -6.21462, 106.84513, ASKED_ANY_OFFSET },
	{ -6.21462, 106.84513, ASKED_ANY_OFFSET }, { -6.21462, 106.84513, ASKED_ANY_OFFSET } };

/* The one place that all of these tests ask for unless they say otherwise. */
static struct observation seen;
static char detail[CHECK_DETAIL];

/* Judge body, from memory that ends where the body ends, so that reading on is noticed. */
static enum refusal
judge_bytes(
    const char *body, size_t len, const struct asked asked[], int n, struct observation out[])
{
	char *copy = malloc(len + (len == 0));
	enum refusal why;

	assert_non_null(copy);
	memcpy(copy, body, len);
	why = check_answer(copy, len, asked, n, NOW, out, detail);
	free(copy);
	return why;
}

/* The refusal of the body or, where that is sound, of its one place. */
static enum refusal
judge(const char *body)
{
	enum refusal why = judge_bytes(body, strlen(body), jakarta, 1, &seen);

	return why != REFUSAL_NONE ? why : seen.refusal;
}

/* text with its first from replaced by to; free() it. */
static char *
replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = NULL;

	assert_non_null(at);
	assert_true(asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
	return out;
}

/* The good body with from replaced by to is refused for this reason. */
static void
assert_refused(const char *from, const char *to, enum refusal expected)
{
	char *body = replaced(PLACE, from, to);
	enum refusal why = judge(body);

	if (why != expected)
		print_error("%s -> %s: %s\n", from, to, refusals[why].name);
	assert_int_equal(why, expected);
	free(body);
}

#define assert_accepted(from, to) assert_refused(from, to, REFUSAL_NONE)

static void
test_good(void **state)
{
	(void)state;
	assert_int_equal(judge(PLACE), REFUSAL_NONE);
	assert_int_equal(seen.observed_at, 1795385700);
	assert_true(fabs(seen.value[Q_TEMPERATURE] - 27.4) < 1e-9);
	assert_true(fabs(seen.value[Q_PRESSURE_MSL] - 1009.8) < 1e-9);
	assert_true(seen.value[Q_WIND_DIRECTION] >= 210 && seen.value[Q_WIND_DIRECTION] <= 210);
	assert_accepted("{\"latitude\"", " \r\n\t{\"latitude\"");
	assert_accepted("14.4}}", "14.4}}\n");
}

static void
test_rounding(void **state)
{
	(void)state;
	assert_accepted("27.4", "27.449");
	assert_true(fabs(seen.value[Q_TEMPERATURE] - 27.4) < 1e-9);
	assert_accepted("27.4", "-0.04");
	assert_false(signbit(seen.value[Q_TEMPERATURE]));
	assert_accepted("27.4", "2.74E+1");
	assert_true(fabs(seen.value[Q_TEMPERATURE] - 27.4) < 1e-9);
	assert_accepted(":84", ":84.0");
}

static void
test_empty_and_text(void **state)
{
	(void)state;
	assert_int_equal(judge(""), REFUSAL_EMPTY);
	assert_int_equal(judge(" "), REFUSAL_NOT_JSON);
	assert_int_equal(
	    judge("Unexpected error while streaming data: timeoutReached"), REFUSAL_NOT_JSON);
	assert_int_equal(judge("[{\"latitude\":Unexpected error"), REFUSAL_NOT_JSON);
	assert_int_equal(judge("<html></html>"), REFUSAL_NOT_JSON);
	assert_int_equal(judge_bytes("\0", 1, jakarta, 1, &seen), REFUSAL_NOT_JSON);
}

/* Every prefix of a good body, and every longer one, is refused. */
static void
test_every_cut(void **state)
{
	static const char *const tails[] = { "x", "}", "]", ",", "{}", "\"", "1", "null",
		"Unexpected error while streaming data: timeoutReached" };
	char *longer = NULL;

	(void)state;
	for (size_t len = 1; len < strlen(PLACE); len++) {
		enum refusal why = judge_bytes(PLACE, len, jakarta, 1, &seen);

		assert_true(why == REFUSAL_NOT_JSON || why == REFUSAL_NOT_UTF8);
	}
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		assert_true(asprintf(&longer, "%s%s", PLACE, tails[i]) > 0);
		assert_int_equal(judge(longer), REFUSAL_NOT_JSON);
		free(longer);
	}
	assert_int_equal(
	    judge_bytes(PLACE "\0", strlen(PLACE) + 1, jakarta, 1, &seen), REFUSAL_NOT_JSON);
	assert_int_equal(
	    judge_bytes(PLACE "\0{}", strlen(PLACE) + 3, jakarta, 1, &seen), REFUSAL_NOT_JSON);
}

/* What cJSON alone would let pass. */
static void
test_strict_tokens(void **state)
{
	static const char *const numbers[] = { "nan", "NaN", "inf", "-", "+27.4", "027.4", "27.",
		".5", "-.5", "27.4e", "27.4e+", "0x1b", "27.4.1", "1-2", "2 7", "1e", "--1", "-01",
		"Infinity", "-inf" };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_refused("27.4", numbers[i], REFUSAL_NOT_JSON);
	assert_refused("27.4", "1e999", REFUSAL_RANGE);
	assert_refused("\"GMT\"", "\"G\001MT\"", REFUSAL_NOT_JSON);
	assert_refused("\"GMT\"", "\"G\nMT\"", REFUSAL_NOT_JSON);
	assert_refused("\"GMT\"", "\"\\u00zz\"", REFUSAL_NOT_JSON);
	assert_refused("\"GMT\"", "\"\\q\"", REFUSAL_NOT_JSON);
	assert_refused("\"GMT\"", "\"\\ud800\"", REFUSAL_NOT_JSON);
	assert_refused("\"GMT\"", "'GMT'", REFUSAL_NOT_JSON);
	assert_refused("\"elevation\":8.0,", "\"elevation\":\v8.0,", REFUSAL_NOT_JSON);
	assert_refused("\"elevation\":8.0,", "\"elevation\":\0018.0,", REFUSAL_NOT_JSON);
	assert_refused("\"elevation\":8.0,", "\"elevation\":8.0,,", REFUSAL_NOT_JSON);
	assert_refused("14.4}", "14.4,}", REFUSAL_NOT_JSON);
	assert_refused("14.4}", "14.4/**/}", REFUSAL_NOT_JSON);
	assert_refused("{\"latitude\"", "\xef\xbb\xbf{\"latitude\"", REFUSAL_NOT_JSON);
	assert_accepted("\"GMT\"", "\"\\u00e9\\n\\\"\\\\\"");
}

static void
test_utf8(void **state)
{
	(void)state;
	assert_refused("\"GMT\"", "\"G\xc0\x80T\"", REFUSAL_NOT_UTF8);
	assert_refused("\"GMT\"", "\"\xed\xa0\x80\"", REFUSAL_NOT_UTF8);
	assert_refused("°C", "\xb0\x43", REFUSAL_NOT_UTF8);
	assert_accepted("\"GMT\"", "\"\xf0\x9f\x8c\xa6\"");
}

static void
test_deep(void **state)
{
	const size_t depth = 100000;
	char *deep = malloc(2 * depth);

	(void)state;
	assert_non_null(deep);
	memset(deep, '[', depth);
	memset(deep + depth, ']', depth);
	assert_int_equal(judge_bytes(deep, 2 * depth, jakarta, 1, &seen), REFUSAL_NOT_JSON);
	free(deep);
}

static void
test_shape(void **state)
{
	struct observation out[3];
	static const char three[] = "[" PLACE "," PLACE "," PLACE "]";
	static const char two[] = "[" PLACE "," PLACE "]";
	static const char mixed[] = "[" PLACE ",[]," PLACE "]";

	(void)state;
	assert_int_equal(judge("[" PLACE "]"), REFUSAL_SHAPE);
	assert_int_equal(judge("null"), REFUSAL_SHAPE);
	assert_int_equal(judge("42"), REFUSAL_SHAPE);
	assert_int_equal(judge_bytes(PLACE, strlen(PLACE), jakarta, 3, out), REFUSAL_SHAPE);
	assert_int_equal(judge_bytes(two, strlen(two), jakarta, 3, out), REFUSAL_COUNT);
	assert_int_equal(judge_bytes("[]", 2, jakarta, 3, out), REFUSAL_COUNT);
	assert_int_equal(judge_bytes(three, strlen(three), jakarta, 2, out), REFUSAL_COUNT);
	assert_int_equal(judge_bytes(three, strlen(three), jakarta, 3, out), REFUSAL_NONE);
	for (int i = 0; i < 3; i++)
		assert_int_equal(out[i].refusal, REFUSAL_NONE);
	assert_int_equal(judge_bytes(mixed, strlen(mixed), jakarta, 3, out), REFUSAL_NONE);
	assert_int_equal(out[0].refusal, REFUSAL_NONE);
	assert_int_equal(out[1].refusal, REFUSAL_SHAPE);
	assert_int_equal(out[2].refusal, REFUSAL_NONE);
}

static void
test_error_with_200(void **state)
{
	(void)state;
	assert_int_equal(
	    judge("{\"error\":true,\"reason\":\"Something went wrong.\"}"), REFUSAL_ERROR);
	assert_string_equal(detail, "Something went wrong.");
	assert_int_equal(judge("{\"reason\":\"Daily API request limit exceeded.\",\"error\":true}"),
	    REFUSAL_LIMIT_DAILY);
	assert_int_equal(judge("{\"error\":true}"), REFUSAL_ERROR);
	assert_refused("{\"latitude\"", "{\"error\":false,\"latitude\"", REFUSAL_ERROR);
}

/* A grid cell's middle is near the place; the neighbours of -180 are at 180. */
static void
test_coordinates(void **state)
{
	const struct asked fiji = { -16.8, 179.97, ASKED_ANY_OFFSET },
			   north = { 78.22, 15.65, ASKED_ANY_OFFSET };
	char *body;

	(void)state;
	assert_refused("\"latitude\":-6.25", "\"latitude\":6.25", REFUSAL_COORDINATES);
	assert_refused("\"longitude\":106.875", "\"longitude\":108", REFUSAL_COORDINATES);
	assert_refused("\"longitude\":106.875", "\"longitude\":\"106.875\"", REFUSAL_COORDINATES);
	assert_refused("\"longitude\":106.875,", "", REFUSAL_COORDINATES);
	assert_refused("\"longitude\":106.875", "\"longitude\":1e300", REFUSAL_COORDINATES);

	body = replaced(PLACE, "-6.25,\"longitude\":106.875", "-16.75,\"longitude\":-179.95");
	assert_int_equal(judge_bytes(body, strlen(body), &fiji, 1, &seen), REFUSAL_NONE);
	assert_int_equal(seen.refusal, REFUSAL_NONE);
	free(body);
	body = replaced(PLACE, "-6.25,\"longitude\":106.875", "78.2,\"longitude\":18.0");
	assert_int_equal(judge_bytes(body, strlen(body), &north, 1, &seen), REFUSAL_NONE);
	assert_int_equal(seen.refusal, REFUSAL_NONE);
	free(body);
}

static void
test_missing(void **state)
{
	(void)state;
	assert_refused("\"current\":", "\"hourly\":", REFUSAL_MISSING);
	assert_refused("\"current\":" CURRENT, "\"current\":null", REFUSAL_MISSING);
	assert_refused("\"current_units\":", "\"units\":", REFUSAL_MISSING);
	assert_refused("\"wind_gusts_10m\":14.4", "\"wind_gusts\":14.4", REFUSAL_MISSING);
	assert_refused("\"interval\":900,", "\"interval\":900,\"cloud_cover\":1,", REFUSAL_MISSING);
}

static void
test_units(void **state)
{
	(void)state;
	assert_refused("\"temperature_2m\":\"°C\"", "\"temperature_2m\":\"°F\"", REFUSAL_UNIT);
	assert_refused("\"time\":\"unixtime\"", "\"time\":\"iso8601\"", REFUSAL_UNIT);
	assert_refused("\"wind_speed_10m\":\"km/h\",", "", REFUSAL_MISSING);
	assert_refused("\"pressure_msl\":\"hPa\"", "\"pressure_msl\":1", REFUSAL_MISSING);
}

static void
test_time(void **state)
{
	(void)state;
	assert_refused("1795385700", "\"2026-11-22T22:15\"", REFUSAL_TIME);
	assert_refused("1795385700", "1795385700.5", REFUSAL_TIME);
	assert_refused("1795385700", "-5", REFUSAL_TIME);
	assert_refused("1795385700", "1e15", REFUSAL_TIME);
	assert_refused("1795385700", "null", REFUSAL_TIME);
	assert_refused("\"utc_offset_seconds\":0", "\"utc_offset_seconds\":3600", REFUSAL_TIME);
	assert_refused("\"utc_offset_seconds\":0", "\"utc_offset_seconds\":null", REFUSAL_TIME);
	assert_refused("\"interval\":900", "\"interval\":0", REFUSAL_TIME);
	assert_refused("\"interval\":900", "\"interval\":86400", REFUSAL_TIME);
	assert_accepted("1795385700", "1795386600");
	assert_refused("1795385700", "1795387500", REFUSAL_FUTURE);
	assert_accepted("1795385700", "1795375800");
	assert_refused("1795385700", "1795374900", REFUSAL_OLD);
}

static void
test_values(void **state)
{
	(void)state;
	assert_refused("27.4", "\"warm\"", REFUSAL_VALUE);
	assert_refused("27.4", "true", REFUSAL_VALUE);
	assert_refused("27.4", "[27.4]", REFUSAL_VALUE);
	assert_refused(":84", ":84.5", REFUSAL_VALUE);
	assert_refused("27.4", "70.1", REFUSAL_RANGE);
	assert_refused("27.4", "-101", REFUSAL_RANGE);
	assert_refused(":84", ":101", REFUSAL_RANGE);
	assert_refused("0.00", "-1", REFUSAL_RANGE);
	assert_accepted("\"weather_code\":3", "\"weather_code\":97");
	assert_refused("\"weather_code\":3", "\"weather_code\":142", REFUSAL_RANGE);
}

static void
test_nulls(void **state)
{
	(void)state;
	assert_accepted("14.4", "null");
	assert_true(isnan(seen.value[Q_WIND_GUSTS]));
	assert_refused("27.4", "null", REFUSAL_NO_TEMPERATURE);
	assert_refused(CURRENT,
	    "{\"time\":1795385700,\"interval\":900,\"temperature_2m\":null,\"apparent_"
	    "temperature\":null,"
	    "\"relative_humidity_2m\":null,\"precipitation\":null,\"weather_code\":null,"
	    "\"cloud_cover\":null,\"pressure_msl\":null,\"wind_speed_10m\":null,"
	    "\"wind_direction_10m\":null,\"wind_gusts_10m\":null}",
	    REFUSAL_ALL_NULL);
}

static enum refusal
fail_with(long status, const char *body)
{
	return check_failure(status, body, strlen(body), detail);
}

static void
test_failures(void **state)
{
	(void)state;
	assert_int_equal(
	    fail_with(429, "{\"error\":true,\"reason\":\"Minutely API request limit exceeded.\"}"),
	    REFUSAL_LIMIT_MINUTELY);
	assert_int_equal(
	    fail_with(429, "{\"reason\":\"Hourly API request limit exceeded.\",\"error\":true}"),
	    REFUSAL_LIMIT_HOURLY);
	assert_int_equal(
	    fail_with(429, "{\"reason\":\"Daily API request limit exceeded.\",\"error\":true}"),
	    REFUSAL_LIMIT_DAILY);
	assert_string_equal(detail, "status 429: Daily API request limit exceeded.");
	assert_int_equal(
	    fail_with(429, "{\"error\":true,\"reason\":\"Too many concurrent requests\"}"),
	    REFUSAL_LIMIT_CONCURRENT);
	assert_int_equal(fail_with(429, "slow down"), REFUSAL_LIMIT_MINUTELY);
	assert_int_equal(fail_with(400, "{\"error\":true,\"reason\":\"Invalid timezone\"}"),
	    REFUSAL_BAD_REQUEST);
	assert_int_equal(
	    fail_with(503, "{\"error\":true,\"reason\":\"The service is overloaded\"}"),
	    REFUSAL_SERVER_ERROR);
	assert_int_equal(fail_with(502, "<html>"), REFUSAL_SERVER_ERROR);
	assert_int_equal(fail_with(302, ""), REFUSAL_STATUS);
	assert_int_equal(fail_with(401, "\xff\xfe"), REFUSAL_STATUS);
	assert_int_equal(fail_with(500, "[]"), REFUSAL_SERVER_ERROR);
}

/* Every reason has a name of its own: they are metric labels. */
static void
test_names(void **state)
{
	(void)state;
	for (int i = 0; i < REFUSAL__MAX; i++) {
		assert_non_null(refusals[i].name);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(refusals[i].name, refusals[j].name);
	}
}

/* The bytes of a recorded answer, NULL where there is none. free() it. */
static char *
read_capture(const char *name, size_t *len)
{
	char path[256], *bytes = malloc(65536);
	FILE *fp;

	assert_non_null(bytes);
	snprintf(path, sizeof(path), "../shared/open-meteo/%s", name);
	if ((fp = fopen(path, "rb")) == NULL) {
		free(bytes);
		return NULL;
	}
	*len = fread(bytes, 1, 65536, fp);
	fclose(fp);
	return bytes;
}

/* None of the recorded answers is one to our question, and each must be refused for what it is: sound JSON of
 * another question, an error, or no JSON at all. */
static void
test_captures(void **state)
{
	static const struct {
		const char *name;
		struct asked asked[2];
		int n;
		long status;
		enum refusal body, place;
	} captures[] = {
		{ "magicmirror_weather_openmeteo_current.json",
		    { { 40.776676, -73.971321, ASKED_ANY_OFFSET } }, 1, 200, REFUSAL_NONE,
		    REFUSAL_UNIT },
		{ "openmeteo-server-test_multi-location_iso8601.json",
		    { { 41, 2, ASKED_ANY_OFFSET }, { 41, 2, ASKED_ANY_OFFSET } }, 2, 200,
		    REFUSAL_NONE, REFUSAL_MISSING },
		{ "openmeteo-server-test_single-location_iso8601.json",
		    { { 41, 2, ASKED_ANY_OFFSET } }, 1, 200, REFUSAL_NONE, REFUSAL_MISSING },
		{ "raw_multi-location_daily_2025-01-28.json",
		    { { 47.1, 7.0, ASKED_ANY_OFFSET }, { 47.2, 6.9, ASKED_ANY_OFFSET } }, 2, 200,
		    REFUSAL_NONE, REFUSAL_MISSING },
		{ "tpisel_archive_hourly.json", { { -12.46, -130.84, ASKED_ANY_OFFSET } }, 1, 200,
		    REFUSAL_NONE, REFUSAL_MISSING },
		{ "tpisel_geocoding_search_paris.json", { { 48.85, 2.35, ASKED_ANY_OFFSET } }, 1,
		    200, REFUSAL_NONE, REFUSAL_COORDINATES },
		{ "raw_200_empty-body.txt", { { 41, 2, ASKED_ANY_OFFSET } }, 1, 200, REFUSAL_EMPTY,
		    REFUSAL_NONE },
		{ "raw_200_stream-error_timeoutReached.txt", { { 41, 2, ASKED_ANY_OFFSET } }, 1,
		    200, REFUSAL_NOT_JSON, REFUSAL_NONE },
		{ "raw_429_daily_reason-first.json", { { 41, 2, ASKED_ANY_OFFSET } }, 1, 429,
		    REFUSAL_LIMIT_DAILY, REFUSAL_NONE },
		{ "raw_429_daily_reason-first.json", { { 41, 2, ASKED_ANY_OFFSET } }, 1, 200,
		    REFUSAL_LIMIT_DAILY, REFUSAL_NONE },
		{ "raw_error400_lat-lon-count.json", { { 41, 2, ASKED_ANY_OFFSET } }, 1, 400,
		    REFUSAL_BAD_REQUEST, REFUSAL_NONE },
	};
	struct observation out[2];
	enum refusal why;
	char *bytes;
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(captures) / sizeof(captures[0]); i++) {
		if ((bytes = read_capture(captures[i].name, &len)) == NULL) {
			print_message("# no captures of the upstream here, nothing to compare\n");
			return;
		}
		if (captures[i].status == 200)
			why = judge_bytes(bytes, len, captures[i].asked, captures[i].n, out);
		else
			why = check_failure(captures[i].status, bytes, len, detail);
		free(bytes);
		if (why != captures[i].body)
			print_error("%s: %s\n", captures[i].name, refusals[why].name);
		assert_int_equal(why, captures[i].body);
		for (int j = 0; why == REFUSAL_NONE && j < captures[i].n; j++) {
			if (out[j].refusal != captures[i].place)
				print_error(
				    "%s: %s\n", captures[i].name, refusals[out[j].refusal].name);
			assert_int_equal(out[j].refusal, captures[i].place);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_rounding),
		cmocka_unit_test(test_empty_and_text),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_strict_tokens),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_error_with_200),
		cmocka_unit_test(test_coordinates),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_nulls),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
