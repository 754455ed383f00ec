/* SPDX-License-Identifier: ISC
 *
 * RFC 4180: commas, CRLF, quotes where they are needed.
 */
#include "weather/csv.h"

#include "base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void
before(struct csvw *w)
{
	if (w->comma)
		buf_addc(w->out, ',');
	w->comma = true;
}

void
csv_text(struct csvw *w, const char *s)
{
	before(w);
	if (s == NULL)
		return;
	if (s[strcspn(s, ",\"\r\n")] == '\0') {
		buf_adds(w->out, s);
		return;
	}
	buf_addc(w->out, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"')
			buf_addc(w->out, '"');
		buf_addc(w->out, *s);
	}
	buf_addc(w->out, '"');
}

void
csv_int(struct csvw *w, int64_t v)
{
	before(w);
	buf_printf(w->out, "%" PRId64, v);
}

void
csv_bool(struct csvw *w, bool v)
{
	csv_text(w, v ? "true" : "false");
}

void
csv_time(struct csvw *w, int64_t unix_s)
{
	char text[CLOCK_TEXT];

	csv_text(w, clock_format(unix_s, text));
}

void
csv_degrees(struct csvw *w, double v)
{
	before(w);
	buf_printf(w->out, "%.5f", v);
}

void
csv_quantity(struct csvw *w, const struct quantity_info *info, double v, enum units units)
{
	before(w);
	quantity_text(w->out, info, v, units);
}

void
csv_desc(struct csvw *w, double code, enum lang lang)
{
	csv_text(w, isfinite(code) ? wmo_text((int)code, lang) : NULL);
}

void
csv_head(struct csvw *w, const struct quantity_info *info, const char *suffix, enum units units)
{
	const char *unit = quantity_unit(info, units);

	before(w);
	buf_adds(w->out, info->name);
	buf_adds(w->out, suffix);
	if (unit != NULL)
		buf_printf(w->out, " (%s)", unit);
}

void
csv_end(struct csvw *w)
{
	buf_adds(w->out, "\r\n");
	w->comma = false;
}
