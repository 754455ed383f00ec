/* SPDX-License-Identifier: ISC
 *
 * What the work in hand has cost so far, counted per thread by the drivers. Tests state these numbers
 * instead of times.
 */
#ifndef CUACA_COST_H
#define CUACA_COST_H

struct cost {
	unsigned sql; /* statements sent to PostgreSQL */
	unsigned redis; /* round trips to Redis */
};

extern _Thread_local struct cost cost;

#endif
