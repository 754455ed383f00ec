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
#include "drivers/stream.h"
#include "mirror.h"

#include <string.h>

#define STORE_MS 30000
#define BATCH_BYTES ((size_t)192 * 1024 * 1024) /* PostgreSQL takes 256 MiB of JSON */
#define EVENT_BYTES ((size_t)256 * 1024)
#define TRIES 3 /* for one event that is refused: it may have met another transaction */

/* One of the log, made ready. */
struct item {
	const struct stream_msg *msg;
	const char
	    *json; /* as archive_store wants it, in the step's memory; NULL: it is no event */
};

static enum rc
make_json(struct archive *ar, const struct room *room, uint64_t seq, const struct event *e,
    const char **json)
{
	struct buf event = BUF_INIT(EVENT_BYTES), whole = BUF_INIT(EVENT_BYTES);
	struct jsonw w = JSONW_INIT(&whole);

	event_write(&event, e);
	jsonw_object(&w, NULL);
	jsonw_int(&w, "seq", (int64_t)seq);
	jsonw_string(&w, "room", room->text);
	if (buf_ok(&event))
		jsonw_raw(&w, "event", event.p, event.len);
	jsonw_end(&w);
	*json = buf_ok(&event) && buf_ok(&whole) ? arena_strndup(ar->memory, whole.p, whole.len)
						 : NULL;
	buf_free(&event);
	buf_free(&whole);
	return *json != NULL ? RC_OK : RC_NOMEM;
}

static enum rc
make_item(struct archive *ar, const struct stream_msg *m, struct item *it)
{
	struct event e = { 0 };
	struct room room;
	enum rc rc = RC_INVALID;

	*it = (struct item){ .msg = m };
	if (room_of_subject(m->subject, &room))
		rc = event_read(ar->memory, m->data, m->len, &e);
	if (rc == RC_OK && e.user != NULL)
		mirror_soon(ar);
	if (rc == RC_OK)
		rc = make_json(ar, &room, m->seq, &e, &it->json);
	return rc == RC_INVALID ? RC_OK : rc;
}

static void
tell_passed_over(struct archive *ar, const struct item *it, const char *why)
{
	ar->tally.refused++;
	log_event(LOG_LEVEL_ERROR, why,
	    LOG_WITH(log_s("subject", it->msg->subject), log_i("seq", (int64_t)it->msg->seq),
		log_i("bytes", (int64_t)it->msg->len)));
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

/* What is no event is told of when there is no way back. */
static enum rc
store_once(struct archive *ar, const struct item items[], int n)
{
	struct buf json = BUF_INIT(BATCH_BYTES);
	struct jsonw w = JSONW_INIT(&json);
	enum rc rc = RC_INVALID; /* too large: half of it is not */

	jsonw_array(&w, NULL);
	for (int i = 0; i < n; i++)
		if (items[i].json != NULL)
			jsonw_raw(&w, NULL, items[i].json, strlen(items[i].json));
	jsonw_end(&w);
	if (buf_ok(&json))
		rc = store_json(ar, items[n - 1].msg->seq, json.p);
	for (int i = 0; i < n && rc == RC_OK; i++)
		if (items[i].json == NULL)
			tell_passed_over(ar, &items[i], "not an event: passed over");
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
store_single(struct archive *ar, const struct item *it)
{
	enum rc rc = RC_CONFLICT;

	for (int i = 0; i < TRIES && is_refusal(rc); i++)
		rc = store_once(ar, it, 1);
	if (!is_refusal(rc))
		return rc;
	if ((rc = store_json(ar, it->msg->seq, "[]")) == RC_OK)
		tell_passed_over(ar, it, "refused by PostgreSQL: passed over");
	return is_refusal(rc) ? RC_DOWN : rc;
}

/* Halves, and halves of these, until it is known which event is refused. */
static enum rc
store_items(struct archive *ar, const struct item items[], int n)
{
	enum rc rc = n > 1 ? store_once(ar, items, n) : store_single(ar, items);

	if (!is_refusal(rc))
		return rc;
	if ((rc = store_items(ar, items, n / 2)) != RC_OK)
		return rc;
	return store_items(ar, items + n / 2, n - n / 2);
}

/* Events that follow each other in the log. */
static enum rc
store(struct archive *ar, const struct stream_msg msgs[], int n)
{
	struct item *items = arena_alloc(ar->memory, (size_t)n * sizeof(*items));
	enum rc rc = items != NULL ? RC_OK : RC_NOMEM;

	for (int i = 0; i < n && rc == RC_OK; i++)
		rc = make_item(ar, &msgs[i], &items[i]);
	if (rc == RC_OK)
		rc = store_items(ar, items, n);
	if (rc == RC_OK)
		ar->next = msgs[n - 1].seq + 1;
	return rc;
}

/* Nothing before seq can be archived any more. */
static void
tell_missing(struct archive *ar, uint64_t seq)
{
	int64_t n = (int64_t)(seq - ar->next);

	ar->tally.missing += n;
	log_event(LOG_LEVEL_ERROR, "gone from the log before they were archived",
	    LOG_WITH(log_i("events", n), log_i("seq", (int64_t)ar->next)));
	ar->next = seq;
}

enum rc
batch_pass_over(struct archive *ar, uint64_t through)
{
	enum rc rc = store_json(ar, through, "[]");

	if (rc == RC_OK)
		tell_missing(ar, through + 1);
	return rc;
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
	tell_missing(ar, m->seq);
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
		rc = store(ar, msgs + i, len);
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
	if (rc == RC_OK && bus_generation(ar->bus) != ar->generation)
		return RC_BUSY; /* it may be another log by now */
	if (rc == RC_OK && *n > 0)
		rc = store_new(ar, msgs, *n);
	if (rc == RC_OK && *n > 0)
		rc = stream_ack(ar->bus, &msgs[*n - 1]);
	return rc;
}
