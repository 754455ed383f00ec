/* SPDX-License-Identifier: ISC
 *
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef CUACA_UTF8_H
#define CUACA_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the len bytes at s are valid UTF-8 (NUL bytes are valid characters here). */
bool utf8_valid(const char *s, size_t len);

/* The number of characters in valid UTF-8. */
size_t utf8_length(const char *s, size_t len);

/* How many bytes the control character (C0, DEL or C1) has that a text, which need not be valid, begins with; 0: it
 * begins with none. Its end is one of 1. */
size_t utf8_control(const char *s);

#endif
