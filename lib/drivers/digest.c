/* SPDX-License-Identifier: ISC
 *
 * The only includer of sodium.h.
 */
#include "drivers/digest.h"

#include <sodium.h>

_Static_assert(DIGEST_BYTES == crypto_hash_sha256_BYTES, "SHA-256 has 32 bytes");

void
digest_sha256(const void *data, size_t len, char hex[DIGEST_TEXT])
{
	unsigned char hash[DIGEST_BYTES];

	crypto_hash_sha256(hash, data, len);
	sodium_bin2hex(hex, DIGEST_TEXT, hash, sizeof(hash));
}

void
digest_short(const void *data, size_t len, char hex[DIGEST_SHORT_TEXT])
{
	static const unsigned char key[crypto_shorthash_KEYBYTES] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
		10, 11, 12, 13, 14, 15 };
	unsigned char hash[crypto_shorthash_BYTES];

	crypto_shorthash(hash, data, len, key);
	sodium_bin2hex(hex, DIGEST_SHORT_TEXT, hash, sizeof(hash));
}

enum rc
digest_random(char hex[DIGEST_TEXT])
{
	unsigned char bytes[DIGEST_BYTES];

	if (sodium_init() == -1)
		return RC_DOWN;
	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(hex, DIGEST_TEXT, bytes, sizeof(bytes));
	sodium_memzero(bytes, sizeof(bytes));
	return RC_OK;
}
