/* SPDX-License-Identifier: ISC
 *
 * A log that went back. NATS writes its files without waiting for the disk: after a power cut, or when an older copy is
 * put in place, the end of the log may be gone, though it is archived, and its numbers are given out once more.
 */
#ifndef CUACA_ARCHIVE_EPOCH_H
#define CUACA_ARCHIVE_EPOCH_H

#include "archive.h"
#include "drivers/stream.h"

/* Whether the log, which is as st says, is the one that is archived up to epoch and seq: *good. It is not where it ends
 * before, or has something else where the archive ends. */
enum rc epoch_check(
    struct archive *ar, const struct stream_state *st, int64_t epoch, uint64_t seq, bool *good);

/* Give the log, of which that is not so, a new epoch. What it still has in common with the archive is not archived
 * again; what differs is. The next turn_keep() goes on from there. */
enum rc epoch_renew(struct archive *ar, const struct stream_state *st, int64_t epoch, uint64_t seq);

/* Tell the chat handlers to look at the epoch. */
void epoch_tell(struct archive *ar);

#endif
