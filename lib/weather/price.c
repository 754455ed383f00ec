/* SPDX-License-Identifier: ISC
 *
 * Open-Meteo's rule: a place counts once up to ten variables and two weeks, and in proportion above. How many
 * places share a request doesn't matter.
 */
#include "weather/price.h"

#include "weather/current.h"
#include "weather/forecast.h"

#include <math.h>

#define DAY 86400
#define FREE_VARIABLES 10
#define FREE_DAYS 14

double
price_place(int variables, int days)
{
	double by_variables = (double)variables / FREE_VARIABLES;

	return fmax(1, fmax(by_variables, by_variables * days / FREE_DAYS));
}

double
price_current(void)
{
	return price_place(Q__MAX, 1);
}

double
price_forecast(void)
{
	return price_place(H__MAX + D__MAX, FORECAST_STORED);
}

static int64_t
times_a_day(int64_t interval)
{
	return (DAY + interval - 1) / interval;
}

struct price_day
price_day(const struct settings *s, int64_t places)
{
	struct price_day d = { .places = places,
		.runs = times_a_day(s->ingest_interval),
		.renewals = times_a_day(s->forecast_interval) };

	d.current = (double)(places * d.runs) * price_current();
	d.forecasts = (double)(places * d.renewals) * price_forecast();
	return d;
}

double
price_total(const struct price_day *d)
{
	return d->current + d->forecasts;
}

bool
price_fits(const struct price_day *d, const struct settings *s)
{
	return s->quota_day == 0 || price_total(d) <= (double)s->quota_day;
}
