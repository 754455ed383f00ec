/* SPDX-License-Identifier: ISC
 *
 * A request is a month of a place, or what is missing of it. It may only take what the day's quota has left after the
 * tracked places' current weather and forecasts, and of the hour's what their runs leave, which may be at work at the
 * same time. It waits for minutes and hours of the quota, not for days.
 */
#include "backfill.h"

#include "ask.h"
#include "base/log.h"
#include "series.h"
#include "store.h"
#include "weather/price.h"
#include "weather/sun.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HOUR 3600
#define DAY 86400
#define QUERY_MS 30000
#define ANSWER_MAX 262144 /* an honest month is below 60 KB */
#define BAR 40

/* One request: whole days of a place. */
struct piece {
	const struct place *place;
	int64_t from, to; /* UTC midnights */
};

struct progress {
	struct run *run;
	int done, all; /* months of places */
	int asked, failed;
	int64_t stored;
	double weight; /* of a dry run */
	bool stop;
};

/* The first midnight of the month after the one that t is in. */
static int64_t
next_month(int64_t t)
{
	time_t at = (time_t)t;
	struct tm tm;

	gmtime_r(&at, &tm);
	tm.tm_mon++;
	tm.tm_mday = 1;
	return (int64_t)timegm(&tm);
}

static int
count_months(int64_t from, int64_t to)
{
	int n = 0;

	for (; from < to; from = next_month(from))
		n++;
	return n;
}

/* Narrow a piece to the days that lack an hour, from the first to the last. RC_NOTFOUND: it lacks none. */
static enum rc
narrow(struct piece *p, struct run *r, struct arena *a)
{
	const char *argv[] = { p->place->id, run_time_text(a, p->from), run_time_text(a, p->to) };
	const struct db_rows *rows;
	enum rc rc = run_query(r, a, QUERY_MS, SQL_BACKFILL_DAYS, argv, &rows);

	if (rc != RC_OK)
		return rc;
	if (rows->n == 0)
		return RC_NOTFOUND;
	p->from = db_int(rows, 0, 0);
	p->to = db_int(rows, rows->n - 1, 0) + DAY;
	return RC_OK;
}

static double
weight_of(const struct piece *p)
{
	return price_place(Q__MAX, (int)((p->to - p->from) / DAY));
}

struct judging {
	const struct piece *piece;
	struct asked asked;
	struct past past;
	struct arena *memory;
};

static enum refusal
judge_past(void *arg, const char *body, size_t len, char detail[CHECK_DETAIL])
{
	struct judging *j = arg;

	return check_past(
	    body, len, &j->asked, j->piece->from, j->piece->to, j->memory, &j->past, detail);
}

/* The hours that have a temperature: the newest days of the archive are null. */
static int
make_rows(const struct run *r, const struct piece *p, const struct past *past, const char *ids[],
    struct current rows[])
{
	const struct city *city = &p->place->city;
	int n = 0;

	for (int h = 0; h < past->hours; h++) {
		struct current *c = &rows[n];
		int64_t t = past->from + (int64_t)h * HOUR;

		if (isnan(past->value[Q_TEMPERATURE][h]))
			continue;
		*c = (struct current){ .city = *city,
			.observed_at = t,
			.collected_at = run_now(r),
			.is_day = sun_is_up(t, city->latitude, city->longitude),
			.source = settings_choice("source", r->settings->source) };
		for (int q = 0; q < Q__MAX; q++)
			c->value[q] = past->value[q][h];
		ids[n++] = p->place->id;
	}
	return n;
}

static enum rc
store_piece(
    struct run *r, struct arena *a, const struct piece *p, const struct past *past, int64_t *stored)
{
	size_t hours = (size_t)past->hours;
	struct current *rows = arena_alloc(a, hours * sizeof(*rows));
	const char **ids = arena_alloc(a, hours * sizeof(*ids));
	int n;

	*stored = 0;
	if (rows == NULL || ids == NULL)
		return RC_NOMEM;
	n = make_rows(r, p, past, ids, rows);
	return n > 0 ? store_past(r, a, n, ids, rows, stored) : RC_OK;
}

static void
note_failed(struct progress *g, const struct piece *p, const char *reason, const char *detail)
{
	char from[CLOCK_TEXT], to[CLOCK_TEXT];

	g->failed++;
	log_event(LOG_LEVEL_ERROR, "not filled",
	    LOG_WITH(log_s("city", p->place->city.slug), log_s("from", clock_format(p->from, from)),
		log_s("to", clock_format(p->to, to)), log_s("reason", reason),
		log_s("detail", detail)));
}

/* What the day must still hold for the places that are looked after every day. */
static double
reserve(const struct run *r, const struct plan *plan)
{
	struct budget b = plan->budget;

	b.runs = budget_runs(r->settings, run_now(r));
	budget_divide(&b, r->settings);
	return b.claim + b.wanted;
}

static bool
is_obstacle(enum refusal why)
{
	return why == REFUSAL_QUOTA_MINUTE || why == REFUSAL_QUOTA_HOUR ||
	       why == REFUSAL_QUOTA_DAY || why == REFUSAL_QUOTA_UNKNOWN || why == REFUSAL_BREAKER;
}

static void
fill_piece(struct progress *g, struct collector *c, const struct plan *plan, const struct piece *p)
{
	const struct settings *s = g->run->settings;
	double kept = reserve(g->run, plan);
	struct judging j = { .piece = p,
		.asked = { p->place->city.latitude, p->place->city.longitude, ASKED_ANY_OFFSET },
		.memory = c->memory };
	const struct request rq = { .what = "past",
		.number = ++g->asked,
		.from = p->place->city.slug,
		.places = 1,
		.url = ask_past_url(
		    c->memory, s, p->place, p->from, p->to - DAY, s->open_meteo_key),
		.weight = weight_of(p),
		.reserve = kept,
		.reserve_retry = kept,
		.each_run = plan_weight(ASK_CURRENT, plan->budget.tracked),
		.patient = true,
		.answer_max = ANSWER_MAX,
		.judge = judge_past,
		.arg = &j };
	enum refusal why = upstream_ask(c->upstream, &rq, c->memory);
	int64_t stored;
	enum rc rc;

	if (why != REFUSAL_NONE) {
		g->stop = is_obstacle(why) || refusals[why].remedy > REMEDY_RETRY;
		note_failed(g, p, refusals[why].name, "");
	} else if (j.past.refusal != REFUSAL_NONE) {
		note_failed(g, p, refusals[j.past.refusal].name, j.past.detail);
	} else if ((rc = store_piece(g->run, c->memory, p, &j.past, &stored)) != RC_OK) {
		g->stop = rc == RC_DOWN;
		note_failed(g, p, rc_name(rc), "");
	} else {
		g->stored += stored;
	}
}

/* On a terminal: how far it is. */
static void
show(const struct progress *g, const struct piece *p)
{
	char bar[BAR + 1], month[CLOCK_TEXT];
	int full = g->all > 0 ? (int)((int64_t)BAR * g->done / g->all) : BAR;

	if (!isatty(STDERR_FILENO))
		return;
	memset(bar, ' ', BAR);
	memset(bar, '#', (size_t)full);
	bar[BAR] = '\0';
	fprintf(stderr, "\r[%s] %d/%d %.7s %-32.32s", bar, g->done, g->all,
	    clock_format(p->from, month), p->place->city.slug);
	if (g->done == g->all || g->stop)
		fputc('\n', stderr);
}

static void
fill_month(struct progress *g, const struct backfill *bf, struct collector *c,
    const struct plan *plan, struct piece p)
{
	enum rc rc = narrow(&p, g->run, c->memory);

	if (rc == RC_OK && bf->dry_run) {
		g->asked++;
		g->weight += weight_of(&p);
	} else if (rc == RC_OK) {
		fill_piece(g, c, plan, &p);
	} else if (rc != RC_NOTFOUND) {
		g->stop = true;
		note_failed(g, &p, rc_name(rc), "");
	}
	g->done++;
	show(g, &p);
	arena_reset(c->memory);
}

static void
fill_place(struct progress *g, const struct backfill *bf, struct collector *c,
    const struct plan *plan, const struct place *pl)
{
	for (int64_t from = bf->from; from < bf->to && !g->stop; from = next_month(from)) {
		int64_t to = next_month(from) < bf->to ? next_month(from) : bf->to;

		fill_month(g, bf, c, plan, (struct piece){ pl, from, to });
	}
}

static int
report(const struct progress *g, const struct backfill *bf)
{
	const struct tally *t = &g->run->tally;

	if (bf->dry_run) {
		printf(
		    "%d months of places, %d requests, weight %.1f\n", g->all, g->asked, g->weight);
		return g->failed > 0 ? EXIT_PEER : EXIT_DONE;
	}
	log_event(g->failed > 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO,
	    g->failed > 0 ? "backfill stopped, the same command goes on from here"
			  : "backfill done",
	    LOG_WITH(log_i("months", g->all), log_i("looked_at", g->done),
		log_i("failed", g->failed), log_i("hours", g->stored),
		log_i("requests", t->requests), log_f("weight", t->weight)));
	return g->failed > 0 ? EXIT_PEER : EXIT_DONE;
}

int
backfill_run(const struct backfill *bf, struct collector *c, struct arena *a)
{
	struct progress g = { .run = c->run };
	struct plan plan;
	bool all = bf->city == NULL;
	enum rc rc = plan_load(&plan, c->run, BUDGET_UNLIMITED, a);

	if (rc != RC_OK)
		return rc == RC_NOMEM ? EXIT_SYSTEM : EXIT_PEER;
	if (!all && (rc = plan_choose(&plan, c->run, a, bf->city)) != RC_OK)
		return rc == RC_NOTFOUND ? EXIT_USAGE : EXIT_PEER;
	g.all = (all ? plan.n : 1) * count_months(bf->from, bf->to);
	for (int i = 0; i < plan.n && !g.stop; i++)
		if (all || strcmp(plan.places[i].city.slug, bf->city) == 0)
			fill_place(&g, bf, c, &plan, &plan.places[i]);
	return report(&g, bf);
}
