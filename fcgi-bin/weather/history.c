/* SPDX-License-Identifier: ISC
 *
 * What the weather was: pages by keyset, out of PostgreSQL. Only the page that everybody looks at, the last day of
 * observations, is kept in Redis; the ingest deletes it when it has new ones.
 */
#include "bodies.h"
#include "cursor.h"
#include "demand.h"
#include "place.h"
#include "weather/history.h"
#include "web/limit.h"

#include <string.h>

#define LIMIT_DEFAULT 96
#define PAGE1_TTL 3600 /* seconds */
#define BODY_MAX ((size_t)1024 * 1024)
#define MAX_AGE 30 /* seconds, where it isn't known when the city's next data come */
#define DAY INT64_C(86400)
#define YEAR_1 INT64_C(-62135596800) /* UNIX seconds */

/* What is asked for. */
struct question {
	struct req *rq;
	const char *slug;
	enum interval interval;
	enum format format;
	struct present present;
	int64_t from, to; /* UNIX seconds; to itself is left out */
	int limit;
	struct current *current; /* the city's, where Redis had it; NULL */
	const char *page1_key; /* where the answer is to be kept; NULL: nowhere */
	const char *link; /* comes back: the header Link, where the body has no room for it */
};

static enum rc
read_cursor(struct question *q)
{
	const struct value *from = request_value(q->rq, "from"), *to = request_value(q->rq, "to");
	struct cursor c = { .slug = q->slug, .interval = (int)q->interval };

	if (!cursor_read(request_value(q->rq, "cursor")->text, &c))
		return request_reject(q->rq, "cursor", "is not one for this city and interval");
	if (from->given && q->from != c.from)
		return request_reject(q->rq, "from", "is not what the cursor was made with");
	if (to->given && q->to < c.to)
		return request_reject(q->rq, "to", "is not what the cursor was made with");
	q->from = c.from;
	q->to = c.to;
	return RC_OK;
}

static enum rc
read_range(struct question *q)
{
	static const int64_t span[INTERVAL__MAX] = { DAY, 7 * DAY, 30 * DAY };
	const struct value *from = request_value(q->rq, "from"), *to = request_value(q->rq, "to");

	q->to = to->given ? to->i : clock_now() + 1;
	q->from = from->given ? from->i : q->to - span[q->interval];
	if (q->from < YEAR_1)
		q->from = YEAR_1;
	if (request_value(q->rq, "cursor")->given)
		return read_cursor(q);
	if (q->from >= q->to)
		return request_reject(q->rq, "from",
		    to->given ? "must be before to" : "must be in the past, where to isn't given");
	return RC_OK;
}

static bool
is_page1(const struct question *q)
{
	return q->interval == INTERVAL_RAW && q->format == FORMAT_JSON &&
	       q->limit == LIMIT_DEFAULT && q->present.units == present_default.units &&
	       q->present.lang == present_default.lang && !request_value(q->rq, "from")->given &&
	       !request_value(q->rq, "to")->given && !request_value(q->rq, "cursor")->given;
}

static enum rc
read_question(struct req *rq, struct question *q)
{
	static const enum format formats[] = { FORMAT_JSON, FORMAT_CSV };
	const struct value *limit = request_value(rq, "limit");

	*q = (struct question){
		.rq = rq,
		.slug = request_value(rq, "city")->text,
		.interval = (enum interval)request_value(rq, "interval")->i,
		.format = formats[request_value(rq, "format")->i],
		.present = place_viewer(rq).present,
		.limit = limit->given ? (int)limit->i : LIMIT_DEFAULT,
	};
	return read_range(q);
}

/* The city, from its current weather where that is at hand. RC_NOTFOUND where there is no such city. */
static enum rc
find_city(const struct question *q, struct city *c, bool *served)
{
	const struct weather_app *app = q->rq->app;
	const struct db_rows *rows;
	enum rc rc;

	*served = true;
	if (q->current != NULL) {
		*c = q->current->city;
		return RC_OK;
	}
	rc = db_query(app->db, q->rq->deadline, q->rq->arena, SQL_CITY_SERVED, &q->slug, &rows);
	if (rc != RC_OK || rows->n == 0)
		return rc != RC_OK ? rc : RC_NOTFOUND;
	city_from_row(rows, 0, 0, c);
	*served = db_bool(rows, 0, CITY_COLUMNS);
	return RC_OK;
}

/* One row more than fits: it tells whether there is another page. */
static enum rc
find_rows(const struct question *q, struct history *h)
{
	static const enum sql queries[INTERVAL__MAX] = { SQL_HISTORY_RAW, SQL_HISTORY_HOUR,
		SQL_HISTORY_DAY };
	const struct weather_app *app = q->rq->app;
	struct arena *a = q->rq->arena;
	const char *argv[] = { q->slug, arena_printf(a, "%lld", (long long)q->from),
		arena_printf(a, "%lld", (long long)q->to), arena_printf(a, "%d", q->limit + 1) };
	struct cursor next = { .slug = q->slug, .interval = (int)q->interval, .from = q->from };
	enum rc rc = db_query(app->db, q->rq->deadline, a, queries[q->interval], argv, &h->rows);

	if (rc != RC_OK)
		return rc;
	h->interval = q->interval;
	h->n = h->rows->n;
	if (h->n <= q->limit)
		return RC_OK;
	h->n = q->limit;
	next.to = history_time(h->rows, h->n - 1);
	h->next = cursor_write(a, &next);
	return h->next != NULL ? RC_OK : RC_NOMEM;
}

/* CSV has no room for the attribution, nor for where the next page is. */
static const char *
make_link(const struct question *q, const char *next)
{
	static const char *const intervals[INTERVAL__MAX] = { "raw", "hour", "day" };

	if (next == NULL)
		return quantity_link;
	return arena_printf(q->rq->arena,
	    "%s, <?city=%s&interval=%s&limit=%d&units=%s&lang=%s&format=csv&cursor=%s>; "
	    "rel=\"next\"",
	    quantity_link, q->slug, intervals[q->interval], q->limit,
	    q->present.units == UNITS_METRIC ? "metric" : "imperial",
	    q->present.lang == LANG_EN ? "en" : "id", next);
}

static enum rc
write_page(struct question *q, const struct history *h, struct finding *out)
{
	struct buf b = BUF_INIT(BODY_MAX);
	struct jsonw w = JSONW_INIT(&b);

	if (q->format == FORMAT_CSV) {
		history_csv(&b, h, &q->present);
		q->link = make_link(q, h->next);
	} else {
		history_json(&w, h, &q->present);
	}
	out->kind = FOUND;
	out->len = b.len;
	out->body = buf_ok(&b) ? arena_strndup(q->rq->arena, b.p, b.len) : NULL;
	buf_free(&b);
	return out->body != NULL ? RC_OK : RC_NOMEM;
}

/* A page out of PostgreSQL; flight_join()'s filler for the one that is kept. */
static enum rc
fill(void *arg, struct finding *out)
{
	struct question *q = arg;
	const struct weather_app *app = q->rq->app;
	struct cache_item item = { .key = q->page1_key, .ttl = PAGE1_TTL };
	struct history h = { 0 };
	bool served;
	enum rc rc = find_city(q, &h.city, &served);

	if (rc == RC_NOTFOUND) {
		out->kind = UNKNOWN_CITY;
		return RC_OK;
	}
	if (rc != RC_OK || (rc = find_rows(q, &h)) != RC_OK)
		return rc;
	if (h.n == 0 && !served) { /* what was collected once is shown for ever */
		out->kind = NOT_TRACKED;
		return RC_OK;
	}
	if ((rc = write_page(q, &h, out)) != RC_OK || item.key == NULL)
		return rc;
	item.data = out->body;
	item.len = out->len;
	/* Without Redis the next miss comes here again. */
	(void)cache_set(app->cache, q->rq->deadline, 1, &item);
	return RC_OK;
}

/* Whether an observation of the page's day is not on it. The ingest deletes the page when it has stored a new one, but
 * who missed it right then may have made it of a replica that did not have that yet. */
static bool
is_behind(const struct finding *page, const struct finding *current)
{
	int64_t newest, observed_at;

	if (!current_observed_at(current->body, current->len, &observed_at) ||
	    observed_at <= clock_now() - DAY)
		return false;
	return !current_observed_at(page->body, page->len, &newest) || newest < observed_at;
}

/* Look into Redis: for the page, if it is the one that is kept there, and for the city's current weather, which tells
 * when there is something new. */
static enum rc
look(struct question *q, struct finding *page, struct finding *current)
{
	const char *keys[2] = { current_key(q->rq->arena, q->slug),
		history_page1_key(q->rq->arena, q->slug) };
	struct cache_value values[2] = { 0 };
	int n = is_page1(q) ? 2 : 1;
	enum rc rc;

	if (keys[0] == NULL || keys[1] == NULL)
		return RC_NOMEM;
	if ((rc = limit_read(q->rq, n, keys, values)) != RC_OK)
		return rc;
	if (n == 2)
		q->page1_key = keys[1];
	*current = (struct finding){ FOUND, values[0].data, values[0].len };
	*page = (struct finding){ FOUND, values[1].data, values[1].len };
	if (current->body == NULL)
		return RC_OK;
	if (page->body != NULL && !is_behind(page, current))
		return RC_OK;
	page->body = NULL;
	if ((q->current = arena_alloc(q->rq->arena, sizeof(*q->current))) == NULL)
		return RC_NOMEM;
	if (current_parse(q->rq->arena, current->body, current->len, q->current) != RC_OK)
		q->current = NULL;
	return RC_OK;
}

static enum rc
find_page(struct question *q, struct finding *page, struct finding *current)
{
	const struct weather_app *app = q->rq->app;
	enum rc rc;

	if (!bodies_is_slug(q->slug)) {
		page->kind = UNKNOWN_CITY;
		return limit_count(q->rq);
	}
	rc = look(q, page, current);
	if (rc != RC_OK || page->body != NULL)
		return rc;
	if (q->page1_key == NULL)
		return fill(q, page);
	return flight_join(
	    app->flights, q->page1_key, q->rq->deadline, q->rq->arena, fill, q, page);
}

enum rc
weather_history(struct req *rq, struct res *rs)
{
	const struct weather_app *app = rq->app;
	struct finding page = { 0 }, current = { 0 };
	struct question q;
	enum rc rc = read_question(rq, &q);

	if (rc == RC_OK)
		rc = find_page(&q, &page, &current);
	if (rc != RC_OK)
		return rc;
	if (page.kind != UNKNOWN_CITY)
		demand_note(app->demand, q.slug);
	if (page.kind != FOUND) {
		place_no_weather(rq, rs, q.slug, &page);
		return RC_OK;
	}
	rs->max_age = MAX_AGE;
	if (current.body != NULL)
		place_freshness(app->settings, &current, rs);
	place_head(rq, rs, q.format);
	rs->link = q.link;
	buf_add(&rs->body, page.body, page.len);
	return RC_OK;
}
