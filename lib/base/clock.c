/* SPDX-License-Identifier: ISC
 *
 * clock_gettime(2), gmtime_r(3), timegm(3).
 */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t
read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
clock_now(void)
{
	return (int64_t)time(NULL);
}

int64_t
clock_now_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

int64_t
clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

char *
clock_format(int64_t unix_s, char text[CLOCK_TEXT])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	snprintf(
	    text, CLOCK_TEXT, "%04d", tm.tm_year + 1900); /* %Y would leave out leading zeros */
	strftime(text + 4, CLOCK_TEXT - 4, "-%m-%dT%H:%M:%SZ", &tm);
	return text;
}

char *
clock_format_ms(int64_t unix_ms, char text[CLOCK_TEXT])
{
	char *end = strchr(clock_format(unix_ms / 1000, text), 'Z');

	snprintf(end, 8, ".%03uZ", (unsigned)(unix_ms % 1000));
	return text;
}

/* Whether s begins like shape, where 0 is any digit: strptime(3) alone would take blanks and signs. */
static bool
has_shape(const char *s, const char *shape)
{
	for (; *shape != '\0'; s++, shape++)
		if (*shape == '0' ? *s < '0' || *s > '9' : *s != *shape)
			return false;
	return true;
}

/* Seconds east of UTC from "Z" or "+07:00"; false where it is neither. */
static bool
parse_offset(const char *s, int *east)
{
	struct tm tm = { 0 };

	*east = 0;
	if (strcmp(s, "Z") == 0)
		return true;
	if ((s[0] != '+' && s[0] != '-') || !has_shape(s + 1, "00:00") || s[6] != '\0' ||
	    strptime(s + 1, "%H:%M", &tm) != s + 6)
		return false;
	*east = (s[0] == '-' ? -1 : 1) * (tm.tm_hour * 3600 + tm.tm_min * 60);
	return true;
}

bool
clock_parse(const char *text, int64_t *unix_s)
{
	struct tm tm = { 0 }, back;
	const char *p;
	time_t t;
	int east;

	if (!has_shape(text, "0000-00-00T00:00:00") ||
	    (p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm)) != text + 19 || !parse_offset(p, &east))
		return false;
	back = tm;
	t = timegm(&back);
	if (back.tm_mday != tm.tm_mday || back.tm_sec != tm.tm_sec) /* 31 April, a leap second */
		return false;
	*unix_s = (int64_t)t - east;
	return true;
}

struct deadline
deadline_in(int64_t ms)
{
	return (struct deadline){ clock_mono_ms() + ms };
}

int
deadline_left(struct deadline d)
{
	int64_t left = d.at_ms - clock_mono_ms();

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}
