/* SPDX-License-Identifier: ISC
 *
 * SHA-256 and random bytes, as hexadecimal text: what API keys are made of and found by. And a short digest to tell
 * our own bodies apart.
 */
#ifndef CUACA_DIGEST_H
#define CUACA_DIGEST_H

#include "base/rc.h"

#include <stddef.h>

#define DIGEST_BYTES 32
#define DIGEST_TEXT (2 * DIGEST_BYTES + 1) /* room for the 64 lower-case digits and a NUL */

/* SHA-256 of len bytes. */
void digest_sha256(const void *data, size_t len, char hex[DIGEST_TEXT]);

#define DIGEST_SHORT_TEXT 17

/* SipHash-2-4 of len bytes: quick, but of no use against who knows the key, which stands in digest.c. */
void digest_short(const void *data, size_t len, char hex[DIGEST_SHORT_TEXT]);

/* 32 bytes that nobody can guess. RC_DOWN where the system has none to give. */
enum rc digest_random(char hex[DIGEST_TEXT]);

#endif
