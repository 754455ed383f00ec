/* SPDX-License-Identifier: ISC
 *
 * See budget.h. What a run leaves over is there for the next, since each divides anew what is left.
 */
#include "weather/budget.h"

#include "weather/price.h"
#include "weather/schedule.h"

#include <math.h>

#define HOUR 3600
#define DAY 86400
#define DEMAND_SHARE 0.25 /* of the spare, where the forecasts want all */
#define BISECTIONS 60

/* Runs from now until the window of the clock ends that now is in. */
static int
runs_left(const struct settings *s, int64_t now, int64_t window)
{
	int64_t end = now - now % window + window, next = schedule_next(s, now);

	return next >= end ? 1 : (int)(2 + (end - 1 - next) / s->ingest_interval);
}

int
budget_runs(const struct settings *s, int64_t now)
{
	return runs_left(s, now, DAY);
}

int
budget_runs_of_hour(const struct settings *s, int64_t now)
{
	return runs_left(s, now, HOUR);
}

void
budget_divide(struct budget *b, const struct settings *s)
{
	double runs = b->runs, tracked = b->tracked;
	/* a place's forecasts by the run, beside the 1 of its current weather */
	double beside = price_forecast() * (double)s->ingest_interval /
			(double)s->forecast_interval;
	double renewing;

	b->wanted = runs * tracked * beside + b->missing * price_forecast();
	b->claim = runs * tracked;
	b->fits = b->claim <= b->left;
	b->later = b->fits ? b->claim - tracked : 0;
	b->spare = fmax(0, b->left - b->claim - tracked);
	b->demand_all = fmax(b->spare - b->wanted, b->spare * DEMAND_SHARE);
	b->demand_rate = b->demand_all / runs / (1 + beside);
	b->demand_max = (int)fmin((double)s->demand_cities, b->demand_rate / BUDGET_PACE_MIN);
	b->demand_rate = fmin(b->demand_rate, b->granted);
	if (b->fits) {
		b->current_rate = tracked;
		b->forecast_all = fmax(
		    0, fmin(b->wanted, b->spare - b->demand_rate * runs * (1 + beside)));
	} else {
		b->current_rate = fmax(0, b->left) / runs / (1 + beside);
		b->forecast_all = b->current_rate * runs * beside;
	}
	renewing = b->forecast_all - b->missing * price_forecast();
	b->forecast_rate = fmax(0, renewing) / runs;
}

void
budget_paces(int n, const double requests[], double rate, double pace[])
{
	double low = 0, high = 1, least = fmin(BUDGET_PACE_MIN, rate / n);

	for (int step = 0; step < BISECTIONS; step++) {
		double by = (low + high) / 2, sum = 0;

		for (int i = 0; i < n; i++) {
			pace[i] = fmin(1, fmax(least, by * (requests[i] + 1)));
			sum += pace[i];
		}
		if (sum > rate)
			high = by;
		else
			low = by;
	}
}

int
budget_tokens(double rate, int64_t i)
{
	double before = floor((double)i * rate);

	return (int)fmin(1e9, floor((double)(i + 1) * rate) - before);
}
