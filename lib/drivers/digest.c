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
