/* SPDX-License-Identifier: ISC
 *
 * chat-archive: moves the chat's log from NATS to PostgreSQL, and looks after the mirror in Redis. Runs for ever. Peers
 * that are away are waited for: the log keeps what is not archived yet.
 */
#include "archive.h"
#include "base/log.h"
#include "base/program.h"
#include "batch.h"
#include "drivers/stream.h"
#include "mirror.h"
#include "report.h"
#include "turn.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EVENT_BYTES ((size_t)256 * 1024) /* of memory for one event, and for all that is not one */
#define STATEMENT_MS 120000
#define FETCH_MS 500
#define GATHER_MS \
	50 /* between batches that are not full: rather one of ten events than ten of one */
#define AWAY_MIN_MS 250
#define AWAY_MAX_MS 5000
#define REPORT_MS 10000
#define UPKEEP_MS (24LL * 3600 * 1000)

static struct {
	bool setup, once;
} options;

static volatile sig_atomic_t stopping;

static void
stop(int sig)
{
	(void)sig;
	stopping = 1;
}

/* No SA_RESTART: what waits is to end. */
static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = stop };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static bool
take_option(int val, const char *arg)
{
	(void)arg;
	switch (val) {
	case 'S': options.setup = true; return true;
	case '1': options.once = true; return true;
	default: return false;
	}
}

/* Unique to this process, on all hosts. */
static void
name_holder(struct archive *ar)
{
	char host[64] = "?";

	gethostname(host, sizeof(host) - 1);
	snprintf(ar->holder, sizeof(ar->holder), "%s:%ld:%08" PRIx32, host, (long)getpid(),
	    arc4random());
}

/* The coming months' partitions, and the end of what is kept too long. */
static void
keep_up(struct archive *ar)
{
	const char *argv[1];
	const struct db_rows *rows;

	arena_reset(ar->memory);
	argv[0] = archive_number(ar, ar->settings->chat_retention_days);
	if (archive_query(ar, STATEMENT_MS, SQL_ARCHIVE_UPKEEP, argv, &rows) == RC_OK)
		log_event(LOG_LEVEL_INFO, "upkeep done",
		    LOG_WITH(log_i("moved", db_int(rows, 0, 0)),
			log_i("months_dropped", db_int(rows, 0, 1))));
	ar->turn_at = 0; /* it may have taken longer than our turn */
}

/* Whether something that is done every ms is due, and when next. */
static bool
due(int64_t *at, int64_t ms)
{
	int64_t now = clock_mono_ms();

	if (now < *at)
		return false;
	*at = now + ms;
	return true;
}

/* One batch, if it is our turn. *n is how many events were fetched. */
static enum rc
step(struct archive *ar, int *n)
{
	enum rc rc = RC_OK;

	*n = 0;
	if (due(&ar->turn_at, TURN_MS))
		rc = turn_keep(ar);
	if (rc == RC_OK && ar->mine && due(&ar->upkeep_at, UPKEEP_MS))
		keep_up(ar);
	if (rc == RC_OK && ar->mine)
		rc = batch_archive(ar, options.once ? 0 : FETCH_MS, n);
	if (rc != RC_OK)
		ar->turn_at = 0;
	return rc;
}

/* How long to wait after a step: not at all while there is much to do, longer from failure to failure. */
static int
pause_after(const struct archive *ar, enum rc rc, int n, int *failures)
{
	int ms = AWAY_MIN_MS;

	if (rc == RC_OK && ar->mine) {
		*failures = 0;
		return n < ar->settings->archive_batch ? GATHER_MS : 0;
	}
	for (int i = 0; i < *failures && ms < AWAY_MAX_MS; i++)
		ms *= 2;
	++*failures;
	return ms < AWAY_MAX_MS ? ms : AWAY_MAX_MS;
}

static void
run(struct archive *ar)
{
	int failures = 0, n;

	while (!stopping) {
		enum rc rc = step(ar, &n);

		mirror_keep(ar);
		if (due(&ar->report_at, REPORT_MS))
			report(ar);
		if (!stopping)
			poll(NULL, 0, pause_after(ar, rc, n, &failures));
	}
}

/* Archive what is there. RC_CONFLICT: it is another archiver's turn. */
static enum rc
run_once(struct archive *ar)
{
	enum rc rc;
	int n;

	mirror_keep(ar);
	do {
		rc = step(ar, &n);
		if (rc == RC_BUSY)
			rc = step(ar, &n); /* from the right place */
	} while (!stopping && rc == RC_OK && (n > 0 || ar->turn_at == 0));
	return rc;
}

static int
work(struct archive *ar)
{
	enum rc rc = RC_OK;

	if (options.setup)
		return stream_setup(ar->bus, ar->settings) == RC_OK ? EXIT_DONE : EXIT_PEER;
	if (options.once)
		rc = run_once(ar);
	else
		run(ar);
	turn_give(ar);
	report(ar);
	if (rc == RC_CONFLICT)
		log_event(LOG_LEVEL_INFO, "another archiver is at work", NULL);
	return rc == RC_OK || rc == RC_CONFLICT ? EXIT_DONE : EXIT_PEER;
}

static bool
open_all(struct archive *ar)
{
	ar->db = db_open(ar->settings, "chat-archive", STATEMENT_MS);
	ar->cache = cache_open(ar->settings);
	ar->bus = bus_open(ar->settings, "chat-archive");
	ar->memory = arena_new((size_t)(ar->settings->archive_batch + 64) * EVENT_BYTES);
	return ar->db != NULL && ar->cache != NULL && ar->bus != NULL && ar->memory != NULL;
}

static void
close_all(struct archive *ar)
{
	arena_free(ar->memory);
	bus_close(ar->bus);
	cache_close(ar->cache);
	db_close(ar->db);
}

int
main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "setup", no_argument, NULL, 'S' },
		{ "once", no_argument, NULL, '1' },
		{ 0 },
	};
	static const struct program program = {
		.name = "chat-archive",
		.usage = "[--setup | --once]",
		.options = longopts,
		.option = take_option,
	};
	static struct settings settings;
	struct archive ar = { .settings = &settings };
	int code = EXIT_SYSTEM;

	program_start(&program, argc, argv, &settings);
	catch_signals();
	name_holder(&ar);
	if (open_all(&ar))
		code = work(&ar);
	else
		log_event(LOG_LEVEL_ERROR, "no memory", NULL);
	close_all(&ar);
	return code;
}
