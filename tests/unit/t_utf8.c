/* SPDX-License-Identifier: ISC
 *
 * base/utf8 at every border of the table of well-formed sequences, and against all code points.
 */
#include "unit.h"

#include "base/utf8.h"

#include <string.h>

/* Encode without asking whether the code point may be; returns the length. */
static size_t
encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static void
every_code_point_but_the_surrogates(void **state)
{
	char s[4];

	(void)state;
	for (uint32_t c = 0; c < 0x200000; c++) {
		size_t len = encode(c, s);

		if (utf8_valid(s, len) != (c < 0xd800 || (c > 0xdfff && c <= 0x10ffff)))
			fail_msg("U+%04X", c);
	}
}

static void
every_pair_of_bytes(void **state)
{
	(void)state;
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++) {
			char s[2] = { (char)a, (char)b };
			bool ascii = a < 0x80 && b < 0x80;
			bool two = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf;

			if (utf8_valid(s, 2) != (ascii || two))
				fail_msg("%02x %02x", a, b);
		}
}

static void
malformed(void **state)
{
	static const char *const bad[] = {
		"\xc0\x80", "\xc1\xbf", /* overlong, 2 */
		"\xe0\x80\x80", "\xe0\x9f\xbf", /* overlong, 3 */
		"\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", /* overlong, 4 */
		"\xed\xa0\x80", "\xed\xbf\xbf", /* surrogates */
		"\xed\xa0\x80\xed\xb0\x80", /* a pair of them: CESU-8 */
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", /* above U+10FFFF */
		"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80", "\xfe", "\xff", "\x80", "\xbf",
		"a\x80", "\xc3\xa9\xa9", /* tails without a head */
		"\xc3", "\xe2\x82", "\xf0\x9f\x98", "a\xe2\x82", "\xe2\x82z",
		"\xf0\x9f\x98z", /* cut */
		"\xe2z\xac", "\xf0z\x98\x80", "\xf0\x9fz\x80", "caf\xe9", /* Latin-1 */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		if (utf8_valid(bad[i], strlen(bad[i])))
			fail_msg("row %zu is taken for UTF-8", i);
}

static void
only_len_bytes_count(void **state)
{
	(void)state;
	assert_true(utf8_valid("", 0));
	assert_true(utf8_valid("\xff", 0));
	assert_true(utf8_valid("a\xff", 1));
	assert_false(utf8_valid("\xe2\x82\xac", 2)); /* the third byte is there, but not in len */
	assert_true(utf8_valid("a\0b", 3));
	assert_true(utf8_valid(
	    "Åre, São Paulo, Ürümqi, 東京, 😀", strlen("Åre, São Paulo, Ürümqi, 東京, 😀")));
}

static void
length_counts_characters(void **state)
{
	(void)state;
	assert_int_equal(utf8_length("", 0), 0);
	assert_int_equal(utf8_length("jakarta", 7), 7);
	assert_int_equal(utf8_length("Ürümqi", strlen("Ürümqi")), 6);
	assert_int_equal(utf8_length("東京😀", strlen("東京😀")), 3);
}

static void
controls_are_c0_del_and_c1(void **state)
{
	char s[5] = "";

	(void)state;
	for (uint32_t c = 0; c < 0x3000; c++) {
		size_t len = encode(c, s), n;

		s[len] = '\0';
		n = utf8_control(s);
		if (n != (c < 0x20 || (c >= 0x7f && c < 0xa0) ? len : 0))
			fail_msg("U+%04X: %zu", c, n);
	}
	assert_int_equal(utf8_control("\xc2"), 0); /* cut */
	assert_int_equal(utf8_control("\x9b"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_but_the_surrogates),
		cmocka_unit_test(every_pair_of_bytes),
		cmocka_unit_test(malformed),
		cmocka_unit_test(only_len_bytes_count),
		cmocka_unit_test(length_counts_characters),
		cmocka_unit_test(controls_are_c0_del_and_c1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
