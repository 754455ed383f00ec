/* SPDX-License-Identifier: ISC
 *
 * ws-handlers/chat/line: input of any shape becomes the same lines, and none is longer than allowed.
 */
#include "unit.h"

#include "../../ws-handlers/chat/line.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLENTY 200000

static int ends[2];
static struct line_reader reader;

static int
prepare(void **state)
{
	(void)state;
	line_init(&reader);
	return pipe(ends);
}

static int
tidy(void **state)
{
	(void)state;
	line_free(&reader);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

/* Give the reader these bytes; what has become whole goes to log, lines as they are, the rest by a name. */
static void
feed(const char *bytes, size_t len, char *log)
{
	enum line_kind kind;
	char *text;
	size_t n;

	assert_int_equal(write(ends[1], bytes, len), len);
	assert_true(line_fill(&reader, ends[0]));
	while ((kind = line_next(&reader, &text, &n)) != LINE_NONE) {
		if (kind == LINE_TEXT)
			assert_int_equal(strlen(text), n);
		strcat(log, kind == LINE_TEXT ? text : kind == LINE_NUL ? "<nul>" : "<long>");
		strcat(log, "|");
	}
}

static void
lines_are_the_same_however_they_come(void **state)
{
	static const char input[] = "one\ntwo\r\n\nfo\0ur\n five ";
	char at_once[256] = "", bit_by_bit[256] = "";

	(void)state;
	feed(input, sizeof(input) - 1, at_once);
	assert_string_equal(at_once, "one|two||<nul>|");
	feed("\n", 1, at_once);
	assert_string_equal(at_once, "one|two||<nul>| five |");
	for (size_t i = 0; i < sizeof(input) - 1; i++)
		feed(input + i, 1, bit_by_bit);
	feed("\n", 1, bit_by_bit);
	assert_string_equal(bit_by_bit, at_once);
}

static void
nothing_is_kept_between_two_lines(void **state)
{
	char log[64] = "";

	(void)state;
	feed("a line\n", 7, log);
	assert_null(reader.buf.p);
	feed("half", 4, log);
	assert_non_null(reader.buf.p);
	feed("\n", 1, log);
	assert_null(reader.buf.p);
	assert_string_equal(log, "a line|half|");
}

/* Feed n times the same byte in pieces. */
static void
feed_many(char byte, size_t n, char *log)
{
	char piece[1000];

	memset(piece, byte, sizeof(piece));
	for (size_t part; n > 0; n -= part) {
		part = n < sizeof(piece) ? n : sizeof(piece);
		feed(piece, part, log);
	}
}

static void
a_line_has_its_limit(void **state)
{
	char *log = calloc(1, PLENTY);

	(void)state;
	feed_many('x', LINE_BYTES_MAX, log);
	assert_string_equal(log, "");
	feed("\n", 1, log);
	assert_int_equal(strlen(log), LINE_BYTES_MAX + 1);
	log[0] = '\0';
	feed_many('x', LINE_BYTES_MAX + 1, log);
	feed("\nnext\n", 6, log);
	assert_string_equal(log, "<long>|next|");
	free(log);
}

static void
a_line_without_end_is_told_once_and_costs_nothing(void **state)
{
	char log[64] = "";

	(void)state;
	feed_many('x', PLENTY, log);
	assert_string_equal(log, "<long>|");
	assert_null(reader.buf.p);
	feed("its end\nafter\n", 14, log);
	assert_string_equal(log, "<long>|after|");
}

static void
the_end_is_the_end(void **state)
{
	(void)state;
	close(ends[1]);
	assert_false(line_fill(&reader, ends[0]));
	ends[1] = dup(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    lines_are_the_same_however_they_come, prepare, tidy),
		cmocka_unit_test_setup_teardown(nothing_is_kept_between_two_lines, prepare, tidy),
		cmocka_unit_test_setup_teardown(a_line_has_its_limit, prepare, tidy),
		cmocka_unit_test_setup_teardown(
		    a_line_without_end_is_told_once_and_costs_nothing, prepare, tidy),
		cmocka_unit_test_setup_teardown(the_end_is_the_end, prepare, tidy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
