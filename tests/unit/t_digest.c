/* SPDX-License-Identifier: ISC
 *
 * drivers/digest: SHA-256 against published values, and random bytes that differ.
 */
#include "unit.h"

#include "drivers/digest.h"

#include <string.h>

static void
sha256_is_that_of_fips_180(void **state)
{
	char hex[DIGEST_TEXT];

	(void)state;
	digest_sha256("", 0, hex);
	assert_string_equal(
	    hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	digest_sha256("abc", 3, hex);
	assert_string_equal(
	    hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* The vectors of the reference implementation, for its inputs of no byte and of 0 to 14. */
static void
the_short_digest_is_siphash(void **state)
{
	unsigned char bytes[15];
	char hex[DIGEST_SHORT_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	digest_short("", 0, hex);
	assert_string_equal(hex, "310e0edd47db6f72");
	digest_short(bytes, sizeof(bytes), hex);
	assert_string_equal(hex, "e545be4961ca29a1");
}

static void
random_bytes_are_hexadecimal_and_differ(void **state)
{
	char one[DIGEST_TEXT], other[DIGEST_TEXT];

	(void)state;
	assert_int_equal(digest_random(one), RC_OK);
	assert_int_equal(digest_random(other), RC_OK);
	assert_int_equal(strlen(one), 64);
	assert_int_equal(strspn(one, "0123456789abcdef"), 64);
	assert_string_not_equal(one, other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_is_that_of_fips_180),
		cmocka_unit_test(the_short_digest_is_siphash),
		cmocka_unit_test(random_bytes_are_hexadecimal_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
