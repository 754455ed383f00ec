/* SPDX-License-Identifier: ISC
 *
 * A batch from the log to PostgreSQL.
 */
#ifndef CUACA_ARCHIVE_BATCH_H
#define CUACA_ARCHIVE_BATCH_H

#include "archive.h"

/* Note that the log has nothing any more up to a place, which is counted and logged as missing. */
enum rc batch_pass_over(struct archive *ar, uint64_t through);

/* Fetch what comes next, archive_batch events at most, waiting up to wait_ms for the first; store it; acknowledge it
 * once it is stored. *n is how many were fetched. What is no event, or is refused by PostgreSQL even on its own, is
 * logged, counted and passed over. A failure leaves what is not stored to the next call; RC_BUSY: the turn is to be
 * looked after first. */
enum rc batch_archive(struct archive *ar, int64_t wait_ms, int *n);

#endif
