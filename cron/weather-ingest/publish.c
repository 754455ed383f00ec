/* SPDX-License-Identifier: ISC
 *
 * Write-through to Redis, events to NATS: one round trip to each for a batch.
 */
#include "publish.h"

#include "base/buf.h"
#include "base/log.h"
#include "drivers/bus.h"
#include "drivers/cache.h"
#include "weather/history.h"

#include <stdlib.h>

#define BODY_MAX 16384
#define LAST_TTL ((int64_t)2 * 86400) /* of the body for who watches */
#define FORECAST_MAX 262144

/* What Redis has of a city: its body, the same for who watches it, a page of its history that is old now. */
enum { ITEM_CURRENT, ITEM_LAST, ITEM_PAGE1, ITEMS };

struct publisher {
	struct run *run;
	struct bus *bus;
};

struct publisher *
publisher_open(struct run *r)
{
	struct publisher *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->run = r;
	p->bus = bus_open(r->settings, "weather-ingest");
	if (p->bus != NULL)
		return p;
	publisher_close(p);
	return NULL;
}

void
publisher_close(struct publisher *p)
{
	if (p == NULL)
		return;
	bus_close(p->bus);
	free(p);
}

/* Keys, bodies and life times of one city. Chats show the last weather there was, however old. */
static enum rc
make_items(
    const struct run *r, struct arena *a, const struct current *c, struct cache_item item[ITEMS])
{
	struct buf b = BUF_INIT(BODY_MAX);
	struct jsonw w = JSONW_INIT(&b);
	int64_t now = run_now(r);

	current_json(&w, c, r->settings, now, &present_default);
	item[ITEM_CURRENT] = (struct cache_item){
		.key = current_key(a, c->city.slug),
		.data = buf_ok(&b) ? arena_strndup(a, b.p, b.len) : NULL,
		.len = b.len,
		.ttl = current_ttl(c, r->settings, now),
	};
	buf_free(&b);
	item[ITEM_LAST] = item[ITEM_CURRENT];
	item[ITEM_LAST].key = current_last_key(a, c->city.slug);
	item[ITEM_LAST].ttl = LAST_TTL;
	item[ITEM_PAGE1] = (struct cache_item){ .key = history_page1_key(a, c->city.slug) };
	return item[ITEM_CURRENT].key != NULL && item[ITEM_CURRENT].data != NULL &&
		       item[ITEM_LAST].key != NULL && item[ITEM_PAGE1].key != NULL
		   ? RC_OK
		   : RC_NOMEM;
}

static enum rc
send_events(struct bus *bus, struct arena *a, int n, const struct current fresh[],
    struct cache_item items[][ITEMS])
{
	enum rc rc = RC_OK;

	for (int i = 0; i < n && rc == RC_OK; i++) {
		const char *subject = arena_printf(a, "weather.updated.%s", fresh[i].city.slug);

		rc = subject != NULL ? bus_publish(bus, subject, items[i][ITEM_CURRENT].data,
					   items[i][ITEM_CURRENT].len)
				     : RC_NOMEM;
	}
	return rc == RC_OK ? bus_flush(bus) : rc;
}

static bool
is_away(const char *peer, enum rc rc)
{
	if (rc != RC_OK)
		log_event(LOG_LEVEL_WARN, "published no further",
		    LOG_WITH(log_s("peer", peer), log_s("reason", rc_name(rc))));
	return rc != RC_OK;
}

void
publish_batch(struct publisher *p, struct arena *a, int n, const struct current fresh[])
{
	struct tally *t = &p->run->tally;
	struct cache_item(*items)[ITEMS] = arena_alloc(a, (size_t)n * sizeof(*items));
	enum rc rc = items != NULL ? RC_OK : RC_NOMEM;

	for (int i = 0; i < n && rc == RC_OK; i++)
		rc = make_items(p->run, a, &fresh[i], items[i]);
	if (rc != RC_OK) {
		log_event(
		    LOG_LEVEL_ERROR, "batch not published", LOG_WITH(log_s("reason", rc_name(rc))));
		return;
	}
	if (!t->redis_away)
		t->redis_away = is_away(
		    "redis", cache_set(p->run->cache, p->run->deadline, ITEMS * n, items[0]));
	if (!t->nats_away)
		t->nats_away = is_away("nats", send_events(p->bus, a, n, fresh, items));
}

void
publish_forecast(struct publisher *p, struct arena *a, const struct forecast *f)
{
	struct run *r = p->run;
	struct buf b = BUF_INIT(FORECAST_MAX);
	struct jsonw w = JSONW_INIT(&b);
	struct cache_item item = { .key = forecast_key(a, f->city.slug),
		.ttl = forecast_ttl(f, r->settings, run_now(r)) };

	forecast_json_all(&w, f, r->settings, run_now(r));
	item.data = b.p;
	item.len = b.len;
	if (!buf_ok(&b) || item.key == NULL)
		log_event(LOG_LEVEL_ERROR, "forecast not published",
		    LOG_WITH(log_s("city", f->city.slug)));
	else if (!r->tally.redis_away)
		r->tally.redis_away = is_away("redis", cache_set(r->cache, r->deadline, 1, &item));
	buf_free(&b);
}
