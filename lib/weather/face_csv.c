/* SPDX-License-Identifier: ISC
 *
 * For spreadsheets and data frames.
 */
#include "weather/face.h"

#include "weather/csv.h"

#include <math.h>

static void
head_of_current(struct csvw *w, bool distance, enum units units)
{
	static const char *const place[] = { "city", "name", "country", "latitude", "longitude",
		"observed_at" };

	for (size_t i = 0; i < sizeof(place) / sizeof(place[0]); i++)
		csv_text(w, place[i]);
	for (int q = 0; q < Q__MAX; q++) {
		csv_head(w, &quantities[q], "", units);
		if (q != Q_WEATHER_CODE)
			continue;
		csv_text(w, "weather_desc");
		csv_text(w, "is_day");
	}
	csv_text(w, "collected_at");
	csv_text(w, "source");
	if (distance)
		csv_text(w, "distance_km");
	csv_end(w);
}

static void
line_of_current(struct csvw *w, const struct current *c, const struct present *p)
{
	csv_text(w, c->city.slug);
	csv_text(w, c->city.name);
	csv_text(w, c->city.country);
	csv_degrees(w, c->city.latitude);
	csv_degrees(w, c->city.longitude);
	csv_time(w, c->observed_at);
	for (int q = 0; q < Q__MAX; q++) {
		csv_quantity(w, &quantities[q], c->value[q], p->units);
		if (q != Q_WEATHER_CODE)
			continue;
		csv_desc(w, c->value[q], p->lang);
		csv_bool(w, c->is_day);
	}
	csv_time(w, c->collected_at);
	csv_text(w, c->source);
}

void
face_csv_current(
    struct buf *b, int n, const struct current list[], double distance_km, const struct viewer *v)
{
	struct csvw w = CSVW_INIT(b);

	head_of_current(&w, isfinite(distance_km), v->present.units);
	for (int i = 0; i < n; i++) {
		line_of_current(&w, &list[i], &v->present);
		if (isfinite(distance_km))
			buf_printf(b, ",%.1f", distance_km);
		csv_end(&w);
	}
}

void
face_csv_forecast(struct buf *b, const struct forecast *f, int days, const struct viewer *v)
{
	struct forecast_span span = forecast_span(f, v->now, days);
	const struct present *p = &v->present;
	struct csvw w = CSVW_INIT(b);

	csv_text(&w, "city");
	csv_text(&w, "time");
	for (int q = 0; q < H__MAX; q++) {
		csv_head(&w, &hourly_quantities[q], "", p->units);
		if (q == H_WEATHER_CODE)
			csv_text(&w, "weather_desc");
	}
	csv_text(&w, "is_day");
	csv_end(&w);
	for (int i = 0; i < f->hours; i++) {
		int64_t t = f->hourly_from + (int64_t)i * 3600;

		if (t < span.from || t >= span.to)
			continue;
		csv_text(&w, f->city.slug);
		csv_time(&w, t);
		for (int q = 0; q < H__MAX; q++) {
			csv_quantity(&w, &hourly_quantities[q], f->hourly[q][i], p->units);
			if (q == H_WEATHER_CODE)
				csv_desc(&w, f->hourly[q][i], p->lang);
		}
		csv_bool(&w, forecast_is_day(f, i));
		csv_end(&w);
	}
}
