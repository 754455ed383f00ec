/* SPDX-License-Identifier: ISC
 *
 * base/clock: RFC 3339 both ways, and deadlines.
 */
#include "unit.h"

#include "base/clock.h"

#include <limits.h>
#include <string.h>
#include <time.h>

static const struct {
	const char *text;
	int64_t t;
} times[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1969-12-31T23:59:59Z", -1 },
	{ "2000-02-29T12:00:00Z", 951825600 },
	{ "2026-11-22T22:15:00Z", 1795385700 },
	{ "2038-01-19T03:14:08Z", 2147483648 },
	{ "2100-02-28T23:59:59Z", 4107542399 },
	{ "0001-01-01T00:00:00Z", -62135596800 },
	{ "9999-12-31T23:59:59Z", 253402300799 },
};

static void
formats(void **state)
{
	char text[CLOCK_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++)
		assert_string_equal(clock_format(times[i].t, text), times[i].text);
}

static void
parses(void **state)
{
	static const struct {
		const char *text;
		int64_t t;
	} more[] = {
		{ "2026-11-23T05:15:00+07:00", 1795385700 },
		{ "2026-11-22T12:45:00-09:30", 1795385700 },
		{ "2026-11-22T22:15:00+00:00", 1795385700 },
		{ "2026-11-22T22:15:00-00:00", 1795385700 },
		{ "1970-01-01T00:00:00+23:59", -86340 },
	};
	int64_t t;

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		assert_true(clock_parse(times[i].text, &t));
		assert_int_equal(t, times[i].t);
	}
	for (size_t i = 0; i < COUNT(more); i++) {
		assert_true(clock_parse(more[i].text, &t));
		assert_int_equal(t, more[i].t);
	}
}

static void
refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"now",
		"2026-11-22",
		"2026-11-22T22:15Z",
		"2026-11-22T22:15:00",
		"2026-11-22 22:15:00Z",
		"20261122T221500Z",
		"2026-11-22T22:15:00.5Z",
		"2026-11-22T22:15:00ZZ",
		"2026-11-22T22:15:00Z ",
		" 2026-11-22T22:15:00Z",
		"2026-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-32T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-12-31T23:59:60Z",
		"2026-01-01T00:00:61Z",
		/* strptime(3) and sscanf(3) skip spaces and take signs */
		" 026-11-22T22:15:00Z",
		"2026- 1-22T22:15:00Z",
		"2026-11-22T 2:15:00Z",
		"2026-11-22T22:15: 0Z",
		"+026-11-22T22:15:00Z",
		"2026-11-22T22:15:00+ 7:00",
		"2026-11-22T22:15:00+-7:00",
		"2026-11-22T22:15:00+07: 0",
		"2026-11-22T22:15:00++7:00",
		"2026-11-22T22:15:00+24:00",
		"2026-11-22T22:15:00+07:60",
		"2026-11-22T22:15:00+07",
		"2026-11-22T22:15:00+0700",
		"2026-11-22T22:15:00+7:00",
		"2026-11-22T22:15:00+07:000",
		"2026-11-22T22:15:00UTC",
		"12026-11-22T22:15:00Z",
		"-026-11-22T22:15:00Z",
		"２026-11-22T22:15:00Z",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		int64_t t = 99;

		if (clock_parse(bad[i], &t))
			fail_msg("\"%s\" is taken for %lld", bad[i], (long long)t);
		assert_int_equal(t, 99);
	}
}

static void
every_day_there_and_back(void **state)
{
	char text[CLOCK_TEXT];
	int64_t back;

	(void)state;
	for (int64_t t = -62135596800 + 43210; t < 253402300799; t += 86400 * 13) {
		assert_true(clock_parse(clock_format(t, text), &back));
		assert_int_equal(back, t);
	}
}

static void
deadlines_stay_within_an_int(void **state)
{
	struct deadline d = deadline_in(50);
	int left = deadline_left(d);

	(void)state;
	assert_in_range(left, 1, 50);
	nanosleep(&(struct timespec){ 0, 60 * 1000000 }, NULL);
	assert_int_equal(deadline_left(d), 0);
	assert_int_equal(deadline_left(deadline_in(-1000)), 0);
	assert_int_equal(deadline_left(deadline_in(INT64_MAX / 2)), INT_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(parses),
		cmocka_unit_test(refuses),
		cmocka_unit_test(every_day_there_and_back),
		cmocka_unit_test(deadlines_stay_within_an_int),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
