/* SPDX-License-Identifier: ISC
 *
 * The forecast of a city: hours and days, from the upstream's row to the answer body and back.
 */
#ifndef CUACA_FORECAST_H
#define CUACA_FORECAST_H

#include "base/clock.h"
#include "base/settings.h"
#include "weather/city.h"
#include "weather/quantity.h"

#define FORECAST_DAYS 7 /* that an answer has at most */

/* What is stored is more: clients of /v1 ask for days of other zones than the city's, and for past ones. The price is the
 * same up to 14 days. */
#define FORECAST_PAST 2 /* days before the one that it is collected in */
#define FORECAST_STORED \
	11 /* days in all; at the end of the last week there are 7 in every zone still */
#define FORECAST_HOURS (FORECAST_STORED * 24 + 1) /* a day of 25 hours may be among them */

/* The numbers of an hour, in the order of their columns. */
enum hourly_quantity {
	H_TEMPERATURE, /* °C, 2 m above ground */
	H_APPARENT_TEMPERATURE, /* °C */
	H_RELATIVE_HUMIDITY, /* % */
	H_PRECIPITATION, /* mm in the preceding hour */
	H_PRECIPITATION_PROBABILITY, /* % */
	H_WEATHER_CODE, /* WMO code table 4677 */
	H_CLOUD_COVER, /* % */
	H_PRESSURE_MSL, /* hPa at mean sea level */
	H_WIND_SPEED, /* km/h, 10 m above ground */
	H_WIND_DIRECTION, /* degrees the wind comes from */
	H__MAX
};

/* The numbers of a local day, in the order of their columns. */
enum daily_quantity {
	D_WEATHER_CODE, /* the most severe of the day */
	D_TEMPERATURE_MAX, /* °C */
	D_TEMPERATURE_MIN, /* °C */
	D_SUNRISE, /* UNIX seconds */
	D_SUNSET, /* UNIX seconds */
	D_PRECIPITATION_SUM, /* mm */
	D_PRECIPITATION_PROBABILITY_MAX, /* % */
	D_WIND_SPEED_MAX, /* km/h */
	D_WIND_GUSTS_MAX, /* km/h */
	D_WIND_DIRECTION_DOMINANT, /* degrees */
	D__MAX
};

extern const struct quantity_info hourly_quantities[H__MAX];
extern const struct quantity_info daily_quantities[D__MAX];

struct forecast {
	struct city city;
	int64_t collected_at; /* UNIX seconds */
	int utc_offset; /* seconds east of UTC in the city when it was collected */
	const char *source; /* "open-meteo" or "simulator" */
	int64_t hourly_from; /* UNIX seconds of the first hour */
	int hours;
	double *hourly[H__MAX]; /* hours values each; a missing one is NAN */
	int64_t daily_from; /* UNIX seconds of local midnight */
	int days;
	double *daily[D__MAX]; /* days values each */
};

/* A row of the query forecast_get, all in the arena. RC_NOTFOUND where the city has no forecast yet; its city is
 * filled then too. RC_INVALID where the arrays don't fit together. */
enum rc forecast_from_row(struct arena *a, const struct db_rows *rows, int row, struct forecast *f);

/* "weather:<slug>:forecast", in the arena; NULL without memory. */
char *forecast_key(struct arena *a, const char *slug);

/* The answer for the city as it stands at UNIX time now: at most days local days, from the one that now is in,
 * and their hours. The metric English one with all that is stored (forecast_all) is the canonical body. */
void forecast_json(struct jsonw *w, const struct forecast *f, const struct settings *s, int64_t now,
    int days, const struct present *p);
void forecast_json_all(
    struct jsonw *w, const struct forecast *f, const struct settings *s, int64_t now);

/* Which days that answer has: first to last - 1. And which of the hours are in them: [from, to) in UNIX seconds. */
struct forecast_span {
	int first, last;
	int64_t from, to;
};
struct forecast_span forecast_span(const struct forecast *f, int64_t now, int days);

/* "2026-11-23": the date of day i in the city. Returns text. */
char *forecast_date(const struct forecast *f, int i, char text[CLOCK_TEXT]);

/* Whether the sun is up at hour i. */
bool forecast_is_day(const struct forecast *f, int i);

/* Read a canonical body back, all in the arena. RC_INVALID where it is none. */
enum rc forecast_parse(struct arena *a, const char *body, size_t len, struct forecast *f);

/* Write, byte for byte, what forecast_json() at now makes of a canonical body for so many days and present_default:
 * its days are cut out. Then collected_at and today, local midnight as UNIX seconds, come with it. False, and nothing
 * is written, where more than the days has changed since, or there is no today in it. Nothing is parsed but what
 * changes as time goes by. */
bool forecast_cut(struct buf *out, const char *body, size_t len, const struct settings *s,
    int64_t now, int days, int64_t *collected_at, int64_t *today);

/* Seconds that the canonical body stays in Redis: until it is due or turns stale, an hour at most. An overdue one may
 * outlive its next_update_at, so that forecasts go on while PostgreSQL is away; what is sent is made of it by
 * forecast_cut(), or written anew. */
int64_t forecast_ttl(const struct forecast *f, const struct settings *s, int64_t now);

#endif
