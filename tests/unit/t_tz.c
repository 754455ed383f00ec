/* SPDX-License-Identifier: ISC
 *
 * base/tz: offsets of zones against date(1), broken files, rules for the years after the last transition.
 */
#include "unit.h"

#include "base/tz.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 44

static const char *const zones[] = { "Asia/Jakarta", "Europe/London", "Europe/Dublin",
	"America/New_York", "America/St_Johns", "America/Sao_Paulo", "America/Caracas",
	"Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Asia/Gaza", "Africa/Casablanca",
	"Africa/Cairo", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Auckland",
	"Pacific/Chatham", "Pacific/Apia", "America/Nuuk", "Antarctica/Troll", "Etc/GMT+9", "UTC",
	"GMT", "EST5EDT" };

/* Around changes, long before and long after what the tables hold, and leap years. */
static const int64_t times[] = { -4000000000, -1500000000, 0, 951782400, 1142726400, 1711846799,
	1711846800, 1729990799, 1729990800, 1741503599, 1741503600, 1743876000, 1795366800,
	1798761599, 1798761600, 2145916800, 2224364400, 2240089200, 3000000000, 4102444800,
	4107542400, 7258118400 };

/* What date(1) says: "+0530" or, for old local mean time, "+070712". */
static int
offset_by_date(const char *zone, int64_t t)
{
	char command[128], sign;
	int h, m, s = 0;
	FILE *p;

	snprintf(command, sizeof(command), "TZ=%s date -d @%lld +%%::z", zone, (long long)t);
	p = popen(command, "r");
	assert_non_null(p);
	assert_int_equal(fscanf(p, "%c%d:%d:%d", &sign, &h, &m, &s), 4);
	pclose(p);
	return (sign == '-' ? -1 : 1) * (h * 3600 + m * 60 + s);
}

static void
offsets_are_those_of_date(void **state)
{
	(void)state;
	for (size_t z = 0; z < COUNT(zones); z++)
		for (size_t i = 0; i < COUNT(times); i++) {
			int seconds = -1;

			ROW("%s at %lld", zones[z], (long long)times[i]);
			assert_int_equal(tz_offset(zones[z], times[i], &seconds), RC_OK);
			assert_int_equal(seconds, offset_by_date(zones[z], times[i]));
		}
}

static void
what_is_no_zone_is_not_found(void **state)
{
	static const char *const names[] = { "", "Asia", "Asia/Nowhere", "asia/jakarta", "auto",
		"../etc/passwd", "/etc/localtime", "Asia/../Asia/Jakarta", "right/Asia/Jakarta",
		"zone.tab", "tzdata.zi", "Asia/Jakarta ", "Asia//", "A" };
	int seconds = -1;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		ROW("%s", names[i]);
		assert_int_equal(tz_offset(names[i], 0, &seconds), RC_NOTFOUND);
	}
	assert_int_equal(seconds, -1);
}

/* A file without transitions, in the slim form: both blocks empty but for one type, then the rule. */
static size_t
make_file(unsigned char *to, const char *rule)
{
	static const unsigned char block[HEADER_SIZE + 6 + 4] = { 'T', 'Z', 'i', 'f',
		'2', [39] = 1, [43] = 4, [HEADER_SIZE] = 0, 0, 0x0e, 0x10, 0, 0, 'X', 'Y', 'Z', 0 };

	memcpy(to, block, sizeof(block));
	memcpy(to + sizeof(block), block, sizeof(block));
	return 2 * sizeof(block) + (size_t)sprintf((char *)to + 2 * sizeof(block), "\n%s\n", rule);
}

static void
rules_go_on_for_ever(void **state)
{
	static const struct {
		const char *rule;
		int64_t t;
		int seconds;
	} rows[] = {
		{ "", 0, 3600 },
		{ "WIB-7", 1795366800, 25200 },
		{ "<-03>3", 1795366800, -10800 },
		{ "<+0545>-5:45", 0, 20700 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1774745999, 3600 }, /* 2026-03-29T00:59:59Z */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1774746000, 7200 },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1792889999, 7200 }, /* 2026-10-25T00:59:59Z */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1792890000, 3600 },
		{ "NZST-12NZDT,M9.5.0,M4.1.0/3", 1798761600, 46800 }, /* a new year in summer */
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", 1798761600, 0 }, /* winter time saves less */
		{ "XXX3EDT4,0/0,J365/23", 1782000000, -14400 }, /* daylight saving all year */
		{ "AAA0BBB,J60/0,J61/0", 1709251199, 0 }, /* 2024-02-29T23:59:59Z, J60 is 1 March */
		{ "AAA0BBB,J60/0,J61/0", 1709251200, 3600 },
		{ "AAA0BBB,59/0,60/0", 1709164800, 3600 }, /* 59 is 29 February in a leap year */
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774745999, -7200 }, /* the day before */
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1774746000, -3600 },
	};
	unsigned char file[256];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int seconds = -1;
		size_t len = make_file(file, rows[i].rule);

		ROW("%s at %lld", rows[i].rule, (long long)rows[i].t);
		assert_int_equal(tz_offset_in(file, len, rows[i].t, &seconds), RC_OK);
		assert_int_equal(seconds, rows[i].seconds);
	}
}

static void
broken_files_are_invalid(void **state)
{
	static const char *const rules[] = { "X", "WIB", "WIB-7,", "WIB-168", "CET-1CEST",
		"CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.5.0,M10.5.0/3x", "CET-1CEST,J0,J1", "CET-1CEST,366,1", "<+07-7" };
	unsigned char file[256];
	int seconds = -1;
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT(rules); i++) {
		ROW("%s", rules[i]);
		len = make_file(file, rules[i]);
		assert_int_equal(tz_offset_in(file, len, 0, &seconds), RC_INVALID);
	}
	len = make_file(file, "WIB-7");
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(tz_offset_in(file, cut, 0, &seconds), RC_INVALID);
	for (size_t i = 0; i < len; i++) {
		unsigned char good = file[i];

		file[i] = 0xff; /* whatever comes of it, nothing is read beyond the file */
		(void)tz_offset_in(file, len, 0, &seconds);
		file[i] = good;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_are_those_of_date),
		cmocka_unit_test(what_is_no_zone_is_not_found),
		cmocka_unit_test(rules_go_on_for_ever),
		cmocka_unit_test(broken_files_are_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
