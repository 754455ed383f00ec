/* SPDX-License-Identifier: ISC
 *
 * What the archiver tells its operator.
 */
#ifndef CUACA_ARCHIVE_REPORT_H
#define CUACA_ARCHIVE_REPORT_H

#include "archive.h"

/* Write the metrics file, and a line of what was archived since the last one, if anything was. */
void report(struct archive *ar);

#endif
