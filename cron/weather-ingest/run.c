/* SPDX-License-Identifier: ISC
 *
 * Clock and budget of a run, and its report. The metrics are in the text format of Prometheus, for
 * node_exporter's textfile collector; they are written for a failed run too.
 */
#include "run.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/rc.h"
#include "base/str.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define METRICS_FILE "weather-ingest.prom"
#define METRICS_MAX 16384

#define LAST_SUCCESS "cuaca_ingest_last_success_timestamp_seconds"

void
run_start(struct run *r, const struct settings *s, bool now_given, int64_t given_now)
{
	memset(r, 0, sizeof(*r));
	r->settings = s;
	r->now_given = now_given;
	r->given_now = given_now;
	r->started_ms = clock_mono_ms();
	r->deadline = deadline_in(s->ingest_budget * 1000);
}

int64_t
run_now(const struct run *r)
{
	return r->now_given ? r->given_now : clock_now();
}

void
run_wait(struct run *r, int64_t seconds)
{
	poll(NULL, 0, (int)(seconds * 1000));
	if (r->now_given)
		r->given_now += seconds;
}

const char *
run_time_text(struct arena *a, int64_t unix_s)
{
	return arena_printf(a, "%lld", (long long)unix_s);
}

enum rc
run_query(struct run *r, struct arena *a, int64_t ms, enum sql id, const char *const argv[],
    const struct db_rows **rows)
{
	enum rc rc = db_query(r->db, run_within(r, ms), a, id, argv, rows);

	if (rc == RC_DOWN || rc == RC_BUSY)
		r->locked = false;
	return rc;
}

struct deadline
run_within(const struct run *r, int64_t ms)
{
	struct deadline d = deadline_in(ms);

	return d.at_ms < r->deadline.at_ms ? d : r->deadline;
}

/* What the process has used. */
struct usage {
	double seconds, cpu_seconds;
	int64_t max_rss_kb;
};

long long
run_failed_places(const struct run *r)
{
	return r->tally.places - r->tally.stored - r->tally.refused;
}

/* Linux's high-water mark. The one of getrusage(2) is no less than what the parent of this process had. */
static int64_t
read_max_rss_kb(void)
{
	FILE *fp = fopen("/proc/self/status", "re");
	char line[256];
	long long kb = 0;

	if (fp == NULL)
		return 0;
	while (kb == 0 && fgets(line, sizeof(line), fp) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			kb = strtoll(line + 6, NULL, 10);
	fclose(fp);
	return kb;
}

static struct usage
usage_read(const struct run *r)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (struct usage){
		.seconds = (double)(clock_mono_ms() - r->started_ms) / 1e3,
		.cpu_seconds = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
			       (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6,
		.max_rss_kb = read_max_rss_kb(),
	};
}

/* The time of the last good run as an earlier run wrote it. False where there was none. */
static bool
read_last_success(const char *path, int64_t *at)
{
	FILE *fp = fopen(path, "re");
	char line[256];
	bool found = false;

	if (fp == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), fp) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		found = strncmp(line, LAST_SUCCESS " ", sizeof(LAST_SUCCESS)) == 0 &&
			str_to_int(line + sizeof(LAST_SUCCESS), at);
	}
	fclose(fp);
	return found;
}

static void
put_head(struct buf *b, const char *name, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void
put_int(struct buf *b, const char *name, const char *help, int64_t v)
{
	put_head(b, name, help);
	buf_printf(b, "%s %lld\n", name, (long long)v);
}

static void
put_real(struct buf *b, const char *name, const char *help, double v)
{
	put_head(b, name, help);
	buf_printf(b, "%s %.3f\n", name, v);
}

static void
put_places(struct buf *b, const struct run *r)
{
	const struct tally *t = &r->tally;

	put_head(b, "cuaca_ingest_places", "Places of the last run by what became of them.");
	buf_printf(b, "cuaca_ingest_places{result=\"stored\"} %lld\n", t->stored);
	buf_printf(b, "cuaca_ingest_places{result=\"refused\"} %lld\n", t->refused);
	buf_printf(b, "cuaca_ingest_places{result=\"failed\"} %lld\n", run_failed_places(r));
	put_head(b, "cuaca_ingest_forecasts", "Forecasts of the last run by what became of them.");
	buf_printf(b, "cuaca_ingest_forecasts{result=\"stored\"} %lld\n", t->forecasts_stored);
	buf_printf(b, "cuaca_ingest_forecasts{result=\"failed\"} %lld\n",
	    t->forecasts - t->forecasts_stored);
	put_int(b, "cuaca_ingest_granted_places", "Places served on demand.", t->granted);
}

static void
put_refusals(struct buf *b, const struct tally *t)
{
	put_head(
	    b, "cuaca_ingest_refusals", "Answers and places refused in the last run by reason.");
	for (int i = REFUSAL_NONE + 1; i < REFUSAL__MAX; i++)
		buf_printf(b, "cuaca_ingest_refusals{reason=\"%s\"} %lld\n", refusals[i].name,
		    t->refusals[i]);
}

/* What is spent of each window, its limit, and the breaker. */
static void
put_quota(struct buf *b, const struct run *r)
{
	static const char *const windows[] = { "minute", "hour", "day" };
	const struct settings *s = r->settings;
	const int64_t limits[] = { s->quota_minute, s->quota_hour, s->quota_day };

	put_head(b, "cuaca_ingest_quota_spent",
	    "Weight spent in the windows of the clock that the last run was in.");
	for (int w = 0; w < 3; w++)
		buf_printf(b, "cuaca_ingest_quota_spent{window=\"%s\"} %.3f\n", windows[w],
		    r->tally.spent[w]);
	put_head(b, "cuaca_ingest_quota_limit", "What the upstream grants; 0 is no limit.");
	for (int w = 0; w < 3; w++)
		buf_printf(b, "cuaca_ingest_quota_limit{window=\"%s\"} %lld\n", windows[w],
		    (long long)limits[w]);
	put_int(b, "cuaca_ingest_breaker_state",
	    "The breaker around the upstream: 0 closed, 1 open, 2 half-open.", r->tally.breaker);
}

static void
put_peers(struct buf *b, const struct tally *t)
{
	put_head(b, "cuaca_ingest_peer_away",
	    "Whether the last run could not tell a peer of new weather.");
	buf_printf(b, "cuaca_ingest_peer_away{peer=\"redis\"} %d\n", t->redis_away);
	buf_printf(b, "cuaca_ingest_peer_away{peer=\"nats\"} %d\n", t->nats_away);
}

static void
put_metrics(struct buf *b, const struct run *r, const struct usage *u, const char *old, int code)
{
	const struct tally *t = &r->tally;
	int64_t success = run_now(r);

	put_int(
	    b, "cuaca_ingest_last_run_timestamp_seconds", "When the last run ended.", run_now(r));
	if ((code == EXIT_DONE && t->left_out == 0) || read_last_success(old, &success))
		put_int(b, LAST_SUCCESS, "When the last run ended that stored every tracked place.",
		    success);
	put_places(b, r);
	put_refusals(b, t);
	put_quota(b, r);
	put_peers(b, t);
	put_int(
	    b, "cuaca_ingest_requests", "Requests to the upstream in the last run.", t->requests);
	put_int(b, "cuaca_ingest_retries", "Those of them that were retries.", t->retries);
	put_real(b, "cuaca_ingest_weight", "What they weigh in the upstream's quota.", t->weight);
	put_real(b, "cuaca_ingest_duration_seconds", "Time the last run took.", u->seconds);
	put_real(
	    b, "cuaca_ingest_cpu_seconds", "Processor time the last run took.", u->cpu_seconds);
	put_int(b, "cuaca_ingest_max_resident_bytes", "Most memory the last run had resident.",
	    u->max_rss_kb * 1024);
}

static void
write_metrics(const struct run *r, const struct usage *u, int code)
{
	struct buf b = BUF_INIT(METRICS_MAX);
	char path[FILE_PATH];

	if (r->settings->metrics_dir[0] == '\0')
		return;
	snprintf(path, sizeof(path), "%s/" METRICS_FILE, r->settings->metrics_dir);
	put_metrics(&b, r, u, path, code);
	errno = ENOMEM;
	if (!buf_ok(&b) || !file_replace(path, &b))
		log_event(LOG_LEVEL_ERROR, "metrics not written",
		    LOG_WITH(log_s("file", path), log_s("reason", strerror(errno))));
	buf_free(&b);
}

void
run_report(const struct run *r, int code)
{
	const struct tally *t = &r->tally;
	struct usage u = usage_read(r);

	write_metrics(r, &u, code);
	log_event(code == EXIT_DONE ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
	    code == EXIT_DONE ? "run done" : "run failed",
	    LOG_WITH(log_i("places", t->places), log_i("stored", t->stored),
		log_i("refused", t->refused), log_i("failed", run_failed_places(r)),
		log_i("forecasts", t->forecasts), log_i("forecasts_stored", t->forecasts_stored),
		log_i("granted", t->granted), log_i("requests", t->requests),
		log_i("retries", t->retries), log_f("weight", t->weight),
		log_f("seconds", u.seconds), log_f("cpu_seconds", u.cpu_seconds),
		log_i("max_rss_kb", u.max_rss_kb), log_i("exit", code)));
}
