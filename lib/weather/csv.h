/* SPDX-License-Identifier: ISC
 *
 * Writes CSV (RFC 4180) as a stream into a buf. The first line names each column, with its unit: "wind_speed (km/h)".
 */
#ifndef CUACA_CSV_H
#define CUACA_CSV_H

#include "weather/quantity.h"

#include <stdint.h>

struct csvw {
	struct buf *out;
	bool comma;
};

#define CSVW_INIT(buffer) \
	{ \
		.out = (buffer) \
	}

/* A cell; quoted where it has to be. NULL is an empty one. */
void csv_text(struct csvw *w, const char *s);
void csv_int(struct csvw *w, int64_t v);
void csv_bool(struct csvw *w, bool v);
void csv_time(struct csvw *w, int64_t unix_s);

/* Degrees, five decimals. */
void csv_degrees(struct csvw *w, double v);

/* A number of the weather as it is shown; an empty cell where it is NAN. */
void csv_quantity(struct csvw *w, const struct quantity_info *info, double v, enum units units);

/* The words for a weather code; an empty cell where it is NAN. */
void csv_desc(struct csvw *w, double code, enum lang lang);

/* The name of a quantity's column; suffix, such as "_min", goes between name and unit. */
void csv_head(
    struct csvw *w, const struct quantity_info *info, const char *suffix, enum units units);

/* End of the line. */
void csv_end(struct csvw *w);

#endif
