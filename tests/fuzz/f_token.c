/* SPDX-License-Identifier: ISC
 *
 * Fuzzes drivers/token: the input as a token, and as the claims and as the header of one that is rightly signed.
 */
#include "drivers/token.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1795385760
#define KEY "0123456789abcdef0123456789abcdef"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS "{\"sub\":\"alice\",\"exp\":1795385770,\"jti\":\"1\"}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
encode(const void *data, size_t len)
{
	size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *text = malloc(room);

	return sodium_bin2base64(text, room, data, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* A token of these parts, signed as it should be. */
static char *
sign(const void *header, size_t header_len, const void *claims, size_t claims_len)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char *h = encode(header, header_len), *c = encode(claims, claims_len), *m, *token;
	size_t signed_len = strlen(h) + 1 + strlen(c);

	token = malloc(signed_len + 64);
	sprintf(token, "%s.%s", h, c);
	crypto_auth_hmacsha256(
	    mac, (const unsigned char *)token, signed_len, (const unsigned char *)KEY);
	m = encode(mac, sizeof(mac));
	sprintf(token + signed_len, ".%s", m);
	free(h);
	free(c);
	free(m);
	return token;
}

static enum token_fault
check_signed(const struct settings *s, const void *header, size_t header_len, const void *claims,
    size_t claims_len, struct token *t)
{
	char *text = sign(header, header_len, claims, claims_len);
	enum token_fault f = token_check(s, text, NOW, t);

	free(text);
	return f;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct settings s = { .chat_secret = KEY };
	char *text = strndup((const char *)data, size);
	struct token t;

	if (token_check(&s, text, NOW, &t) == TOKEN_OK)
		__builtin_trap(); /* nobody guesses a signature */
	if (check_signed(&s, HEADER, strlen(HEADER), data, size, &t) == TOKEN_OK &&
	    (t.exp <= NOW ||
		strspn(t.sub, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(t.sub)))
		__builtin_trap();
	check_signed(&s, data, size, CLAIMS, strlen(CLAIMS), &t);
	free(text);
	return 0;
}
