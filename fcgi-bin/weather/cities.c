/* SPDX-License-Identifier: ISC
 *
 * The gazetteer.
 */
#include "weather.h"

#include "weather/city.h"
#include "web/limit.h"

#include <math.h>

#define LIMIT_DEFAULT 20
#define MAX_AGE 300 /* seconds; the gazetteer changes with a release, `tracked` with an admin */

static void
put_cities(struct jsonw *w, const char *name, const struct db_rows *rows)
{
	struct city c;

	jsonw_array(w, name);
	for (int i = 0; i < rows->n; i++) {
		city_from_row(rows, i, 0, &c);
		city_json(w, NULL, &c,
		    rows->columns > CITY_COLUMNS ? db_num(rows, i, CITY_COLUMNS) : NAN);
	}
	jsonw_end(w);
}

void
unknown_city(struct req *rq, struct res *rs, const char *text)
{
	const struct weather_app *app = rq->app;
	const char *argv[] = { text };
	const struct db_rows *rows;
	struct jsonw w;

	problem_begin(rq, rs, PROBLEM_UNKNOWN_CITY,
	    arena_printf(rq->arena, "no city is called \"%s\" here", text), &w);
	if (db_query(app->db, rq->deadline, rq->arena, SQL_CITIES_NEAR_MATCHES, argv, &rows) ==
	    RC_OK)
		put_cities(&w, "suggestions", rows);
	problem_end(&w);
}

/* The query that the parameters ask for. */
static enum rc
find_cities(const struct req *rq, const struct db_rows **rows)
{
	const struct value *q = request_value(rq, "q"), *near = request_value(rq, "near");
	const struct value *limit = request_value(rq, "limit");
	const struct weather_app *app = rq->app;
	const char *n = arena_printf(
	    rq->arena, "%lld", limit->given ? (long long)limit->i : LIMIT_DEFAULT);

	if (q->given) {
		const char *argv[] = { q->text, n };

		return db_query(app->db, rq->deadline, rq->arena, SQL_CITIES_SEARCH, argv, rows);
	}
	if (near->given) {
		const char *argv[] = { arena_printf(rq->arena, "%.6f", near->num),
			arena_printf(rq->arena, "%.6f", near->lon), n };

		return db_query(app->db, rq->deadline, rq->arena, SQL_CITIES_NEAR, argv, rows);
	}
	return db_query(app->db, rq->deadline, rq->arena, SQL_CITIES_BY_POPULATION, &n, rows);
}

enum rc
weather_cities(struct req *rq, struct res *rs)
{
	struct jsonw w = JSONW_INIT(&rs->body);
	const struct db_rows *rows;
	enum rc rc;

	if (request_value(rq, "q")->given && request_value(rq, "near")->given)
		return request_reject(rq, "near", "cannot be combined with q");
	if ((rc = limit_count(rq)) != RC_OK || (rc = find_cities(rq, &rows)) != RC_OK)
		return rc;
	jsonw_object(&w, NULL);
	put_cities(&w, "items", rows);
	jsonw_end(&w);
	rs->max_age = MAX_AGE;
	return RC_OK;
}

enum rc
weather_city(struct req *rq, struct res *rs)
{
	const struct weather_app *app = rq->app;
	struct jsonw w = JSONW_INIT(&rs->body);
	const char *argv[] = { rq->segment };
	const struct db_rows *rows;
	struct city c;
	enum rc rc = limit_count(rq);

	if (rc != RC_OK)
		return rc;
	rc = db_query(app->db, rq->deadline, rq->arena, SQL_CITY_BY_SLUG, argv, &rows);
	if (rc != RC_OK)
		return rc;
	if (rows->n == 0) {
		unknown_city(rq, rs, rq->segment);
		return RC_OK;
	}
	city_from_row(rows, 0, 0, &c);
	city_json(&w, NULL, &c, NAN);
	rs->max_age = MAX_AGE;
	return RC_OK;
}
