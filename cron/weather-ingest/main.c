/* SPDX-License-Identifier: ISC
 *
 * weather-ingest: the current weather and the forecasts of the cities that are served, from Open-Meteo to
 * PostgreSQL, Redis and NATS, once. Started by cron. Plan, fetch, check, store and publish are a file each; here they
 * are put in order, under a lock and a time budget.
 */
#include "backfill.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/program.h"
#include "breaker.h"
#include "check.h"
#include "collect.h"
#include "demand.h"
#include "keys.h"
#include "drivers/fetch.h"
#include "plan.h"
#include "quota.h"
#include "run.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PLAN_MAX (48 << 20) /* bytes: about 100,000 places */
#define BATCH_MAX (16 << 20)
#define BOOK_MS 5000
#define DAY 86400
#define GRACE_MS 5000 /* from the end of the budget until the watchdog ends the process */
#define LAST_ARGUMENT 128

static struct {
	bool dry_run, now_given, backfill, upkeep;
	int64_t now, from, to;
	const char *city;
	char **argv;
} options;

/* What the steps work with. */
struct ingest {
	struct run run;
	struct settings settings;
	struct collector collector;
	struct arena *plan_memory;
};

/* A day of the UTC calendar, as 2025-01-31. */
static bool
parse_day(const char *text, int64_t *t)
{
	char whole[CLOCK_TEXT];

	return text != NULL && strlen(text) == 10 &&
	       snprintf(whole, sizeof(whole), "%sT00:00:00Z", text) > 0 && clock_parse(whole, t);
}

/* --backfill has two arguments; getopt_long(3) knows of one. */
static bool
take_days(const char *from)
{
	const char *to = options.argv[optind];

	optind += to != NULL;
	options.backfill = true;
	return parse_day(from, &options.from) && parse_day(to, &options.to);
}

static bool
take_option(int val, const char *arg)
{
	switch (val) {
	case 'N': options.now_given = clock_parse(arg, &options.now); return options.now_given;
	case 'n': options.dry_run = true; return true;
	case 'B': return take_days(arg);
	case 'U': options.upkeep = true; return true;
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

static int
exit_code(enum rc rc)
{
	return rc == RC_OK ? EXIT_DONE : rc == RC_NOMEM ? EXIT_SYSTEM : EXIT_PEER;
}

/* Whether a request can be made of a base URL at all. */
static bool
is_url(struct arena *a, const char *url)
{
	static const struct fetch_param none[] = { { 0 } };

	if (fetch_url(a, url, "/", none) != NULL)
		return true;
	log_event(LOG_LEVEL_ERROR, "the upstream is not an http or https URL",
	    LOG_WITH(log_s("url", url)));
	return false;
}

/* What an operator should know of the run: the refusals, by reason. NULL: there were none. */
static const char *
make_note(const struct run *r, struct arena *a)
{
	struct buf b = BUF_INIT(4096);
	const char *note = NULL;

	for (int i = REFUSAL_NONE + 1; i < REFUSAL__MAX; i++)
		if (r->tally.refusals[i] > 0)
			buf_printf(&b, "%s%s %lld", b.len > 0 ? ", " : "", refusals[i].name,
			    r->tally.refusals[i]);
	if (b.len > 0)
		note = arena_strndup(a, b.p, b.len);
	buf_free(&b);
	return note;
}

/* The row of ingest_run that this run leaves behind. */
static const char *
begin_row(struct run *r, struct arena *a)
{
	const char *argv[] = { run_time_text(a, run_now(r)) };
	const struct db_rows *rows;

	return run_query(r, a, BOOK_MS, SQL_RUN_BEGIN, argv, &rows) == RC_OK ? db_text(rows, 0, 0)
									     : NULL;
}

static void
end_row(struct run *r, struct arena *a, const char *id, int code)
{
	const struct tally *t = &r->tally;
	const char *argv[] = { id, run_time_text(a, run_now(r)), run_time_text(a, code),
		run_time_text(a, t->places), run_time_text(a, t->stored),
		run_time_text(a, t->refused), run_time_text(a, run_failed_places(r)),
		run_time_text(a, t->requests), run_time_text(a, t->retries),
		arena_printf(a, "%.3f", t->weight), make_note(r, a) };
	const struct db_rows *rows;

	if (id != NULL)
		run_query(r, a, BOOK_MS, SQL_RUN_END, argv, &rows);
}

/* The plan, with those cities on demand that there is quota for. */
static enum rc
make_plan(struct ingest *in, struct plan *p, struct arena *a)
{
	struct run *r = &in->run;
	struct quota q;
	bool decide = !options.dry_run && options.city == NULL, changed = false;
	enum rc rc;

	if (quota_load(&q, r, a) != RC_OK)
		return RC_DOWN;
	if (decide)
		demand_collect(r, a);
	rc = plan_load(p, r, quota_day_left(&q), a);
	if (rc == RC_OK && decide)
		rc = demand_decide(r, a, p->budget.demand_max, &changed);
	if (rc == RC_OK && changed)
		rc = plan_load(p, r, quota_day_left(&q), a);
	r->tally.granted = p->budget.granted;
	if (rc == RC_OK)
		rc = plan_choose(p, r, a, options.city);
	return rc == RC_OK && decide ? plan_keep_paces(p, r, a) : rc;
}

static int
ingest_run(struct ingest *in)
{
	struct run *r = &in->run;
	const struct tally *t = &r->tally;
	const char *row = NULL;
	struct plan p;
	enum rc rc;
	int code;

	if ((rc = collect_lock(&in->collector)) == RC_CONFLICT)
		return EXIT_DONE;
	if (rc == RC_OK) {
		row = begin_row(r, in->plan_memory);
		rc = make_plan(in, &p, in->plan_memory);
	}
	if (rc == RC_OK) {
		collect_all(&in->collector, &p);
		keys_collect(r, in->plan_memory);
	}
	code = rc == RC_NOTFOUND                    ? EXIT_USAGE
	       : t->stored < t->places              ? EXIT_PEER
	       : t->forecasts_stored < t->forecasts ? EXIT_PEER
						    : exit_code(rc);
	end_row(r, in->plan_memory, row, code);
	if (rc != RC_NOTFOUND)
		run_report(r, code);
	return code;
}

static int
print_plan(struct ingest *in)
{
	struct plan p;
	enum rc rc = make_plan(in, &p, in->plan_memory);

	if (rc == RC_NOTFOUND)
		return EXIT_USAGE;
	return exit_code(rc == RC_OK ? plan_print(&p, &in->run, in->collector.memory) : rc);
}

/* Once a day: the coming months' partitions, and the end of what is kept too long. */
static int
keep_up(struct ingest *in)
{
	const char *argv[] = { run_time_text(in->plan_memory, in->settings.retention_days) };
	const struct db_rows *rows;
	enum rc rc = run_query(
	    &in->run, in->plan_memory, in->settings.ingest_budget * 1000, SQL_UPKEEP, argv, &rows);

	if (rc == RC_OK)
		log_event(LOG_LEVEL_INFO, "upkeep done",
		    LOG_WITH(log_i("retention_days", in->settings.retention_days),
			log_i("observations_moved", db_int(rows, 0, 0)),
			log_i("months_dropped", db_int(rows, 0, 1))));
	return exit_code(rc);
}

/* It takes as long as it takes; each of its waits has its own end. */
static int
fill_back(struct ingest *in)
{
	const struct backfill bf = { options.from, options.to + DAY, options.city,
		options.dry_run };

	if (options.to + DAY > run_now(&in->run) || options.from > options.to) {
		log_event(LOG_LEVEL_ERROR,
		    "a backfill goes from one day to a later one before today", NULL);
		return EXIT_USAGE;
	}
	in->run.deadline = deadline_in(INT_MAX);
	return backfill_run(&bf, &in->collector, in->plan_memory);
}

static int
do_what_is_asked(struct ingest *in)
{
	struct arena *a = in->plan_memory;

	if (!is_url(a, in->settings.open_meteo_url) ||
	    !is_url(a, in->settings.open_meteo_archive_url))
		return EXIT_CONFIG;
	if (options.backfill)
		return fill_back(in);
	start_watchdog(&in->run);
	if (options.upkeep)
		return keep_up(in);
	return options.dry_run ? print_plan(in) : ingest_run(in);
}

/* A lock that is a connection's needs a pool of one that is never replaced. */
static void
load_settings(struct settings *s, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "now", required_argument, NULL, 'N' },
		{ "dry-run", no_argument, NULL, 'n' },
		{ "city", required_argument, NULL, 'C' },
		{ "backfill", required_argument, NULL, 'B' },
		{ "upkeep", no_argument, NULL, 'U' },
		{ 0 },
	};
	static const struct program program = {
		.name = "weather-ingest",
		.usage = "[--now time] [--dry-run] [--city slug] [--upkeep | --backfill from to]",
		.options = longopts,
		.option = take_option,
	};

	options.argv = argv;
	program_start(&program, argc, argv, s);
	s->postgresql_pool = 1;
	s->postgresql_idle = 1;
	s->postgresql_lifetime = INT_MAX;
}

/* Whether all is there that the run works with. */
static bool
open_all(struct ingest *in)
{
	struct run *r = &in->run;
	struct collector *c = &in->collector;

	r->db = db_open(&in->settings, "weather-ingest", in->settings.ingest_budget * 1000);
	r->cache = cache_open(&in->settings);
	c->run = r;
	c->upstream = upstream_open(r, options.backfill ? BREAKER_ARCHIVE : BREAKER_LIVE);
	c->publisher = publisher_open(r);
	c->memory = arena_new(BATCH_MAX);
	in->plan_memory = arena_new(PLAN_MAX);
	return r->db != NULL && r->cache != NULL && c->upstream != NULL && c->publisher != NULL &&
	       c->memory != NULL && in->plan_memory != NULL;
}

static void
close_all(struct ingest *in)
{
	arena_free(in->plan_memory);
	arena_free(in->collector.memory);
	publisher_close(in->collector.publisher);
	upstream_close(in->collector.upstream);
	cache_close(in->run.cache);
	db_close(in->run.db);
}

int
main(int argc, char **argv)
{
	static struct ingest in;
	int code = EXIT_SYSTEM;

	load_settings(&in.settings, argc, argv);
	signal(SIGPIPE, SIG_IGN); /* a peer that left is an error of the next write, not our end */
	run_start(&in.run, &in.settings, options.now_given, options.now);
	if (open_all(&in))
		code = do_what_is_asked(&in);
	else
		log_event(LOG_LEVEL_ERROR, "no memory", NULL);
	close_all(&in);
	return code;
}
