/* SPDX-License-Identifier: ISC
 *
 * strtol(3) and strtod(3) with everything lax about them refused.
 */
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
str_to_int(const char *s, int64_t *out)
{
	const char *digits = s[0] == '-' ? s + 1 : s;
	intmax_t v;

	if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	errno = 0;
	v = strtoimax(s, NULL, 10);
	if (errno != 0)
		return false;
	*out = v;
	return true;
}

bool
str_to_num(const char *s, double *out)
{
	char *end;
	double v;

	if (s[0] == '\0' || s[strspn(s, "0123456789+-.eE")] != '\0')
		return false;
	v = strtod(s, &end);
	if (*end != '\0' || !isfinite(v))
		return false;
	*out = v;
	return true;
}

char *
str_from_int(int64_t v, char text[STR_INT])
{
	snprintf(text, STR_INT, "%" PRId64, v);
	return text;
}

bool
str_copy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);
	size_t n = len < size ? len : size - 1;

	memcpy(dst, src, n);
	dst[n] = '\0';
	return n == len;
}
