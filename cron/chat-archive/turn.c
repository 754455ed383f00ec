/* SPDX-License-Identifier: ISC
 *
 * The turn is a lease in PostgreSQL, which also has the place: the consumer's own may be behind it (an acknowledgement
 * was lost) or before it (PostgreSQL was restored), so it is set to ours when a turn begins.
 */
#include "turn.h"

#include "base/log.h"
#include "batch.h"
#include "drivers/stream.h"
#include "epoch.h"

#include <string.h>

#define LEASE_S "10"
#define QUERY_MS 5000

/* Ask for the turn. RC_CONFLICT: another one has it. On RC_OK *epoch and *seq are what is archived. */
static enum rc
ask(struct archive *ar, const char *seconds, const struct stream_state *st, int64_t *epoch,
    uint64_t *seq)
{
	const char *argv[] = { ar->holder, seconds, archive_number(ar, st->epoch),
		archive_number(ar, (int64_t)st->last_seq) };
	const struct db_rows *rows;
	enum rc rc = archive_query(ar, QUERY_MS, SQL_ARCHIVE_LEASE, argv, &rows);

	if (rc != RC_OK)
		return rc;
	if (rows->n == 0)
		return RC_CONFLICT;
	*epoch = db_int(rows, 0, 0);
	*seq = (uint64_t)db_int(rows, 0, 1);
	return RC_OK;
}

/* Of the log as it is; it is made where there is none. */
static enum rc
look(struct archive *ar, struct stream_state *st)
{
	enum rc rc = stream_state(ar->bus, st);

	if (rc == RC_OK && st->epoch > 0)
		return rc;
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = stream_setup(ar->bus, ar->settings);
	return rc == RC_OK ? stream_state(ar->bus, st) : rc;
}

/* The consumer may have gone with the log, or not have been made yet. */
static enum rc
begin(struct archive *ar, const struct stream_state *st, uint64_t seq)
{
	enum rc rc = stream_setup(ar->bus, ar->settings);

	if (rc == RC_OK)
		rc = stream_rewind(ar->bus, seq + 1);
	if (rc != RC_OK)
		return rc;
	if (seq == 0)
		epoch_tell(ar);
	ar->epoch = st->epoch;
	ar->next = seq + 1;
	log_event(LOG_LEVEL_INFO, "archiving",
	    LOG_WITH(log_i("epoch", ar->epoch), log_i("from", (int64_t)ar->next),
		log_i("lag", (int64_t)(st->last_seq - seq))));
	if (st->first_seq > st->last_seq && seq < st->last_seq)
		rc = batch_pass_over(ar, st->last_seq);
	ar->mine = rc == RC_OK;
	return rc;
}

/* Whether it is our turn still, from the same place of the same log. */
static bool
goes_on(const struct archive *ar, const struct stream_state *st, int64_t epoch, uint64_t seq)
{
	return bus_generation(ar->bus) == ar->generation && epoch == ar->epoch &&
	       epoch == st->epoch && seq + 1 == ar->next && seq <= st->last_seq;
}

enum rc
turn_keep(struct archive *ar)
{
	bool was_mine = ar->mine, good;
	struct stream_state st;
	int64_t epoch;
	uint64_t seq;
	enum rc rc;

	arena_reset(ar->memory);
	ar->mine = false;
	if ((rc = look(ar, &st)) != RC_OK || (rc = ask(ar, LEASE_S, &st, &epoch, &seq)) != RC_OK)
		return rc;
	ar->last = st.last_seq;
	ar->mine = was_mine && goes_on(ar, &st, epoch, seq);
	ar->generation = bus_generation(ar->bus);
	if (ar->mine || (rc = epoch_check(ar, &st, epoch, seq, &good)) != RC_OK)
		return rc;
	return good ? begin(ar, &st, seq) : epoch_renew(ar, &st, epoch, seq);
}

void
turn_give(struct archive *ar)
{
	struct stream_state st = { .epoch = ar->epoch, .last_seq = ar->last };
	int64_t epoch;
	uint64_t seq;

	arena_reset(ar->memory);
	if (ar->mine)
		ask(ar, "0", &st, &epoch, &seq);
	ar->mine = false;
}
