/* SPDX-License-Identifier: ISC
 *
 * Words for numbers.
 */
#include "format.h"

#include "base/clock.h"
#include "base/str.h"
#include "weather/price.h"

#include <inttypes.h>
#include <stdio.h>

_Static_assert(CLOCK_TEXT <= FORMAT_TEXT, "a time fits");

char *
format_span(int64_t seconds, char text[FORMAT_TEXT])
{
	static const struct {
		int64_t below, divisor;
		const char *unit;
	} rows[] = { { 120, 1, "s" }, { 7200, 60, "min" }, { 172800, 3600, "h" },
		{ INT64_MAX, 86400, "d" } };
	int i = 0;

	if (seconds < 0) /* two clocks */
		seconds = 0;
	while (seconds >= rows[i].below)
		i++;
	snprintf(text, FORMAT_TEXT, "%" PRId64 " %s", seconds / rows[i].divisor, rows[i].unit);
	return text;
}

char *
format_time(int64_t unix_s, char text[FORMAT_TEXT])
{
	if (unix_s == 0)
		str_copy(text, "-", FORMAT_TEXT);
	else
		clock_format(unix_s, text);
	return text;
}

char *
format_bytes(int64_t bytes, char text[FORMAT_TEXT])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes / 1024;
	int i = 0;

	if (bytes < 1024) {
		snprintf(text, FORMAT_TEXT, "%" PRId64 " B", bytes);
		return text;
	}
	for (; v >= 1024 && i < 3; i++)
		v /= 1024;
	snprintf(text, FORMAT_TEXT, "%.1f %s", v, units[i]);
	return text;
}

char *
format_price(struct arena *a, const struct settings *s, int64_t cities)
{
	struct price_day d = price_day(s, cities);

	return arena_printf(a,
	    "%" PRId64 " cities × %" PRId64 " runs × %g + %" PRId64 " × %" PRId64
	    " forecasts × %g = %.10g",
	    cities, d.runs, price_current(), cities, d.renewals, price_forecast(), price_total(&d));
}
