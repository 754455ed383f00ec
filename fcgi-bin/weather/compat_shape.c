/* SPDX-License-Identifier: ISC
 *
 * Open-Meteo's JSON: the same members in the same order.
 */
#include "compat.h"

#include "base/clock.h"

#include <math.h>
#include <string.h>

#define INTERVAL 900 /* of "current", seconds */

static const char *const names[COMPAT_BLOCKS] = { "current", "hourly", "daily" };
static const char *const unit_names[COMPAT_BLOCKS] = { "current_units", "hourly_units",
	"daily_units" };

static void
put_float(struct jsonw *w, const char *name, float v)
{
	char text[COMPAT_FLOAT];

	compat_float(v, text);
	jsonw_raw(w, name, text, strlen(text));
}

/* Elevations are not stored. Clients insist on the member (some cannot read an answer without it), so there is what
 * they said themselves, or 0. */
static void
put_head(struct jsonw *w, struct arena *a, const struct compat_place *p, int i, double ms)
{
	put_float(w, "latitude", (float)p->city.latitude);
	put_float(w, "longitude", (float)p->city.longitude);
	jsonw_num(w, "generationtime_ms", ms, 9);
	jsonw_int(w, "utc_offset_seconds", p->zone.offset);
	jsonw_string(w, "timezone", p->zone.name);
	jsonw_string(w, "timezone_abbreviation", compat_zone_abbreviation(a, &p->zone));
	put_float(w, "elevation", isfinite(p->elevation) ? p->elevation : 0);
	if (i > 0)
		jsonw_int(w, "location_id", i);
}

/* A time: local, without saying so, or UNIX seconds. The first n characters of it are wanted. */
static void
put_time(struct jsonw *w, const struct compat_query *q, const char *name, int64_t t, int offset,
    size_t n)
{
	char text[CLOCK_TEXT];

	if (q->unixtime) {
		jsonw_int(w, name, t);
		return;
	}
	clock_format(t + offset, text);
	text[n] = '\0';
	jsonw_string(w, name, text);
}

#define DATE ((size_t)10) /* 2026-11-22 */
#define MINUTE ((size_t)16) /* 2026-11-22T22:15 */

static void
put_units(struct jsonw *w, const struct compat_query *q, enum compat_block block)
{
	const struct compat_columns *c = &q->columns[block];

	jsonw_object(w, block == COMPAT_CURRENT && q->current_weather ? "current_weather_units"
								      : unit_names[block]);
	jsonw_string(w, "time", q->unixtime ? "unixtime" : "iso8601");
	if (block == COMPAT_CURRENT)
		jsonw_string(w, "interval", "seconds");
	for (int i = 0; i < c->n; i++)
		jsonw_string(w, c->list[i].name, compat_column_unit(q, block, &c->list[i]));
	jsonw_end(w);
}

static void
put_current(struct jsonw *w, const struct compat_query *q, const struct compat_place *p)
{
	const struct compat_columns *c = &q->columns[COMPAT_CURRENT];

	put_units(w, q, COMPAT_CURRENT);
	jsonw_object(w, q->current_weather ? "current_weather" : names[COMPAT_CURRENT]);
	put_time(w, q, "time", p->current->observed_at, p->zone.offset, MINUTE);
	jsonw_int(w, "interval", INTERVAL);
	for (int i = 0; i < c->n; i++)
		compat_put_value(w, q, COMPAT_CURRENT, &c->list[i], compat_now(p, c->list[i].id));
	jsonw_end(w);
}

/* One value of a row. */
static void
put_cell(struct jsonw *w, const struct compat_query *q, enum compat_block block,
    const struct compat_place *p, const struct compat_column *c, int64_t t)
{
	int offset = p->zone.offset;
	double v = block == COMPAT_HOURLY ? compat_hour(p, c->id, t, offset)
					  : compat_day(p, c->id, t + offset);

	if (isfinite(v) && compat_is_time(block, c->id))
		put_time(w, q, NULL, (int64_t)v, offset, MINUTE);
	else
		compat_put_value(w, q, block, c, v);
}

static void
put_rows(struct jsonw *w, const struct compat_query *q, enum compat_block block,
    const struct compat_place *p, const struct compat_axis *axis)
{
	const struct compat_columns *c = &q->columns[block];

	put_units(w, q, block);
	jsonw_object(w, names[block]);
	jsonw_array(w, "time");
	for (int i = 0; i < axis->n; i++)
		put_time(w, q, NULL, axis->from + (int64_t)i * axis->step, p->zone.offset,
		    block == COMPAT_DAILY ? DATE : MINUTE);
	jsonw_end(w);
	for (int j = 0; j < c->n; j++) {
		jsonw_array(w, c->list[j].name);
		for (int i = 0; i < axis->n && !w->out->failed; i++)
			put_cell(w, q, block, p, &c->list[j], axis->from + (int64_t)i * axis->step);
		jsonw_end(w);
	}
	jsonw_end(w);
}

void
compat_json(
    struct jsonw *w, struct arena *a, const struct compat_query *q, int i, int64_t now, double ms)
{
	const struct compat_place *p = &q->places[i];
	struct compat_axis axis;

	jsonw_object(w, NULL);
	put_head(w, a, p, i, ms);
	if (q->columns[COMPAT_CURRENT].list != NULL)
		put_current(w, q, p);
	if (q->columns[COMPAT_HOURLY].list != NULL) {
		axis = compat_hours(&q->days, p->zone.offset, now);
		put_rows(w, q, COMPAT_HOURLY, p, &axis);
	}
	if (q->columns[COMPAT_DAILY].list != NULL) {
		axis = compat_dates(&q->days, p->zone.offset, now);
		put_rows(w, q, COMPAT_DAILY, p, &axis);
	}
	jsonw_end(w);
}
