/* SPDX-License-Identifier: ISC
 *
 * Current weather: the ingest's bodies, copied out.
 */
#include "weather.h"

#include "bodies.h"
#include "weather/current.h"

#define CITIES_MAX 50
#define MAX_AGE 30 /* seconds; short, so that an ingest by hand is seen soon */
#define MAX_AGE_OVERDUE 5 /* while the next data may come any moment */

/* How long caches may keep an answer that holds this body, and since when it is so. */
static void
set_freshness(const struct settings *s, const struct finding *f, struct res *rs)
{
	int64_t now = clock_now(), collected, next, age;

	if (!current_times(f->body, f->len, &collected, &next))
		return;
	age = next - now < MAX_AGE ? next - now : MAX_AGE;
	if (collected + s->ingest_interval < now || age < 1)
		age = MAX_AGE_OVERDUE;
	if (rs->max_age == 0 || age < rs->max_age)
		rs->max_age = age;
	if (collected > rs->last_modified)
		rs->last_modified = collected;
}

static int64_t
until_next_ingest(const struct settings *s)
{
	return s->ingest_interval - (clock_now() - s->ingest_offset) % s->ingest_interval;
}

static void
no_weather(struct req *rq, struct res *rs, const char *slug, const struct finding *f)
{
	const struct weather_app *app = rq->app;

	if (f->kind == UNKNOWN_CITY) {
		unknown_city(rq, rs, slug);
		return;
	}
	problem_write(rq, rs, f->kind == NOT_TRACKED ? PROBLEM_NOT_TRACKED : PROBLEM_NO_DATA_YET,
	    arena_printf(rq->arena, "%s: %s", slug,
		f->kind == NOT_TRACKED ? "known, but not among the tracked cities"
				       : "tracked, but not collected yet"));
	rs->retry_after = until_next_ingest(app->settings);
}

static enum rc
one_city(struct req *rq, struct res *rs, const char *slug)
{
	const struct weather_app *app = rq->app;
	struct body b = { slug, BODY_CURRENT, { 0 } };
	enum rc rc = bodies_read(rq, 1, &b);

	if (rc != RC_OK)
		return rc;
	if (b.found.kind != FOUND) {
		no_weather(rq, rs, slug, &b.found);
		return RC_OK;
	}
	set_freshness(app->settings, &b.found, rs);
	buf_add(&rs->body, b.found.body, b.found.len);
	return RC_OK;
}

/* Name each city of the list that has no weather; the first one decides which problem it is. */
static void
reject_missing(struct req *rq, struct res *rs, const struct body bodies[], int n, int first)
{
	static const char *const why[] = { [UNKNOWN_CITY] = "no such city",
		[NOT_TRACKED] = "not tracked",
		[NO_DATA_YET] = "not collected yet" };

	for (int i = first; i < n; i++)
		if (bodies[i].found.kind != FOUND)
			request_reject(rq, "cities",
			    arena_printf(
				rq->arena, "%s: %s", bodies[i].slug, why[bodies[i].found.kind]));
	no_weather(rq, rs, bodies[first].slug, &bodies[first].found);
}

static enum rc
several_cities(struct req *rq, struct res *rs, const struct value *cities)
{
	const struct weather_app *app = rq->app;
	struct jsonw w = JSONW_INIT(&rs->body);
	struct body bodies[CITIES_MAX];
	int have = 0;
	enum rc rc;

	for (int i = 0; i < cities->n; i++)
		bodies[i] = (struct body){ cities->list[i], BODY_CURRENT, { 0 } };
	if ((rc = bodies_read(rq, cities->n, bodies)) != RC_OK)
		return rc;
	while (have < cities->n && bodies[have].found.kind == FOUND)
		have++;
	if (have < cities->n) {
		reject_missing(rq, rs, bodies, cities->n, have);
		return RC_OK;
	}
	jsonw_object(&w, NULL);
	jsonw_array(&w, "items");
	for (int i = 0; i < cities->n; i++) {
		set_freshness(app->settings, &bodies[i].found, rs);
		jsonw_raw(&w, NULL, bodies[i].found.body, bodies[i].found.len);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	return RC_OK;
}

static enum rc
nearest_city(struct req *rq, struct res *rs, double lat, double lon)
{
	const struct weather_app *app = rq->app;
	const char *argv[] = { arena_printf(rq->arena, "%.6f", lat),
		arena_printf(rq->arena, "%.6f", lon) };
	const struct db_rows *rows;
	struct city c;
	enum rc rc = db_query(
	    app->db, rq->deadline, rq->arena, SQL_CITY_NEAREST_TRACKED, argv, &rows);

	if (rc != RC_OK)
		return rc;
	if (rows->n == 0) {
		problem_write(rq, rs, PROBLEM_NO_DATA_YET, "no city is tracked");
		rs->retry_after = until_next_ingest(app->settings);
		return RC_OK;
	}
	city_from_row(rows, 0, 0, &c);
	rc = one_city(rq, rs, c.slug);
	if (rc != RC_OK || rs->status != 200)
		return rc;
	rs->body.len--; /* the closing brace moves behind one more member */
	buf_printf(&rs->body, ",\"distance_km\":%.1f}", db_num(rows, 0, CITY_COLUMNS));
	return RC_OK;
}

/* One way to say which place: exactly one of the three. */
static enum rc
check_choice(struct req *rq)
{
	const struct value *lat = request_value(rq, "lat"), *lon = request_value(rq, "lon");
	bool city = request_value(rq, "city")->given, cities = request_value(rq, "cities")->given;

	if (city + cities + (lat->given || lon->given) == 0)
		return request_reject(rq, "city", "is needed, or cities, or lat and lon");
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
weather_current(struct req *rq, struct res *rs)
{
	const struct value *city = request_value(rq, "city"), *cities = request_value(rq, "cities");
	enum rc rc = check_choice(rq);

	if (rc != RC_OK)
		return rc;
	if (city->given)
		return one_city(rq, rs, city->text);
	if (cities->given)
		return several_cities(rq, rs, cities);
	return nearest_city(rq, rs, request_value(rq, "lat")->num, request_value(rq, "lon")->num);
}
