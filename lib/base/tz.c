/* SPDX-License-Identifier: ISC
 *
 * TZif, RFC 9636: a table of transitions with 64-bit times, and a rule in the manner of POSIX's TZ for all that
 * comes after the last of them. Leap seconds and names of zones are passed over.
 */
#include "base/tz.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DATABASE "/usr/share/zoneinfo"
#define FILE_MAX ((size_t)64 * 1024) /* the largest zone has 4 KB */
#define HEADER 44
#define DAY 86400

/* ---- The rule at the end ---- */

/* When a year's daylight saving time begins or ends: Jn counts without 29 February, n with it, Mm.w.d is a day of
 * the week in a month. */
struct moment {
	enum { JULIAN, ZERO_BASED, MONTH } kind;
	long month, week, day;
	long time; /* seconds after local midnight */
};

struct rule {
	long standard, daylight; /* seconds east of UTC */
	bool changes;
	struct moment begin, end; /* of daylight saving time */
};

static bool
take_char(const char **s, char c)
{
	if (**s != c)
		return false;
	++*s;
	return true;
}

static bool
take_number(const char **s, long min, long max, long *out)
{
	char *end;

	if (!isdigit((unsigned char)**s))
		return false;
	*out = strtol(*s, &end, 10);
	*s = end;
	return *out >= min && *out <= max;
}

/* "WIB" or "<+0530>" */
static bool
take_name(const char **s)
{
	const char *start = *s;

	if (take_char(s, '<')) {
		*s += strcspn(*s, ">");
		return take_char(s, '>');
	}
	while (isalpha((unsigned char)**s))
		++*s;
	return *s - start >= 3;
}

/* [+-]hh[:mm[:ss]] in seconds */
static bool
take_time(const char **s, long *out)
{
	long h, m = 0, sec = 0;
	bool minus = take_char(s, '-');

	if (!minus)
		take_char(s, '+');
	if (!take_number(s, 0, 167, &h) ||
	    (take_char(s, ':') && (!take_number(s, 0, 59, &m) ||
				      (take_char(s, ':') && !take_number(s, 0, 59, &sec)))))
		return false;
	*out = (minus ? -1 : 1) * (h * 3600 + m * 60 + sec);
	return true;
}

static bool
take_moment(const char **s, struct moment *m)
{
	bool ok;

	if (take_char(s, 'M')) {
		m->kind = MONTH;
		ok = take_number(s, 1, 12, &m->month) && take_char(s, '.') &&
		     take_number(s, 1, 5, &m->week) && take_char(s, '.') &&
		     take_number(s, 0, 6, &m->day);
	} else if (take_char(s, 'J')) {
		m->kind = JULIAN;
		ok = take_number(s, 1, 365, &m->day);
	} else {
		m->kind = ZERO_BASED;
		ok = take_number(s, 0, 365, &m->day);
	}
	m->time = 7200; /* 02:00 */
	return ok && (!take_char(s, '/') || take_time(s, &m->time));
}

/* A whole rule, such as "CET-1CEST,M3.5.0,M10.5.0/3". POSIX counts offsets westwards. */
static bool
parse_rule(const char *s, struct rule *r)
{
	long west;

	if (!take_name(&s) || !take_time(&s, &west))
		return false;
	r->standard = -west;
	if ((r->changes = *s != '\0')) {
		if (!take_name(&s))
			return false;
		r->daylight = r->standard + 3600;
		if (*s != ',') {
			if (!take_time(&s, &west))
				return false;
			r->daylight = -west;
		}
		if (!take_char(&s, ',') || !take_moment(&s, &r->begin) || !take_char(&s, ',') ||
		    !take_moment(&s, &r->end))
			return false;
	}
	return *s == '\0';
}

/* UNIX time of a day at 00:00 UTC; months from 0, and days beyond the month's own, as timegm(3) takes them. */
static int64_t
midnight(int year, int month, int day, int *weekday)
{
	struct tm tm = { .tm_year = year - 1900, .tm_mon = month, .tm_mday = day };
	time_t t = timegm(&tm);

	*weekday = tm.tm_wday;
	return t;
}

/* A moment of a year, in seconds of local time since 1970. */
static int64_t
moment_in(const struct moment *m, int year)
{
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int weekday;
	int64_t day, next;

	if (m->kind != MONTH) {
		long n = m->kind == JULIAN ? m->day - 1 + (leap && m->day >= 60) : m->day;

		return midnight(year, 0, 1, &weekday) + n * DAY + m->time;
	}
	next = midnight(year, (int)m->month, 1, &weekday);
	day = midnight(year, (int)m->month - 1, 1, &weekday);
	day += ((m->day - weekday + 7) % 7 + (m->week - 1) * 7) * DAY;
	return (day < next ? day : day - (int64_t)7 * DAY) + m->time;
}

static int
rule_offset(const struct rule *r, int64_t t)
{
	time_t local = (time_t)(t + r->standard);
	struct tm tm;
	int64_t begin, end;
	bool summer;

	if (!r->changes || gmtime_r(&local, &tm) == NULL)
		return (int)r->standard;
	begin = moment_in(&r->begin, tm.tm_year + 1900) - r->standard;
	end = moment_in(&r->end, tm.tm_year + 1900) - r->daylight;
	summer = begin < end ? t >= begin && t < end : t >= begin || t < end;
	return (int)(summer ? r->daylight : r->standard);
}

/* ---- The file ---- */

static int64_t
read_be(const unsigned char *p, int bytes)
{
	uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

	for (int i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return (int64_t)v;
}

/* The six counts of a header and what they add up to, where times have this many bytes. */
struct block {
	size_t transitions, types, size;
};

static bool
read_header(const unsigned char *p, size_t left, size_t time_size, struct block *b)
{
	size_t
	    count[6]; /* UT and standard indicators, leap seconds, transitions, types, characters */

	if (left < HEADER || memcmp(p, "TZif", 4) != 0)
		return false;
	for (int i = 0; i < 6; i++) {
		int64_t n = read_be(p + 20 + (size_t)i * 4, 4);

		if (n < 0 || (size_t)n > FILE_MAX)
			return false;
		count[i] = (size_t)n;
	}
	b->transitions = count[3];
	b->types = count[4];
	b->size = count[3] * (time_size + 1) + count[4] * 6 + count[5] +
		  count[2] * (time_size + 4) + count[1] + count[0];
	return b->types > 0 && left - HEADER >= b->size;
}

/* How many of the transitions at p are at or before t. */
static size_t
count_until(const unsigned char *p, size_t n, int64_t t)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (read_be(p + middle * 8, 8) <= t)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

enum rc
tz_offset_in(const unsigned char *file, size_t len, int64_t t, int *seconds)
{
	const unsigned char *p = file, *end = file + len;
	struct block b;
	struct rule rule;
	char text[128];
	size_t past, type = 0, n;

	/* The block of 32-bit times comes first, for old readers. */
	if (!read_header(p, len, 4, &b) || p[4] < '2')
		return RC_INVALID;
	p += HEADER + b.size;
	if (!read_header(p, (size_t)(end - p), 8, &b))
		return RC_INVALID;
	p += HEADER;
	past = count_until(p, b.transitions, t);
	if (past == b.transitions) {
		const unsigned char *footer = p + b.size;

		n = (size_t)(end - footer);
		if (n < 2 || n >= sizeof(text) || footer[0] != '\n' || footer[n - 1] != '\n')
			return RC_INVALID;
		memcpy(text, footer + 1, n - 2);
		text[n - 2] = '\0';
		if (text[0] != '\0') {
			if (!parse_rule(text, &rule))
				return RC_INVALID;
			*seconds = rule_offset(&rule, t);
			return RC_OK;
		}
	}
	if (past > 0)
		type = p[b.transitions * 8 + past - 1];
	if (type >= b.types)
		return RC_INVALID;
	*seconds = (int)read_be(p + b.transitions * 9 + type * 6, 4);
	return RC_OK;
}

/* Names of zones begin with a capital: what else lies in the folder ("right/", "posix/", tables) doesn't. */
static bool
is_name(const char *name)
{
	size_t n = strspn(
	    name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");

	return isupper((unsigned char)name[0]) && name[n] == '\0' && n < 64;
}

enum rc
tz_offset(const char *name, int64_t t, int *seconds)
{
	char path[sizeof(DATABASE) + 64];
	unsigned char *file;
	ssize_t n;
	int fd;
	enum rc rc;

	if (!is_name(name))
		return RC_NOTFOUND;
	snprintf(path, sizeof(path), DATABASE "/%s", name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return RC_NOTFOUND;
	if ((file = malloc(FILE_MAX)) == NULL) {
		close(fd);
		return RC_NOMEM;
	}
	n = read(fd, file, FILE_MAX); /* a regular file comes whole; a folder fails */
	rc = n > 0 ? tz_offset_in(file, (size_t)n, t, seconds) : RC_NOTFOUND;
	free(file);
	close(fd);
	return rc;
}
