/* SPDX-License-Identifier: ISC
 *
 * Requests to Open-Meteo, one at a time. Errors cost quota too, so only what a retry can help is tried again,
 * after a wait that grows and differs from one host to the next, and each try is paid for. A used-up limit holds for
 * every request, so it opens the breaker until the limit's window ends.
 */
#include "fetch.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "breaker.h"
#include "drivers/fetch.h"
#include "quota.h"
#include "weather/budget.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define AGENT "cuaca-weather-ingest"
#define BACKOFF_BASE_MS 1000
#define BACKOFF_MAX_MS 30000

struct upstream {
	struct run *run;
	struct fetch *http;
	struct breaker breaker;
};

struct upstream *
upstream_open(struct run *r, const char *breaker)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->run = r;
	u->breaker.name = breaker;
	if ((u->http = fetch_open(AGENT)) != NULL)
		return u;
	free(u);
	return NULL;
}

void
upstream_close(struct upstream *u)
{
	if (u == NULL)
		return;
	fetch_close(u->http);
	free(u);
}

/* The breaker's word on a call now. While a backfill goes on, runs come and go: what they found is news. */
static enum refusal
ask_breaker(struct upstream *u, struct arena *a, char detail[CHECK_DETAIL])
{
	struct breaker *b = &u->breaker;
	enum breaker_state before;
	char until[CLOCK_TEXT];
	bool allowed;

	breaker_load(b, u->run, a);
	before = b->state;
	allowed = breaker_allows(b, run_now(u->run));
	u->run->tally.breaker = b->state;
	if (b->state != before)
		breaker_save(b, before, u->run);
	if (allowed)
		return REFUSAL_NONE;
	snprintf(
	    detail, CHECK_DETAIL, "open until %s: %s", clock_format(b->until, until), b->reason);
	return REFUSAL_BREAKER;
}

/* What belongs to others of each window that UNIX time t is in. */
static void
kept_for_others(
    const struct upstream *u, const struct request *rq, int64_t t, double kept[WINDOW__MAX])
{
	kept[WINDOW_MINUTE] = 0;
	kept[WINDOW_HOUR] = rq->each_run * budget_runs_of_hour(u->run->settings, t);
	kept[WINDOW_DAY] = rq->reserve;
}

/* The guardian's word: seconds to wait before weight fits, 0 for now; otherwise a refusal. */
static enum refusal
ask_quota(const struct upstream *u, const struct request *rq, const struct quota *q, int64_t *wait,
    char detail[CHECK_DETAIL])
{
	static const enum refusal whys[] = { REFUSAL_QUOTA_MINUTE, REFUSAL_QUOTA_HOUR,
		REFUSAL_QUOTA_DAY };
	enum window last = rq->patient ? WINDOW_HOUR : WINDOW_MINUTE, w;
	int64_t now = run_now(u->run);
	double kept[WINDOW__MAX];

	*wait = 0;
	kept_for_others(u, rq, now, kept);
	if ((w = quota_obstacle(q, rq->weight, kept)) == WINDOW__MAX)
		return REFUSAL_NONE;
	snprintf(detail, CHECK_DETAIL, "weight %.1f, spent %.1f of %.0f, kept for others %.1f",
	    rq->weight, q->spent[w], q->limit[w], kept[w]);
	*wait = window_left(w, now);
	kept_for_others(u, rq, now + *wait, kept);
	if (w > last || rq->weight + kept[w] > q->limit[w] ||
	    *wait * 1000 >= deadline_left(u->run->deadline))
		return whys[w];
	log_event(LOG_LEVEL_INFO, "waiting for quota",
	    LOG_WITH(log_s("call", rq->what), log_s("detail", detail), log_i("seconds", *wait)));
	return REFUSAL_NONE;
}

/* Everything that must hold before a call is made; then it is paid for. */
static enum refusal
admit(struct upstream *u, const struct request *rq, struct arena *a, char detail[CHECK_DETAIL])
{
	struct run *r = u->run;
	struct quota q;
	enum refusal why;
	int64_t wait = 0;

	do {
		if (wait > 0)
			run_wait(r, wait);
		if (deadline_left(r->deadline) == 0)
			return REFUSAL_BUDGET;
		if ((why = ask_breaker(u, a, detail)) != REFUSAL_NONE)
			return why;
		if (quota_load(&q, r, a) != RC_OK)
			return REFUSAL_QUOTA_UNKNOWN;
		if ((why = ask_quota(u, rq, &q, &wait, detail)) != REFUSAL_NONE)
			return why;
	} while (wait > 0);
	return quota_pay(&q, r, a, rq->weight) == RC_OK ? REFUSAL_NONE : REFUSAL_QUOTA_UNKNOWN;
}

static void
note_not_made(struct run *r, const struct request *rq, enum refusal why, const char *detail)
{
	r->tally.refusals[why]++;
	log_event(LOG_LEVEL_ERROR, "call not made",
	    LOG_WITH(log_s("call", rq->what), log_i("batch", rq->number),
		log_i("places", rq->places), log_s("from", rq->from),
		log_s("reason", refusals[why].name), log_s("detail", detail)));
}

static enum refusal
refusal_of(enum rc rc)
{
	if (rc == RC_DOWN)
		return REFUSAL_NO_ANSWER;
	return rc == RC_NOMEM ? REFUSAL_TOO_LARGE : REFUSAL_BROKEN_HTTP;
}

/* One request, judged. */
static enum refusal
ask_once(struct upstream *u, const struct request *rq, char detail[CHECK_DETAIL])
{
	struct run *r = u->run;
	struct buf body = BUF_INIT(rq->answer_max);
	int64_t timeout = r->settings->fetch_timeout;
	int left = deadline_left(r->deadline);
	const char *reason;
	enum refusal why;
	long status;
	enum rc rc;

	r->tally.requests++;
	r->tally.weight = r->tally.weight + rq->weight;
	rc = fetch_get(u->http, rq->url, left < timeout ? left : timeout, &body, &status, &reason);
	if (rc != RC_OK) {
		str_copy(detail, reason, CHECK_DETAIL);
		why = refusal_of(rc);
	} else if (status == 200) {
		why = rq->judge(rq->arg, body.p, body.len, detail);
	} else {
		why = check_failure(status, body.p, body.len, detail);
	}
	buf_free(&body);
	return why;
}

static bool
is_limit(enum remedy remedy)
{
	return remedy == REMEDY_NEXT_MINUTE || remedy == REMEDY_NEXT_HOUR ||
	       remedy == REMEDY_NEXT_DAY;
}

static enum window
window_of(enum remedy remedy)
{
	return (enum window)(WINDOW_MINUTE + (remedy - REMEDY_NEXT_MINUTE));
}

/* Let the breaker know. A request that was our own mistake, or our own memory, says nothing of the upstream. */
static void
tell_breaker(struct upstream *u, enum refusal why)
{
	const struct settings *s = u->run->settings;
	struct breaker *b = &u->breaker, old = *b;
	enum remedy remedy = refusals[why].remedy;
	int64_t now = run_now(u->run);

	if (why == REFUSAL_NONE)
		breaker_succeed(b, s, now);
	else if (is_limit(remedy))
		breaker_trip(b, now, now + window_left(window_of(remedy), now), refusals[why].name);
	else if (why != REFUSAL_BAD_REQUEST && why != REFUSAL_NO_MEMORY)
		breaker_fail(b, s, now, refusals[why].name);
	if (b->state != old.state || b->failures != old.failures || b->trials != old.trials ||
	    b->until != old.until)
		breaker_save(b, old.state, u->run);
}

/* Full jitter: any time up to a bound that doubles with each try. */
static int64_t
backoff_ms(int tries)
{
	int64_t bound = (int64_t)BACKOFF_BASE_MS << (tries - 1);

	return arc4random_uniform((uint32_t)(bound < BACKOFF_MAX_MS ? bound : BACKOFF_MAX_MS) + 1);
}

/* Milliseconds until another try makes sense; -1: it does not. */
static int64_t
wait_ms(const struct upstream *u, enum remedy remedy, int tries)
{
	int64_t wait;

	if (remedy == REMEDY_NONE || tries >= u->run->settings->fetch_tries)
		return -1;
	if (remedy == REMEDY_RETRY)
		wait = backoff_ms(tries);
	else if (remedy == REMEDY_NEXT_MINUTE)
		wait = 1000 * window_left(WINDOW_MINUTE, run_now(u->run));
	else
		return -1;
	return wait < deadline_left(u->run->deadline) ? wait : -1;
}

static void
note_refusal(struct run *r, const struct request *rq, enum refusal why, const char *detail,
    int tries, int64_t wait)
{
	r->tally.refusals[why]++;
	log_event(LOG_LEVEL_WARN, wait < 0 ? "batch refused" : "answer refused, trying again",
	    LOG_WITH(log_s("call", rq->what), log_i("batch", rq->number),
		log_i("places", rq->places), log_s("from", rq->from),
		log_s("reason", refusals[why].name), log_s("detail", detail), log_i("try", tries),
		log_i("wait_ms", wait)));
}

/* Sleep before a retry. The end of a minute is one of the run's clock, a back-off is not. */
static void
rest(struct run *r, enum remedy remedy, int64_t wait)
{
	if (is_limit(remedy))
		run_wait(r, wait / 1000);
	else
		poll(NULL, 0, (int)wait);
}

enum refusal
upstream_ask(struct upstream *u, const struct request *rq, struct arena *a)
{
	enum refusal why = REFUSAL_NONE, obstacle;
	struct request attempt = *rq;
	char detail[CHECK_DETAIL] = "";
	int64_t wait;

	if (rq->url == NULL) {
		note_not_made(u->run, rq, REFUSAL_NO_MEMORY, detail);
		return REFUSAL_NO_MEMORY;
	}
	for (int tries = 1;; tries++) {
		if ((obstacle = admit(u, &attempt, a, detail)) != REFUSAL_NONE) {
			note_not_made(u->run, rq, obstacle, detail);
			return why != REFUSAL_NONE ? why : obstacle;
		}
		u->run->tally.retries += tries > 1;
		why = ask_once(u, rq, detail);
		tell_breaker(u, why);
		if (why == REFUSAL_NONE)
			return why;
		wait = wait_ms(u, refusals[why].remedy, tries);
		note_refusal(u->run, rq, why, detail, tries, wait);
		if (wait < 0)
			return why;
		rest(u->run, refusals[why].remedy, wait);
		attempt.reserve = rq->reserve_retry;
	}
}
