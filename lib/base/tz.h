/* SPDX-License-Identifier: ISC
 *
 * UTC offsets of time zones, read from the system's tz database. libc's own way, TZ and tzset(3), is one for the
 * whole process: not for threads that serve different zones.
 */
#ifndef CUACA_TZ_H
#define CUACA_TZ_H

#include "base/rc.h"

#include <stddef.h>
#include <stdint.h>

/* Seconds east of UTC that clocks show at UNIX time t in a zone such as "Asia/Jakarta". RC_NOTFOUND where the
 * system knows no such zone, RC_INVALID where its file is broken. */
enum rc tz_offset(const char *name, int64_t t, int *seconds);

/* The same from the len bytes of a TZif file, RFC 9636. RC_INVALID where it is none, *seconds untouched. */
enum rc tz_offset_in(const unsigned char *file, size_t len, int64_t t, int *seconds);

#endif
