/* SPDX-License-Identifier: ISC
 *
 * weather/csv: cells as RFC 4180 wants them.
 */
#include "unit.h"

#include "weather/csv.h"

#include <math.h>

static const struct quantity_info speed = { "wind_speed", "wind_speed_10m", "km/h", "km/h",
	DIM_SPEED, 0, 500, 1 };
static const struct quantity_info code = { "weather_code", "weather_code", NULL, "wmo code",
	DIM_NONE, 0, 99, 0 };

static void
cells_are_quoted_where_they_must_be(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct csvw w = CSVW_INIT(&b);

	(void)state;
	csv_text(&w, "plain");
	csv_text(&w, "a,b");
	csv_text(&w, "say \"hi\"");
	csv_text(&w, "two\nlines");
	csv_text(&w, "");
	csv_text(&w, NULL);
	csv_end(&w);
	csv_int(&w, -3);
	csv_bool(&w, true);
	csv_time(&w, 1795385763);
	csv_degrees(&w, -6.2);
	csv_end(&w);
	assert_string_equal(b.p, "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",,\r\n"
				 "-3,true,2026-11-22T22:16:03Z,-6.20000\r\n");
	buf_free(&b);
}

static void
quantities_have_their_units_in_the_head(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct csvw w = CSVW_INIT(&b);

	(void)state;
	csv_head(&w, &speed, "", UNITS_METRIC);
	csv_head(&w, &speed, "_max", UNITS_IMPERIAL);
	csv_head(&w, &code, "", UNITS_METRIC);
	csv_end(&w);
	csv_quantity(&w, &speed, 16.09344, UNITS_METRIC);
	csv_quantity(&w, &speed, 16.09344, UNITS_IMPERIAL);
	csv_quantity(&w, &speed, NAN, UNITS_METRIC);
	csv_desc(&w, 3, LANG_ID);
	csv_desc(&w, NAN, LANG_ID);
	csv_end(&w);
	assert_string_equal(b.p, "wind_speed (km/h),wind_speed_max (mph),weather_code\r\n"
				 "16.1,10.0,,Berawan tebal,\r\n");
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_are_quoted_where_they_must_be),
		cmocka_unit_test(quantities_have_their_units_in_the_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
