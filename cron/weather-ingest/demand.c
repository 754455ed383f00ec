/* SPDX-License-Identifier: ISC
 *
 * Requests count half as much every six hours; the queries see to that. A city that is served stays ahead of one that
 * is not and has up to twice its requests, so that two of a kind don't take turns.
 */
#include "demand.h"

#include "base/buf.h"
#include "base/log.h"
#include "drivers/cache.h"
#include "weather/city.h"
#include "weather/current.h"
#include "weather/forecast.h"
#include "weather/history.h"

#include <stdlib.h>

#define KEY "demand:cities"
#define QUERY_MS 10000
#define TAKE_MAX 1000 /* cities a run; the rest waits for the next */
#define LIST_MAX 131072
#define STAYING 2

/* Columns of demand_wanted around the city's. */
enum { COL_ID, COL_CITY, COL_REQUESTS = COL_CITY + CITY_COLUMNS, COL_WANTED_AT, COL_GRANTED_UNTIL };

/* Slugs are [a-z0-9-], but Redis is nobody's truth. */
static bool
is_slug(const char *s)
{
	const char *p = s;

	while ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-')
		p++;
	return p > s && *p == '\0' && p - s < 128;
}

void
demand_collect(struct run *r, struct arena *a)
{
	struct buf slugs = BUF_INIT(LIST_MAX), counts = BUF_INIT(LIST_MAX);
	const struct cache_score *scores;
	const struct db_rows *rows;
	int n, good = 0;

	if (cache_scores_take(r->cache, r->deadline, a, KEY, TAKE_MAX, &n, &scores) != RC_OK ||
	    n == 0)
		return;
	for (int i = 0; i < n; i++) {
		if (!is_slug(scores[i].member) || !(scores[i].score >= 1))
			continue;
		buf_printf(&slugs, "%c%s", good == 0 ? '{' : ',', scores[i].member);
		buf_printf(&counts, "%c%.0f", good++ == 0 ? '{' : ',',
		    scores[i].score < 1e6 ? scores[i].score : 1e6);
	}
	if (good == 0)
		return;
	buf_addc(&slugs, '}');
	buf_addc(&counts, '}');
	const char *argv[] = { buf_take(&slugs, a), buf_take(&counts, a),
		run_time_text(a, run_now(r)) };

	if (argv[0] == NULL || argv[1] == NULL || argv[2] == NULL ||
	    run_query(r, a, QUERY_MS, SQL_DEMAND_ADD, argv, &rows) != RC_OK)
		log_event(LOG_LEVEL_WARN, "requests for cities are forgotten",
		    LOG_WITH(log_i("cities", good)));
}

/* A city that may be served. */
struct wanted {
	const char *id, *slug;
	double requests; /* those of a served city count double */
	int64_t until;
	int64_t granted_until; /* 0: not served */
};

static int
by_requests(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return (x->requests < y->requests) - (x->requests > y->requests);
}

static enum rc
load(struct run *r, struct arena *a, struct wanted **out, int *n)
{
	const struct settings *s = r->settings;
	const char *argv[] = { run_time_text(a, 2 * s->demand_cities + TAKE_MAX),
		run_time_text(a, run_now(r)) };
	const struct db_rows *rows;
	enum rc rc = run_query(r, a, QUERY_MS, SQL_DEMAND_WANTED, argv, &rows);

	if (rc != RC_OK)
		return rc;
	if ((*out = arena_alloc(a, ((size_t)rows->n + 1) * sizeof(**out))) == NULL)
		return RC_NOMEM;
	*n = 0;
	for (int i = 0; i < rows->n; i++) {
		struct wanted w = { .id = db_text(rows, i, COL_ID),
			.slug = db_text(rows, i, COL_CITY),
			.requests = db_num(rows, i, COL_REQUESTS),
			.until = db_int(rows, i, COL_WANTED_AT) + s->demand_ttl,
			.granted_until = db_int(rows, i, COL_GRANTED_UNTIL) };

		if (w.granted_until == 0 && w.requests < (double)s->demand_min)
			continue;
		w.requests *= w.granted_until > 0 ? STAYING : 1;
		(*out)[(*n)++] = w;
	}
	qsort(*out, (size_t)*n, sizeof(**out), by_requests);
	return RC_OK;
}

static enum rc
grant(struct run *r, struct arena *a, const struct wanted *w, int64_t until)
{
	const char *argv[] = { arena_printf(a, "{%s}", w->id), run_time_text(a, until) };
	const struct db_rows *rows;

	return run_query(r, a, QUERY_MS, SQL_DEMAND_GRANT, argv, &rows);
}

/* Take back what has ended, and drop what Redis has of those cities. */
static enum rc
expire(struct run *r, struct arena *a, bool *changed)
{
	const char *argv[] = { run_time_text(a, run_now(r)) };
	const struct db_rows *rows;
	enum rc rc = run_query(r, a, QUERY_MS, SQL_DEMAND_EXPIRE, argv, &rows);

	for (int i = 0; rc == RC_OK && i < rows->n; i++) {
		const char *slug = db_text(rows, i, 0);
		const struct cache_item gone[] = { { .key = current_key(a, slug) },
			{ .key = current_last_key(a, slug) }, { .key = forecast_key(a, slug) },
			{ .key = history_page1_key(a, slug) } };

		*changed = true;
		log_event(LOG_LEVEL_INFO, "no longer served", LOG_WITH(log_s("city", slug)));
		if (gone[0].key == NULL || gone[1].key == NULL || gone[2].key == NULL ||
		    gone[3].key == NULL)
			return RC_NOMEM;
		if (cache_set(r->cache, r->deadline, 4, gone) != RC_OK)
			r->tally.redis_away = true;
	}
	return rc;
}

enum rc
demand_decide(struct run *r, struct arena *a, int most, bool *changed)
{
	int64_t now = run_now(r);
	struct wanted *w;
	enum rc rc;
	int n, left = most;

	*changed = false;
	if ((rc = load(r, a, &w, &n)) != RC_OK)
		return rc;
	for (int i = 0; i < n && rc == RC_OK; i++) {
		bool serve = left > 0 && w[i].until > now;

		left -= serve;
		if (serve && w[i].granted_until == 0) {
			*changed = true;
			log_event(LOG_LEVEL_INFO, "served on demand",
			    LOG_WITH(log_s("city", w[i].slug), log_f("requests", w[i].requests)));
		}
		if (serve && w[i].granted_until != w[i].until)
			rc = grant(r, a, &w[i], w[i].until);
		else if (!serve && w[i].granted_until > now)
			rc = grant(r, a, &w[i], now);
	}
	return rc == RC_OK ? expire(r, a, changed) : rc;
}
