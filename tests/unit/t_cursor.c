/* SPDX-License-Identifier: ISC
 *
 * fcgi-bin/weather/cursor: what was written is read back, for the same city and interval only, and nothing else is.
 */
#include "unit.h"

#include "../../fcgi-bin/weather/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static void
a_cursor_comes_back(void **state)
{
	static const int64_t times[] = { INT64_C(-62135596800), -1, 0, 1795385763,
		INT64_C(253402300799) };

	(void)state;
	for (size_t i = 0; i + 1 < COUNT(times); i++) {
		struct cursor c = { "jakarta", 1, times[i], times[i + 1] },
			      back = { .slug = "jakarta", .interval = 1 };

		assert_true(cursor_read(cursor_write(arena, &c), &back));
		assert_int_equal(back.from, c.from);
		assert_int_equal(back.to, c.to);
	}
}

static void
only_for_its_own_question(void **state)
{
	const struct cursor c = { "jakarta", 1, 1000, 2000 };
	const char *text = cursor_write(arena, &c);
	struct cursor other = { .slug = "bandung", .interval = 1 };

	(void)state;
	assert_false(cursor_read(text, &other));
	other = (struct cursor){ .slug = "jakarta", .interval = 2 };
	assert_false(cursor_read(text, &other));
}

static void
nothing_else_is_one(void **state)
{
	const struct cursor c = { "jakarta", 0, 1000, 2000 };
	const char *good = cursor_write(arena, &c);
	struct cursor back = { .slug = "jakarta" };
	char text[128];

	(void)state;
	assert_true(cursor_read(good, &back));
	for (size_t i = 0; i < strlen(good); i++) { /* any other digit anywhere */
		strcpy(text, good);
		text[i] = text[i] == '7' ? '8' : '7';
		assert_false(cursor_read(text, &back));
		text[i] = 'A';
		assert_false(cursor_read(text, &back));
		text[i] = '\0';
		assert_false(cursor_read(text, &back));
	}
	snprintf(text, sizeof(text), "%s0", good);
	assert_false(cursor_read(text, &back));
	assert_false(cursor_read("", &back));
	srandom(7);
	for (int n = 0; n < 100000; n++) {
		for (int i = 0; i < 30; i++)
			text[i] = "0123456789abcdef"[random() % 16];
		text[30] = '\0';
		text[0] = '1';
		text[1] = '0';
		assert_false(cursor_read(text, &back));
	}
}

static int
make_arena(void **state)
{
	(void)state;
	arena = arena_new(65536);
	return arena == NULL;
}

static int
end_arena(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cursor_comes_back),
		cmocka_unit_test(only_for_its_own_question),
		cmocka_unit_test(nothing_else_is_one),
	};

	return cmocka_run_group_tests(tests, make_arena, end_arena);
}
