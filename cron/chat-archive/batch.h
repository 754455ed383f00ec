/* SPDX-License-Identifier: ISC
 *
 * A batch from the log to PostgreSQL.
 */
#ifndef CUACA_ARCHIVE_BATCH_H
#define CUACA_ARCHIVE_BATCH_H

#include "archive.h"
#include "drivers/stream.h"

/* Fetch what comes next, archive_batch events at most, waiting up to wait_ms for the first; store it; acknowledge it
 * once it is stored. *n is how many were fetched. RC_CONFLICT: it is not our turn any more. Otherwise a failure
 * leaves everything to the next call. */
enum rc batch_archive(struct archive *ar, int64_t wait_ms, int *n);

/* Store these events, which are in the log's order, nothing missing between them, as PostgreSQL takes them. What is no
 * event, or is refused even on its own, is passed over and counted. */
enum rc batch_store(struct archive *ar, const struct stream_msg msgs[], int n);

#endif
