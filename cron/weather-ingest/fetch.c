/* SPDX-License-Identifier: ISC
 *
 * Requests to Open-Meteo, one at a time. Errors cost quota too, so only what a retry can help is tried again,
 * after a wait that grows and differs from one host to the next. A used-up limit holds for every request, so
 * it ends the run unless the budget allows to wait for it.
 */
#include "fetch.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/fetch.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGENT "cuaca-weather-ingest"
#define BODY_PER_PLACE 4096 /* an honest one is below 1 KiB */
#define LIST_MAX 65536
#define BACKOFF_BASE_MS 1000
#define BACKOFF_MAX_MS 30000

struct upstream {
	struct run *run;
	struct fetch *http;
	bool closed;
};

struct upstream *
upstream_open(struct run *r)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (u == NULL)
		return NULL;
	u->run = r;
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

/* Five decimals are a metre; zeros at the end only make the URL longer. */
static void
add_degrees(struct buf *b, double v)
{
	char text[32];
	size_t len = (size_t)snprintf(text, sizeof(text), "%.5f", v);

	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	buf_add(b, text, len);
}

static void
add_comma(struct buf *b)
{
	if (b->len > 0)
		buf_addc(b, ',');
}

const char *
upstream_url(struct arena *a, const struct settings *s, const struct batch *b, const char *key)
{
	struct buf lat = BUF_INIT(LIST_MAX), lon = BUF_INIT(LIST_MAX), names = BUF_INIT(LIST_MAX);
	const char *url = NULL;

	for (int i = 0; i < b->n; i++) {
		add_comma(&lat);
		add_degrees(&lat, b->places[i].city.latitude);
		add_comma(&lon);
		add_degrees(&lon, b->places[i].city.longitude);
	}
	for (int q = 0; q < Q__MAX; q++) {
		add_comma(&names);
		buf_adds(&names, quantities[q].upstream);
	}
	if (buf_ok(&lat) && buf_ok(&lon) && buf_ok(&names)) {
		const struct fetch_param params[] = {
			{ "latitude", lat.p },
			{ "longitude", lon.p },
			{ "current", names.p },
			{ "timeformat", "unixtime" },
			{ "timezone", "GMT" },
			{ key != NULL && key[0] != '\0' ? "apikey" : NULL, key },
			{ NULL, NULL },
		};

		url = fetch_url(a, s->open_meteo_url, "/v1/forecast", params);
	}
	buf_free(&lat);
	buf_free(&lon);
	buf_free(&names);
	return url;
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
ask_once(struct upstream *u, const struct batch *b, const struct asked asked[], const char *url,
    struct observation out[], char detail[CHECK_DETAIL])
{
	struct run *r = u->run;
	struct buf body = BUF_INIT(BODY_PER_PLACE * ((size_t)b->n + 1));
	int64_t timeout = r->settings->fetch_timeout;
	int left = deadline_left(r->deadline);
	const char *reason;
	enum refusal why;
	long status;
	enum rc rc;

	r->tally.requests++;
	r->tally.weight += plan_weight(b->n);
	rc = fetch_get(u->http, url, left < timeout ? left : timeout, &body, &status, &reason);
	if (rc != RC_OK) {
		str_copy(detail, reason, CHECK_DETAIL);
		why = refusal_of(rc);
	} else if (status == 200) {
		why = check_answer(body.p, body.len, asked, b->n, run_now(r), out, detail);
	} else {
		why = check_failure(status, body.p, body.len, detail);
	}
	buf_free(&body);
	return why;
}

/* Full jitter: any time up to a bound that doubles with each try. */
static int64_t
backoff_ms(int tries)
{
	int64_t bound = (int64_t)BACKOFF_BASE_MS << (tries - 1);

	return arc4random_uniform((uint32_t)(bound < BACKOFF_MAX_MS ? bound : BACKOFF_MAX_MS) + 1);
}

/* Seconds to the end of the upstream's window: minute, hour or day of the clock in UTC. */
static int64_t
window_left(enum remedy remedy, int64_t now)
{
	static const int64_t windows[] = {
		[REMEDY_NEXT_MINUTE] = 60,
		[REMEDY_NEXT_HOUR] = 3600,
		[REMEDY_NEXT_DAY] = 86400,
	};

	return windows[remedy] - now % windows[remedy];
}

/* A limit is used up: milliseconds to wait for its next window, or -1 where that is no use in this run. */
static int64_t
limit_wait_ms(struct upstream *u, enum remedy remedy, bool again)
{
	int64_t now = run_now(u->run), left = window_left(remedy, now);
	int64_t wait = left * 1000 + arc4random_uniform(1000);
	char text[CLOCK_TEXT];

	if (remedy == REMEDY_NEXT_MINUTE && again && wait < deadline_left(u->run->deadline))
		return wait;
	u->closed = true;
	log_event(LOG_LEVEL_ERROR, "the upstream's limit is used up",
	    LOG_WITH(log_s("until", clock_format(now + left, text))));
	return -1;
}

/* Milliseconds until another try makes sense; -1: it does not. */
static int64_t
wait_ms(struct upstream *u, enum remedy remedy, int tries)
{
	bool again = tries < u->run->settings->fetch_tries;
	int64_t wait;

	if (remedy == REMEDY_NONE)
		return -1;
	if (remedy != REMEDY_RETRY)
		return limit_wait_ms(u, remedy, again);
	wait = backoff_ms(tries);
	return again && wait < deadline_left(u->run->deadline) ? wait : -1;
}

static void
note_refusal(struct run *r, const struct batch *b, enum refusal why, const char *detail, int tries,
    int64_t wait)
{
	r->tally.refusals[why]++;
	log_event(LOG_LEVEL_WARN, wait < 0 ? "batch refused" : "answer refused, trying again",
	    LOG_WITH(log_i("batch", b->number), log_i("places", b->n),
		log_s("from", b->places[0].city.slug), log_s("reason", refusals[why].name),
		log_s("detail", detail), log_i("try", tries), log_i("wait_ms", wait)));
}

static struct asked *
places_asked(struct arena *a, const struct batch *b)
{
	struct asked *asked = arena_alloc(a, (size_t)b->n * sizeof(*asked));

	for (int i = 0; asked != NULL && i < b->n; i++)
		asked[i] = (struct asked){ b->places[i].city.latitude,
			b->places[i].city.longitude };
	return asked;
}

enum refusal
upstream_ask(struct upstream *u, const struct batch *b, struct arena *a, struct observation out[])
{
	const struct settings *s = u->run->settings;
	const char *url = upstream_url(a, s, b, s->open_meteo_key);
	const struct asked *asked = places_asked(a, b);
	char detail[CHECK_DETAIL] = "";
	enum refusal why;
	int64_t wait;

	if (url == NULL || asked == NULL) {
		note_refusal(u->run, b, REFUSAL_NO_MEMORY, detail, 0, -1);
		return REFUSAL_NO_MEMORY;
	}
	for (int tries = 1;; tries++) {
		if ((why = ask_once(u, b, asked, url, out, detail)) == REFUSAL_NONE)
			return why;
		wait = wait_ms(u, refusals[why].remedy, tries);
		note_refusal(u->run, b, why, detail, tries, wait);
		if (wait < 0)
			return why;
		poll(NULL, 0, (int)wait);
		u->run->tally.retries++;
	}
}

bool
upstream_closed(const struct upstream *u)
{
	return u->closed;
}
