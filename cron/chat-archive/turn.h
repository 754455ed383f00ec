/* SPDX-License-Identifier: ISC
 *
 * Whose turn it is to archive, and from where. Archivers may run on several hosts; one works, the others stand by.
 */
#ifndef CUACA_ARCHIVE_TURN_H
#define CUACA_ARCHIVE_TURN_H

#include "archive.h"

/* Make the log if there is none, have the turn or keep it, and see to it that log and archive agree on where we
 * are: to be called every TURN_MS, which also notes how much there is left to archive. Afterwards ar->mine says whether
 * it is our turn. */
enum rc turn_keep(struct archive *ar);

#define TURN_MS 2000

/* Let another one have it. */
void turn_give(struct archive *ar);

#endif
