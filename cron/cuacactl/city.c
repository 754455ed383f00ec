/* SPDX-License-Identifier: ISC
 *
 * cuacactl city: which cities are served, which could be, and which are to be. What a day of them costs is
 * weather/price's business.
 */
#include "weather/city.h"

#include "commands.h"
#include "format.h"
#include "table.h"
#include "drivers/cache.h"
#include "weather/current.h"
#include "weather/forecast.h"
#include "weather/history.h"
#include "weather/price.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEARCH_LIMIT 10
#define WANTED_LIMIT 20
#define CACHE_MS 2000

/* Columns of the queries ingest_places and demand_wanted behind id and CITY9. */
enum {
	REQUESTS = 1 + CITY_COLUMNS,
	GRANTED_UNTIL,
	OBSERVED_AT,
	COLLECTED_AT,
	FORECAST_COLLECTED_AT
};
enum { WANTED_AT = 1 + CITY_COLUMNS + 1, WANTED_GRANTED_UNTIL };

static const char *
place_name(struct ctl *ctl, const struct city *c)
{
	const char *text = c->admin1 == NULL
			       ? arena_printf(ctl->arena, "%s, %s", c->name, c->country)
			       : arena_printf(
				     ctl->arena, "%s, %s, %s", c->name, c->admin1, c->country);

	return text != NULL ? text : c->name;
}

static void
put_time_or_null(struct jsonw *w, const char *name, int64_t unix_s)
{
	if (unix_s == 0)
		jsonw_string(w, name, NULL);
	else
		jsonw_time(w, name, unix_s);
}

static void
time_cell(struct table *t, int64_t unix_s)
{
	char text[FORMAT_TEXT];

	table_cell(t, "%s", format_time(unix_s, text));
}

static void
put_served(struct jsonw *w, const struct db_rows *rows, int i)
{
	struct city c;

	city_from_row(rows, i, 1, &c);
	jsonw_object(w, NULL);
	city_json(w, "city", &c, NAN);
	jsonw_num(w, "requests", db_num(rows, i, REQUESTS), 3);
	put_time_or_null(w, "granted_until", db_int(rows, i, GRANTED_UNTIL));
	put_time_or_null(w, "observed_at", db_int(rows, i, OBSERVED_AT));
	put_time_or_null(w, "collected_at", db_int(rows, i, COLLECTED_AT));
	put_time_or_null(w, "forecast_collected_at", db_int(rows, i, FORECAST_COLLECTED_AT));
	jsonw_end(w);
}

static void
print_served(struct ctl *ctl, struct table *t, const struct db_rows *rows, int i)
{
	char until[FORMAT_TEXT];
	struct city c;

	city_from_row(rows, i, 1, &c);
	table_cell(t, "%s", c.slug);
	table_cell(t, "%s", place_name(ctl, &c));
	if (c.tracked)
		table_cell(t, "tracked");
	else
		table_cell(t, "until %s", format_time(db_int(rows, i, GRANTED_UNTIL), until));
	time_cell(t, db_int(rows, i, OBSERVED_AT));
	time_cell(t, db_int(rows, i, COLLECTED_AT));
	time_cell(t, db_int(rows, i, FORECAST_COLLECTED_AT));
	table_cell(t, "%.1f", db_num(rows, i, REQUESTS));
}

static void
put_wanted(struct jsonw *w, const struct db_rows *rows, int i)
{
	struct city c;

	city_from_row(rows, i, 1, &c);
	jsonw_object(w, NULL);
	city_json(w, "city", &c, NAN);
	jsonw_num(w, "requests", db_num(rows, i, REQUESTS), 3);
	put_time_or_null(w, "wanted_at", db_int(rows, i, WANTED_AT));
	put_time_or_null(w, "granted_until", db_int(rows, i, WANTED_GRANTED_UNTIL));
	jsonw_end(w);
}

static void
print_wanted(struct ctl *ctl, struct table *t, const struct db_rows *rows, int i)
{
	struct city c;

	city_from_row(rows, i, 1, &c);
	table_cell(t, "%s", c.slug);
	table_cell(t, "%s", place_name(ctl, &c));
	table_cell(t, "%.1f", db_num(rows, i, REQUESTS));
	time_cell(t, db_int(rows, i, WANTED_AT));
	time_cell(t, db_int(rows, i, WANTED_GRANTED_UNTIL));
}

static void
put_found(struct jsonw *w, const struct db_rows *rows, int i)
{
	struct city c;

	city_from_row(rows, i, 0, &c);
	city_json(w, NULL, &c, NAN);
}

static void
print_found(struct ctl *ctl, struct table *t, const struct db_rows *rows, int i)
{
	struct city c;

	city_from_row(rows, i, 0, &c);
	table_cell(t, "%s", c.slug);
	table_cell(t, "%s", place_name(ctl, &c));
	table_cell(t, "%" PRId64, c.population);
	table_cell(t, "%s", c.timezone);
	table_cell(t, "%s", c.tracked ? "yes" : "no");
}

/* Rows of a query, one of the ways above. */
struct listing {
	int ncolumns;
	struct column columns[TABLE_COLUMNS];
	void (*put)(struct jsonw *w, const struct db_rows *rows, int i);
	void (*print)(struct ctl *ctl, struct table *t, const struct db_rows *rows, int i);
};

static int
show(struct ctl *ctl, const struct listing *l, const struct db_rows *rows)
{
	struct buf out = BUF_INIT(CTL_OUTPUT_MAX);
	struct jsonw w = JSONW_INIT(&out);
	struct table *t;

	if ((ctl->options & OPT_JSON) != 0) {
		jsonw_object(&w, NULL);
		jsonw_array(&w, "items");
		for (int i = 0; i < rows->n; i++)
			l->put(&w, rows, i);
		jsonw_end(&w);
		jsonw_end(&w);
		return ctl_print(&out);
	}
	t = table_new(ctl->arena, l->ncolumns, l->columns);
	for (int i = 0; i < rows->n; i++)
		l->print(ctl, t, rows, i);
	return table_print(t);
}

/* Rows of ingest_places, by slug. */
static int
compare_slugs(const void *a, const void *b)
{
	char *const *one = a, *const *other = b;

	return strcmp(one[1], other[1]);
}

int
cmd_city_list(struct ctl *ctl)
{
	static const struct listing listing = { 7,
		{ { "CITY", false }, { "NAME", false }, { "SERVED", false }, { "OBSERVED", false },
		    { "COLLECTED", false }, { "FORECAST", false }, { "REQUESTS", true } },
		put_served, print_served };
	const char *argv[] = { ctl_int(ctl, ctl->now) };
	const struct db_rows *rows;
	enum rc rc = ctl_query(ctl, SQL_INGEST_PLACES, argv, &rows);

	if (rc != RC_OK)
		return ctl_failed(rc);
	qsort(rows->values, (size_t)rows->n, (size_t)rows->columns * sizeof(char *), compare_slugs);
	return show(ctl, &listing, rows);
}

int
cmd_city_wanted(struct ctl *ctl)
{
	static const struct listing listing = { 5,
		{ { "CITY", false }, { "NAME", false }, { "REQUESTS", true }, { "LAST", false },
		    { "SERVED UNTIL", false } },
		put_wanted, print_wanted };
	const char *argv[] = { ctl_int(ctl, ctl->limit != 0 ? ctl->limit : WANTED_LIMIT),
		ctl_int(ctl, ctl->now) };
	const struct db_rows *rows;
	enum rc rc = ctl_query(ctl, SQL_DEMAND_WANTED, argv, &rows);

	return rc == RC_OK ? show(ctl, &listing, rows) : ctl_failed(rc);
}

/* The operands as one text: city search new york. */
static const char *
join_operands(struct ctl *ctl)
{
	const char *text = ctl->argv[0];

	for (int i = 1; i < ctl->argc && text != NULL; i++)
		text = arena_printf(ctl->arena, "%s %s", text, ctl->argv[i]);
	return text;
}

int
cmd_city_search(struct ctl *ctl)
{
	static const struct listing listing = { 5,
		{ { "CITY", false }, { "NAME", false }, { "POPULATION", true },
		    { "TIMEZONE", false }, { "TRACKED", false } },
		put_found, print_found };
	const char *argv[] = { join_operands(ctl),
		ctl_int(ctl, ctl->limit != 0 ? ctl->limit : SEARCH_LIMIT) };
	const struct db_rows *rows;
	enum rc rc = ctl_query(ctl, SQL_CITIES_SEARCH, argv, &rows);

	return rc == RC_OK ? show(ctl, &listing, rows) : ctl_failed(rc);
}

/* "no city is called jakarto; near to that: jakarta, jayapura" */
static void
say_unknown(struct ctl *ctl, const char *slug)
{
	const struct db_rows *rows;
	struct buf near = BUF_INIT(1024);

	if (ctl_query(ctl, SQL_CITIES_NEAR_MATCHES, &slug, &rows) == RC_OK)
		for (int i = 0; i < rows->n; i++)
			buf_printf(&near, "%s%s", i > 0 ? ", " : "", db_text(rows, i, 0));
	if (near.len > 0)
		ctl_say("no city is called \"%s\"; similar: %s", slug, near.p);
	else
		ctl_say("no city is called \"%s\"; cuacactl city search finds them", slug);
	buf_free(&near);
}

/* The cities of the operands, in their order; each is there only once. Says so where one is unknown, and goes on
 * to the next. The exit code. */
static int
load_operands(struct ctl *ctl, struct city **out, int *n)
{
	struct city *cities = arena_alloc(ctl->arena, (size_t)ctl->argc * sizeof(*cities));
	int code = EXIT_DONE;

	*n = 0;
	if ((*out = cities) == NULL)
		return ctl_failed(RC_NOMEM);
	for (int i = 0; i < ctl->argc; i++) {
		const char *slug = ctl->argv[i];
		const struct db_rows *rows;
		enum rc rc = ctl_query(ctl, SQL_CITY_BY_SLUG, &slug, &rows);
		bool repeated = false;

		if (rc != RC_OK)
			return ctl_failed(rc);
		if (rows->n == 0) {
			say_unknown(ctl, slug);
			code = EXIT_USAGE;
			continue;
		}
		for (int j = 0; j < *n; j++)
			repeated = repeated || strcmp(cities[j].slug, slug) == 0;
		if (!repeated)
			city_from_row(rows, 0, 0, &cities[(*n)++]);
	}
	return code;
}

/* Refuse what the day's quota has no room for, unless --force; the exit code. */
static int
weigh(struct ctl *ctl, int64_t tracked, int64_t more)
{
	const struct settings *s = ctl->settings;
	struct price_day day = price_day(s, tracked + more);
	const char *price = format_price(ctl->arena, s, tracked + more);

	if (more == 0 || price_fits(&day, s))
		return EXIT_DONE;
	if (price == NULL)
		return ctl_failed(RC_NOMEM);
	if ((ctl->options & OPT_FORCE) != 0) {
		ctl_say("more than a day has: %s, and quota_day is %" PRId64
			"; the ingest will leave some out",
		    price, s->quota_day);
		return EXIT_DONE;
	}
	ctl_say("not tracked, since the day's quota has no room: %s, and quota_day is %" PRId64
		" (%" PRId64 " are tracked now; --force does it all the same)",
	    price, s->quota_day, tracked);
	return EXIT_USAGE;
}

static int
weigh_cities(struct ctl *ctl, const struct city cities[], int n)
{
	const struct db_rows *rows;
	enum rc rc = ctl_query(ctl, SQL_READY, NULL, &rows);
	int more = 0;

	if (rc != RC_OK)
		return ctl_failed(rc);
	for (int i = 0; i < n; i++)
		more += !cities[i].tracked;
	return weigh(ctl, db_int(rows, 0, 2), more);
}

static void
put_change(struct jsonw *w, const struct city *c, bool tracked)
{
	struct city after = *c;

	after.tracked = tracked;
	jsonw_object(w, NULL);
	city_json(w, "city", &after, NAN);
	jsonw_bool(w, "changed", c->tracked != tracked);
	jsonw_end(w);
}

static void
print_change(struct ctl *ctl, const struct city *c, bool tracked)
{
	printf("%s: %s %s (%s)\n", c->slug, c->tracked == tracked ? "already" : "now",
	    tracked ? "tracked" : "not tracked", place_name(ctl, c));
}

/* Track the cities, or stop it, and show what has changed. */
static int
set_tracked(struct ctl *ctl, const struct city cities[], int n, bool tracked)
{
	bool json = (ctl->options & OPT_JSON) != 0;
	struct buf out = BUF_INIT(CTL_OUTPUT_MAX);
	struct jsonw w = JSONW_INIT(&out);

	jsonw_object(&w, NULL);
	jsonw_array(&w, "items");
	for (int i = 0; i < n; i++) {
		const char *argv[] = { cities[i].slug, tracked ? "t" : "f" };
		const struct db_rows *rows;
		enum rc rc = ctl_query(ctl, SQL_CITY_TRACK, argv, &rows);

		if (rc != RC_OK) {
			buf_free(&out);
			return ctl_failed(rc);
		}
		if (json)
			put_change(&w, &cities[i], tracked);
		else
			print_change(ctl, &cities[i], tracked);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	if (json)
		return ctl_print(&out);
	buf_free(&out);
	return ctl_written();
}

int
cmd_city_track(struct ctl *ctl)
{
	struct city *cities;
	int n, code = load_operands(ctl, &cities, &n);

	if (code == EXIT_DONE)
		code = weigh_cities(ctl, cities, n);
	return code == EXIT_DONE ? set_tracked(ctl, cities, n, true) : code;
}

/* Take a city's bodies from Redis, so that the API asks PostgreSQL whether it is still served. Without Redis they
 * go by themselves. */
static void
forget_bodies(struct ctl *ctl, const struct city cities[], int n)
{
	struct cache *cache = cache_open(ctl->settings);
	struct arena *a = ctl->arena;

	for (int i = 0; i < n && cache != NULL; i++) {
		const struct cache_item items[] = { { .key = current_key(a, cities[i].slug) },
			{ .key = current_last_key(a, cities[i].slug) },
			{ .key = forecast_key(a, cities[i].slug) },
			{ .key = history_page1_key(a, cities[i].slug) } };

		for (int k = 0; k < 4; k++)
			if (items[k].key == NULL)
				goto out;
		if (cache_set(cache, deadline_in(CACHE_MS), 4, items) != RC_OK)
			goto out;
	}
out:
	cache_close(cache);
}

int
cmd_city_untrack(struct ctl *ctl)
{
	struct city *cities;
	int n, code = load_operands(ctl, &cities, &n);

	if (code == EXIT_DONE)
		code = set_tracked(ctl, cities, n, false);
	if (code == EXIT_DONE)
		forget_bodies(ctl, cities, n);
	return code;
}
