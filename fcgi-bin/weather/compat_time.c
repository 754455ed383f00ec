/* SPDX-License-Identifier: ISC
 *
 * Zones and days of /v1/forecast: Open-Meteo's limits, in its words. Its days are local ones of today's UTC offset,
 * each of 24 hours.
 */
#include "compat.h"

#include "base/clock.h"
#include "base/tz.h"

#include <string.h>

#define HOUR 3600
#define DAY 86400
#define PAST_MAX 93
#define FORECAST_MAX 16
#define FORECAST_DEFAULT 7

static int64_t
floor_to(int64_t t, int64_t step)
{
	int64_t over = t % step;

	return t - over - (over < 0 ? step : 0);
}

/* ---- Zones ---- */

const char *
compat_zone_read(const char *name, int64_t now, struct compat_zone *zone)
{
	*zone = (struct compat_zone){ .name = name };
	if (strcmp(name, "auto") == 0 || tz_offset(name, now, &zone->offset) == RC_OK)
		return NULL;
	return "Invalid timezone";
}

const char *
compat_zone_abbreviation(struct arena *a, const struct compat_zone *z)
{
	int minutes = (z->offset < 0 ? -z->offset : z->offset) / 60;
	char sign = z->offset < 0 ? '-' : '+';

	if (strcmp(z->name, "UTC") == 0)
		return z->name;
	if (minutes == 0)
		return "GMT";
	if (minutes % 60 == 0)
		return arena_printf(a, "GMT%c%d", sign, minutes / 60);
	return arena_printf(a, "GMT%c%d:%02d", sign, minutes / 60, minutes % 60);
}

/* ---- Days ---- */

static bool
parse_date(struct arena *a, const char *text, int64_t *day)
{
	const char *time = strlen(text) == 10 ? arena_printf(a, "%sT00:00:00Z", text) : NULL;

	return time != NULL && clock_parse(time, day);
}

static const char *
date_text(struct arena *a, int64_t day)
{
	char text[CLOCK_TEXT];

	return arena_strndup(a, clock_format(day, text), 10);
}

static const char *
check_date(struct arena *a, const char *name, int64_t day, int64_t now)
{
	int64_t today = floor_to(now, DAY), first = today - (int64_t)PAST_MAX * DAY,
		last = today + (int64_t)(FORECAST_MAX - 1) * DAY;

	if (day >= first && day <= last)
		return NULL;
	return arena_printf(a, "Parameter '%s' is out of allowed range from %s to %s", name,
	    date_text(a, first), date_text(a, last));
}

static bool
given(const struct compat_params *p, const char *name)
{
	const char *text = compat_param(p, name);

	return text != NULL && text[0] != '\0';
}

/* start_date and end_date, one of which is given. */
static const char *
read_dates(struct arena *a, const struct compat_params *p, int64_t now, struct compat_days *d)
{
	const char *from = compat_param(p, "start_date"), *to = compat_param(p, "end_date"), *no;
	int64_t last;

	if (!given(p, "start_date") || !given(p, "end_date"))
		return "Both 'start_date' and 'end_date' must be set in the url";
	if (!parse_date(a, from, &d->first) || !parse_date(a, to, &last))
		return "Invalid date format. Make sure to use 'YYYY-MM-DD'";
	if (last < d->first)
		return "End-date must be larger or equals than start-date";
	if ((no = check_date(a, "start_date", d->first, now)) != NULL ||
	    (no = check_date(a, "end_date", last, now)) != NULL)
		return no;
	d->by_date = true;
	d->n = (int)((last - d->first) / DAY) + 1;
	return NULL;
}

static const char *
check_steps(struct arena *a, int past, int ahead, int steps)
{
	if (ahead < 0 || ahead > FORECAST_MAX * steps)
		return arena_printf(a, "Forecast days is invalid. Allowed range 0 to %d. Given %d.",
		    FORECAST_MAX * steps, ahead);
	if (past < 0 || past > PAST_MAX * steps)
		return arena_printf(a, "Past days is invalid. Allowed range 0 to %d. Given %d.",
		    PAST_MAX * steps, past);
	return NULL;
}

const char *
compat_days_read(struct arena *a, const struct compat_params *p, int64_t now, struct compat_days *d)
{
	static const char *const names[] = { "past_days", "forecast_days", "past_hours",
		"forecast_hours" };
	int v[4] = { 0, FORECAST_DEFAULT, 0, FORECAST_MAX * 24 };
	bool by_date = given(p, "start_date") || given(p, "end_date");
	const char *no;

	for (int i = 0; i < 4; i++) {
		if ((no = compat_param_int(a, p, names[i], &v[i])) != NULL)
			return no;
		if (by_date && compat_param(p, names[i]) != NULL && v[i] != 0)
			return arena_printf(a,
			    "Parameter '%s' is mutually exclusive with 'start_date' and 'end_date'",
			    names[i]);
	}
	if ((no = check_steps(a, v[0], v[1], 1)) != NULL ||
	    (no = check_steps(a, v[2], v[3], 24)) != NULL)
		return no;
	*d = (struct compat_days){ .past = v[0],
		.n = v[0] + v[1],
		.by_hours = !by_date && (compat_param(p, "past_hours") != NULL ||
					    compat_param(p, "forecast_hours") != NULL),
		.past_hours = v[2],
		.hours = v[2] + v[3] };
	return by_date ? read_dates(a, p, now, d) : NULL;
}

struct compat_axis
compat_dates(const struct compat_days *d, int offset, int64_t now)
{
	int64_t first = d->by_date ? d->first
				   : floor_to(now + offset, DAY) - (int64_t)d->past * DAY;

	return (struct compat_axis){ first - offset, d->n, DAY };
}

struct compat_axis
compat_hours(const struct compat_days *d, int offset, int64_t now)
{
	struct compat_axis axis = compat_dates(d, offset, now);

	axis.step = HOUR;
	axis.n *= 24;
	if (d->by_hours) {
		axis.from = floor_to(now + offset, HOUR) - offset - (int64_t)d->past_hours * HOUR;
		axis.n = d->hours;
	}
	return axis;
}
