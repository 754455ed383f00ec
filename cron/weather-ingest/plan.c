/* SPDX-License-Identifier: ISC
 *
 * The plan of a run. Open-Meteo's free quota is 10,000 a day, where a place with up to ten variables weighs
 * 1, however many places share a request.
 */
#include "plan.h"

#include "base/log.h"
#include "fetch.h"

#include <stdio.h>
#include <string.h>

#define QUERY_MS 30000
#define DAY 86400

static enum rc
query(const struct run *r, struct db *db, struct arena *a, enum sql id, const char *const argv[],
    const struct db_rows **rows)
{
	return db_query(db, run_within(r, QUERY_MS), a, id, argv, rows);
}

/* Tell an unknown city from one that is only not tracked. */
static enum rc
explain_absence(const struct run *r, struct db *db, struct arena *a, const char *slug)
{
	const struct db_rows *rows;
	enum rc rc = query(r, db, a, SQL_CITY_BY_SLUG, &slug, &rows);

	if (rc != RC_OK)
		return rc;
	log_event(LOG_LEVEL_ERROR, rows->n == 0 ? "no such city" : "the city is not tracked",
	    LOG_WITH(log_s("city", slug)));
	return RC_NOTFOUND;
}

enum rc
plan_load(struct plan *p, const struct run *r, struct db *db, struct arena *a, const char *slug)
{
	const struct db_rows *rows;
	struct place *places;
	enum rc rc;

	*p = (struct plan){ .batch_size = (int)r->settings->ingest_batch };
	if ((rc = query(r, db, a, SQL_CITIES_TRACKED, NULL, &rows)) != RC_OK)
		return rc;
	if ((places = arena_alloc(a, ((size_t)rows->n + 1) * sizeof(*places))) == NULL)
		return RC_NOMEM;
	for (int i = 0; i < rows->n; i++) {
		struct place *pl = &places[p->n];

		pl->id = db_text(rows, i, 0);
		city_from_row(rows, i, 1, &pl->city);
		p->n += slug == NULL || strcmp(slug, pl->city.slug) == 0;
	}
	p->places = places;
	return slug != NULL && p->n == 0 ? explain_absence(r, db, a, slug) : RC_OK;
}

int
plan_batches(const struct plan *p)
{
	return (p->n + p->batch_size - 1) / p->batch_size;
}

struct batch
plan_batch(const struct plan *p, int i)
{
	int first = i * p->batch_size;
	int left = p->n - first;

	return (
	    struct batch){ i + 1, &p->places[first], left < p->batch_size ? left : p->batch_size };
}

int
plan_weight(int n)
{
	_Static_assert(Q__MAX <= 10, "above ten variables a place weighs more than 1");
	return n;
}

enum rc
plan_print(const struct plan *p, const struct settings *s, struct arena *scratch)
{
	long long runs = DAY / s->ingest_interval;

	printf("%d places in %d requests, weight %d; at %lld runs a day %lld a day\n", p->n,
	    plan_batches(p), plan_weight(p->n), runs, runs * plan_weight(p->n));
	for (int i = 0; i < plan_batches(p); i++) {
		struct batch b = plan_batch(p, i);
		const char *url = upstream_url(scratch, s, &b, NULL);

		if (url == NULL)
			return RC_NOMEM;
		printf("request %d: %d places, weight %d, %s to %s\n%s\n", b.number, b.n,
		    plan_weight(b.n), b.places[0].city.slug, b.places[b.n - 1].city.slug, url);
		arena_reset(scratch);
	}
	return RC_OK;
}
