/* SPDX-License-Identifier: ISC
 *
 * Acknowledging an event acknowledges all before it, so nothing may be left out before it: what is fetched is held
 * against what PostgreSQL has, and where events are missing in between the consumer is set back to them.
 */
#include "batch.h"

#include "base/jsonw.h"
#include "base/log.h"
#include "chat/event.h"
#include "chat/room.h"

#define STORE_MS 30000
#define BATCH_BYTES ((size_t)192 * 1024 * 1024) /* PostgreSQL takes 256 MiB of JSON */
#define TRIES 3 /* for one event that is refused: it may have met another transaction */

/* Add an event to the batch; one that cannot be read is counted and left out. */
static void
add_event(struct archive *ar, struct jsonw *w, const struct stream_msg *m)
{
	struct buf text = BUF_INIT(BATCH_BYTES);
	struct event e;
	struct room room;

	if (!room_of_subject(m->subject, &room) ||
	    event_read(ar->memory, m->data, m->len, &e) != RC_OK) {
		ar->tally.refused++;
		log_event(LOG_LEVEL_ERROR, "not an event: passed over",
		    LOG_WITH(log_s("subject", m->subject), log_i("seq", (int64_t)m->seq),
			log_i("bytes", (int64_t)m->len)));
		return;
	}
	event_write(&text, &e);
	jsonw_object(w, NULL);
	jsonw_int(w, "seq", (int64_t)m->seq);
	jsonw_string(w, "room", room.text);
	if (buf_ok(&text))
		jsonw_raw(w, "event", text.p, text.len);
	else
		w->out->failed = true;
	jsonw_end(w);
	buf_free(&text);
}

/* One statement: the events in json, and that the log is archived up to through. */
static enum rc
store_json(struct archive *ar, uint64_t through, const char *json)
{
	const char *argv[] = { ar->holder, archive_number(ar, ar->epoch),
		archive_number(ar, (int64_t)through), json };
	const struct db_rows *rows;
	enum rc rc = archive_query(ar, STORE_MS, SQL_ARCHIVE_STORE, argv, &rows);

	if (rc != RC_OK)
		return rc;
	if (db_text(rows, 0, 0) == NULL) {
		ar->mine = false;
		return RC_BUSY;
	}
	ar->tally.stored += db_int(rows, 0, 0);
	ar->tally.batches++;
	ar->archived_at = clock_now();
	return RC_OK;
}

static enum rc
store_once(struct archive *ar, const struct stream_msg msgs[], int n)
{
	struct buf json = BUF_INIT(BATCH_BYTES);
	struct jsonw w = JSONW_INIT(&json);
	int64_t refused = ar->tally.refused;
	enum rc rc = RC_INVALID; /* too large: half of it is not */

	jsonw_array(&w, NULL);
	for (int i = 0; i < n; i++)
		add_event(ar, &w, &msgs[i]);
	jsonw_end(&w);
	if (buf_ok(&json))
		rc = store_json(ar, msgs[n - 1].seq, json.p);
	if (rc != RC_OK)
		ar->tally.refused = refused; /* they will be looked at again */
	buf_free(&json);
	return rc;
}

static bool
is_refusal(enum rc rc)
{
	return rc == RC_INVALID || rc == RC_CONFLICT;
}

/* An event that PostgreSQL refuses on its own, though it takes a batch without it, would hold up all others for ever. */
static enum rc
store_single(struct archive *ar, const struct stream_msg *m)
{
	enum rc rc = RC_CONFLICT;

	for (int i = 0; i < TRIES && is_refusal(rc); i++)
		rc = store_once(ar, m, 1);
	if (!is_refusal(rc) || (rc = store_json(ar, m->seq, "[]")) != RC_OK)
		return is_refusal(rc) ? RC_DOWN : rc;
	ar->tally.refused++;
	log_event(LOG_LEVEL_ERROR, "refused by PostgreSQL: passed over",
	    LOG_WITH(log_s("subject", m->subject), log_i("seq", (int64_t)m->seq)));
	return RC_OK;
}

/* Halves, and halves of these, until it is known which event is refused. */
enum rc
batch_store(struct archive *ar, const struct stream_msg msgs[], int n)
{
	enum rc rc = n > 1 ? store_once(ar, msgs, n) : store_single(ar, msgs);

	if (!is_refusal(rc))
		return rc;
	if ((rc = batch_store(ar, msgs, n / 2)) != RC_OK)
		return rc;
	return batch_store(ar, msgs + n / 2, n - n / 2);
}

/* Something lies between the event we wait for and m. What the log still has of it somebody else has fetched: then the
 * consumer is set back, and RC_BUSY. Otherwise it is gone for good. */
static enum rc
look_into_gap(struct archive *ar, const struct stream_msg *m)
{
	struct stream_msg first;
	enum rc rc = stream_get(ar->bus, ar->memory, ar->next, &first);

	if (rc != RC_OK)
		return rc;
	if (first.seq < m->seq) {
		log_event(LOG_LEVEL_WARN, "events are missing: fetched again",
		    LOG_WITH(log_i("seq", (int64_t)ar->next)));
		rc = stream_rewind(ar->bus, ar->next);
		return rc == RC_OK ? RC_BUSY : rc;
	}
	ar->tally.missing += (int64_t)(m->seq - ar->next);
	log_event(LOG_LEVEL_ERROR, "gone from the log before they were archived",
	    LOG_WITH(
		log_i("events", (int64_t)(m->seq - ar->next)), log_i("seq", (int64_t)ar->next)));
	ar->next = m->seq;
	return RC_OK;
}

/* How many from the first one on follow each other. */
static int
run_length(const struct stream_msg msgs[], int n)
{
	int i = 1;

	while (i < n && msgs[i].seq == msgs[i - 1].seq + 1)
		i++;
	return i;
}

/* Those that were archived before, and come again since that was not acknowledged, are passed over. */
static enum rc
store_new(struct archive *ar, const struct stream_msg msgs[], int n)
{
	enum rc rc = RC_OK;

	for (int i = 0, len; i < n && rc == RC_OK; i += len) {
		len = 1;
		if (msgs[i].seq < ar->next)
			continue;
		if (msgs[i].seq > ar->next && (rc = look_into_gap(ar, &msgs[i])) != RC_OK)
			break;
		len = run_length(msgs + i, n - i);
		if ((rc = batch_store(ar, msgs + i, len)) == RC_OK)
			ar->next = msgs[i + len - 1].seq + 1;
	}
	return rc;
}

enum rc
batch_archive(struct archive *ar, int64_t wait_ms, int *n)
{
	struct stream_msg *msgs;
	enum rc rc;

	arena_reset(ar->memory);
	rc = stream_fetch(ar->bus, ar->memory, (int)ar->settings->archive_batch, wait_ms, n, &msgs);
	if (rc == RC_OK && *n > 0)
		rc = store_new(ar, msgs, *n);
	if (rc == RC_OK && *n > 0)
		rc = stream_ack(ar->bus, &msgs[*n - 1]);
	return rc;
}
