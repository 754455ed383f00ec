/* SPDX-License-Identifier: ISC
 *
 * Metrics in the text format of Prometheus, for node_exporter's textfile collector.
 */
#include "report.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define METRICS_FILE "chat-archive.prom"
#define METRICS_MAX 8192

static void
put(struct buf *b, const char *name, const char *type, const char *help, int64_t v)
{
	buf_printf(
	    b, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name, type, name, (long long)v);
}

static int64_t
lag(const struct archive *ar)
{
	return ar->last >= ar->next ? (int64_t)(ar->last - ar->next + 1) : 0;
}

static void
put_metrics(struct buf *b, const struct archive *ar)
{
	const struct tally *t = &ar->tally;

	put(b, "cuaca_archive_report_timestamp_seconds", "gauge", "When this was written.",
	    clock_now());
	put(b, "cuaca_archive_active", "gauge",
	    "Whether it is this archiver's turn; another host may have it.", ar->mine);
	if (ar->mine) {
		put(b, "cuaca_archive_lag_events", "gauge", "Events of the log to be archived.",
		    lag(ar));
		put(b, "cuaca_archive_seq", "gauge", "The log is archived up to here.",
		    (int64_t)ar->next - 1);
	}
	if (ar->archived_at > 0)
		put(b, "cuaca_archive_last_success_timestamp_seconds", "gauge",
		    "When PostgreSQL last took a batch.", ar->archived_at);
	put(b, "cuaca_archive_events_total", "counter", "Events stored.", t->stored);
	put(b, "cuaca_archive_batches_total", "counter", "Batches stored.", t->batches);
	put(b, "cuaca_archive_refused_total", "counter",
	    "Messages passed over, since they are no events or PostgreSQL refuses them.",
	    t->refused);
	put(b, "cuaca_archive_missing_total", "counter",
	    "Events that had gone from the log before they were archived.", t->missing);
	put(b, "cuaca_archive_mirrors_total", "counter",
	    "Times that the whole mirror in Redis was made anew.", t->mirrored);
}

static void
write_metrics(const struct archive *ar)
{
	struct buf b = BUF_INIT(METRICS_MAX);
	char path[FILE_PATH];

	if (ar->settings->metrics_dir[0] == '\0')
		return;
	snprintf(path, sizeof(path), "%s/" METRICS_FILE, ar->settings->metrics_dir);
	put_metrics(&b, ar);
	errno = ENOMEM;
	if (!buf_ok(&b) || !file_replace(path, &b))
		log_event(LOG_LEVEL_ERROR, "metrics not written",
		    LOG_WITH(log_s("file", path), log_s("reason", strerror(errno))));
	buf_free(&b);
}

void
report(struct archive *ar)
{
	const struct tally *t = &ar->tally, *was = &ar->reported;

	write_metrics(ar);
	if (t->batches > was->batches)
		log_event(LOG_LEVEL_INFO, "archived",
		    LOG_WITH(log_i("events", t->stored - was->stored),
			log_i("batches", t->batches - was->batches),
			log_i("refused", t->refused - was->refused),
			log_i("missing", t->missing - was->missing),
			log_i("seq", (int64_t)ar->next - 1), log_i("lag", lag(ar))));
	ar->reported = *t;
}
