/* SPDX-License-Identifier: ISC
 *
 * Arithmetic of the ingest's timetable.
 */
#include "weather/schedule.h"

int64_t
schedule_next(const struct settings *s, int64_t t)
{
	int64_t offset = s->ingest_offset % s->ingest_interval;

	return (t - offset + s->ingest_interval) / s->ingest_interval * s->ingest_interval + offset;
}

int64_t
schedule_due(const struct settings *s, int64_t t, int every_runs)
{
	return schedule_next(s, t + (every_runs - 1) * s->ingest_interval);
}

int64_t
schedule_stale_at(const struct settings *s, int64_t t)
{
	return schedule_next(s, t) + s->stale_after;
}

int64_t
schedule_forecast_next(const struct settings *s, int64_t t)
{
	return schedule_next(s, t + s->forecast_interval - s->ingest_interval);
}

int64_t
schedule_forecast_stale_at(const struct settings *s, int64_t t)
{
	return schedule_forecast_next(s, t) + s->forecast_interval;
}
