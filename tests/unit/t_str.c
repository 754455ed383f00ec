/* SPDX-License-Identifier: ISC
 *
 * base/str: what strtol(3) and strtod(3) would let through.
 */
#include "unit.h"

#include "base/str.h"

#include <string.h>

static void
integers(void **state)
{
	static const struct {
		const char *text;
		int64_t v;
	} good[] = {
		{ "0", 0 },
		{ "-0", 0 },
		{ "7", 7 },
		{ "-7", -7 },
		{ "007", 7 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		int64_t v = 99;

		assert_true(str_to_int(good[i].text, &v));
		assert_int_equal(v, good[i].v);
	}
}

static void
not_integers(void **state)
{
	static const char *const bad[] = { "", "-", "--1", "+1", " 1", "1 ", "1\n", "1.0", "1e3",
		"0x10", "1a", "a", "１", "1,000", "9223372036854775808", "-9223372036854775809",
		"99999999999999999999999" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		int64_t v = 99;

		if (str_to_int(bad[i], &v))
			fail_msg("\"%s\"", bad[i]);
		assert_int_equal(v, 99);
	}
}

static void
numbers(void **state)
{
	static const struct {
		const char *text;
		double v;
	} good[] = {
		{ "0", 0 },
		{ "-6.2", -6.2 },
		{ "106.84513", 106.84513 },
		{ "1e3", 1000 },
		{ "1E-2", 0.01 },
		{ ".5", 0.5 },
		{ "5.", 5 },
		{ "1e308", 1e308 },
		{ "000.50", 0.5 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		double v = 99;

		assert_true(str_to_num(good[i].text, &v));
		assert_true(v == good[i].v);
	}
}

static void
not_numbers(void **state)
{
	static const char *const bad[] = { "", "-", ".", "e5", "1e", "1e+", "--1", "1-1", "1.2.3",
		" 1", "1 ", "\t1", "1,5", "0x10", "0x1p3", "nan", "NaN", "nan(1)", "inf", "-inf",
		"infinity", "1e400", "-1e400", "６", "1f", "1°" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		double v = 99;

		if (str_to_num(bad[i], &v))
			fail_msg("\"%s\"", bad[i]);
		assert_true(v == 99);
	}
}

static void
copies_are_cut_and_say_so(void **state)
{
	char dst[4];

	(void)state;
	assert_true(str_copy(dst, "abc", sizeof(dst)));
	assert_string_equal(dst, "abc");
	assert_false(str_copy(dst, "wxyz", sizeof(dst)));
	assert_string_equal(dst, "wxy");
	assert_true(str_copy(dst, "", sizeof(dst)));
	assert_string_equal(dst, "");
	assert_true(str_copy(dst, "", 1));
	assert_false(str_copy(dst, "a", 1));
	assert_string_equal(dst, "");
}

static void
integers_become_texts(void **state)
{
	char text[STR_INT];

	(void)state;
	assert_string_equal(str_from_int(0, text), "0");
	assert_string_equal(str_from_int(INT64_MIN, text), "-9223372036854775808");
	assert_string_equal(str_from_int(INT64_MAX, text), "9223372036854775807");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),
		cmocka_unit_test(not_integers),
		cmocka_unit_test(numbers),
		cmocka_unit_test(not_numbers),
		cmocka_unit_test(integers_become_texts),
		cmocka_unit_test(copies_are_cut_and_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
