/* SPDX-License-Identifier: ISC
 *
 * When the ingest comes: every ingest_interval seconds of the UNIX clock, ingest_offset seconds after the full
 * interval, as the crontab has it.
 */
#ifndef CUACA_SCHEDULE_H
#define CUACA_SCHEDULE_H

#include "base/settings.h"

/* UNIX time of the first ingest after t. */
int64_t schedule_next(const struct settings *s, int64_t t);

/* UNIX time of the ingest that is to collect a place again, which is in one of so many runs and was collected at t. */
int64_t schedule_due(const struct settings *s, int64_t t, int every_runs);

/* UNIX time from which data collected at t, in every run, are stale: the update after them is overdue by stale_after.
 */
int64_t schedule_stale_at(const struct settings *s, int64_t t);

/* The same for forecasts, which are renewed every forecast_interval: UNIX time of the ingest that is to renew one
 * collected at t; the time from which it is stale, since a whole round was missed. */
int64_t schedule_forecast_next(const struct settings *s, int64_t t);
int64_t schedule_forecast_stale_at(const struct settings *s, int64_t t);

#endif
