/* SPDX-License-Identifier: ISC
 *
 * drivers/token: what is taken for a token and what is not. The tokens are put together here, byte by byte, so that
 * the library that reads them has no part in it.
 */
#include "unit.h"

#include "base/buf.h"
#include "drivers/token.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1763863200
#define KEY "0123456789abcdef0123456789abcdef"
#define OLD_KEY "fedcba9876543210fedcba9876543210"
#define OTHER_KEY "ffffffffffffffffffffffffffffffff"
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define GOOD "{\"sub\":\"alice\",\"jti\":\"t1\",\"iat\":1763863000,\"exp\":1763866600}"

static struct settings settings;

static void
add_base64(struct buf *b, const void *data, size_t len)
{
	char text[TOKEN_MAX * 2];

	sodium_bin2base64(text, sizeof(text), data, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	buf_adds(b, text);
}

/* header.claims.signature; the caller frees it. Without a key the signature is empty. */
static char *
sign(const char *header, const char *claims, const char *key)
{
	struct buf b = BUF_INIT(TOKEN_MAX * 4);
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state st;

	add_base64(&b, header, strlen(header));
	buf_addc(&b, '.');
	add_base64(&b, claims, strlen(claims));
	if (key != NULL) {
		crypto_auth_hmacsha256_init(&st, (const unsigned char *)key, strlen(key));
		crypto_auth_hmacsha256_update(&st, (const unsigned char *)b.p, b.len);
		crypto_auth_hmacsha256_final(&st, mac);
	}
	buf_addc(&b, '.');
	if (key != NULL)
		add_base64(&b, mac, sizeof(mac));
	assert_true(buf_ok(&b));
	return b.p;
}

static enum token_fault
check(const char *header, const char *claims, const char *key, struct token *t)
{
	char *text = sign(header, claims, key);
	enum token_fault f = token_check(&settings, text, NOW, t);

	free(text);
	return f;
}

static void
a_good_token_gives_its_claims(void **state)
{
	struct token t;

	(void)state;
	assert_int_equal(check(HS256, GOOD, KEY, &t), TOKEN_OK);
	assert_string_equal(t.sub, "alice");
	assert_string_equal(t.jti, "t1");
	assert_int_equal(t.iat, 1763863000);
	assert_int_equal(t.exp, 1763866600);
	assert_int_equal(t.since, 0);
	assert_false(t.guest);
}

static void
a_guest_sees_nothing_from_before_his_token(void **state)
{
	struct token t;

	(void)state;
	assert_int_equal(check(HS256,
			     "{\"sub\":\"g-1\",\"jti\":\"x\",\"exp\":1763866600,\"iat\":1763863100,"
			     "\"guest\":true,\"since\":1763863050}",
			     KEY, &t),
	    TOKEN_OK);
	assert_true(t.guest);
	assert_int_equal(t.since, 1763863050);
	assert_int_equal(check(HS256,
			     "{\"sub\":\"g-1\",\"jti\":\"x\",\"exp\":1763866600,\"iat\":1763863100,"
			     "\"guest\":true}",
			     KEY, &t),
	    TOKEN_OK);
	assert_int_equal(t.since, 1763863100);
}

static void
a_time_beyond_all_years_is_the_end_of_the_last(void **state)
{
	struct token t;

	(void)state;
	assert_int_equal(
	    check(HS256, "{\"sub\":\"bob\",\"jti\":\"x\",\"exp\":9223372036854775807}", KEY, &t),
	    TOKEN_OK);
	assert_int_equal(t.exp, 253402300799);
	assert_int_equal(check(HS256,
			     "{\"sub\":\"bob\",\"jti\":\"x\",\"exp\":253402300798,"
			     "\"since\":9223372036854775807}",
			     KEY, &t),
	    TOKEN_OK);
	assert_int_equal(t.exp, 253402300798);
	assert_false(token_had_name(&t, (int64_t)NOW * 1000));
}

static void
both_keys_are_good_and_no_other(void **state)
{
	struct token t;

	(void)state;
	assert_int_equal(check(HS256, GOOD, OLD_KEY, &t), TOKEN_OK);
	assert_int_equal(check(HS256, GOOD, OTHER_KEY, &t), TOKEN_SIGNATURE);
	assert_int_equal(check(HS256, GOOD, "", &t), TOKEN_SIGNATURE);
}

static void
without_a_key_no_token_is_good(void **state)
{
	static struct settings none;
	struct token t;
	char *text = sign(HS256, GOOD, "");

	(void)state;
	assert_int_equal(token_check(&none, text, NOW, &t), TOKEN_SIGNATURE);
	free(text);
}

static void
hs256_it_is_or_nothing(void **state)
{
	static const struct {
		const char *header, *key;
		enum token_fault f;
	} rows[] = {
		{ "{\"alg\":\"none\"}", NULL, TOKEN_ALGORITHM },
		{ "{\"alg\":\"none\"}", KEY, TOKEN_ALGORITHM },
		{ "{\"alg\":\"NONE\"}", NULL, TOKEN_ALGORITHM },
		{ "{\"alg\":\"HS384\"}", KEY, TOKEN_ALGORITHM },
		{ "{\"alg\":\"HS512\"}", KEY, TOKEN_ALGORITHM },
		{ "{\"alg\":\"RS256\"}", KEY, TOKEN_ALGORITHM },
		{ "{\"alg\":\"ES256\"}", KEY, TOKEN_ALGORITHM },
		{ "{\"alg\":\"XX\"}", KEY, TOKEN_MALFORMED },
		{ "{\"alg\":256}", KEY, TOKEN_MALFORMED },
		{ "{}", KEY, TOKEN_MALFORMED },
		{ HS256, NULL, TOKEN_SIGNATURE },
	};
	struct token t;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum token_fault f = check(rows[i].header, GOOD, rows[i].key, &t);

		ROW("%s %s", rows[i].header, token_fault_text(f));
		assert_int_not_equal(f, TOKEN_OK);
		assert_true(f == rows[i].f || f == TOKEN_MALFORMED || f == TOKEN_ALGORITHM);
	}
}

static void
any_change_is_seen(void **state)
{
	char *text = sign(HS256, GOOD, KEY);
	struct token t;

	(void)state;
	for (size_t i = 0; text[i] != '\0'; i++) {
		char was = text[i];

		if (text[i + 1] == '\0')
			break; /* two bits of the last character are not used */
		text[i] = was == 'A' ? 'B' : 'A';
		assert_int_not_equal(token_check(&settings, text, NOW, &t), TOKEN_OK);
		text[i] = was;
	}
	assert_int_equal(token_check(&settings, text, NOW, &t), TOKEN_OK);
	free(text);
}

static void
what_is_no_token_is_said_to_be_none(void **state)
{
	static const char *const texts[] = { "", ".", "..", "...", "a.b.c", "alice", "e30.e30.",
		"eyJhbGciOiJIUzI1NiJ9..x", "\xff\xfe.\xff.\xff" };
	struct token t;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		ROW("%zu", i);
		assert_int_equal(token_check(&settings, texts[i], NOW, &t), TOKEN_MALFORMED);
	}
}

static void
an_endless_token_is_not_read(void **state)
{
	char *text = malloc(TOKEN_MAX + 2);
	struct token t;

	(void)state;
	memset(text, 'a', TOKEN_MAX + 1);
	text[TOKEN_MAX + 1] = '\0';
	assert_int_equal(token_check(&settings, text, NOW, &t), TOKEN_MALFORMED);
	free(text);
}

static void
claims_are_there_and_what_they_should_be(void **state)
{
	static const struct {
		const char *claims;
		enum token_fault f;
	} rows[] = {
		{ "{\"jti\":\"a\",\"exp\":1763866600}", TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"exp\":1763866600}", TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"a\"}", TOKEN_CLAIMS },
		{ "{\"sub\":7,\"jti\":\"a\",\"exp\":1763866600}", TOKEN_CLAIMS },
		{ "{\"sub\":null,\"jti\":\"a\",\"exp\":1763866600}", TOKEN_CLAIMS },
		{ "{\"sub\":[\"alice\"],\"jti\":\"a\",\"exp\":1763866600}", TOKEN_CLAIMS },
		{ "{\"sub\":\"al\",\"jti\":\"a\",\"exp\":1763866600}", TOKEN_CLAIMS },
		{ "{\"sub\":\"Alice\",\"jti\":\"a\",\"exp\":1763866600}", TOKEN_CLAIMS },
		{ "{\"sub\":\"alice.bob\",\"jti\":\"a\",\"exp\":1763866600}", TOKEN_CLAIMS },
		{ "{\"sub\":\"alice*\",\"jti\":\"a\",\"exp\":1763866600}", TOKEN_CLAIMS },
		{ "{\"sub\":\"a23456789012345678901234567890123\",\"jti\":\"a\",\"exp\":"
		  "1763866600}",
		    TOKEN_CLAIMS },
		{ "{\"sub\":\"a2345678901234567890123456789012\",\"jti\":\"a\",\"exp\":1763866600}",
		    TOKEN_OK },
		{ "{\"sub\":\"alice\",\"jti\":\"\",\"exp\":1763866600}", TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"a b\",\"exp\":1763866600}", TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":5,\"exp\":1763866600}", TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"12345678901234567890123456789012345678901234567890"
		  "123456789012345\",\"exp\":1763866600}",
		    TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":\"1763866600\"}", TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":1763866600.5}", TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":true}", TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":-1}", TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":1763866600,\"iat\":\"now\"}",
		    TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":1763866600,\"nbf\":[]}", TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":1763866600,\"guest\":\"yes\"}",
		    TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":1763866600,\"guest\":1}",
		    TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":1763866600,\"since\":{}}",
		    TOKEN_CLAIMS },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":1763866600,\"admin\":true}", TOKEN_OK },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":1763863200}", TOKEN_EXPIRED },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":1763863201}", TOKEN_OK },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":1763866600,\"nbf\":1763863260}",
		    TOKEN_OK },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":1763866600,\"nbf\":1763863261}",
		    TOKEN_EARLY },
		{ "{\"sub\":\"alice\",\"jti\":\"a\",\"exp\":1763866600,\"iat\":1763863261}",
		    TOKEN_EARLY },
		{ "[]", TOKEN_CLAIMS },
		{ "7", TOKEN_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct token t;

		ROW("%s", rows[i].claims);
		assert_int_equal(check(HS256, rows[i].claims, KEY, &t), rows[i].f);
	}
}

static void
a_token_of_ours_is_good(void **state)
{
	const struct token made = { .sub = "bob",
		.jti = "j-1",
		.iat = NOW,
		.exp = NOW + 60,
		.guest = true,
		.since = NOW - 5 };
	struct arena *a = arena_new(65536);
	struct token t;
	char *text;

	(void)state;
	assert_int_equal(token_make(&settings, &made, a, &text), RC_OK);
	assert_int_equal(token_check(&settings, text, NOW, &t), TOKEN_OK);
	assert_string_equal(t.sub, "bob");
	assert_string_equal(t.jti, "j-1");
	assert_int_equal(t.iat, NOW);
	assert_int_equal(t.exp, NOW + 60);
	assert_int_equal(t.since, NOW - 5);
	assert_true(t.guest);
	assert_int_equal(token_check(&settings, text, NOW + 60, &t), TOKEN_EXPIRED);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_token_gives_its_claims),
		cmocka_unit_test(a_guest_sees_nothing_from_before_his_token),
		cmocka_unit_test(a_time_beyond_all_years_is_the_end_of_the_last),
		cmocka_unit_test(both_keys_are_good_and_no_other),
		cmocka_unit_test(without_a_key_no_token_is_good),
		cmocka_unit_test(hs256_it_is_or_nothing),
		cmocka_unit_test(any_change_is_seen),
		cmocka_unit_test(what_is_no_token_is_said_to_be_none),
		cmocka_unit_test(an_endless_token_is_not_read),
		cmocka_unit_test(claims_are_there_and_what_they_should_be),
		cmocka_unit_test(a_token_of_ours_is_good),
	};

	snprintf(settings.chat_secret, sizeof(settings.chat_secret), "%s", KEY);
	snprintf(
	    settings.chat_secret_previous, sizeof(settings.chat_secret_previous), "%s", OLD_KEY);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
