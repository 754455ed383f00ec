/* SPDX-License-Identifier: ISC
 *
 * base/buf: growth, the exact maximum, the failure that sticks.
 */
#include "unit.h"

#include "base/buf.h"

#include <string.h>

static void
it_grows_and_stays_terminated(void **state)
{
	struct buf b = BUF_INIT(100000);

	(void)state;
	assert_null(b.p);
	for (size_t i = 0; i < 50000; i++) {
		buf_addc(&b, (char)('a' + i % 26));
		assert_int_equal(b.len, i + 1);
		assert_int_equal(b.p[b.len], '\0');
	}
	for (size_t i = 0; i < 50000; i++)
		assert_int_equal(b.p[i], 'a' + (int)(i % 26));
	assert_true(buf_ok(&b));
	buf_free(&b);
}

static void
the_maximum_is_exact_and_the_failure_sticks(void **state)
{
	struct buf b = BUF_INIT(10);

	(void)state;
	buf_adds(&b, "1234567890");
	assert_true(buf_ok(&b));
	buf_addc(&b, 'x');
	assert_false(buf_ok(&b));
	assert_string_equal(b.p, "1234567890");
	buf_reset(&b);
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, 0);
	assert_string_equal(b.p, "");
	buf_adds(&b, "12345");
	buf_adds(&b, "678901");
	buf_adds(&b, "6"); /* would fit, but comes after what did not */
	assert_false(buf_ok(&b));
	assert_string_equal(b.p, "12345");
	buf_free(&b);
}

static void
printf_fits_exactly_or_not_at_all(void **state)
{
	struct buf b = BUF_INIT(300);

	(void)state;
	buf_printf(&b, "%0300d", 1);
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, 300);
	assert_string_equal(b.p + 299, "1");
	buf_reset(&b);
	buf_printf(&b, "%0301d", 1);
	assert_false(buf_ok(&b));
	assert_int_equal(b.len, 0);
	buf_free(&b);
	buf_printf(&b, "%s-%d", "a", 1);
	assert_string_equal(b.p, "a-1");
	buf_free(&b);
}

static void
a_reservation_needs_no_second_allocation(void **state)
{
	struct buf b = BUF_INIT(100000);
	const char *p;

	(void)state;
	buf_reserve(&b, 50000);
	p = b.p;
	for (int i = 0; i < 50000; i++)
		buf_addc(&b, 'x');
	assert_ptr_equal(b.p, p);
	assert_int_equal(b.len, 50000);
	buf_reserve(&b, 50001);
	assert_false(buf_ok(&b));
	buf_free(&b);
}

static void
hostile_sizes_fail(void **state)
{
	struct buf b = BUF_INIT(SIZE_MAX / 4);

	(void)state;
	buf_adds(&b, "x");
	buf_reserve(&b, SIZE_MAX);
	assert_false(buf_ok(&b));
	buf_free(&b);
}

static void
nothing_is_a_valid_addition(void **state)
{
	struct buf b = BUF_INIT(10);

	(void)state;
	buf_add(&b, NULL, 0);
	buf_adds(&b, "");
	assert_true(buf_ok(&b));
	assert_int_equal(b.len, 0);
	assert_string_equal(b.p, "");
	buf_add(&b, "a\0b", 3);
	assert_memory_equal(b.p, "a\0b", 4);
	buf_free(&b);
	assert_null(b.p);
	assert_int_equal(b.max, 10);
	buf_free(&b);
}

static void
text_is_taken_once_and_whole(void **state)
{
	struct arena *a = arena_new(64), *full = arena_new(1);
	struct buf b = BUF_INIT(8);

	(void)state;
	assert_string_equal(buf_take(&b, a), "");
	buf_adds(&b, "weather");
	assert_string_equal(buf_take(&b, a), "weather");
	assert_null(b.p);
	buf_adds(&b, "too long for it");
	assert_null(buf_take(&b, a));
	buf_adds(&b, "weather");
	assert_null(buf_take(&b, full));
	assert_int_equal(b.len, 0);
	arena_free(full);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_grows_and_stays_terminated),
		cmocka_unit_test(the_maximum_is_exact_and_the_failure_sticks),
		cmocka_unit_test(printf_fits_exactly_or_not_at_all),
		cmocka_unit_test(a_reservation_needs_no_second_allocation),
		cmocka_unit_test(hostile_sizes_fail),
		cmocka_unit_test(nothing_is_a_valid_addition),
		cmocka_unit_test(text_is_taken_once_and_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
