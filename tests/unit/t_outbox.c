/* SPDX-License-Identifier: ISC
 *
 * ws-handlers/chat/outbox: whole lines, in order, bounded, whatever the reader does.
 */
#include "unit.h"

#include "../../ws-handlers/chat/outbox.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMIT 100000

static int ends[2];
static struct outbox box;

static int
prepare(void **state)
{
	(void)state;
	outbox_init(&box, LIMIT);
	if (pipe(ends) != 0)
		return -1;
	return fcntl(ends[1], F_SETFL, O_NONBLOCK) + fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

static int
tidy(void **state)
{
	(void)state;
	outbox_free(&box);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

/* Add the n-th line, of some length. */
static void
add(int n, size_t len)
{
	char line[5000];

	memset(line, 'x', sizeof(line));
	line[snprintf(line, sizeof(line), "%d", n)] = ' ';
	outbox_add(&box, line, len);
}

/* Read all there is; check that its lines are numbered on from *n, and count them. Returns whether the last is whole. */
static bool
drain(int *n)
{
	static char rest[8192];
	static size_t have;
	ssize_t got;

	if (*n == 0)
		have = 0;
	while ((got = read(ends[0], rest + have, 1000)) > 0) {
		char *end;

		have += (size_t)got;
		while ((end = memchr(rest, '\n', have)) != NULL) {
			assert_int_equal(atoi(rest), *n);
			++*n;
			have -= (size_t)(end + 1 - rest);
			memmove(rest, end + 1, have);
		}
	}
	return have == 0;
}

static void
lines_come_out_as_they_went_in(void **state)
{
	int n = 0;

	(void)state;
	for (int i = 0; i < 500; i++) {
		add(i, 100 + (size_t)(i * 37 % 4000));
		if (i % 7 == 0)
			assert_int_not_equal(outbox_flush(&box, ends[1]), RC_DOWN);
		drain(&n);
	}
	while (outbox_flush(&box, ends[1]) == RC_BUSY)
		drain(&n);
	assert_true(drain(&n));
	assert_int_equal(n, 500);
	assert_false(box.over);
	assert_int_equal(outbox_waiting(&box), 0);
}

static void
json_is_written_in_place(void **state)
{
	struct jsonw w = outbox_begin(&box);
	char text[64] = "";

	(void)state;
	jsonw_object(&w, NULL);
	jsonw_int(&w, "a", 1);
	jsonw_end(&w);
	outbox_end(&box);
	assert_int_equal(outbox_flush(&box, ends[1]), RC_OK);
	assert_int_equal(read(ends[0], text, sizeof(text) - 1), 8);
	assert_string_equal(text, "{\"a\":1}\n");
}

static void
a_line_too_many_is_refused_whole(void **state)
{
	int n = 0, i = 0;

	(void)state;
	while (!box.over)
		add(i++, 3000);
	assert_true(outbox_waiting(&box) <= LIMIT);
	while (outbox_flush(&box, ends[1]) == RC_BUSY)
		drain(&n);
	assert_true(drain(&n));
	assert_int_equal(n, i - 1);
}

static void
nothing_follows_a_line_that_was_refused(void **state)
{
	int n = 0, i = 0;

	(void)state;
	while (!box.over)
		add(i++, 3000);
	add(i, 10);
	while (outbox_flush(&box, ends[1]) == RC_BUSY)
		drain(&n);
	assert_true(drain(&n));
	assert_int_equal(n, i - 1);
	add(i, 10);
	assert_int_equal(outbox_waiting(&box), 0);
	outbox_drop(&box);
	add(n, 10);
	assert_int_equal(outbox_flush(&box, ends[1]), RC_OK);
	assert_true(drain(&n));
	assert_int_equal(n, i);
}

static void
what_is_dropped_leaves_a_whole_line(void **state)
{
	int n = 0;

	(void)state;
	for (int i = 0; i < 30; i++)
		add(i, 4999);
	outbox_drop(&box);
	assert_int_equal(outbox_waiting(&box), 0); /* nothing of it was written */
	box.over = false;
	for (int i = 0; i < 20; i++)
		add(i, 4999);
	assert_int_equal(outbox_flush(&box, ends[1]), RC_BUSY);
	assert_true(box.torn); /* a pipe holds 64 KiB, which 5,000 do not divide */
	outbox_drop(&box);
	assert_true(outbox_waiting(&box) < 5000);
	add(14, 10);
	while (outbox_flush(&box, ends[1]) == RC_BUSY)
		drain(&n);
	assert_true(drain(&n));
	assert_int_equal(n, 15);
}

static void
nothing_comes_after_the_last(void **state)
{
	int n = 0;

	(void)state;
	add(0, 10);
	outbox_close(&box);
	add(1, 10);
	assert_false(box.over);
	assert_int_equal(outbox_flush(&box, ends[1]), RC_OK);
	assert_true(drain(&n));
	assert_int_equal(n, 1);
}

static void
nobody_reads(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	close(ends[0]);
	add(0, 10);
	assert_int_equal(outbox_flush(&box, ends[1]), RC_DOWN);
	ends[0] = dup(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_come_out_as_they_went_in, prepare, tidy),
		cmocka_unit_test_setup_teardown(json_is_written_in_place, prepare, tidy),
		cmocka_unit_test_setup_teardown(a_line_too_many_is_refused_whole, prepare, tidy),
		cmocka_unit_test_setup_teardown(
		    nothing_follows_a_line_that_was_refused, prepare, tidy),
		cmocka_unit_test_setup_teardown(what_is_dropped_leaves_a_whole_line, prepare, tidy),
		cmocka_unit_test_setup_teardown(nothing_comes_after_the_last, prepare, tidy),
		cmocka_unit_test_setup_teardown(nobody_reads, prepare, tidy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
