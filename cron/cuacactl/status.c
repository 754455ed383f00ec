/* SPDX-License-Identifier: ISC
 *
 * cuacactl status: how the weather is kept, on one screen.
 */
#include "base/jsonw.h"
#include "breaker.h"
#include "commands.h"
#include "format.h"
#include "table.h"
#include "weather/price.h"
#include "weather/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PROVIDER "open-meteo"
#define RUNS 5

#define LIVE_AGE \
	10800 /* seconds; what is older when it is collected comes by a backfill, also for status_public */

/* Columns of the queries. */
enum {
	S_COLLECTED_AT,
	S_TRACKED,
	S_SERVED,
	S_STARTED_AT,
	S_FINISHED_AT,
	S_EXIT,
	S_SPENT,
	S_SCHEMA
};
enum { Q_MINUTE, Q_HOUR, Q_DAY };
enum { P_OBSERVED_AT = 12, P_COLLECTED_AT, P_FORECAST_AT, P_EVERY_RUNS };
enum {
	R_ID,
	R_STARTED_AT,
	R_FINISHED_AT,
	R_EXIT,
	R_PLACES,
	R_STORED,
	R_REFUSED,
	R_FAILED,
	R_REQUESTS,
	R_RETRIES,
	R_WEIGHT,
	R_NOTE
};
enum { Z_NAME, Z_ROWS, Z_BYTES };

struct overview {
	const struct db_rows *state, *quota, *places, *runs, *sizes;
	int64_t collected_at; /* 0: never */
	int64_t tracked, served;
	int64_t stale; /* of those served: their update is overdue, or they have none */
	struct price_day planned;
	struct breaker_view breaker;
};

static enum rc
query_all(struct ctl *ctl, struct overview *o)
{
	const char *now = ctl_int(ctl, ctl->now);
	const struct {
		enum sql id;
		const char *argv[2];
		const struct db_rows **rows;
	} queries[] = {
		{ SQL_STATUS_PUBLIC, { NULL }, &o->state },
		{ SQL_QUOTA_SUMS, { PROVIDER, now }, &o->quota },
		{ SQL_INGEST_PLACES, { now }, &o->places },
		{ SQL_RUNS_LAST, { ctl_int(ctl, RUNS) }, &o->runs },
		{ SQL_SIZES, { NULL }, &o->sizes },
	};
	enum rc rc = RC_OK;

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]) && rc == RC_OK; i++)
		rc = ctl_query(ctl, queries[i].id, queries[i].argv, queries[i].rows);
	return rc;
}

static bool
is_stale(const struct ctl *ctl, int64_t collected_at)
{
	return collected_at == 0 || ctl->now >= schedule_stale_at(ctl->settings, collected_at);
}

/* Where the newest observation is one of a backfill, nothing was collected of late. */
static bool
place_is_stale(const struct ctl *ctl, const struct db_rows *places, int i)
{
	int64_t collected_at = db_int(places, i, P_COLLECTED_AT);
	int64_t due = schedule_due(
	    ctl->settings, collected_at, (int)db_int(places, i, P_EVERY_RUNS));

	return collected_at == 0 || ctl->now >= due + ctl->settings->stale_after ||
	       collected_at - db_int(places, i, P_OBSERVED_AT) > LIVE_AGE;
}

static enum rc
look(struct ctl *ctl, struct overview *o)
{
	enum rc rc = query_all(ctl, o);

	if (rc != RC_OK)
		return rc;
	o->collected_at = db_int(o->state, 0, S_COLLECTED_AT);
	o->tracked = db_int(o->state, 0, S_TRACKED);
	o->served = db_int(o->state, 0, S_SERVED);
	o->planned = price_day(ctl->settings, o->tracked);
	for (int i = 0; i < o->places->n; i++)
		o->stale += place_is_stale(ctl, o->places, i);
	o->breaker = breaker_look(ctl);
	return RC_OK;
}

static const char *
freshness(const struct ctl *ctl, const struct overview *o)
{
	return o->collected_at == 0 ? "none" : is_stale(ctl, o->collected_at) ? "stale" : "fresh";
}

/* ---- JSON ---- */

static void
put_weather(struct jsonw *w, const struct ctl *ctl, const struct overview *o)
{
	jsonw_object(w, "weather");
	jsonw_string(w, "status", freshness(ctl, o));
	if (o->collected_at != 0)
		jsonw_time(w, "collected_at", o->collected_at);
	else
		jsonw_string(w, "collected_at", NULL);
	jsonw_time(w, "next_update_at", schedule_next(ctl->settings, ctl->now));
	jsonw_string(w, "source", settings_choice("source", ctl->settings->source));
	jsonw_string(w, "schema", db_text(o->state, 0, S_SCHEMA));
	jsonw_end(w);
}

static void
put_cities(struct jsonw *w, const struct overview *o)
{
	jsonw_object(w, "cities");
	jsonw_int(w, "tracked", o->tracked);
	jsonw_int(w, "on_demand", o->served - o->tracked);
	jsonw_int(w, "stale", o->stale);
	jsonw_end(w);
}

static void
put_spent(struct jsonw *w, const char *name, double spent, int64_t limit)
{
	jsonw_object(w, name);
	jsonw_num(w, "spent", spent, 3);
	if (limit != 0)
		jsonw_int(w, "limit", limit);
	else
		jsonw_string(w, "limit", NULL);
	jsonw_end(w);
}

static void
put_quota(struct jsonw *w, const struct ctl *ctl, const struct overview *o)
{
	const struct settings *s = ctl->settings;

	jsonw_object(w, "quota");
	put_spent(w, "minute", db_num(o->quota, 0, Q_MINUTE), s->quota_minute);
	put_spent(w, "hour", db_num(o->quota, 0, Q_HOUR), s->quota_hour);
	put_spent(w, "day", db_num(o->quota, 0, Q_DAY), s->quota_day);
	jsonw_object(w, "planned");
	jsonw_num(w, "current", o->planned.current, 3);
	jsonw_num(w, "forecasts", o->planned.forecasts, 3);
	jsonw_num(w, "day", price_total(&o->planned), 3);
	jsonw_bool(w, "fits", price_fits(&o->planned, s));
	jsonw_end(w);
	jsonw_end(w);
}

static void
put_breaker(struct jsonw *w, const struct breaker_view *b)
{
	jsonw_object(w, "breaker");
	jsonw_string(w, "state", b->state);
	if (b->until != 0)
		jsonw_time(w, "until", b->until);
	else
		jsonw_string(w, "until", NULL);
	jsonw_string(w, "reason", b->reason);
	jsonw_end(w);
}

static void
put_run(struct jsonw *w, const struct db_rows *runs, int i)
{
	static const struct {
		const char *name;
		int column;
	} counts[] = { { "places", R_PLACES }, { "stored", R_STORED }, { "refused", R_REFUSED },
		{ "failed", R_FAILED }, { "requests", R_REQUESTS }, { "retries", R_RETRIES } };
	bool over = db_text(runs, i, R_FINISHED_AT) != NULL;

	jsonw_object(w, NULL);
	jsonw_int(w, "id", db_int(runs, i, R_ID));
	jsonw_time(w, "started_at", db_int(runs, i, R_STARTED_AT));
	if (over) {
		jsonw_time(w, "finished_at", db_int(runs, i, R_FINISHED_AT));
		jsonw_int(w, "exit", db_int(runs, i, R_EXIT));
	} else {
		jsonw_string(w, "finished_at", NULL);
		jsonw_string(w, "exit", NULL);
	}
	for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++)
		jsonw_int(w, counts[k].name, db_int(runs, i, counts[k].column));
	jsonw_num(w, "weight", db_num(runs, i, R_WEIGHT), 3);
	jsonw_string(w, "note", db_text(runs, i, R_NOTE));
	jsonw_end(w);
}

static int
put_overview(const struct ctl *ctl, const struct overview *o)
{
	struct buf out = BUF_INIT(CTL_OUTPUT_MAX);
	struct jsonw w = JSONW_INIT(&out);

	jsonw_object(&w, NULL);
	put_weather(&w, ctl, o);
	put_cities(&w, o);
	put_quota(&w, ctl, o);
	put_breaker(&w, &o->breaker);
	jsonw_array(&w, "runs");
	for (int i = 0; i < o->runs->n; i++)
		put_run(&w, o->runs, i);
	jsonw_end(&w);
	jsonw_array(&w, "sizes");
	for (int i = 0; i < o->sizes->n; i++) {
		jsonw_object(&w, NULL);
		jsonw_string(&w, "table", db_text(o->sizes, i, Z_NAME));
		jsonw_int(&w, "rows_about", db_int(o->sizes, i, Z_ROWS));
		jsonw_int(&w, "bytes", db_int(o->sizes, i, Z_BYTES));
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	return ctl_print(&out);
}

/* ---- For people ---- */

static void
weather_line(struct table *t, const struct ctl *ctl, const struct overview *o)
{
	int64_t next = schedule_next(ctl->settings, ctl->now);
	char ago[FORMAT_TEXT], in[FORMAT_TEXT];

	format_span(next - ctl->now, in);
	table_cell(t, "weather");
	if (o->collected_at == 0)
		table_cell(t, "none yet; next run in %s", in);
	else
		table_cell(t, "%s, collected %s ago from %s; next run in %s", freshness(ctl, o),
		    format_span(ctl->now - o->collected_at, ago),
		    settings_choice("source", ctl->settings->source), in);
}

static const char *
spent_of(struct ctl *ctl, const char *span, double spent, int64_t limit)
{
	return limit != 0 ? arena_printf(ctl->arena, "%s %.10g of %" PRId64, span, spent, limit)
			  : arena_printf(ctl->arena, "%s %.10g", span, spent);
}

static void
quota_lines(struct table *t, struct ctl *ctl, const struct overview *o)
{
	const struct settings *s = ctl->settings;

	table_cell(t, "spent");
	table_cell(t, "%s, %s, %s",
	    spent_of(ctl, "today", db_num(o->quota, 0, Q_DAY), s->quota_day),
	    spent_of(ctl, "this hour", db_num(o->quota, 0, Q_HOUR), s->quota_hour),
	    spent_of(ctl, "this minute", db_num(o->quota, 0, Q_MINUTE), s->quota_minute));
	table_cell(t, "planned");
	table_cell(t, "%s a day%s", format_price(ctl->arena, s, o->tracked),
	    price_fits(&o->planned, s) ? "" : ", MORE THAN THE QUOTA");
}

/* "open until ...: limit-hourly"; when its time is over, the next run makes trial calls. */
static void
breaker_line(struct table *t, const struct ctl *ctl, const struct breaker_view *b)
{
	bool why = b->reason != NULL && strcmp(b->state, "closed") != 0;
	char until[FORMAT_TEXT], when[FORMAT_TEXT + 32] = "";

	if (b->until > ctl->now)
		snprintf(when, sizeof(when), " until %s", format_time(b->until, until));
	else if (b->until != 0)
		snprintf(when, sizeof(when), ", the next run may try");
	table_cell(t, "breaker");
	table_cell(t, "%s%s%s%s", b->state, when, why ? ": " : "", why ? b->reason : "");
}

static int
print_summary(struct ctl *ctl, const struct overview *o)
{
	static const struct column columns[] = { { .title = NULL }, { .title = NULL } };
	struct table *t = table_new(ctl->arena, 2, columns);

	weather_line(t, ctl, o);
	table_cell(t, "cities");
	table_cell(t, "%" PRId64 " tracked, %" PRId64 " on demand; %" PRId64 " of them stale",
	    o->tracked, o->served - o->tracked, o->stale);
	quota_lines(t, ctl, o);
	breaker_line(t, ctl, &o->breaker);
	table_cell(t, "schema");
	table_cell(t, "%s", db_text(o->state, 0, S_SCHEMA));
	return table_print(t);
}

static void
print_run(struct table *t, const struct db_rows *runs, int i)
{
	int64_t started = db_int(runs, i, R_STARTED_AT);
	bool over = db_text(runs, i, R_FINISHED_AT) != NULL;
	char text[FORMAT_TEXT];

	table_cell(t, "%s", format_time(started, text));
	table_cell(t, "%s",
	    over ? format_span(db_int(runs, i, R_FINISHED_AT) - started, text) : "running");
	table_cell(t, "%s", over ? db_text(runs, i, R_EXIT) : "-");
	for (int c = R_PLACES; c <= R_WEIGHT; c++)
		table_cell(t, "%s", db_text(runs, i, c));
	table_cell(t, "%s", db_text(runs, i, R_NOTE) != NULL ? db_text(runs, i, R_NOTE) : "");
}

static int
print_runs(struct ctl *ctl, const struct db_rows *runs)
{
	static const struct column columns[] = { { "RUN", false }, { "TOOK", true },
		{ "EXIT", true }, { "PLACES", true }, { "STORED", true }, { "REFUSED", true },
		{ "FAILED", true }, { "REQUESTS", true }, { "RETRIES", true }, { "WEIGHT", true },
		{ "NOTE", false } };
	struct table *t = table_new(ctl->arena, 11, columns);

	for (int i = 0; i < runs->n; i++)
		print_run(t, runs, i);
	return table_print(t);
}

static int
print_sizes(struct ctl *ctl, const struct db_rows *sizes)
{
	static const struct column columns[] = { { "TABLE", false }, { "ROWS (ABOUT)", true },
		{ "SIZE", true } };
	struct table *t = table_new(ctl->arena, 3, columns);
	char text[FORMAT_TEXT];

	for (int i = 0; i < sizes->n; i++) {
		table_cell(t, "%s", db_text(sizes, i, Z_NAME));
		table_cell(t, "%s", db_text(sizes, i, Z_ROWS));
		table_cell(t, "%s", format_bytes(db_int(sizes, i, Z_BYTES), text));
	}
	return table_print(t);
}

static int
print_overview(struct ctl *ctl, const struct overview *o)
{
	int code = print_summary(ctl, o);

	if (code == EXIT_DONE && o->runs->n > 0) {
		putchar('\n');
		code = print_runs(ctl, o->runs);
	}
	if (code == EXIT_DONE) {
		putchar('\n');
		code = print_sizes(ctl, o->sizes);
	}
	return code;
}

int
cmd_status(struct ctl *ctl)
{
	struct overview o = { 0 };
	enum rc rc = look(ctl, &o);

	if (rc != RC_OK)
		return ctl_failed(rc);
	return (ctl->options & OPT_JSON) != 0 ? put_overview(ctl, &o) : print_overview(ctl, &o);
}
