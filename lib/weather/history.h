/* SPDX-License-Identifier: ISC
 *
 * The history of a city, the newest first: single observations, or hours and UTC days with least, most and mean.
 */
#ifndef CUACA_HISTORY_H
#define CUACA_HISTORY_H

#include "weather/city.h"
#include "weather/quantity.h"

enum interval { INTERVAL_RAW, INTERVAL_HOUR, INTERVAL_DAY, INTERVAL__MAX };

/* One page of it. */
struct history {
	struct city city;
	enum interval interval;
	const struct db_rows *rows; /* of the query history_raw, _hour or _day */
	int n; /* how many of the rows are on this page */
	const char *next; /* cursor of the page after it; NULL where this is the last */
};

/* When the observation of a row was made, or its hour or day began. UNIX seconds. */
int64_t history_time(const struct db_rows *rows, int row);

/* The answer. */
void history_json(struct jsonw *w, const struct history *h, const struct present *p);

/* The items as CSV, the columns named in the first line. */
void history_csv(struct buf *b, const struct history *h, const struct present *p);

/* "weather:<slug>:history:page1", in the arena; NULL without memory. */
char *history_page1_key(struct arena *a, const char *slug);

#endif
