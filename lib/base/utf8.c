/* SPDX-License-Identifier: ISC
 *
 * Table 3-7 of the Unicode Standard, "Well-Formed UTF-8 Byte Sequences", as code.
 */
#include "base/utf8.h"

static bool
tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The length of the sequence that starts at s, or 0 where it is not well-formed. */
static size_t
sequence(const unsigned char *s, size_t len)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t n = s[0] < 0x80   ? 1
		   : s[0] < 0xc2 ? 0
		   : s[0] < 0xe0 ? 2
		   : s[0] < 0xf0 ? 3
		   : s[0] < 0xf5 ? 4
				 : 0;

	if (n <= 1 || n > len)
		return n > len ? 0 : n;
	if (s[0] == 0xe0)
		lo = 0xa0;
	else if (s[0] == 0xed)
		hi = 0x9f;
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;
	if (s[1] < lo || s[1] > hi)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (!tail(s[i]))
			return 0;
	return n;
}

bool
utf8_valid(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;

	for (; len > 0; p += n, len -= n)
		if ((n = sequence(p, len)) == 0)
			return false;
	return true;
}

size_t
utf8_length(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += !tail((unsigned char)s[i]);
	return n;
}

size_t
utf8_control(const char *s)
{
	unsigned char c = (unsigned char)s[0], next;

	if (c < 0x20 || c == 0x7f)
		return 1;
	next = c == 0xc2 ? (unsigned char)s[1] : 0;
	return next >= 0x80 && next < 0xa0 ? 2 : 0;
}
