/* SPDX-License-Identifier: ISC
 *
 * Forecasts: of the canonical body, which has all that is stored, the days that are asked for. Where these alone make
 * the answer, they are copied out.
 */
#include "bodies.h"
#include "place.h"
#include "weather/schedule.h"

#include <math.h>

#define DAY 86400
#define MAX_AGE 3600 /* seconds */
#define MAX_AGE_OVERDUE 60 /* while a renewal may come any moment */

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The answer changes when the forecast is renewed, and when the city's day does; when it turns stale, and while it is
 * overdue with each ingest, since then next_update_at does. */
static int64_t
modified_at(const struct viewer *v, int64_t collected_at, int64_t today)
{
	const struct settings *s = v->settings;
	int64_t stale_at = schedule_forecast_stale_at(s, collected_at), at = collected_at;

	if (today <= v->now)
		at = later(at, today);
	if (schedule_forecast_next(s, collected_at) <= v->now)
		at = later(at, schedule_next(s, v->now) - s->ingest_interval);
	return stale_at <= v->now ? later(at, stale_at) : at;
}

static void
set_freshness(const struct viewer *v, int64_t collected_at, int64_t today, struct res *rs)
{
	int64_t age = schedule_forecast_next(v->settings, collected_at) - v->now;

	if (age < MAX_AGE_OVERDUE)
		age = MAX_AGE_OVERDUE;
	if (age > MAX_AGE)
		age = MAX_AGE;
	if (today + DAY > v->now && today + DAY - v->now < age)
		age = today + DAY - v->now;
	rs->max_age = age;
	rs->last_modified = modified_at(v, collected_at, today);
}

static enum rc
render(const struct req *rq, struct res *rs, const struct finding *found, int days,
    enum format format, const struct viewer *v)
{
	struct jsonw w = JSONW_INIT(&rs->body);
	struct forecast f;
	enum rc rc = forecast_parse(rq->arena, found->body, found->len, &f);

	if (rc != RC_OK)
		return rc;
	set_freshness(v, f.collected_at, forecast_span(&f, v->now, days).from, rs);
	switch (format) {
	case FORMAT_TEXT: face_text_forecast(&rs->body, &f, days, v); break;
	case FORMAT_CSV: face_csv_forecast(&rs->body, &f, days, v); break;
	case FORMAT_PROMETHEUS: face_prometheus_forecast(&rs->body, &f, days, v); break;
	default: forecast_json(&w, &f, v->settings, v->now, days, &v->present);
	}
	return RC_OK;
}

static enum rc
answer(struct req *rq, struct res *rs, const struct finding *found, double distance_km)
{
	const struct value *asked = request_value(rq, "days");
	int days = asked->given ? (int)asked->i : FORECAST_DAYS;
	enum format format = place_format(rq);
	struct viewer v = place_viewer(rq);
	int64_t collected_at, today;
	enum rc rc = RC_OK;

	if (place_is_canonical(format, &v.present) &&
	    forecast_cut(
		&rs->body, found->body, found->len, v.settings, v.now, days, &collected_at, &today))
		set_freshness(&v, collected_at, today, rs);
	else
		rc = render(rq, rs, found, days, format, &v);
	if (rc != RC_OK)
		return rc;
	place_head(rq, rs, format);
	if (format == FORMAT_JSON)
		place_add_distance(rs, distance_km);
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
		return answer(rq, rs, &body.found, distance_km);
	place_no_weather(rq, rs, body.slug, &body.found);
	return RC_OK;
}
