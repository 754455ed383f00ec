/* SPDX-License-Identifier: ISC
 *
 * PostgreSQL is told of the new epoch before NATS is: cut off in between, it starts anew and comes to the same end.
 */
#include "epoch.h"

#include "base/log.h"
#include "chat/event.h"

#include <string.h>

#define QUERY_MS 30000
#define LEASE_S "30"

static const char tell[] = "{\"op\":\"epoch\"}";

void
epoch_tell(struct archive *ar)
{
	bus_publish(ar->bus, "ctl.chat.all", tell, sizeof(tell) - 1);
}

/* Whether an event of the log is the one that is archived at its place: *same. */
static enum rc
compare(struct archive *ar, int64_t epoch, uint64_t seq, bool *same)
{
	const char *argv[] = { archive_number(ar, epoch), archive_number(ar, (int64_t)seq) };
	const struct db_rows *rows;
	struct stream_msg m;
	struct event e;
	enum rc rc = stream_get(ar->bus, ar->memory, seq, &m);

	*same = false;
	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	if (m.seq != seq || event_read(ar->memory, m.data, m.len, &e) != RC_OK)
		return RC_OK;
	rc = archive_query(ar, QUERY_MS, SQL_ARCHIVE_EVENT, argv, &rows);
	*same = rc == RC_OK && rows->n > 0 && strcmp(db_text(rows, 0, 0), e.from) == 0 &&
		strcmp(db_text(rows, 0, 1), e.mid) == 0 && db_int(rows, 0, 2) == e.sent_at;
	return rc;
}

/* The last event that log and archive have in common, looked for from the end: there is little that differs, since
 * it came after the log had gone back. */
static enum rc
find_common(struct archive *ar, const struct stream_state *st, uint64_t archived, uint64_t *common)
{
	uint64_t seq = archived < st->last_seq ? archived : st->last_seq;
	bool same = false;
	enum rc rc = RC_OK;

	for (; seq >= st->first_seq && seq > 0 && rc == RC_OK && !same; seq--) {
		arena_reset(ar->memory);
		rc = compare(ar, st->epoch, seq, &same);
	}
	*common = same ? seq + 1 : 0;
	return rc;
}

/* What is archived, to PostgreSQL: all of the new epoch up to common. */
static enum rc
note(struct archive *ar, int64_t epoch, const struct stream_state *st, uint64_t common)
{
	const char *lease[] = { ar->holder, LEASE_S, archive_number(ar, epoch),
		archive_number(ar, (int64_t)st->last_seq) };
	const char *store[] = { ar->holder, archive_number(ar, epoch),
		archive_number(ar, (int64_t)common), "[]" };
	const struct db_rows *rows;
	enum rc rc = archive_query(ar, QUERY_MS, SQL_ARCHIVE_LEASE, lease, &rows);

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
