/* SPDX-License-Identifier: ISC
 *
 * The arithmetic of the upstream's quota: how what is left of a day is divided among the runs that still come. Numbers in, numbers out.
 *
 * The current weather of the tracked cities has the first claim, in every run. Of what is then spare their
 * forecasts are renewed, as often as forecast_interval says or, when that is too much, as often as it lasts.
 * A quarter at least goes to the cities that are served on demand, at a pace of their own each.
 */
#ifndef CUACA_BUDGET_H
#define CUACA_BUDGET_H

#include "base/settings.h"

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_UNLIMITED 1e12 /* left where there is no limit: more than anybody can spend */
#define BUDGET_PACE_MIN 0.125 /* no city gets less than every eighth run, unless none gets more */

struct budget {
	/* Given. */
	double left; /* of the day's quota */
	int runs; /* until the day (UTC) ends, the one at hand included */
	int tracked, granted; /* places */
	int missing; /* tracked places that have no forecast yet */

	/* Made of it, weights all. */
	bool fits; /* the tracked places' current weather, every run */
	double claim; /* which that takes until the day ends */
	double wanted; /* by their forecasts, until the day ends */
	double later; /* the claim of the runs after this one */
	double spare; /* until the day ends, beyond the claim and a run's worth for retries */
	double current_rate; /* a run, for the tracked places' current weather */
	double forecast_all; /* until the day ends, for their forecasts */
	double forecast_rate; /* a run, for renewing those */
	double demand_all; /* until the day ends, for places on demand */
	double demand_rate; /* a run, for their current weather; their forecasts come on top */
	int demand_max; /* how many of them that carries */
};

/* Runs from now until the UTC day, or the hour, ends, the one that now is in included. */
int budget_runs(const struct settings *s, int64_t now);
int budget_runs_of_hour(const struct settings *s, int64_t now);

/* Fill in the second half. */
void budget_divide(struct budget *b, const struct settings *s);

/* What n places may take of rate, their weight 1 each at pace 1, which is every run: the more somebody asks for a
 * place, the less it is stretched. */
void budget_paces(int n, const double requests[], double rate, double pace[]);

/* How many things of a rate a run number i (any count that goes up by one) may do, so that the sum is right. */
int budget_tokens(double rate, int64_t i);

#endif
