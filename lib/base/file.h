/* SPDX-License-Identifier: ISC
 *
 * Small files that another process may read at any time.
 */
#ifndef CUACA_FILE_H
#define CUACA_FILE_H

#include "base/buf.h"

#include <stdbool.h>

#define FILE_PATH 1024 /* the longest path that file_replace() takes */

/* Write b to path, whole or not at all; a reader sees the old file or the new one. False with errno set. */
bool file_replace(const char *path, const struct buf *b);

/* Append all of a file to b. False with errno set; ENOBUFS where b cannot hold it. */
bool file_read(const char *path, struct buf *b);

#endif
