/* SPDX-License-Identifier: ISC
 *
 * What Open-Meteo charges: the weight of a request, and what a day of the ingest comes to.
 */
#ifndef CUACA_PRICE_H
#define CUACA_PRICE_H

#include "base/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* What a place weighs in a request for so many variables over so many days. */
double price_place(int variables, int days);

/* The same for the current weather, and for a whole forecast. */
double price_current(void);
double price_forecast(void);

/* A day (UTC) of some places, each in every run and with every forecast renewed on time. */
struct price_day {
	int64_t places;
	int64_t runs; /* of the ingest */
	int64_t renewals; /* of each forecast */
	double current, forecasts; /* weights */
};

struct price_day price_day(const struct settings *s, int64_t places);

/* Both weights together; whether they are within quota_day. */
double price_total(const struct price_day *d);
bool price_fits(const struct price_day *d, const struct settings *s);

#endif
