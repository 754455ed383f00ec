/* SPDX-License-Identifier: ISC
 *
 * GET /v1/forecast: which cities are meant, what we have of them, and errors in Open-Meteo's form. Nothing here asks
 * Open-Meteo.
 */
#include "compat.h"

#include "base/log.h"
#include "bodies.h"
#include "weather.h"
#include "web/limit.h"

#include <string.h>
#include <time.h>

#define DISTANCE_MAX 25 /* km from the place that is asked for to the city that answers */
#define RETRY_AFTER 5 /* seconds */
#define TOGETHER 20 /* bodies in memory at a time: a forecast has 80 KB */
#define CONTENT_TYPE "application/json; charset=utf-8"

static enum rc
refuse(struct res *rs, int status, const char *reason)
{
	struct jsonw w;

	response_reset(rs);
	rs->content_type = CONTENT_TYPE;
	rs->status = status;
	rs->retry_after = status == 503 ? RETRY_AFTER : 0;
	w = (struct jsonw)JSONW_INIT(&rs->body);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "error", true);
	jsonw_string(&w, "reason", reason);
	jsonw_end(&w);
	return RC_OK;
}

/* What else went wrong, as Open-Meteo would say it. */
static enum rc
refuse_rc(const struct req *rq, struct res *rs, enum rc rc)
{
	if (rq->limit.over) {
		refuse(rs, 429, "Too many concurrent requests");
		rs->retry_after = rq->limit.reset;
		return RC_OK;
	}
	if (rc == RC_DENIED)
		return refuse(rs, 401, "The supplied API key is invalid.");
	if (rc == RC_NOMEM)
		return refuse(rs, 400,
		    "Your API call requests too much data. Please reduce the number of variables, "
		    "locations and/or weather models.");
	if (rc == RC_NOTFOUND)
		return refuse(rs, 503, "No data has been collected for this location yet");
	log_event(LOG_LEVEL_WARN, "request failed",
	    LOG_WITH(log_s("endpoint", rq->path), log_s("result", rc_name(rc))));
	return refuse(rs, 503, "The service is overloaded");
}

/* The client's mistake, which is counted like any other request. */
static enum rc
refuse_mistake(struct req *rq, struct res *rs, const char *reason)
{
	enum rc rc = limit_count(rq);

	return rc == RC_OK ? refuse(rs, 400, reason) : refuse_rc(rq, rs, rc);
}

/* A column of numbers as PostgreSQL reads arrays. */
static const char *
array_of(struct arena *a, const struct compat_query *q, bool longitudes)
{
	const char *text = "";

	for (int i = 0; i < q->n && text != NULL; i++)
		text = arena_printf(a, "%s%s%.6f", text, i > 0 ? "," : "",
		    (double)(longitudes ? q->places[i].longitude : q->places[i].latitude));
	return text != NULL ? arena_printf(a, "{%s}", text) : NULL;
}

/* The tracked city nearest to each place; *found tells whether each has one near enough. */
static enum rc
find_cities(const struct req *rq, struct compat_query *q, bool *found)
{
	const struct weather_app *app = rq->app;
	const char *argv[] = { array_of(rq->arena, q, false), array_of(rq->arena, q, true) };
	const struct db_rows *rows;
	enum rc rc;

	if (argv[0] == NULL || argv[1] == NULL)
		return RC_NOMEM;
	rc = db_query(app->db, rq->deadline, rq->arena, SQL_CITIES_NEAREST_TRACKED, argv, &rows);
	if (rc != RC_OK)
		return rc;
	*found = rows->n == q->n;
	for (int i = 0; i < q->n && *found; i++) {
		city_from_row(rows, i, 0, &q->places[i].city);
		*found = db_num(rows, i, CITY_COLUMNS) <= DISTANCE_MAX;
	}
	return RC_OK;
}

/* "auto" is the zone of the city. */
static const char *
find_zones(struct compat_query *q, int64_t now)
{
	const char *no = NULL;

	for (int i = 0; i < q->n && no == NULL; i++)
		if (strcmp(q->places[i].zone.name, "auto") == 0)
			no = compat_zone_read(q->places[i].city.timezone, now, &q->places[i].zone);
	return no;
}

/* Read what a body holds into the place. */
static enum rc
take_body(struct arena *a, const struct body *b, struct compat_place *p)
{
	const struct finding *f = &b->found;

	if (f->kind != FOUND)
		return RC_NOTFOUND;
	if (b->kind == BODY_CURRENT) {
		p->current = arena_alloc(a, sizeof(*p->current));
		return p->current != NULL ? current_parse(a, f->body, f->len, p->current)
					  : RC_NOMEM;
	}
	p->forecast = arena_alloc(a, sizeof(*p->forecast));
	return p->forecast != NULL ? forecast_parse(a, f->body, f->len, p->forecast) : RC_NOMEM;
}

/* The first of the places that is in the same city. */
static int
first_of_city(const struct compat_query *q, int i)
{
	int first = 0;

	while (strcmp(q->places[first].city.slug, q->places[i].city.slug) != 0)
		first++;
	return first;
}

/* The bodies that the blocks asked for need, each city's once. Returns how many; place[] says of which place. */
static int
list_bodies(const struct compat_query *q, struct body bodies[], int place[])
{
	bool current = q->columns[COMPAT_CURRENT].list != NULL;
	bool forecast = q->columns[COMPAT_HOURLY].list != NULL ||
			q->columns[COMPAT_DAILY].list != NULL;
	int n = 0;

	for (int i = 0; i < q->n; i++) {
		const char *slug = q->places[i].city.slug;

		if (first_of_city(q, i) != i)
			continue;
		place[n] = i;
		if (current)
			bodies[n++] = (struct body){ slug, BODY_CURRENT, { 0 } };
		place[n] = i;
		if (forecast)
			bodies[n++] = (struct body){ slug, BODY_FORECAST, { 0 } };
	}
	return n;
}

/* Read n bodies into scratch, and what they hold into the request's arena. RC_NOTFOUND where one was not collected
 * yet. */
static enum rc
load_some(struct req *rq, struct compat_query *q, struct arena *scratch, int n,
    struct body bodies[], const int place[])
{
	struct arena *arena = rq->arena;
	enum rc rc;

	rq->arena = scratch;
	rc = bodies_read(rq, n, bodies);
	rq->arena = arena;
	for (int i = 0; i < n && rc == RC_OK; i++)
		rc = take_body(arena, &bodies[i], &q->places[place[i]]);
	arena_reset(scratch);
	return rc;
}

/* What the blocks asked for need, of every place. Fails like load_some(). */
static enum rc
load(struct req *rq, struct compat_query *q)
{
	const struct weather_app *app = rq->app;
	struct body bodies[2 * COMPAT_PLACES_MAX];
	int place[2 * COMPAT_PLACES_MAX], n = list_bodies(q, bodies, place);
	struct arena *scratch = arena_new((size_t)app->settings->arena_max);
	enum rc rc = scratch == NULL ? RC_NOMEM : n == 0 ? limit_count(rq) : RC_OK;

	for (int i = 0; i < n && rc == RC_OK; i += TOGETHER)
		rc = load_some(
		    rq, q, scratch, n - i < TOGETHER ? n - i : TOGETHER, &bodies[i], &place[i]);
	arena_free(scratch);
	for (int i = 0; i < q->n && rc == RC_OK; i++) {
		const struct compat_place *first = &q->places[first_of_city(q, i)];

		q->places[i].current = first->current;
		q->places[i].forecast = first->forecast;
	}
	return rc;
}

static double
monotonic_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

enum rc
weather_compat(struct req *rq, struct res *rs)
{
	double start = monotonic_ms();
	int64_t now = clock_now();
	struct jsonw w = JSONW_INIT(&rs->body);
	struct compat_query q;
	const char *no = compat_query_read(rq->arena, rq->query, now, &q);
	bool found;
	enum rc rc;

	if (no != NULL)
		return refuse_mistake(rq, rs, no);
	/* Who shows a key may not be limited by the web server: before PostgreSQL is asked. */
	if ((rq->api_key != NULL && (rc = limit_count(rq)) != RC_OK) ||
	    (rc = find_cities(rq, &q, &found)) != RC_OK)
		return refuse_rc(rq, rs, rc);
	if (!found)
		return refuse_mistake(rq, rs, "No data is available for this location");
	if ((no = find_zones(&q, now)) != NULL)
		return refuse_mistake(rq, rs, no);
	if ((rc = load(rq, &q)) != RC_OK)
		return refuse_rc(rq, rs, rc);
	rs->content_type = CONTENT_TYPE;
	if (q.n > 1)
		jsonw_array(&w, NULL);
	for (int i = 0; i < q.n; i++)
		compat_json(&w, rq->arena, &q, i, now, monotonic_ms() - start);
	if (q.n > 1)
		jsonw_end(&w);
	return buf_ok(&rs->body) ? RC_OK : refuse_rc(rq, rs, RC_NOMEM);
}
