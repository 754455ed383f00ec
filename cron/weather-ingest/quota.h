/* SPDX-License-Identifier: ISC
 *
 * The guardian of the upstream's quota. What is spent is kept in PostgreSQL and Redis, so that it outlives a run and
 * one of the two may be away: the larger count is believed. A request is paid for before it is made, and whether it
 * works or not.
 */
#ifndef CUACA_INGEST_QUOTA_H
#define CUACA_INGEST_QUOTA_H

#include "base/arena.h"
#include "run.h"

#define QUOTA_PROVIDER "open-meteo"

/* The upstream counts in windows of the clock, in UTC. */
enum window { WINDOW_MINUTE, WINDOW_HOUR, WINDOW_DAY, WINDOW__MAX };

struct quota {
	double limit[WINDOW__MAX]; /* 0: none */
	double spent[WINDOW__MAX];
};

/* Seconds from now until the window ends. */
int64_t window_left(enum window w, int64_t now);

/* The longest window that weight would overflow, where so much of each is somebody else's; WINDOW__MAX: none. */
enum window quota_obstacle(const struct quota *q, double weight, const double reserve[WINDOW__MAX]);

/* Fill *q with the limits and with what both books say is spent by now. RC_DOWN where neither can be read. Scratch
 * memory from the arena. */
enum rc quota_load(struct quota *q, struct run *r, struct arena *a);

/* Write a request down in both books. RC_DOWN where neither could be written. */
enum rc quota_pay(struct quota *q, struct run *r, struct arena *a, double weight);

/* What is left of the day; BUDGET_UNLIMITED where there is no limit. */
double quota_day_left(const struct quota *q);

#endif
