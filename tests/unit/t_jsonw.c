/* SPDX-License-Identifier: ISC
 *
 * base/jsonw: commas, escapes, numbers, depth; and cJSON reads back what it wrote.
 */
#include "unit.h"

#include "base/jsonw.h"

#include <cjson/cJSON.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
commas_come_by_themselves(void **state)
{
	struct buf b = BUF_INIT(1000);
	struct jsonw w = JSONW_INIT(&b);

	(void)state;
	jsonw_object(&w, NULL);
	jsonw_object(&w, "a");
	jsonw_end(&w);
	jsonw_array(&w, "b");
	jsonw_int(&w, NULL, 1);
	jsonw_array(&w, NULL);
	jsonw_end(&w);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "c", true);
	jsonw_bool(&w, "d", false);
	jsonw_end(&w);
	jsonw_string(&w, NULL, NULL);
	jsonw_end(&w);
	jsonw_raw(&w, "e", "[0 ]xx", 4);
	jsonw_time(&w, "f", 1795385700);
	jsonw_end(&w);
	assert_true(buf_ok(&b));
	assert_string_equal(b.p, "{\"a\":{},\"b\":[1,[],{\"c\":true,\"d\":false},null],\"e\":[0 "
				 "],\"f\":\"2026-11-22T22:15:00Z\"}");
	buf_free(&b);
}

static void
strings_are_escaped(void **state)
{
	static const struct {
		const char *s, *json;
	} rows[] = {
		{ "", "\"\"" },
		{ "a\"b", "\"a\\\"b\"" },
		{ "\\", "\"\\\\\"" },
		{ "\n", "\"\\u000a\"" },
		{ "\x01", "\"\\u0001\"" },
		{ "\x1f ", "\"\\u001f \"" },
		{ "</script>", "\"</script>\"" },
		{ "°C", "\"°C\"" },
		{ "\"\"", "\"\\\"\\\"\"" },
		{ "東京😀", "\"東京😀\"" },
		{ "tail\t", "\"tail\\u0009\"" },
	};
	struct buf b = BUF_INIT(1000);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct jsonw w = JSONW_INIT(&b);

		buf_reset(&b);
		jsonw_string(&w, NULL, rows[i].s);
		assert_string_equal(b.p, rows[i].json);
	}
	buf_free(&b);
}

static void
every_byte_survives_a_parser(void **state)
{
	struct buf b = BUF_INIT(10000);
	struct jsonw w = JSONW_INIT(&b);
	char all[128];
	cJSON *json;

	(void)state;
	for (int i = 1; i < 128; i++)
		all[i - 1] = (char)i;
	all[127] = '\0';
	jsonw_object(&w, NULL);
	jsonw_string(&w, all, all);
	jsonw_end(&w);
	json = cJSON_ParseWithOpts(b.p, NULL, true);
	assert_non_null(json);
	assert_string_equal(json->child->string, all);
	assert_string_equal(json->child->valuestring, all);
	cJSON_Delete(json);
	buf_free(&b);
}

static void
numbers_have_their_places(void **state)
{
	static const struct {
		double v;
		int decimals;
		const char *json;
	} rows[] = {
		{ 27.4, 1, "27.4" },
		{ 0, 1, "0.0" },
		{ -0.0, 1, "0.0" },
		{ -0.04, 1, "0.0" },
		{ 0.05, 2, "0.05" },
		{ -0.06, 1, "-0.1" },
		{ 106.84513, 5, "106.84513" },
		{ 106.5, 5, "106.5" },
		{ 100, 1, "100.0" },
		{ -100, 3, "-100.0" },
		{ 1009.849, 1, "1009.8" },
		{ 9.96, 1, "10.0" },
		{ 0.1 + 0.2, 9, "0.3" },
		{ NAN, 1, "null" },
		{ INFINITY, 1, "null" },
		{ -INFINITY, 1, "null" },
		{ 1e21, 1, "1000000000000000000000.0" },
		{ 5e-324, 9, "0.0" },
		{ 1e-9, 9, "0.000000001" },
	};
	struct buf b = BUF_INIT(1000);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct jsonw w = JSONW_INIT(&b);

		buf_reset(&b);
		jsonw_num(&w, NULL, rows[i].v, rows[i].decimals);
		assert_string_equal(b.p, rows[i].json);
	}
	for (int sign = -1; sign < 2; sign += 2) {
		struct jsonw w = JSONW_INIT(&b);

		buf_reset(&b);
		jsonw_num(&w, NULL, sign * DBL_MAX, 9);
		assert_true(strtod(b.p, NULL) == sign * DBL_MAX);
	}
	buf_free(&b);
}

static void
integers_are_whole(void **state)
{
	struct buf b = BUF_INIT(1000);
	struct jsonw w = JSONW_INIT(&b);

	(void)state;
	jsonw_array(&w, NULL);
	jsonw_int(&w, NULL, INT64_MIN);
	jsonw_int(&w, NULL, INT64_MAX);
	jsonw_int(&w, NULL, 0);
	jsonw_end(&w);
	assert_string_equal(b.p, "[-9223372036854775808,9223372036854775807,0]");
	buf_free(&b);
}

static void
too_deep_is_a_failure_not_an_overflow(void **state)
{
	struct buf b = BUF_INIT(1000);
	struct jsonw w = JSONW_INIT(&b);

	(void)state;
	for (int i = 0; i < JSONW_DEPTH; i++)
		jsonw_array(&w, NULL);
	for (int i = 0; i < JSONW_DEPTH; i++)
		jsonw_end(&w);
	assert_true(buf_ok(&b));
	assert_string_equal(b.p, "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]");
	buf_reset(&b);
	w = (struct jsonw)JSONW_INIT(&b);
	for (int i = 0; i < JSONW_DEPTH + 5; i++)
		jsonw_object(&w, "x");
	for (int i = 0; i < JSONW_DEPTH + 9; i++)
		jsonw_end(&w);
	assert_false(buf_ok(&b));
	buf_free(&b);
}

static void
a_full_buffer_is_a_failure(void **state)
{
	struct buf b = BUF_INIT(20);
	struct jsonw w = JSONW_INIT(&b);

	(void)state;
	jsonw_object(&w, NULL);
	jsonw_string(&w, "name", "longer than the rest of it");
	jsonw_end(&w);
	assert_false(buf_ok(&b));
	assert_true(b.len <= 20);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_come_by_themselves),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(every_byte_survives_a_parser),
		cmocka_unit_test(numbers_have_their_places),
		cmocka_unit_test(integers_are_whole),
		cmocka_unit_test(too_deep_is_a_failure_not_an_overflow),
		cmocka_unit_test(a_full_buffer_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
