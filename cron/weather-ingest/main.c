/* SPDX-License-Identifier: ISC
 *
 * weather-ingest: the current weather of every tracked city, from Open-Meteo to PostgreSQL, Redis and NATS,
 * once. Started by cron. Plan, fetch, check, store and publish are a file each; here they are put in order,
 * under a lock and a time budget.
 */
#include "base/arena.h"
#include "base/log.h"
#include "base/program.h"
#include "check.h"
#include "drivers/db.h"
#include "fetch.h"
#include "plan.h"
#include "publish.h"
#include "run.h"
#include "store.h"
#include "weather/sun.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PLAN_MAX (48 << 20) /* bytes: about 100,000 places */
#define BATCH_MAX (4 << 20)
#define LOCK_MS 10000
#define GRACE_MS 5000 /* from the end of the budget until the watchdog ends the process */
#define LAST_ARGUMENT 128

static struct {
	bool dry_run, now_given;
	int64_t now;
	const char *city;
} options;

/* What the steps work with. */
struct ingest {
	struct run run;
	struct settings settings;
	struct db *db;
	struct upstream *upstream;
	struct publisher *publisher;
	struct arena *plan_memory, *batch_memory;
	bool locked;
};

static bool
take_option(int val, const char *arg)
{
	switch (val) {
	case 'N': options.now_given = clock_parse(arg, &options.now); return options.now_given;
	case 'n': options.dry_run = true; return true;
	case 'C': options.city = arg; return arg[0] != '\0' && strlen(arg) <= LAST_ARGUMENT;
	default: return false;
	}
}

/* Every wait of the program ends with the budget. Should one not, in a library, this thread reports what was
 * done and ends the process, so that the next run does not find the lock taken. */
static void *
watch(void *arg)
{
	const struct run *r = arg;
	struct deadline last = { r->deadline.at_ms + GRACE_MS };
	int left;

	while ((left = deadline_left(last)) > 0)
		poll(NULL, 0, left);
	log_event(LOG_LEVEL_ERROR, "hung after the end of the budget", NULL);
	run_report(r, EXIT_PEER);
	_exit(EXIT_PEER);
}

static void
start_watchdog(struct run *r)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, watch, r) != 0)
		log_die(EXIT_SYSTEM, "no thread for the watchdog", NULL);
	pthread_detach(thread);
}

/* The lock belongs to the one connection of the pool. Where that was lost, so was the lock, and another run may
 * have it now. */
static enum rc
take_lock(struct ingest *in)
{
	const struct db_rows *rows;
	enum rc rc;

	if (in->locked)
		return RC_OK;
	rc = db_query(
	    in->db, run_within(&in->run, LOCK_MS), in->batch_memory, SQL_INGEST_LOCK, NULL, &rows);
	if (rc != RC_OK)
		return rc;
	in->locked = db_bool(rows, 0, 0);
	if (!in->locked)
		log_event(LOG_LEVEL_INFO, "another run is at work", NULL);
	return in->locked ? RC_OK : RC_CONFLICT;
}

static void
note_refused_place(struct run *r, const struct place *pl, const struct observation *o)
{
	r->tally.refused++;
	r->tally.refusals[o->refusal]++;
	log_event(LOG_LEVEL_WARN, "place refused",
	    LOG_WITH(log_s("city", pl->city.slug), log_s("reason", refusals[o->refusal].name),
		log_s("detail", o->detail)));
}

static struct current
make_current(const struct ingest *in, const struct place *pl, const struct observation *o)
{
	struct current c = {
		.city = pl->city,
		.observed_at = o->observed_at,
		.is_day = sun_is_up(o->observed_at, pl->city.latitude, pl->city.longitude),
		.source = settings_choice("source", in->settings.source),
	};

	memcpy(c.value, o->value, sizeof(c.value));
	return c;
}

/* The good observations of a batch, as rows to be; returns how many. */
static int
pick_good(struct ingest *in, const struct batch *b, const struct observation seen[],
    const char *ids[], struct current fresh[])
{
	int64_t now = run_now(&in->run);
	int n = 0;

	for (int i = 0; i < b->n; i++) {
		if (seen[i].refusal != REFUSAL_NONE) {
			note_refused_place(&in->run, &b->places[i], &seen[i]);
			continue;
		}
		ids[n] = b->places[i].id;
		fresh[n] = make_current(in, &b->places[i], &seen[i]);
		fresh[n++].collected_at = now;
	}
	return n;
}

/* A failed store costs this batch and perhaps the connection; the next one goes on. */
static void
keep(struct ingest *in, int n, const char *const ids[], const struct current fresh[])
{
	enum rc rc = take_lock(in);

	if (rc == RC_OK)
		rc = store_batch(&in->run, in->db, in->batch_memory, n, ids, fresh);
	if (rc != RC_OK) {
		in->locked = false;
		log_event(LOG_LEVEL_ERROR, "batch not stored",
		    LOG_WITH(log_i("places", n), log_s("from", fresh[0].city.slug),
			log_s("reason", rc_name(rc))));
		return;
	}
	in->run.tally.stored += n;
	publish_batch(in->publisher, in->batch_memory, n, fresh);
}

/* Whether the upstream answered, and what it said was of no use. */
static bool
was_answered(enum refusal why)
{
	return why >= REFUSAL_ERROR;
}

static void
ingest_batch(struct ingest *in, const struct batch *b)
{
	struct observation *seen = arena_alloc(in->batch_memory, (size_t)b->n * sizeof(*seen));
	struct current *fresh = arena_alloc(in->batch_memory, (size_t)b->n * sizeof(*fresh));
	const char **ids = arena_alloc(in->batch_memory, (size_t)b->n * sizeof(*ids));
	enum refusal why;
	int n;

	if (seen == NULL || fresh == NULL || ids == NULL)
		log_die(EXIT_SYSTEM, "no memory for a batch", NULL);
	why = upstream_ask(in->upstream, b, in->batch_memory, seen);
	if (why == REFUSAL_NONE) {
		if ((n = pick_good(in, b, seen, ids, fresh)) > 0)
			keep(in, n, ids, fresh);
	} else if (was_answered(why)) {
		in->run.tally.refused += b->n;
	}
}

/* Time or quota ran out. */
static void
leave_out(int places, const char *reason)
{
	log_event(LOG_LEVEL_ERROR, "places left out",
	    LOG_WITH(log_i("places", places), log_s("reason", reason)));
}

static void
ingest_all(struct ingest *in, const struct plan *p)
{
	struct run *r = &in->run;

	r->tally.places = p->n;
	for (int i = 0; i < plan_batches(p); i++) {
		struct batch b = plan_batch(p, i);
		int left = p->n - i * p->batch_size;

		if (upstream_closed(in->upstream)) {
			leave_out(left, "limit");
			return;
		}
		if (deadline_left(r->deadline) == 0) {
			r->tally.refusals[REFUSAL_BUDGET]++;
			leave_out(left, refusals[REFUSAL_BUDGET].name);
			return;
		}
		ingest_batch(in, &b);
		arena_reset(in->batch_memory);
	}
}

static int
exit_code(enum rc rc)
{
	return rc == RC_OK ? EXIT_DONE : rc == RC_NOMEM ? EXIT_SYSTEM : EXIT_PEER;
}

/* Whether a request can be made of open_meteo_url at all. */
static bool
can_ask(struct ingest *in, const struct plan *p)
{
	struct batch b = plan_batch(p, 0);

	if (p->n == 0 || upstream_url(in->batch_memory, &in->settings, &b, NULL) != NULL)
		return true;
	log_event(LOG_LEVEL_ERROR, "open_meteo_url is not an http or https URL",
	    LOG_WITH(log_s("url", in->settings.open_meteo_url)));
	return false;
}

static int
ingest_run(struct ingest *in)
{
	struct run *r = &in->run;
	struct plan p;
	enum rc rc;
	int code;

	rc = plan_load(&p, r, in->db, in->plan_memory, options.city);
	if (rc == RC_NOTFOUND)
		return EXIT_USAGE;
	if (rc == RC_OK && !can_ask(in, &p))
		return EXIT_CONFIG;
	if (options.dry_run)
		return exit_code(
		    rc == RC_OK ? plan_print(&p, &in->settings, in->batch_memory) : rc);
	if (rc == RC_OK && (rc = take_lock(in)) == RC_CONFLICT)
		return EXIT_DONE;
	if (rc == RC_OK)
		ingest_all(in, &p);
	code = rc == RC_OK && r->tally.stored < r->tally.places ? EXIT_PEER : exit_code(rc);
	run_report(r, code);
	return code;
}

/* A lock that is a connection's needs a pool of one that is never replaced. */
static void
load_settings(struct settings *s, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "now", required_argument, NULL, 'N' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "city", required_argument, NULL, 'C' },
		{ 0 },
	};
	static const struct program program = {
		.name = "weather-ingest",
		.usage = "[--now time] [--dry-run] [--city slug]",
		.options = longopts,
		.option = take_option,
	};

	program_start(&program, argc, argv, s);
	s->postgresql_pool = 1;
	s->postgresql_idle = 1;
	s->postgresql_lifetime = INT_MAX;
}

int
main(int argc, char **argv)
{
	static struct ingest in;
	int code = EXIT_SYSTEM;

	load_settings(&in.settings, argc, argv);
	signal(SIGPIPE, SIG_IGN); /* a peer that left is an error of the next write, not our end */
	run_start(&in.run, &in.settings, options.now_given, options.now);
	start_watchdog(&in.run);
	in.db = db_open(&in.settings, "weather-ingest", in.settings.ingest_budget * 1000);
	in.upstream = upstream_open(&in.run);
	in.publisher = publisher_open(&in.run);
	in.plan_memory = arena_new(PLAN_MAX);
	in.batch_memory = arena_new(BATCH_MAX);
	if (in.db == NULL || in.upstream == NULL || in.publisher == NULL ||
	    in.plan_memory == NULL || in.batch_memory == NULL)
		log_event(LOG_LEVEL_ERROR, "no memory", NULL);
	else
		code = ingest_run(&in);
	arena_free(in.batch_memory);
	arena_free(in.plan_memory);
	publisher_close(in.publisher);
	upstream_close(in.upstream);
	db_close(in.db);
	return code;
}
