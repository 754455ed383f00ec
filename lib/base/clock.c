/* SPDX-License-Identifier: ISC
 *
 * clock_gettime(2), gmtime_r(3), timegm(3).
 */
#include "base/clock.h"

#include <limits.h>
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
	strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return text;
}

/* Seconds east of UTC from "Z" or "+07:00"; false where it is neither. */
static bool
parse_offset(const char *s, int *east)
{
	struct tm tm = { 0 };
	const char *end;

	*east = 0;
	if (strcmp(s, "Z") == 0)
		return true;
	if ((s[0] != '+' && s[0] != '-') || (end = strptime(s + 1, "%H:%M", &tm)) == NULL ||
	    end != s + 6 || *end != '\0')
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

	if (strlen(text) < 20 || (p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm)) != text + 19 ||
	    !parse_offset(p, &east))
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
