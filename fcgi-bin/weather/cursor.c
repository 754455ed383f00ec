/* SPDX-License-Identifier: ISC
 *
 * Hexadecimal digits: version and interval, from, to, and a check sum over them and the city. It keeps cursors from
 * being made up or mixed up by accident; nobody gains anything by forging one, since it says no more than the
 * parameters from and to could.
 */
#include "cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define YEAR_1 \
	INT64_C( \
	    -62135596800) /* UNIX seconds; times are counted from here, so that none is negative */
#define YEAR_10000 INT64_C(253402300800)
#define TEXT 31 /* 1 + 1 + 10 + 10 + 8, and a NUL */

/* FNV-1a, 32 bits, over the text so far and the city. */
static uint32_t
check_sum(const char *text, size_t len, const char *slug)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 16777619U;
	for (; *slug != '\0'; slug++)
		h = (h ^ (unsigned char)*slug) * 16777619U;
	return h;
}

static void
format(const struct cursor *c, char text[TEXT])
{
	int len = snprintf(text, TEXT, "%d%d%010" PRIx64 "%010" PRIx64, VERSION, c->interval % 10,
	    (uint64_t)(c->from - YEAR_1), (uint64_t)(c->to - YEAR_1));

	snprintf(
	    text + len, TEXT - (size_t)len, "%08" PRIx32, check_sum(text, (size_t)len, c->slug));
}

char *
cursor_write(struct arena *a, const struct cursor *c)
{
	char text[TEXT];

	format(c, text);
	return arena_strdup(a, text);
}

/* The time that ten digits are. */
static int64_t
read_time(const char *digits)
{
	char text[11] = "";

	memcpy(text, digits, 10);
	return (int64_t)strtoull(text, NULL, 16) + YEAR_1;
}

bool
cursor_read(const char *text, struct cursor *c)
{
	char again[TEXT];

	if (strlen(text) != TEXT - 1 || strspn(text, "0123456789abcdef") != TEXT - 1)
		return false;
	c->from = read_time(text + 2);
	c->to = read_time(text + 12);
	if (c->from >= c->to || c->to > YEAR_10000)
		return false;
	format(c, again); /* the same only if version, interval and check sum are */
	return strcmp(text, again) == 0;
}
