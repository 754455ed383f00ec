/* SPDX-License-Identifier: ISC
 *
 * Alive, and ready: what load balancers, supervisors and people look at first.
 */
#include "ops.h"

#include "base/jsonw.h"
#include "drivers/stream.h"
#include "weather/schedule.h"

#define ARCHIVER_SILENT \
	60 /* seconds that the archiver may not have looked at the log: it looks every few */

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

struct chat_state {
	enum rc
	    log; /* of asking for it: RC_NOTFOUND where there is none, or the site has no chat */
	bool known; /* the rest */
	int64_t waiting; /* events that were not archived yet when the archiver last looked */
	int64_t seen_at; /* UNIX seconds, when that was; 0: never */
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
ask_postgresql(const struct req *rq, struct weather_state *ws, struct chat_state *cs)
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
	cs->known = true;
	cs->waiting = db_int(rows, 0, 3);
	cs->seen_at = db_int(rows, 0, 4);
	return RC_OK;
}

static enum rc
ask_nats(const struct req *rq, struct chat_state *cs)
{
	const struct ops_app *app = rq->app;
	struct stream_state log;
	enum rc rc = bus_flush(app->bus);

	if (app->settings->chat_secret[0] == '\0')
		cs->log = RC_NOTFOUND;
	else
		cs->log = rc == RC_OK ? stream_state(app->bus, &log) : rc;
	return rc;
}

static void
ask_all(const struct req *rq, struct check checks[CHECKS], struct weather_state *ws,
    struct chat_state *cs)
{
	const struct ops_app *app = rq->app;
	int64_t start = clock_mono_ms();

	for (int i = 0; i < CHECKS; i++) {
		checks[i].rc = i == POSTGRESQL ? ask_postgresql(rq, ws, cs)
			       : i == REDIS    ? cache_ping(app->cache, rq->deadline)
					       : ask_nats(rq, cs);
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

/* Whether something is to be archived and nobody does. */
static bool
is_behind(const struct chat_state *cs)
{
	return cs->seen_at != 0 && clock_now() - cs->seen_at > ARCHIVER_SILENT;
}

static void
put_chat_state(struct jsonw *w, const struct chat_state *cs)
{
	bool unknown = !cs->known || (cs->log != RC_OK && cs->log != RC_NOTFOUND);

	jsonw_object(w, "chat");
	jsonw_string(w, "status",
	    unknown                  ? "unknown"
	    : cs->log == RC_NOTFOUND ? "none"
	    : is_behind(cs)          ? "behind"
				     : "up");
	if (cs->known && cs->seen_at != 0) {
		jsonw_object(w, "archive");
		jsonw_int(w, "lag_messages", cs->waiting);
		jsonw_int(w, "lag_seconds", clock_now() - cs->seen_at);
		jsonw_end(w);
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

/* ready: all is well; degraded: weather is served, but something is away or old; unavailable: none is served. A chat
 * that was never begun is nothing amiss. */
static const char *
verdict(const struct ops_app *app, const struct check checks[CHECKS],
    const struct weather_state *ws, const struct chat_state *cs)
{
	if (checks[POSTGRESQL].rc != RC_OK && checks[REDIS].rc != RC_OK)
		return "unavailable";
	if (ws->known && ws->collected_at == 0)
		return "unavailable";
	for (int i = 0; i < CHECKS; i++)
		if (checks[i].rc != RC_OK)
			return "degraded";
	return is_stale(app, ws) || is_behind(cs) ? "degraded" : "ready";
}

enum rc
ops_ready(struct req *rq, struct res *rs)
{
	struct check checks[CHECKS] = { { .name = "postgresql" }, { .name = "redis" },
		{ .name = "nats" } };
	const struct ops_app *app = rq->app;
	struct jsonw w = JSONW_INIT(&rs->body);
	struct weather_state ws = { 0 };
	struct chat_state cs = { 0 };
	const char *status;

	ask_all(rq, checks, &ws, &cs);
	status = verdict(app, checks, &ws, &cs);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "status", status);
	put_checks(&w, checks);
	put_weather_state(&w, app, &ws);
	put_chat_state(&w, &cs);
	jsonw_end(&w);
	rs->status = status[0] == 'u' ? 503 : 200;
	return RC_OK;
}
