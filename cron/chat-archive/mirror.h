/* SPDX-License-Identifier: ISC
 *
 * Looks after the mirror of users and groups in Redis.
 */
#ifndef CUACA_ARCHIVE_MIRROR_H
#define CUACA_ARCHIVE_MIRROR_H

#include "archive.h"

/* Once a second: make the mirror anew where its marker is gone. At first copy all again, and once a minute what was
 * changed since the last time, for those whose own copying failed. */
void mirror_keep(struct archive *ar);

/* Copy what was changed in some seconds: somebody was muted or banned, or is no longer. Whoever said so has told Redis,
 * and not at once, since what was said next may be there as well and not be archived yet. */
void mirror_soon(struct archive *ar);

#endif
