/* SPDX-License-Identifier: ISC
 *
 * GET /v1/forecast: our weather in Open-Meteo's shape, so that a client of theirs works when only its base URL
 * changes. compat_query.c reads the parameters, compat_time.c the zones and days among them; compat_values.c knows
 * the variables and units, compat_shape.c writes the JSON; compat.c finds the cities and their data.
 *
 * What Open-Meteo says where it refuses is the "reason" of a 400: a function here that can refuse returns those
 * words, and NULL where all is well.
 */
#ifndef CUACA_COMPAT_H
#define CUACA_COMPAT_H

#include "base/arena.h"
#include "base/jsonw.h"
#include "weather/current.h"
#include "weather/forecast.h"

#include <stdbool.h>
#include <stdint.h>

#define COMPAT_PLACES_MAX 50

/* How one dimension is shown in one of the units that clients may choose: v * factor + offset, of metric. */
struct compat_unit {
	const char *choice, *name;
	double factor, offset;
	int decimals;
};

enum compat_block { COMPAT_CURRENT, COMPAT_HOURLY, COMPAT_DAILY, COMPAT_BLOCKS };

/* A variable that is asked for: the name it was asked by and an index into quantities[], hourly_quantities[] or
 * daily_quantities[], or one of those below. */
struct compat_column {
	const char *name;
	int id;
};

enum { COMPAT_IS_DAY = -1, COMPAT_DAYLIGHT = -2 };

struct compat_columns {
	int n;
	struct compat_column *list; /* NULL where the block is not asked for */
};

/* Days from today's local midnight, or from a date; hours from this one, where they are asked for by number. */
struct compat_days {
	int64_t first; /* local midnight as if it were UTC; used where by_date is true */
	bool by_date, by_hours;
	int past, n; /* n includes past */
	int past_hours, hours; /* hours includes past_hours */
};

struct compat_zone {
	const char *name; /* "auto" until the city is known */
	int offset; /* seconds east of UTC, now: one for the whole answer, as Open-Meteo does */
};

struct compat_place {
	float latitude, longitude; /* as asked for */
	float elevation; /* NAN: not given */
	struct compat_zone zone;
	struct city city; /* the tracked city nearest to it */
	struct current *current; /* NULL: not asked for */
	struct forecast *forecast;
};

struct compat_query {
	struct compat_columns columns[COMPAT_BLOCKS];
	bool current_weather; /* "current" in the old form */
	const struct compat_unit *units[DIM__MAX];
	bool unixtime;
	struct compat_days days;
	int n;
	struct compat_place *places;
};

/* A row of times. */
struct compat_axis {
	int64_t from; /* UNIX seconds */
	int n, step;
};

/* The parameters of a query string, as it came. What has no meaning for Open-Meteo is passed over as Open-Meteo
 * does; what has, and cannot be had here, is refused. */
const char *compat_query_read(
    struct arena *a, const char *text, int64_t now, struct compat_query *q);

/* The value of a parameter; NULL where it is not given. The last one where it is given more than once. */
struct compat_params;
const char *compat_param(const struct compat_params *p, const char *name);

/* A whole number into *out, which stays as it is where the parameter is not given. */
const char *compat_param_int(
    struct arena *a, const struct compat_params *p, const char *name, int *out);

const char *compat_days_read(
    struct arena *a, const struct compat_params *p, int64_t now, struct compat_days *days);

/* Set the zone's offset at UNIX time now; name may be "auto", which stays for later. */
const char *compat_zone_read(const char *name, int64_t now, struct compat_zone *zone);

/* The times of the hourly and of the daily block. */
struct compat_axis compat_hours(const struct compat_days *d, int offset, int64_t now);
struct compat_axis compat_dates(const struct compat_days *d, int offset, int64_t now);

/* "GMT+7", as Open-Meteo abbreviates zones; in the arena. */
const char *compat_zone_abbreviation(struct arena *a, const struct compat_zone *z);

/* Find a variable by Open-Meteo's name of it, present or former. False where it is not stored here. */
bool compat_column_find(enum compat_block block, const char *name, struct compat_column *c);

/* The columns of "current_weather=true". */
const struct compat_columns *compat_current_weather(void);

/* The unit of a dimension by the word that clients choose it by, NULL: by default. NULL where there is none. */
const struct compat_unit *compat_unit_find(enum dimension dim, const char *choice);

/* The unit of a column as it stands in current_units, hourly_units and daily_units. */
const char *compat_column_unit(
    const struct compat_query *q, enum compat_block block, const struct compat_column *c);

/* The value of a column: now, of the hour that begins at UNIX time t, of the day whose local midnight (as if it
 * were UTC) is day. Metric; NAN where it is not stored. offset is the one that t's axis is of. */
double compat_now(const struct compat_place *p, int id);
double compat_hour(const struct compat_place *p, int id, int64_t t, int offset);
double compat_day(const struct compat_place *p, int id, int64_t day);

/* Whether a column of days holds times. */
bool compat_is_time(enum compat_block block, int id);

/* Write a value with its decimals, or null. */
void compat_put_value(struct jsonw *w, const struct compat_query *q, enum compat_block block,
    const struct compat_column *c, double v);

/* A number as Swift prints a Float: 7.0, -6.21462. */
#define COMPAT_FLOAT 24
char *compat_float(float v, char text[COMPAT_FLOAT]);

/* The answer of one place, the i-th. */
void compat_json(
    struct jsonw *w, struct arena *a, const struct compat_query *q, int i, int64_t now, double ms);

#endif
