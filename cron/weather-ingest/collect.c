/* SPDX-License-Identifier: ISC
 *
 * A batch that fails, whatever the step, costs itself: its places keep what they had, and the next batch goes on.
 */
#include "collect.h"

#include "ask.h"
#include "base/log.h"
#include "base/rc.h"
#include "base/tz.h"
#include "series.h"
#include "store.h"
#include "weather/schedule.h"
#include "weather/sun.h"

#include <string.h>

#define LOCK_MS 10000
/* bytes of an answer a place; honest ones are below a quarter */
#define CURRENT_MAX 4096
#define FORECAST_MAX 98304

/* The lock belongs to the one connection of the pool. Where that was lost, so was the lock, and another run may
 * have it now. */
enum rc
collect_lock(struct collector *c)
{
	struct run *r = c->run;
	const struct db_rows *rows;
	enum rc rc;

	if (r->locked)
		return RC_OK;
	if ((rc = run_query(r, c->memory, LOCK_MS, SQL_INGEST_LOCK, NULL, &rows)) != RC_OK)
		return rc;
	r->locked = db_bool(rows, 0, 0);
	if (!r->locked)
		log_event(LOG_LEVEL_INFO, "another run is at work", NULL);
	return r->locked ? RC_OK : RC_CONFLICT;
}

/* What the judge of a batch's answer needs, and gives. */
struct judging {
	const struct batch *batch;
	const struct asked *asked;
	int64_t now;
	struct arena *memory;
	struct observation *seen;
	struct outlook *outlooks;
};

static enum refusal
judge_current(void *arg, const char *body, size_t len, char detail[CHECK_DETAIL])
{
	struct judging *j = arg;

	return check_answer(body, len, j->asked, j->batch->n, j->now, j->seen, detail);
}

static enum refusal
judge_forecasts(void *arg, const char *body, size_t len, char detail[CHECK_DETAIL])
{
	struct judging *j = arg;

	return check_forecasts(
	    body, len, j->asked, j->batch->n, j->now, j->memory, j->outlooks, detail);
}

static void *
need(void *memory)
{
	if (memory == NULL)
		log_die(EXIT_SYSTEM, "no memory for a batch", NULL);
	return memory;
}

/* A zone that this host does not know is left to the upstream. */
static int
offset_of(const struct city *city, int64_t now)
{
	int seconds;

	return tz_offset(city->timezone, now, &seconds) == RC_OK ? seconds : ASKED_ANY_OFFSET;
}

static const struct asked *
places_asked(struct arena *a, const struct batch *b, int64_t now)
{
	struct asked *asked = need(arena_alloc(a, (size_t)b->n * sizeof(*asked)));

	for (int i = 0; i < b->n; i++) {
		const struct city *city = &b->places[i]->city;

		asked[i] = (struct asked){ city->latitude, city->longitude,
			b->ask == ASK_FORECAST ? offset_of(city, now) : ASKED_ANY_OFFSET };
	}
	return asked;
}

static enum refusal
ask_batch(struct collector *c, struct judging *j, size_t answer_max,
    enum refusal (*judge)(void *, const char *, size_t, char *))
{
	const struct settings *s = c->run->settings;
	const struct batch *b = j->batch;
	const struct request rq = { .what = ask_names[b->ask],
		.number = b->number,
		.from = b->places[0]->city.slug,
		.places = b->n,
		.url = ask_url(c->memory, s, b, s->open_meteo_key),
		.weight = b->weight,
		.reserve = b->reserve,
		.reserve_retry = b->reserve_retry,
		.answer_max = answer_max * ((size_t)b->n + 1),
		.judge = judge,
		.arg = j };

	j->now = run_now(c->run);
	j->asked = places_asked(c->memory, b, j->now);
	j->memory = c->memory;
	return upstream_ask(c->upstream, &rq, c->memory);
}

static void
note_refused_place(
    struct run *r, enum ask ask, const struct place *pl, enum refusal why, const char *detail)
{
	r->tally.refusals[why]++;
	log_event(LOG_LEVEL_WARN, "place refused",
	    LOG_WITH(log_s("call", ask_names[ask]), log_s("city", pl->city.slug),
		log_s("reason", refusals[why].name), log_s("detail", detail)));
}

static void
note_not_stored(const struct batch *b, int n, enum rc rc)
{
	log_event(LOG_LEVEL_ERROR, "batch not stored",
	    LOG_WITH(log_s("call", ask_names[b->ask]), log_i("places", n),
		log_s("from", b->places[0]->city.slug), log_s("reason", rc_name(rc))));
}

static const char *
source_of(const struct run *r)
{
	return settings_choice("source", r->settings->source);
}

static struct current
make_current(const struct run *r, const struct place *pl, const struct observation *o)
{
	struct current c = {
		.city = pl->city,
		.observed_at = o->observed_at,
		.collected_at = run_now(r),
		.due_at = schedule_due(r->settings, run_now(r), pl->every_runs),
		.is_day = sun_is_up(o->observed_at, pl->city.latitude, pl->city.longitude),
		.source = source_of(r),
	};

	memcpy(c.value, o->value, sizeof(c.value));
	return c;
}

/* The good observations of a batch, as rows to be; returns how many. */
static int
pick_good(struct run *r, const struct judging *j, const char *ids[], struct current fresh[])
{
	const struct batch *b = j->batch;
	int n = 0;

	for (int i = 0; i < b->n; i++) {
		const struct observation *o = &j->seen[i];

		if (o->refusal != REFUSAL_NONE) {
			r->tally.refused++;
			note_refused_place(r, b->ask, b->places[i], o->refusal, o->detail);
			continue;
		}
		ids[n] = b->places[i]->id;
		fresh[n++] = make_current(r, b->places[i], o);
	}
	return n;
}

/* A failed store costs this batch and perhaps the connection; the next one goes on. */
static void
keep(struct collector *c, const struct batch *b, int n, const char *const ids[],
    const struct current fresh[])
{
	enum rc rc = collect_lock(c);

	if (rc == RC_OK)
		rc = store_batch(c->run, c->memory, n, ids, fresh);
	if (rc != RC_OK) {
		note_not_stored(b, n, rc);
		return;
	}
	c->run->tally.stored += n;
	publish_batch(c->publisher, c->memory, n, fresh);
}

/* Whether the upstream answered, and what it said was of no use. */
static bool
was_answered(enum refusal why)
{
	return why >= REFUSAL_ERROR;
}

static void
collect_current(struct collector *c, const struct batch *b)
{
	struct arena *a = c->memory;
	struct judging j = { .batch = b,
		.seen = need(arena_alloc(a, (size_t)b->n * sizeof(*j.seen))) };
	struct current *fresh = need(arena_alloc(a, (size_t)b->n * sizeof(*fresh)));
	const char **ids = need(arena_alloc(a, (size_t)b->n * sizeof(*ids)));
	enum refusal why = ask_batch(c, &j, CURRENT_MAX, judge_current);
	int n;

	if (why == REFUSAL_NONE) {
		if ((n = pick_good(c->run, &j, ids, fresh)) > 0)
			keep(c, b, n, ids, fresh);
	} else if (was_answered(why)) {
		c->run->tally.refused += b->n;
	}
}

static void
keep_forecast(struct collector *c, const struct batch *b, int i, struct forecast *f)
{
	enum rc rc = collect_lock(c);

	f->city = b->places[i]->city;
	f->collected_at = run_now(c->run);
	f->source = source_of(c->run);
	if (rc == RC_OK)
		rc = store_forecast(c->run, c->memory, b->places[i]->id, f);
	if (rc != RC_OK) {
		note_not_stored(b, 1, rc);
		return;
	}
	c->run->tally.forecasts_stored++;
	publish_forecast(c->publisher, c->memory, f);
}

static void
collect_forecasts(struct collector *c, const struct batch *b)
{
	struct judging j = { .batch = b,
		.outlooks = need(arena_alloc(c->memory, (size_t)b->n * sizeof(*j.outlooks))) };

	if (ask_batch(c, &j, FORECAST_MAX, judge_forecasts) != REFUSAL_NONE)
		return;
	for (int i = 0; i < b->n; i++) {
		struct outlook *o = &j.outlooks[i];

		if (o->refusal == REFUSAL_NONE)
			keep_forecast(c, b, i, &o->forecast);
		else
			note_refused_place(c->run, b->ask, b->places[i], o->refusal, o->detail);
	}
}

void
collect_all(struct collector *c, const struct plan *p)
{
	struct tally *t = &c->run->tally;

	t->places = p->lists[ASK_CURRENT].n + p->lists[ASK_DEMAND].n;
	t->forecasts = p->lists[ASK_FORECAST].n;
	t->left_out = p->budget.tracked - p->lists[ASK_CURRENT].n;
	for (int ask = 0; ask < ASK__MAX; ask++)
		for (int i = 0; i < plan_batches(p, (enum ask)ask); i++) {
			struct batch b = plan_batch(p, (enum ask)ask, i);

			if (ask == ASK_FORECAST)
				collect_forecasts(c, &b);
			else
				collect_current(c, &b);
			arena_reset(c->memory);
		}
}
