/* SPDX-License-Identifier: ISC
 *
 * PostgreSQL is told of the new epoch before NATS is: cut off in between, it starts anew and comes to the same end.
 */
#include "epoch.h"

#include "base/log.h"
#include "chat/event.h"

#define QUERY_MS 30000
#define LEASE_S "30"
#define LOOK_BACK 100 /* places that say nothing are passed until it is good */

enum match { MATCH_UNKNOWN, MATCH_SAME, MATCH_OTHER };

static const char tell[] = "{\"op\":\"epoch\"}";

void
epoch_tell(struct archive *ar)
{
	bus_publish(ar->bus, "ctl.chat.all", tell, sizeof(tell) - 1);
}

/* Whether this event is what is archived at a place. Unknown: nothing is. */
static enum rc
compare_event(
    struct archive *ar, int64_t epoch, uint64_t seq, const struct event *e, enum match *match)
{
	const char *argv[] = { archive_number(ar, epoch), archive_number(ar, (int64_t)seq), e->from,
		e->mid, archive_number(ar, e->sent_at) };
	const struct db_rows *rows;
	enum rc rc = archive_query(ar, QUERY_MS, SQL_ARCHIVE_EVENT, argv, &rows);

	if (rc == RC_OK && rows->n > 0)
		*match = db_bool(rows, 0, 0) ? MATCH_SAME : MATCH_OTHER;
	return rc;
}

/* The same of what the log has at that place. Unknown, too: it has nothing there any more. */
static enum rc
compare(struct archive *ar, int64_t epoch, uint64_t seq, enum match *match)
{
	struct event e = { .from = "", .mid = "" }; /* stands for what is none */
	struct stream_msg m;
	enum rc rc = stream_get(ar->bus, ar->memory, seq, &m);

	*match = MATCH_UNKNOWN;
	if (rc != RC_OK || m.seq != seq)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	rc = event_read(ar->memory, m.data, m.len, &e);
	if (rc != RC_OK && rc != RC_INVALID)
		return rc;
	return compare_event(ar, epoch, seq, &e, match);
}

enum rc
epoch_check(
    struct archive *ar, const struct stream_state *st, int64_t epoch, uint64_t seq, bool *good)
{
	uint64_t end = seq > LOOK_BACK ? seq - LOOK_BACK : 0;
	enum match match = MATCH_UNKNOWN;
	enum rc rc = RC_OK;

	*good = false;
	if (epoch != st->epoch || seq > st->last_seq)
		return RC_OK;
	for (; seq > end && seq >= st->first_seq && rc == RC_OK && match == MATCH_UNKNOWN; seq--) {
		arena_reset(ar->memory);
		rc = compare(ar, epoch, seq, &match);
	}
	*good = match != MATCH_OTHER;
	return rc;
}

/* The last event that log and archive have in common, looked for from the end: there is little that differs, since
 * it came after the log had gone back. */
static enum rc
find_common(struct archive *ar, const struct stream_state *st, uint64_t archived, uint64_t *common)
{
	uint64_t seq = archived < st->last_seq ? archived : st->last_seq;
	enum match match = MATCH_UNKNOWN;
	enum rc rc = RC_OK;

	for (; seq >= st->first_seq && seq > 0 && rc == RC_OK && match != MATCH_SAME; seq--) {
		arena_reset(ar->memory);
		rc = compare(ar, st->epoch, seq, &match);
	}
	*common = match == MATCH_SAME ? seq + 1 : 0;
	return rc;
}

/* To PostgreSQL: that the new epoch goes on from the log's last one, and is archived up to common. */
static enum rc
note(struct archive *ar, int64_t epoch, const struct stream_state *st, uint64_t common)
{
	const char *renew[] = { archive_number(ar, epoch), archive_number(ar, st->epoch),
		archive_number(ar, (int64_t)common) };
	const char *lease[] = { ar->holder, LEASE_S, archive_number(ar, epoch),
		archive_number(ar, (int64_t)st->last_seq) };
	const char *store[] = { ar->holder, archive_number(ar, epoch),
		archive_number(ar, (int64_t)common), "[]" };
	const struct db_rows *rows;
	enum rc rc = archive_query(ar, QUERY_MS, SQL_ARCHIVE_RENEW, renew, &rows);

	if (rc == RC_OK)
		rc = archive_query(ar, QUERY_MS, SQL_ARCHIVE_LEASE, lease, &rows);
	if (rc == RC_OK && rows->n == 0)
		return RC_CONFLICT;
	return rc == RC_OK ? archive_query(ar, QUERY_MS, SQL_ARCHIVE_STORE, store, &rows) : rc;
}

enum rc
epoch_renew(struct archive *ar, const struct stream_state *st, int64_t epoch, uint64_t seq)
{
	int64_t latest = epoch > st->epoch ? epoch : st->epoch, now = clock_now_ms();
	int64_t renewed = now > latest ? now : latest + 1;
	uint64_t common;
	enum rc rc = find_common(ar, st, epoch == st->epoch ? seq : st->last_seq, &common);

	if (rc == RC_OK)
		rc = note(ar, renewed, st, common);
	if (rc == RC_OK)
		rc = stream_epoch_renew(ar->bus, ar->settings, renewed);
	if (rc != RC_OK)
		return rc;
	log_event(LOG_LEVEL_ERROR, "the log went back: it has a new epoch",
	    LOG_WITH(log_i("was", st->epoch), log_i("epoch", renewed),
		log_i("archived", (int64_t)seq), log_i("last", (int64_t)st->last_seq),
		log_i("common", (int64_t)common)));
	epoch_tell(ar);
	ar->turn_at = 0;
	return RC_OK;
}
