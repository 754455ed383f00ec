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

#endif
