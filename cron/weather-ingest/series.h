/* SPDX-License-Identifier: ISC
 *
 * What an answer with series is worth: a forecast of hours and days, or hours of the past. As in check.h, a fault of
 * the whole body is returned and a fault of one place is in its element of out alone.
 */
#ifndef CUACA_INGEST_SERIES_H
#define CUACA_INGEST_SERIES_H

#include "base/arena.h"
#include "check.h"
#include "weather/forecast.h"

struct outlook {
	enum refusal refusal; /* REFUSAL_NONE: the rest is good */
	char detail[CHECK_DETAIL];
	struct forecast forecast; /* but for city, collected_at and source */
};

struct past {
	enum refusal refusal;
	char detail[CHECK_DETAIL];
	int64_t from;
	int hours;
	double *value[Q__MAX]; /* hours values each; NAN for the upstream's null */
};

/* FORECAST_STORED days of n places in their own time zones, the day that now is in after FORECAST_PAST. Series live in
 * the arena. */
enum refusal check_forecasts(const char *body, size_t len, const struct asked asked[], int n,
    int64_t now, struct arena *a, struct outlook out[], char detail[CHECK_DETAIL]);

/* All hours (UTC) from from to to, not itself, of one place. */
enum refusal check_past(const char *body, size_t len, const struct asked *asked, int64_t from,
    int64_t to, struct arena *a, struct past *out, char detail[CHECK_DETAIL]);

#endif
