/* SPDX-License-Identifier: ISC
 *
 * Times, sizes and sums as people read them.
 */
#ifndef CUACA_FORMAT_H
#define CUACA_FORMAT_H

#include "base/arena.h"
#include "base/settings.h"

#include <stdint.h>

#define FORMAT_TEXT 32

/* "40 s", "3 min", "5 h", "12 d": one number, rounded down. */
char *format_span(int64_t seconds, char text[FORMAT_TEXT]);

/* RFC 3339, or "-" for 0, which stands for never. */
char *format_time(int64_t unix_s, char text[FORMAT_TEXT]);

/* "512 B", "1.4 MiB". */
char *format_bytes(int64_t bytes, char text[FORMAT_TEXT]);

/* What a day of so many cities comes to, "97 cities × 96 runs × 1 + 97 × 4 forecasts × 2 = 10088", in the
 * arena; NULL without memory. */
char *format_price(struct arena *a, const struct settings *s, int64_t cities);

#endif
