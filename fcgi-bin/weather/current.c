/* SPDX-License-Identifier: ISC
 *
 * Current weather. The canonical body is copied out as it is; other units, languages and formats are made of it.
 */
#include "bodies.h"
#include "place.h"

#include <math.h>
#include <string.h>

#define CITIES_MAX 50

/* What is asked for. */
struct question {
	int n;
	struct body bodies[CITIES_MAX];
	bool list; /* as a list, even of one */
	double distance_km; /* NAN: no point was asked for */
};

/* Name each city of the list that has no weather; the first one decides which problem it is. */
static void
reject_missing(struct req *rq, struct res *rs, const struct question *q, int first)
{
	static const char *const why[] = { [UNKNOWN_CITY] = "no such city",
		[NOT_TRACKED] = "not tracked",
		[NO_DATA_YET] = "not collected yet" };

	for (int i = first; i < q->n && q->list; i++)
		if (q->bodies[i].found.kind != FOUND)
			request_reject(rq, "cities",
			    arena_printf(rq->arena, "%s: %s", q->bodies[i].slug,
				why[q->bodies[i].found.kind]));
	place_no_weather(rq, rs, q->bodies[first].slug, &q->bodies[first].found);
}

static enum rc
copy_bodies(struct res *rs, const struct question *q)
{
	struct jsonw w = JSONW_INIT(&rs->body);

	if (!q->list) {
		buf_add(&rs->body, q->bodies[0].found.body, q->bodies[0].found.len);
		place_add_distance(rs, q->distance_km);
		return RC_OK;
	}
	jsonw_object(&w, NULL);
	jsonw_array(&w, "items");
	for (int i = 0; i < q->n; i++)
		jsonw_raw(&w, NULL, q->bodies[i].found.body, q->bodies[i].found.len);
	jsonw_end(&w);
	jsonw_end(&w);
	return RC_OK;
}

static void
write_json(
    struct res *rs, const struct question *q, const struct current list[], const struct viewer *v)
{
	struct jsonw w = JSONW_INIT(&rs->body);

	if (q->list) {
		jsonw_object(&w, NULL);
		jsonw_array(&w, "items");
	}
	for (int i = 0; i < q->n; i++)
		current_json(&w, &list[i], v->settings, v->now, &v->present);
	place_add_distance(rs, q->distance_km);
	while (w.depth > 0)
		jsonw_end(&w);
}

/* Make the answer of what the bodies hold. */
static enum rc
render(struct req *rq, struct res *rs, const struct question *q, enum format format,
    const struct viewer *v)
{
	struct current *list = arena_alloc(rq->arena, (size_t)q->n * sizeof(*list));
	enum rc rc = list != NULL ? RC_OK : RC_NOMEM;

	for (int i = 0; i < q->n && rc == RC_OK; i++)
		rc = current_parse(
		    rq->arena, q->bodies[i].found.body, q->bodies[i].found.len, &list[i]);
	if (rc != RC_OK)
		return rc;
	switch (format) {
	case FORMAT_TEXT:
		for (int i = 0; i < q->n; i++)
			face_text_current(&rs->body, &list[i], q->distance_km, v);
		break;
	case FORMAT_CSV: face_csv_current(&rs->body, q->n, list, q->distance_km, v); break;
	case FORMAT_PROMETHEUS: face_prometheus_current(&rs->body, q->n, list, v); break;
	default: write_json(rs, q, list, v);
	}
	return RC_OK;
}

/* Which bodies the parameters ask for. */
static enum rc
ask(struct req *rq, struct question *q)
{
	const struct value *city = request_value(rq, "city"), *cities = request_value(rq, "cities");
	struct city nearest = { 0 };
	enum rc rc = RC_OK;

	q->n = 1;
	q->distance_km = NAN;
	if (cities->given) {
		q->n = cities->n;
		q->list = true;
	} else if (!city->given) {
		rc = place_nearest(rq, &nearest, &q->distance_km);
	}
	for (int i = 0; i < q->n; i++)
		q->bodies[i].slug = q->list       ? cities->list[i]
				    : city->given ? city->text
						  : nearest.slug;
	return rc;
}

enum rc
weather_current(struct req *rq, struct res *rs)
{
	const struct weather_app *app = rq->app;
	enum format format = place_format(rq);
	struct viewer v = place_viewer(rq);
	struct question q = { 0 };
	int have = 0;
	enum rc rc;

	if ((rc = place_check(rq)) == RC_OK && (rc = ask(rq, &q)) == RC_NOTFOUND)
		return place_none_tracked(rq, rs);
	if (rc == RC_OK)
		rc = bodies_read(rq, q.n, q.bodies);
	if (rc != RC_OK)
		return rc;
	while (have < q.n && q.bodies[have].found.kind == FOUND)
		place_freshness(app->settings, &q.bodies[have++].found, rs);
	if (have < q.n) {
		reject_missing(rq, rs, &q, have);
		return RC_OK;
	}
	place_head(rq, rs, format);
	return place_is_canonical(format, &v.present) ? copy_bodies(rs, &q)
						      : render(rq, rs, &q, format, &v);
}
