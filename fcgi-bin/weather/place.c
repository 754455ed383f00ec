/* SPDX-License-Identifier: ISC
 *
 * From parameters to a place and a look.
 */
#include "place.h"

#include "weather/lang.h"
#include "weather/schedule.h"
#include "web/limit.h"

#include <math.h>
#include <string.h>

#define MAX_AGE 30 /* seconds; short, so that an ingest by hand is seen soon */
#define MAX_AGE_OVERDUE 5 /* while the next data may come any moment */

static bool
has(const struct req *rq, const char *name)
{
	for (int i = 0; rq->params[i].name != NULL; i++)
		if (strcmp(rq->params[i].name, name) == 0)
			return true;
	return false;
}

enum rc
place_check(struct req *rq)
{
	const struct value *lat = request_value(rq, "lat"), *lon = request_value(rq, "lon");
	bool city = request_value(rq, "city")->given,
	     cities = has(rq, "cities") && request_value(rq, "cities")->given;

	if (city + cities + (lat->given || lon->given) == 0)
		return request_reject(rq, "city",
		    has(rq, "cities") ? "is needed, or cities, or lat and lon"
				      : "is needed, or lat and lon");
	if (city && cities)
		return request_reject(rq, "cities", "cannot be combined with city");
	if ((city || cities) && (lat->given || lon->given))
		return request_reject(
		    rq, lat->given ? "lat" : "lon", "cannot be combined with city or cities");
	if (lat->given != lon->given)
		return request_reject(
		    rq, lat->given ? "lon" : "lat", "is needed, since lat and lon go together");
	return RC_OK;
}

enum rc
place_nearest(struct req *rq, struct city *c, double *distance_km)
{
	const struct weather_app *app = rq->app;
	const char *argv[] = { arena_printf(rq->arena, "%.6f", request_value(rq, "lat")->num),
		arena_printf(rq->arena, "%.6f", request_value(rq, "lon")->num) };
	const struct db_rows *rows;
	enum rc rc = limit_count(rq);

	if (rc != RC_OK)
		return rc;
	rc = db_query(app->db, rq->deadline, rq->arena, SQL_CITY_NEAREST_TRACKED, argv, &rows);
	if (rc != RC_OK || rows->n == 0)
		return rc != RC_OK ? rc : RC_NOTFOUND;
	city_from_row(rows, 0, 0, c);
	*distance_km = db_num(rows, 0, CITY_COLUMNS);
	return RC_OK;
}

struct viewer
place_viewer(const struct req *rq)
{
	const struct weather_app *app = rq->app;
	struct viewer v = { .settings = app->settings, .now = clock_now() };

	v.present.units = (enum units)request_value(rq, "units")->i;
	v.present.lang = request_value(rq, "lang")->given ? (enum lang)request_value(rq, "lang")->i
							  : lang_accepted(rq->accept_language);
	return v;
}

enum format
place_format(const struct req *rq)
{
	return (enum format)request_value(rq, "format")->i;
}

void
place_head(const struct req *rq, struct res *rs, enum format format)
{
	rs->content_type = face_type(format);
	if (!request_value(rq, "lang")->given)
		rs->vary = "Accept-Language";
	if (format == FORMAT_TEXT || format == FORMAT_CSV)
		rs->link = quantity_link;
}

bool
place_is_canonical(enum format format, const struct present *p)
{
	return format == FORMAT_JSON && p->units == present_default.units &&
	       p->lang == present_default.lang;
}

/* The closing brace moves behind one more member. */
void
place_add_distance(struct res *rs, double distance_km)
{
	if (isnan(distance_km) || rs->body.len == 0)
		return;
	rs->body.len--;
	buf_printf(&rs->body, ",\"distance_km\":%.1f}", distance_km);
}

/* The body changes with the run that collects the city; while it is overdue with each run that does not, since then
 * next_update_at does; and when it turns stale, which is stale_after after a run. */
static int64_t
modified_at(const struct settings *s, const struct finding *f, int64_t last_run, int64_t now)
{
	int64_t turned = last_run + s->stale_after % s->ingest_interval;

	return turned <= now && current_says_stale(f->body, f->len) ? turned : last_run;
}

/* Of a city that every run collects, a body whose data are older than the last run is overdue. Of one that not every run
 * collects, the next may do so from then on. */
void
place_freshness(const struct settings *s, const struct finding *f, struct res *rs)
{
	int64_t now = clock_now(), collected, next, last_run, age, modified;

	if (!current_times(f->body, f->len, &collected, &next))
		return;
	modified = collected;
	last_run = next - s->ingest_interval;
	age = next - now < MAX_AGE ? next - now : MAX_AGE;
	if (collected < last_run && last_run <= now) {
		age = MAX_AGE_OVERDUE;
		modified = modified_at(s, f, last_run, now);
	}
	if (age < 1)
		age = MAX_AGE_OVERDUE;
	if (rs->max_age == 0 || age < rs->max_age)
		rs->max_age = age;
	if (modified > rs->last_modified)
		rs->last_modified = modified;
}

static int64_t
until_next_ingest(const struct settings *s)
{
	int64_t now = clock_now();

	return schedule_next(s, now) - now;
}

void
place_no_weather(struct req *rq, struct res *rs, const char *slug, const struct finding *f)
{
	const struct weather_app *app = rq->app;

	switch (f->kind) {
	case NOT_TRACKED:
		problem_write(rq, rs, PROBLEM_NOT_TRACKED,
		    arena_printf(rq->arena,
			"%s: known, but its weather is not collected; it may be from one of the "
			"next "
			"updates on, if it is asked for often",
			slug));
		break;
	case NO_DATA_YET:
		problem_write(rq, rs, PROBLEM_NO_DATA_YET,
		    arena_printf(rq->arena, "%s: served, but not collected yet", slug));
		break;
	default: unknown_city(rq, rs, slug); return;
	}
	rs->retry_after = until_next_ingest(app->settings);
}

enum rc
place_none_tracked(struct req *rq, struct res *rs)
{
	const struct weather_app *app = rq->app;

	problem_write(rq, rs, PROBLEM_NO_DATA_YET, "no city is tracked");
	rs->retry_after = until_next_ingest(app->settings);
	return RC_OK;
}
