/* SPDX-License-Identifier: ISC
 *
 * Current weather: the ingest's bodies copied out of Redis; what is missing there comes from PostgreSQL and is
 * put back.
 */
#include "weather.h"

#include "flight.h"
#include "weather/current.h"

#include <math.h>
#include <string.h>

#define CITIES_MAX 50
#define MAX_AGE 30 /* seconds; short, so that an ingest by hand is seen soon */
#define MAX_AGE_OVERDUE 5 /* while the next data may come any moment */

struct fill {
	const struct weather_app *app;
	const struct req *rq;
	const char *slug;
};

static bool
is_slug(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len <= 64 && s[len] == '\0';
}

/* Write c's body and leave it in Redis for the next request. */
static enum rc
write_body(const struct fill *fl, const struct current *c, struct finding *out)
{
	const struct settings *s = fl->app->settings;
	int64_t now = clock_now();
	struct buf b = BUF_INIT(8192);
	struct jsonw w = JSONW_INIT(&b);
	struct cache_item item = { .key = current_key(fl->rq->arena, fl->slug),
		.ttl = current_ttl(c, s, now) };

	current_json(&w, c, s, now, &present_default);
	out->kind = FOUND;
	out->len = b.len;
	out->body = buf_ok(&b) ? arena_strndup(fl->rq->arena, b.p, b.len) : NULL;
	buf_free(&b);
	if (out->body == NULL || item.key == NULL)
		return RC_NOMEM;
	item.data = out->body;
	item.len = out->len;
	/* Without Redis the next miss comes here again. */
	(void)cache_set(fl->app->cache, fl->rq->deadline, 1, &item);
	return RC_OK;
}

/* flight_join()'s filler: the newest row of the city, as a body. */
static enum rc
fill_current(void *arg, struct finding *out)
{
	const struct fill *fl = arg;
	const struct db_rows *rows;
	const char *argv[] = { arena_printf(fl->rq->arena, "{%s}", fl->slug) };
	struct current c = { 0 };
	enum rc rc = db_query(
	    fl->app->db, fl->rq->deadline, fl->rq->arena, SQL_WEATHER_CURRENT, argv, &rows);

	if (rc != RC_OK)
		return rc;
	if (rows->n > 0 && current_from_row(rows, 0, &c) && c.city.tracked)
		return write_body(fl, &c, out);
	out->kind = rows->n == 0 ? UNKNOWN_CITY : c.city.tracked ? NO_DATA_YET : NOT_TRACKED;
	return RC_OK;
}

/* What there is for n slugs: one round trip to Redis, then PostgreSQL for each that was not there. */
static enum rc
load(struct req *rq, int n, const char *const slugs[], struct finding found[])
{
	const struct weather_app *app = rq->app;
	struct cache_value values[CITIES_MAX] = { 0 };
	const char *keys[CITIES_MAX] = { 0 };
	enum rc rc = RC_OK;

	for (int i = 0; i < n; i++)
		if ((keys[i] = current_key(rq->arena, is_slug(slugs[i]) ? slugs[i] : "")) == NULL)
			return RC_NOMEM;
	if (cache_get(app->cache, rq->deadline, rq->arena, n, keys, values) != RC_OK)
		memset(values, 0, sizeof(values)); /* Redis away is all misses */
	for (int i = 0; i < n && rc == RC_OK; i++) {
		struct fill fl = { app, rq, slugs[i] };

		if (values[i].data != NULL)
			found[i] = (struct finding){ FOUND, values[i].data, values[i].len };
		else if (!is_slug(slugs[i]))
			found[i] = (struct finding){ .kind = UNKNOWN_CITY };
		else
			rc = flight_join(app->flights, slugs[i], rq->deadline, rq->arena,
			    fill_current, &fl, &found[i]);
	}
	return rc;
}

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
	struct finding f;
	enum rc rc = load(rq, 1, &slug, &f);

	if (rc != RC_OK)
		return rc;
	if (f.kind != FOUND) {
		no_weather(rq, rs, slug, &f);
		return RC_OK;
	}
	set_freshness(app->settings, &f, rs);
	buf_add(&rs->body, f.body, f.len);
	return RC_OK;
}

/* Name each city of the list that has no weather; the first one decides which problem it is. */
static void
reject_missing(struct req *rq, struct res *rs, const struct value *cities,
    const struct finding found[], int first)
{
	static const char *const why[] = { [UNKNOWN_CITY] = "no such city",
		[NOT_TRACKED] = "not tracked",
		[NO_DATA_YET] = "not collected yet" };

	for (int i = first; i < cities->n; i++)
		if (found[i].kind != FOUND)
			request_reject(rq, "cities",
			    arena_printf(rq->arena, "%s: %s", cities->list[i], why[found[i].kind]));
	no_weather(rq, rs, cities->list[first], &found[first]);
}

static enum rc
several_cities(struct req *rq, struct res *rs, const struct value *cities)
{
	const struct weather_app *app = rq->app;
	struct jsonw w = JSONW_INIT(&rs->body);
	struct finding found[CITIES_MAX];
	enum rc rc = load(rq, cities->n, cities->list, found);
	int have = 0;

	if (rc != RC_OK)
		return rc;
	while (have < cities->n && found[have].kind == FOUND)
		have++;
	if (have < cities->n) {
		reject_missing(rq, rs, cities, found, have);
		return RC_OK;
	}
	jsonw_object(&w, NULL);
	jsonw_array(&w, "items");
	for (int i = 0; i < cities->n; i++) {
		set_freshness(app->settings, &found[i], rs);
		jsonw_raw(&w, NULL, found[i].body, found[i].len);
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
