/* SPDX-License-Identifier: ISC
 *
 * Reading, filling and putting back, the same for all kinds of bodies.
 */
#include "bodies.h"

#include "demand.h"
#include "weather.h"
#include "weather/current.h"
#include "weather/forecast.h"
#include "web/limit.h"

#include <string.h>

#define BODY_MAX ((size_t)256 * 1024) /* a forecast has 80 KB */

struct fill {
	const struct req *rq;
	const struct body *body;
	const char *key;
	struct arena *scratch; /* for what the body is made of */
};

bool
bodies_is_slug(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len <= 64 && s[len] == '\0';
}

/* Write the body of a row to b. RC_NOTFOUND where the row has no data yet. */
static enum rc
write_body(const struct fill *fl, const struct db_rows *rows, struct buf *b, int64_t *ttl)
{
	const struct weather_app *app = fl->rq->app;
	const struct settings *s = app->settings;
	struct jsonw w = JSONW_INIT(b);
	int64_t now = clock_now();
	struct current c;
	struct forecast f;
	enum rc rc;

	if (fl->body->kind == BODY_CURRENT) {
		if (!current_from_row(rows, 0, s, &c))
			return RC_NOTFOUND;
		current_json(&w, &c, s, now, &present_default);
		*ttl = current_ttl(&c, s, now);
		return RC_OK;
	}
	if ((rc = forecast_from_row(fl->scratch, rows, 0, &f)) == RC_OK) {
		forecast_json_all(&w, &f, s, now);
		*ttl = forecast_ttl(&f, s, now);
	}
	return rc;
}

/* What was written, as a finding in the request's arena; the buffer is freed. */
static enum rc
take_body(const struct fill *fl, struct buf *b, struct finding *out)
{
	*out = (struct finding){ .kind = FOUND, .len = b->len };
	out->body = buf_take(b, fl->rq->arena);
	return out->body != NULL ? RC_OK : RC_NOMEM;
}

/* Make the body of a row and leave it in Redis for the next request. */
static enum rc
keep_body(const struct fill *fl, const struct db_rows *rows, struct finding *out)
{
	const struct weather_app *app = fl->rq->app;
	struct cache_item item = { .key = fl->key };
	struct buf b = BUF_INIT(BODY_MAX);
	enum rc rc = write_body(fl, rows, &b, &item.ttl);

	if (rc != RC_OK || (rc = take_body(fl, &b, out)) != RC_OK) {
		buf_free(&b);
		return rc;
	}
	item.data = out->body;
	item.len = out->len;
	/* Without Redis the next miss comes here again. */
	(void)cache_set(app->cache, fl->rq->deadline, 1, &item);
	return RC_OK;
}

/* The weather that the ingest had last, as it stands now: Redis has that for days, for who watches the city. It is not
 * put back: PostgreSQL is asked again. */
static enum rc
recall(const struct fill *fl, struct finding *out)
{
	const struct weather_app *app = fl->rq->app;
	const char *key = current_last_key(fl->scratch, fl->body->slug);
	struct buf b = BUF_INIT(BODY_MAX);
	struct jsonw w = JSONW_INIT(&b);
	struct cache_value last = { 0 };
	struct current c;

	if (key == NULL ||
	    cache_get(app->cache, fl->rq->deadline, fl->scratch, 1, &key, &last) != RC_OK ||
	    last.data == NULL || current_parse(fl->scratch, last.data, last.len, &c) != RC_OK)
		return RC_DOWN;
	current_json(&w, &c, app->settings, clock_now(), &present_default);
	return take_body(fl, &b, out);
}

/* The city's row of PostgreSQL, as a body. Both queries end with the column "served". */
static enum rc
find(const struct fill *fl, struct finding *out)
{
	const struct weather_app *app = fl->rq->app;
	const struct db_rows *rows;
	bool current = fl->body->kind == BODY_CURRENT;
	const char *argv[] = { current ? arena_printf(fl->scratch, "{%s}", fl->body->slug)
				       : fl->body->slug };
	enum rc rc = db_query(app->db, fl->rq->deadline, fl->scratch,
	    current ? SQL_WEATHER_CURRENT : SQL_FORECAST_GET, argv, &rows);

	if ((rc == RC_DOWN || rc == RC_BUSY) && current && recall(fl, out) == RC_OK)
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	if (rows->n == 0) {
		out->kind = UNKNOWN_CITY;
	} else if (!db_bool(rows, 0, rows->columns - 1)) {
		out->kind = NOT_TRACKED;
	} else if ((rc = keep_body(fl, rows, out)) == RC_NOTFOUND) {
		out->kind = NO_DATA_YET;
		rc = RC_OK;
	}
	return rc;
}

/* flight_join()'s filler. A row of a forecast is as large as its body, which alone outlives this. */
static enum rc
fill(void *arg, struct finding *out)
{
	struct fill *fl = arg;
	const struct weather_app *app = fl->rq->app;
	enum rc rc = RC_NOMEM;

	if ((fl->scratch = arena_new((size_t)app->settings->arena_max)) != NULL)
		rc = find(fl, out);
	arena_free(fl->scratch);
	return rc;
}

static const char *
body_key(struct arena *a, const struct body *b)
{
	const char *slug = bodies_is_slug(b->slug) ? b->slug : "";

	return b->kind == BODY_CURRENT ? current_key(a, slug) : forecast_key(a, slug);
}

/* The cities that are known count as asked for, each once. */
static void
note_demand(struct demand *dm, int n, const struct body bodies[])
{
	for (int i = 0; i < n; i++)
		if (bodies[i].found.kind != UNKNOWN_CITY &&
		    (i == 0 || strcmp(bodies[i].slug, bodies[i - 1].slug) != 0))
			demand_note(dm, bodies[i].slug);
}

enum rc
bodies_read(struct req *rq, int n, struct body bodies[])
{
	const struct weather_app *app = rq->app;
	struct cache_value values[BODIES_MAX] = { 0 };
	const char *keys[BODIES_MAX] = { 0 };
	enum rc rc = RC_OK;

	for (int i = 0; i < n; i++)
		if ((keys[i] = body_key(rq->arena, &bodies[i])) == NULL)
			return RC_NOMEM;
	rc = limit_read(rq, n, keys, values);
	for (int i = 0; i < n && rc == RC_OK; i++) {
		struct fill fl = { rq, &bodies[i], keys[i], NULL };

		if (values[i].data != NULL)
			bodies[i].found = (struct finding){ FOUND, values[i].data, values[i].len };
		else if (!bodies_is_slug(bodies[i].slug))
			bodies[i].found = (struct finding){ .kind = UNKNOWN_CITY };
		else
			rc = flight_join(app->flights, keys[i], rq->deadline, rq->arena, fill, &fl,
			    &bodies[i].found);
	}
	if (rc == RC_OK)
		note_demand(app->demand, n, bodies);
	return rc;
}
