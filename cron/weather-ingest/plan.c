/* SPDX-License-Identifier: ISC
 *
 * The plan of a run. lib/weather/budget.c divides the day; here each run takes its part, the most overdue places
 * first, so that they spread over the day by themselves.
 */
#include "plan.h"

#include "ask.h"
#include "base/buf.h"
#include "base/log.h"
#include "weather/price.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUERY_MS 30000
#define DAY 86400
#define LIST_MAX (4 << 20)
#define FORECAST_BATCH 25 /* a forecast is 20 times as long as current weather */

const char *const ask_names[ASK__MAX] = {
	[ASK_CURRENT] = "current",
	[ASK_DEMAND] = "demand",
	[ASK_FORECAST] = "forecast",
};

/* Columns of ingest_places around the city's. */
enum {
	COL_ID,
	COL_CITY,
	COL_REQUESTS = COL_CITY + CITY_COLUMNS,
	COL_GRANTED_UNTIL,
	COL_OBSERVED_AT,
	COL_COLLECTED_AT,
	COL_FORECAST_AT,
	COL_EVERY_RUNS
};

static void
place_from_row(const struct db_rows *rows, int i, struct place *pl)
{
	pl->id = db_text(rows, i, COL_ID);
	city_from_row(rows, i, COL_CITY, &pl->city);
	pl->requests = db_num(rows, i, COL_REQUESTS);
	pl->collected_at = db_int(rows, i, COL_COLLECTED_AT);
	pl->forecast_at = db_int(rows, i, COL_FORECAST_AT);
	pl->every_runs = (int)db_int(rows, i, COL_EVERY_RUNS);
}

/* A request must fit into a minute's quota, or it could never be made. */
static int
batch_size(const struct settings *s, enum ask ask)
{
	int64_t most = ask == ASK_FORECAST && s->ingest_batch > FORECAST_BATCH ? FORECAST_BATCH
									       : s->ingest_batch;
	int64_t fit = (int64_t)((double)s->quota_minute / plan_weight(ask, 1));

	if (s->quota_minute > 0 && fit < most)
		most = fit;
	return most < 1 ? 1 : (int)most;
}

enum rc
plan_load(struct plan *p, struct run *r, double day_left, struct arena *a)
{
	const char *argv[] = { run_time_text(a, run_now(r)) };
	const struct settings *s = r->settings;
	const struct db_rows *rows;
	struct place *places;
	enum rc rc;

	*p = (struct plan){ .budget = { .left = day_left, .runs = budget_runs(s, run_now(r)) } };
	if ((rc = run_query(r, a, QUERY_MS, SQL_INGEST_PLACES, argv, &rows)) != RC_OK)
		return rc;
	if ((places = arena_alloc(a, ((size_t)rows->n + 1) * sizeof(*places))) == NULL)
		return RC_NOMEM;
	for (p->n = 0; p->n < rows->n; p->n++) {
		struct place *pl = &places[p->n];

		place_from_row(rows, p->n, pl);
		p->budget.tracked += pl->city.tracked;
		p->budget.granted += !pl->city.tracked;
		p->budget.missing += pl->city.tracked && pl->forecast_at == 0;
	}
	p->places = places;
	for (int ask = 0; ask < ASK__MAX; ask++) {
		p->lists[ask].batch = batch_size(s, (enum ask)ask);
		p->lists[ask].places = arena_alloc(a, ((size_t)p->n + 1) * sizeof(void *));
		if (p->lists[ask].places == NULL)
			return RC_NOMEM;
	}
	budget_divide(&p->budget, s);
	return RC_OK;
}

/* A place that something may be asked for. */
struct candidate {
	struct place *place;
	double pace;
	double
	    due; /* age in its own intervals: above 1 it is overdue; INFINITY: there is none yet */
};

/* The most overdue first; of those that never were, the most wanted. */
static int
by_due(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->due != y->due)
		return x->due > y->due ? -1 : 1;
	if (x->place->requests != y->place->requests)
		return x->place->requests > y->place->requests ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

static double
due(int64_t at, int64_t now, double interval)
{
	return at == 0 ? INFINITY : (double)(now - at) / interval;
}

/* Take the first tokens candidates, nothing that is not half due. Those that never were don't wait for tokens, but
 * all together may not weigh more than most. */
static void
take(struct list *l, struct candidate *c, int n, int tokens, double price, double most)
{
	int taken = 0;

	qsort(c, (size_t)n, sizeof(*c), by_due);
	for (int i = 0; i < n && (isinf(c[i].due) || taken < tokens) && c[i].due >= 0.5; i++) {
		if ((taken + 1) * price > most + 1e-6)
			return;
		l->places[l->n++] = c[i].place;
		taken++;
	}
}

static int
by_place(const void *a, const void *b)
{
	const struct place *const *x = a, *const *y = b;

	return *x < *y ? -1 : 1;
}

/* The places of one kind with their paces; how many. */
static int
gather(const struct plan *p, bool tracked, double rate, struct candidate c[], double *scratch)
{
	double *requests = scratch, *pace = scratch + p->n;
	int n = 0;

	for (int i = 0; i < p->n; i++) {
		if (p->places[i].city.tracked != tracked)
			continue;
		requests[n] = p->places[i].requests;
		c[n++].place = &p->places[i];
	}
	if (n > 0)
		budget_paces(n, requests, rate, pace);
	for (int i = 0; i < n; i++)
		c[i].pace = pace[i];
	return n;
}

/* In one of how many runs a place of this pace is collected, a tenth of a run aside; once a day at least. */
static int
runs_of(const struct settings *s, double pace)
{
	double day = ceil((double)DAY / (double)s->ingest_interval);

	return pace * day > 1 ? (int)ceil(1 / pace - 0.1) : (int)day;
}

static void
choose_current(struct plan *p, const struct run *r, enum ask ask, struct candidate c[], int n,
    double rate, double most)
{
	int64_t now = run_now(r), interval = r->settings->ingest_interval;
	struct list *l = &p->lists[ask];

	for (int i = 0; i < n; i++)
		c[i].place->every_runs = runs_of(r->settings, c[i].pace);
	if (rate >= n) { /* each one, each run */
		for (int i = 0; i < n; i++)
			l->places[l->n++] = c[i].place;
		return;
	}
	for (int i = 0; i < n; i++)
		c[i].due = due(c[i].place->collected_at, now, (double)interval / c[i].pace);
	take(l, c, n, budget_tokens(rate, now / interval), plan_weight(ask, 1), most);
	qsort(l->places, (size_t)l->n, sizeof(void *), by_place);
}

static void
choose_forecasts(
    struct plan *p, const struct run *r, struct candidate c[], int n, double rate, double most)
{
	const struct settings *s = r->settings;
	int64_t now = run_now(r);
	double price = plan_weight(ASK_FORECAST, 1);

	for (int i = 0; i < n; i++)
		c[i].due = due(
		    c[i].place->forecast_at, now, (double)s->forecast_interval / c[i].pace);
	take(&p->lists[ASK_FORECAST], c, n, budget_tokens(rate / price, now / s->ingest_interval),
	    price, most);
}

/* Renewals a run when each of these places has its forecast renewed at its pace. */
static double
renewals(const struct settings *s, const struct candidate c[], int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += c[i].pace;
	return sum * (double)s->ingest_interval / (double)s->forecast_interval;
}

static void
choose_all(struct plan *p, const struct run *r, struct candidate c[], double *scratch)
{
	const struct budget *b = &p->budget;
	double price = plan_weight(ASK_FORECAST, 1), rate, spent;
	int n;

	n = gather(p, true, b->current_rate, c, scratch);
	choose_current(p, r, ASK_CURRENT, c, n, b->current_rate, b->current_rate + 1);
	choose_forecasts(p, r, c, n, b->forecast_rate, b->forecast_all);
	n = gather(p, false, b->demand_rate, c, scratch);
	rate = price * renewals(r->settings, c, n);
	choose_current(p, r, ASK_DEMAND, c, n, b->demand_rate, b->demand_all);
	spent = plan_weight(ASK_DEMAND, p->lists[ASK_DEMAND].n);
	choose_forecasts(p, r, c, n, rate, b->demand_all - spent);
}

/* Tell an unknown city from one that is only not tracked. */
static enum rc
explain_absence(struct run *r, struct arena *a, const char *slug)
{
	const struct db_rows *rows;
	enum rc rc = run_query(r, a, QUERY_MS, SQL_CITY_BY_SLUG, &slug, &rows);

	if (rc != RC_OK)
		return rc;
	log_event(LOG_LEVEL_ERROR, rows->n == 0 ? "no such city" : "the city is not tracked",
	    LOG_WITH(log_s("city", slug)));
	return RC_NOTFOUND;
}

/* One city by name: its current weather, and its forecast where that is due by the timetable. */
static bool
choose_one(struct plan *p, const struct run *r, const char *slug)
{
	int64_t interval = r->settings->forecast_interval;
	const struct place *pl = NULL;
	struct list *l;

	for (int i = 0; i < p->n && pl == NULL; i++)
		if (strcmp(p->places[i].city.slug, slug) == 0)
			pl = &p->places[i];
	if (pl == NULL)
		return false;
	l = &p->lists[pl->city.tracked ? ASK_CURRENT : ASK_DEMAND];
	l->places[l->n++] = pl;
	l = &p->lists[ASK_FORECAST];
	if (due(pl->forecast_at, run_now(r), (double)interval) >= 1)
		l->places[l->n++] = pl;
	return true;
}

/* More places than the quota carries: an admin wanted it so, and should know what it means. */
static void
warn_if_short(const struct plan *p)
{
	const struct budget *b = &p->budget;

	if (!b->fits)
		log_event(LOG_LEVEL_WARN, "the tracked cities don't fit, quiet ones wait",
		    LOG_WITH(log_i("tracked", b->tracked), log_i("runs", b->runs),
			log_f("wanted", b->claim), log_f("left", b->left),
			log_f("each_run", b->current_rate)));
}

enum rc
plan_choose(struct plan *p, struct run *r, struct arena *a, const char *slug)
{
	struct candidate *c = arena_alloc(a, ((size_t)p->n + 1) * sizeof(*c));
	double *scratch = arena_alloc(a, ((size_t)p->n + 1) * 2 * sizeof(*scratch));

	if (c == NULL || scratch == NULL)
		return RC_NOMEM;
	if (slug != NULL)
		return choose_one(p, r, slug) ? RC_OK : explain_absence(r, a, slug);
	warn_if_short(p);
	choose_all(p, r, c, scratch);
	return RC_OK;
}

enum rc
plan_keep_paces(const struct plan *p, struct run *r, struct arena *a)
{
	struct buf ids = BUF_INIT(LIST_MAX), paces = BUF_INIT(LIST_MAX);
	const struct db_rows *rows;
	char before = '{';

	for (int i = 0; i < p->n; i++) {
		if (p->places[i].every_runs == 1)
			continue;
		buf_printf(&ids, "%c%s", before, p->places[i].id);
		buf_printf(&paces, "%c%d", before, p->places[i].every_runs);
		before = ',';
	}
	buf_adds(&ids, before == '{' ? "{}" : "}");
	buf_adds(&paces, before == '{' ? "{}" : "}");
	const char *argv[] = { buf_take(&ids, a), buf_take(&paces, a) };

	if (argv[0] == NULL || argv[1] == NULL)
		return RC_NOMEM;
	return run_query(r, a, QUERY_MS, SQL_PACES_KEEP, argv, &rows);
}

int
plan_batches(const struct plan *p, enum ask ask)
{
	const struct list *l = &p->lists[ask];

	return (l->n + l->batch - 1) / l->batch;
}

/* The first try of the tracked places' current weather is what the quota is for. Everything else, retries too, leaves
 * what later runs, and this one's other batches, need for that. */
struct batch
plan_batch(const struct plan *p, enum ask ask, int i)
{
	const struct list *l = &p->lists[ask];
	int first = i * l->batch, left = l->n - first, n = left < l->batch ? left : l->batch;
	bool claims = ask == ASK_CURRENT;

	return (struct batch){ .ask = ask,
		.number = i + 1,
		.places = l->places + first,
		.n = n,
		.weight = plan_weight(ask, n),
		.reserve = claims ? 0 : p->budget.later,
		.reserve_retry = p->budget.later + (claims ? plan_weight(ask, left - n) : 0) };
}

double
plan_weight(enum ask ask, int n)
{
	return n * (ask == ASK_FORECAST ? price_forecast() : price_current());
}

static void
print_arithmetic(const struct plan *p, const struct settings *s)
{
	const struct budget *b = &p->budget;

	if (s->quota_day == 0) {
		printf("the day: no limit\n");
		return;
	}
	printf(
	    "the day: %.1f of %lld left for %d runs\n", b->left, (long long)s->quota_day, b->runs);
	printf("  current weather of %d tracked places, %d runs: %d x %d = %.0f%s\n", b->tracked,
	    b->runs, b->tracked, b->runs, b->claim,
	    b->fits ? "" : ", which does not fit: the quiet ones wait");
	printf("  spare: %.1f - %.0f - %d for retries = %.1f\n", b->left, b->claim, b->tracked,
	    b->spare);
	printf("  forecasts of tracked places: %.1f, of which %d are missing\n", b->forecast_all,
	    b->missing);
	printf("  on demand: %.1f, %.2f a run for %d places, at most %d\n", b->demand_all,
	    b->demand_rate, b->granted, b->demand_max);
}

static void
print_list(const struct plan *p, enum ask ask)
{
	printf("%s: %d places in %d requests, weight %.1f\n", ask_names[ask], p->lists[ask].n,
	    plan_batches(p, ask), plan_weight(ask, p->lists[ask].n));
}

static enum rc
print_requests(const struct plan *p, enum ask ask, const struct settings *s, struct arena *scratch)
{
	for (int i = 0; i < plan_batches(p, ask); i++) {
		struct batch b = plan_batch(p, ask, i);
		const char *url = ask_url(scratch, s, &b, NULL);

		if (url == NULL)
			return RC_NOMEM;
		printf("%s request %d: %d places, weight %.1f, %s to %s\n%s\n", ask_names[ask],
		    b.number, b.n, b.weight, b.places[0]->city.slug, b.places[b.n - 1]->city.slug,
		    url);
		arena_reset(scratch);
	}
	return RC_OK;
}

enum rc
plan_print(const struct plan *p, const struct run *r, struct arena *scratch)
{
	enum rc rc = RC_OK;

	print_arithmetic(p, r->settings);
	for (int ask = 0; ask < ASK__MAX; ask++)
		print_list(p, (enum ask)ask);
	for (int ask = 0; ask < ASK__MAX && rc == RC_OK; ask++)
		rc = print_requests(p, (enum ask)ask, r->settings, scratch);
	return rc;
}
