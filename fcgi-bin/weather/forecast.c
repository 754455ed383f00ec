/* SPDX-License-Identifier: ISC
 *
 * Forecasts: of the canonical body, which has all that is stored, the days that are asked for.
 */
#include "bodies.h"
#include "place.h"
#include "weather/schedule.h"

#include <math.h>

#define MAX_AGE 3600 /* seconds */
#define MAX_AGE_OVERDUE 60 /* while a renewal may come any moment */

/* The answer changes when the forecast is renewed, and when the city's day does. */
static void
set_freshness(const struct viewer *v, const struct forecast *f, int days, struct res *rs)
{
	int64_t age = schedule_forecast_next(v->settings, f->collected_at) - v->now;
	struct forecast_span span = forecast_span(f, v->now, days);

	if (age < MAX_AGE_OVERDUE)
		age = MAX_AGE_OVERDUE;
	if (age > MAX_AGE)
		age = MAX_AGE;
	if (span.first < span.last && span.from + 86400 - v->now < age)
		age = span.from + 86400 - v->now;
	rs->max_age = age > 0 ? age : 1;
	rs->last_modified = f->collected_at;
}

static void
write_json(
    struct res *rs, const struct forecast *f, int days, double distance_km, const struct viewer *v)
{
	struct jsonw w = JSONW_INIT(&rs->body);

	forecast_json(&w, f, v->settings, v->now, days, &v->present);
	if (isnan(distance_km) || rs->body.len == 0)
		return;
	rs->body.len--; /* the closing brace moves behind one more member */
	buf_printf(&rs->body, ",\"distance_km\":%.1f}", distance_km);
}

static enum rc
answer(struct req *rq, struct res *rs, const struct body *body, double distance_km)
{
	const struct value *asked = request_value(rq, "days");
	int days = asked->given ? (int)asked->i : FORECAST_DAYS;
	enum format format = place_format(rq);
	struct viewer v = place_viewer(rq);
	struct forecast f;
	enum rc rc = forecast_parse(rq->arena, body->found.body, body->found.len, &f);

	if (rc != RC_OK)
		return rc;
	set_freshness(&v, &f, days, rs);
	place_head(rq, rs, format);
	switch (format) {
	case FORMAT_TEXT: face_text_forecast(&rs->body, &f, days, &v); break;
	case FORMAT_CSV: face_csv_forecast(&rs->body, &f, days, &v); break;
	case FORMAT_PROMETHEUS: face_prometheus_forecast(&rs->body, &f, days, &v); break;
	default: write_json(rs, &f, days, distance_km, &v);
	}
	return RC_OK;
}

enum rc
weather_forecast(struct req *rq, struct res *rs)
{
	struct body body = { .slug = request_value(rq, "city")->text, .kind = BODY_FORECAST };
	double distance_km = NAN;
	struct city nearest;
	enum rc rc = place_check(rq);

	if (rc == RC_OK && body.slug == NULL) {
		if ((rc = place_nearest(rq, &nearest, &distance_km)) == RC_NOTFOUND)
			return place_none_tracked(rq, rs);
		body.slug = nearest.slug;
	}
	if (rc == RC_OK)
		rc = bodies_read(rq, 1, &body);
	if (rc != RC_OK)
		return rc;
	if (body.found.kind == FOUND)
		return answer(rq, rs, &body, distance_km);
	place_no_weather(rq, rs, body.slug, &body.found);
	return RC_OK;
}
