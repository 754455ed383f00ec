/* SPDX-License-Identifier: ISC
 *
 * The only includer of OpenSSL's headers. nats.c takes its first random bytes from OpenSSL, which for these loads
 * its configuration, all its texts and a generator of its own: 250 KiB of heap.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD; a provider instead would be as large as what is saved */

#include "drivers/lean.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/random.h>
#include <sys/types.h>

#define STACK_BYTES ((size_t)256 * 1024) /* and less than a huge page */

static int
kernel_bytes(unsigned char *bytes, int n)
{
	while (n > 0) {
		ssize_t got = getrandom(bytes, (size_t)n, 0);

		if (got < 0)
			return 0;
		bytes += got;
		n -= (int)got;
	}
	return 1;
}

static int
always_seeded(void)
{
	return 1;
}

static void
small_stacks(void)
{
	pthread_attr_t attr;

	if (pthread_attr_init(&attr) != 0)
		return;
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
}

void
lean_start(void)
{
	static const RAND_METHOD kernel = {
		.bytes = kernel_bytes,
		.pseudorand = kernel_bytes,
		.status = always_seeded,
	};

	mallopt(M_ARENA_MAX, 1);
	small_stacks();
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
				OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS |
				OPENSSL_INIT_NO_LOAD_CONFIG,
	    NULL);
	RAND_set_rand_method(&kernel);
}
