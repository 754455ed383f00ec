/* SPDX-License-Identifier: ISC
 *
 * Alive, and ready: what load balancers, supervisors and people look at first.
 */
#include "ops.h"

#include "base/jsonw.h"
#include "weather/schedule.h"

/* One dependency's answer. */
struct check {
	const char *name;
	enum rc rc;
	int64_t ms;
};

enum { POSTGRESQL, REDIS, NATS, CHECKS };

/* The row of the query "ready". */
struct weather_state {
	bool known;
	const char *schema;
	int64_t collected_at; /* UNIX seconds of the newest data; 0: none yet */
	int64_t tracked;
};

enum rc
ops_health(struct req *rq, struct res *rs)
{
	struct jsonw w = JSONW_INIT(&rs->body);

	(void)rq;
	jsonw_object(&w, NULL);
	jsonw_string(&w, "status", "ok");
	jsonw_end(&w);
	return RC_OK;
}

static enum rc
ask_postgresql(const struct req *rq, struct weather_state *ws)
{
	const struct ops_app *app = rq->app;
	const struct db_rows *rows;
	enum rc rc = db_query(app->db, rq->deadline, rq->arena, SQL_READY, NULL, &rows);

	if (rc != RC_OK || rows->n == 0)
		return rc;
	ws->known = true;
	ws->schema = db_text(rows, 0, 0);
	ws->collected_at = db_int(rows, 0, 1);
	ws->tracked = db_int(rows, 0, 2);
	return RC_OK;
}

static void
ask_all(const struct req *rq, struct check checks[CHECKS], struct weather_state *ws)
{
	const struct ops_app *app = rq->app;
	int64_t start = clock_mono_ms();

	for (int i = 0; i < CHECKS; i++) {
		checks[i].rc = i == POSTGRESQL ? ask_postgresql(rq, ws)
			       : i == REDIS    ? cache_ping(app->cache, rq->deadline)
					       : bus_flush(app->bus);
		checks[i].ms = clock_mono_ms() - start;
		start += checks[i].ms;
	}
}

static bool
is_stale(const struct ops_app *app, const struct weather_state *ws)
{
	return clock_now() >= schedule_stale_at(app->settings, ws->collected_at);
}

static void
put_weather_state(struct jsonw *w, const struct ops_app *app, const struct weather_state *ws)
{
	jsonw_object(w, "weather");
	jsonw_string(w, "status",
	    !ws->known              ? "unknown"
	    : ws->collected_at == 0 ? "none"
	    : is_stale(app, ws)     ? "stale"
				    : "fresh");
	if (ws->known) {
		if (ws->collected_at != 0)
			jsonw_time(w, "collected_at", ws->collected_at);
		jsonw_int(w, "tracked_cities", ws->tracked);
		jsonw_string(w, "schema", ws->schema);
	}
	jsonw_end(w);
}

static void
put_checks(struct jsonw *w, const struct check checks[CHECKS])
{
	jsonw_object(w, "dependencies");
	for (int i = 0; i < CHECKS; i++) {
		jsonw_object(w, checks[i].name);
		jsonw_string(w, "status", checks[i].rc == RC_OK ? "up" : "down");
		jsonw_int(w, "latency_ms", checks[i].ms);
		jsonw_end(w);
	}
	jsonw_end(w);
}

/* ready: all is well; degraded: weather is served, but something is away or old; unavailable: none is served. */
static const char *
verdict(
    const struct ops_app *app, const struct check checks[CHECKS], const struct weather_state *ws)
{
	if (checks[POSTGRESQL].rc != RC_OK && checks[REDIS].rc != RC_OK)
		return "unavailable";
	if (ws->known && ws->collected_at == 0)
		return "unavailable";
	for (int i = 0; i < CHECKS; i++)
		if (checks[i].rc != RC_OK)
			return "degraded";
	return is_stale(app, ws) ? "degraded" : "ready";
}

enum rc
ops_ready(struct req *rq, struct res *rs)
{
	struct check checks[CHECKS] = { { .name = "postgresql" }, { .name = "redis" },
		{ .name = "nats" } };
	const struct ops_app *app = rq->app;
	struct jsonw w = JSONW_INIT(&rs->body);
	struct weather_state ws = { 0 };
	const char *status;

	ask_all(rq, checks, &ws);
	status = verdict(app, checks, &ws);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "status", status);
	put_checks(&w, checks);
	put_weather_state(&w, app, &ws);
	jsonw_end(&w);
	rs->status = status[0] == 'u' ? 503 : 200;
	return RC_OK;
}
