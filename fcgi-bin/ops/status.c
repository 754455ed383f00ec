/* SPDX-License-Identifier: ISC
 *
 * How the service does, for everybody: how fresh the weather is, what the ingest does, what is left of the upstream's
 * quota, and how busy the chat is.
 */
#include "ops.h"

#include "base/jsonw.h"
#include "base/str.h"
#include "weather/schedule.h"

#define MAX_AGE 10 /* seconds */

/* Columns of the query status_public. */
enum {
	COLLECTED_AT,
	TRACKED,
	SERVED,
	STARTED_AT,
	FINISHED_AT,
	EXIT_CODE,
	SPENT_TODAY,
	SCHEMA,
	CHAT_SENT_AT,
	CHAT_LAST_HOUR
};

/* Fields of the hash that the ingest keeps its circuit breaker in. */
enum { STATE, OPENED_AT, UNTIL, FIELDS };
static const char breaker_key[] = "breaker:open-meteo";
static const char *const breaker_fields[FIELDS] = { "state", "opened_at", "until" };

/* A time, or null where the row has none. */
static void
put_time(struct jsonw *w, const char *name, const struct db_rows *rows, int column)
{
	if (db_text(rows, 0, column) != NULL)
		jsonw_time(w, name, db_int(rows, 0, column));
	else
		jsonw_string(w, name, NULL);
}

static void
put_weather(struct jsonw *w, const struct settings *s, const struct db_rows *rows, int64_t now)
{
	int64_t collected = db_int(rows, 0, COLLECTED_AT);

	jsonw_object(w, "weather");
	jsonw_string(w, "status",
	    collected == 0                           ? "none"
	    : now >= schedule_stale_at(s, collected) ? "stale"
						     : "fresh");
	put_time(w, "collected_at", rows, COLLECTED_AT);
	jsonw_time(w, "next_update_at", schedule_next(s, now));
	jsonw_string(w, "source", settings_choice("source", s->source));
	jsonw_end(w);
}

static void
put_cities(struct jsonw *w, const struct db_rows *rows)
{
	jsonw_object(w, "cities");
	jsonw_int(w, "tracked", db_int(rows, 0, TRACKED));
	jsonw_int(w, "served", db_int(rows, 0, SERVED));
	jsonw_end(w);
}

static void
put_run(struct jsonw *w, const struct db_rows *rows)
{
	jsonw_object(w, "last_run");
	put_time(w, "started_at", rows, STARTED_AT);
	put_time(w, "finished_at", rows, FINISHED_AT);
	if (db_text(rows, 0, EXIT_CODE) != NULL)
		jsonw_bool(w, "good", db_int(rows, 0, EXIT_CODE) == 0);
	else
		jsonw_string(w, "good", NULL);
	jsonw_end(w);
}

static void
put_chat(struct jsonw *w, const struct db_rows *rows)
{
	jsonw_object(w, "chat");
	put_time(w, "last_message_at", rows, CHAT_SENT_AT);
	jsonw_int(w, "last_hour", db_int(rows, 0, CHAT_LAST_HOUR));
	jsonw_end(w);
}

/* 0 is no limit, which is null. */
static void
put_limit(struct jsonw *w, const char *name, int64_t limit)
{
	if (limit > 0)
		jsonw_int(w, name, limit);
	else
		jsonw_string(w, name, NULL);
}

static void
put_quota(struct jsonw *w, const struct settings *s, const struct db_rows *rows)
{
	jsonw_object(w, "quota");
	jsonw_num(w, "spent_today", db_num(rows, 0, SPENT_TODAY), 1);
	put_limit(w, "day", s->quota_day);
	put_limit(w, "hour", s->quota_hour);
	put_limit(w, "minute", s->quota_minute);
	jsonw_end(w);
}

/* UNIX seconds in a field of the hash; null where there are none, or 0. */
static void
put_moment(struct jsonw *w, const char *name, const struct cache_value *v)
{
	int64_t t;

	if (v->data != NULL && str_to_int(v->data, &t) && t > 0)
		jsonw_time(w, name, t);
	else
		jsonw_string(w, name, NULL);
}

/* A breaker that never opened has no hash; one that cannot be asked for is unknown. */
static void
put_breaker(struct jsonw *w, const struct req *rq)
{
	const struct ops_app *app = rq->app;
	struct cache_value values[FIELDS] = { 0 };
	enum rc rc = cache_hash_get(
	    app->cache, rq->deadline, rq->arena, breaker_key, FIELDS, breaker_fields, values);

	jsonw_object(w, "breaker");
	jsonw_string(w, "state",
	    rc != RC_OK                  ? "unknown"
	    : values[STATE].data != NULL ? values[STATE].data
					 : "closed");
	put_moment(w, "opened_at", &values[OPENED_AT]);
	put_moment(w, "until", &values[UNTIL]);
	jsonw_end(w);
}

enum rc
ops_status(struct req *rq, struct res *rs)
{
	const struct ops_app *app = rq->app;
	struct jsonw w = JSONW_INIT(&rs->body);
	const struct db_rows *rows;
	enum rc rc = db_query(app->db, rq->deadline, rq->arena, SQL_STATUS_PUBLIC, NULL, &rows);

	if (rc != RC_OK || rows->n == 0)
		return rc != RC_OK ? rc : RC_NOTFOUND;
	jsonw_object(&w, NULL);
	put_weather(&w, app->settings, rows, clock_now());
	put_cities(&w, rows);
	put_run(&w, rows);
	put_quota(&w, app->settings, rows);
	put_breaker(&w, rq);
	put_chat(&w, rows);
	jsonw_string(&w, "schema", db_text(rows, 0, SCHEMA));
	jsonw_end(&w);
	rs->max_age = MAX_AGE;
	return RC_OK;
}
