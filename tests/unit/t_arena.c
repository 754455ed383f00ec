/* SPDX-License-Identifier: ISC
 *
 * base/arena: limits, alignment, no overlap, reuse after a reset.
 */
#include "unit.h"

#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MANY 500

static void
memory_is_zeroed_and_aligned(void **state)
{
	struct arena *a = arena_new(1 << 20);

	(void)state;
	for (size_t size = 0; size < 100; size++) {
		char *p = arena_alloc(a, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 'x', size);
	}
	arena_reset(a);
	for (size_t size = 1; size < 100; size++)
		assert_int_equal(*(char *)arena_alloc(a, size), 0);
	arena_free(a);
}

static void
pieces_do_not_overlap(void **state)
{
	struct arena *a = arena_new((size_t)64 << 20);
	struct {
		unsigned char *p;
		size_t size;
	} piece[MANY];

	(void)state;
	srandom(1);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < MANY; i++) {
			piece[i].size = (size_t)random() % (i % 10 == 0 ? 60000 : 300);
			assert_non_null(piece[i].p = arena_alloc(a, piece[i].size));
			memset(piece[i].p, i % 251 + 1, piece[i].size);
		}
		for (int i = 0; i < MANY; i++)
			for (size_t k = 0; k < piece[i].size; k++)
				assert_int_equal(piece[i].p[k], i % 251 + 1);
		arena_reset(a);
	}
	arena_free(a);
}

static void
the_maximum_holds_until_the_reset(void **state)
{
	struct arena *a = arena_new(100);

	(void)state;
	assert_non_null(arena_alloc(a, 64));
	assert_null(arena_alloc(a, 64));
	assert_non_null(arena_alloc(a, 16)); /* what is left can still be had */
	assert_non_null(arena_alloc(a, 16));
	assert_null(arena_alloc(a, 16));
	arena_reset(a);
	assert_non_null(arena_alloc(a, 96));
	assert_null(arena_alloc(a, 16));
	arena_free(a);
}

static void
sizes_that_overflow_are_refused(void **state)
{
	struct arena *a = arena_new(SIZE_MAX);

	(void)state;
	assert_non_null(arena_alloc(a, 1));
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_alloc(a, SIZE_MAX - 7));
	assert_null(arena_strndup(a, "x", SIZE_MAX));
	assert_non_null(arena_alloc(a, 1));
	arena_free(a);
}

static void
a_steady_load_gets_the_same_memory(void **state)
{
	struct arena *a = arena_new(1 << 20);
	void *first = arena_alloc(a, 100), *second = arena_alloc(a, 100);

	(void)state;
	assert_ptr_not_equal(first, second);
	for (int i = 0; i < 3; i++) {
		arena_reset(a);
		assert_ptr_equal(arena_alloc(a, 100), first);
		assert_ptr_equal(arena_alloc(a, 100), second);
		assert_non_null(arena_alloc(a, 100000));
	}
	arena_free(a);
}

static void
copies_end_with_nul(void **state)
{
	struct arena *a = arena_new(4096);

	(void)state;
	assert_string_equal(arena_strdup(a, "jakarta"), "jakarta");
	assert_string_equal(arena_strdup(a, ""), "");
	assert_string_equal(arena_strndup(a, "jakarta", 3), "jak");
	assert_string_equal(arena_strndup(a, "jakarta", 0), "");
	assert_memory_equal(arena_strndup(a, "a\0b", 3), "a\0b", 4);
	assert_string_equal(arena_printf(a, "%s:%d", "x", -5), "x:-5");
	assert_int_equal(strlen(arena_printf(a, "%255d", 7)), 255);
	assert_int_equal(strlen(arena_printf(a, "%256d", 7)), 256);
	assert_string_equal(arena_printf(a, "%1000d", 7) + 999, "7");
	assert_null(arena_printf(a, "%5000d", 7));
	arena_free(a);
	arena_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(pieces_do_not_overlap),
		cmocka_unit_test(the_maximum_holds_until_the_reset),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(a_steady_load_gets_the_same_memory),
		cmocka_unit_test(copies_end_with_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
