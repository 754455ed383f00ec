/* SPDX-License-Identifier: ISC
 *
 * Redis has a hash a day, quota:open-meteo:<day>, of which a field is the day's sum and one each hour's and minute's.
 */
#include "quota.h"

#include "base/log.h"
#include "base/str.h"
#include "drivers/cache.h"
#include "drivers/db.h"
#include "weather/budget.h"

#include <math.h>
#include <stdio.h>

#define QUERY_MS 5000
#define KEEP 172800 /* seconds */

static const int64_t seconds[WINDOW__MAX] = {
	[WINDOW_MINUTE] = 60,
	[WINDOW_HOUR] = 3600,
	[WINDOW_DAY] = 86400,
};

int64_t
window_left(enum window w, int64_t now)
{
	return seconds[w] - now % seconds[w];
}

enum window
quota_obstacle(const struct quota *q, double weight, const double reserve[WINDOW__MAX])
{
	for (int w = WINDOW__MAX - 1; w >= 0; w--)
		if (q->limit[w] > 0 && q->spent[w] + weight + reserve[w] > q->limit[w] + 1e-6)
			return (enum window)w;
	return WINDOW__MAX;
}

double
quota_day_left(const struct quota *q)
{
	if (q->limit[WINDOW_DAY] <= 0)
		return BUDGET_UNLIMITED;
	return fmax(0, q->limit[WINDOW_DAY] - q->spent[WINDOW_DAY]);
}

/* The hash of the day that now is in, and its fields for now. */
struct book {
	char key[64], hour[16], minute[16];
	const char *fields[WINDOW__MAX];
};

static void
book_open(struct book *b, int64_t now)
{
	char text[CLOCK_TEXT]; /* 2026-11-22T22:15:00Z */

	clock_format(now, text);
	snprintf(b->key, sizeof(b->key), "quota:" QUOTA_PROVIDER ":%.10s", text);
	snprintf(b->hour, sizeof(b->hour), "%.2s", text + 11);
	snprintf(b->minute, sizeof(b->minute), "%.5s", text + 11);
	b->fields[WINDOW_MINUTE] = b->minute;
	b->fields[WINDOW_HOUR] = b->hour;
	b->fields[WINDOW_DAY] = "day";
}

/* Raise what is spent to what Redis says. */
static enum rc
read_redis(struct quota *q, struct run *r, struct arena *a)
{
	struct cache_value values[WINDOW__MAX];
	struct book b = { 0 };
	double spent;
	enum rc rc;

	book_open(&b, run_now(r));
	rc = cache_hash_get(r->cache, r->deadline, a, b.key, WINDOW__MAX, b.fields, values);
	for (int w = 0; w < WINDOW__MAX && rc == RC_OK; w++)
		if (values[w].data != NULL && str_to_num(values[w].data, &spent))
			q->spent[w] = fmax(q->spent[w], spent);
	return rc;
}

static enum rc
read_postgresql(struct quota *q, struct run *r, struct arena *a)
{
	const char *argv[] = { QUOTA_PROVIDER, run_time_text(a, run_now(r)) };
	const struct db_rows *rows;
	enum rc rc = run_query(r, a, QUERY_MS, SQL_QUOTA_SUMS, argv, &rows);

	for (int w = 0; w < WINDOW__MAX && rc == RC_OK; w++)
		q->spent[w] = fmax(q->spent[w], db_num(rows, 0, w));
	return rc;
}

enum rc
quota_load(struct quota *q, struct run *r, struct arena *a)
{
	const struct settings *s = r->settings;
	enum rc redis, postgresql;

	*q = (struct quota){ .limit = { (double)s->quota_minute, (double)s->quota_hour,
				 (double)s->quota_day } };
	redis = read_redis(q, r, a);
	postgresql = read_postgresql(q, r, a);
	for (int w = 0; w < WINDOW__MAX; w++)
		r->tally.spent[w] = q->spent[w];
	return redis == RC_OK || postgresql == RC_OK ? RC_OK : RC_DOWN;
}

enum rc
quota_pay(struct quota *q, struct run *r, struct arena *a, double weight)
{
	const char *argv[] = { QUOTA_PROVIDER, run_time_text(a, run_now(r)),
		arena_printf(a, "%.6f", weight), "1" };
	const struct db_rows *rows;
	struct book b = { 0 };
	enum rc redis, postgresql;

	book_open(&b, run_now(r));
	redis = cache_hash_add(r->cache, r->deadline, b.key, WINDOW__MAX, b.fields, weight, KEEP);
	postgresql = run_query(r, a, QUERY_MS, SQL_QUOTA_ADD, argv, &rows);
	for (int w = 0; w < WINDOW__MAX; w++)
		r->tally.spent[w] = q->spent[w] += weight;
	return redis == RC_OK || postgresql == RC_OK ? RC_OK : RC_DOWN;
}
