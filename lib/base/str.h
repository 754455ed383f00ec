/* SPDX-License-Identifier: ISC
 *
 * Text to numbers, strictly: the whole text counts, nothing before or after it.
 */
#ifndef CUACA_STR_H
#define CUACA_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal integer, optional minus. False where it is not one or does not fit; *out is then untouched. */
bool str_to_int(const char *s, int64_t *out);

/* Decimal number such as -6.2 or 1e3. No hexadecimal, no infinity, no NaN, no white space. */
bool str_to_num(const char *s, double *out);

#define STR_INT 24 /* room for any int64_t and its NUL */

/* The other way round. Returns text. */
char *str_from_int(int64_t v, char text[STR_INT]);

/* strlcpy(3): copy to dst of size bytes, always terminated; false where it was cut. */
bool str_copy(char *dst, const char *src, size_t size);

#endif
