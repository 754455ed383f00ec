/* SPDX-License-Identifier: ISC
 *
 * What there is to know of a number that the upstream delivers, and how it is shown: the same for current
 * weather, hours and days.
 */
#ifndef CUACA_QUANTITY_H
#define CUACA_QUANTITY_H

#include "base/jsonw.h"
#include "weather/units.h"
#include "weather/wmo.h"

#include <stdbool.h>

struct quantity_info {
	const char *name; /* column and member name */
	const char *upstream; /* Open-Meteo's variable */
	const char *unit; /* metric unit in answers; NULL has none */
	const char *upstream_unit; /* what the upstream must say */
	enum dimension dimension; /* decides the imperial unit */
	double min, max; /* physical range */
	int decimals; /* places stored and shown; 0 is an integer */
};

/* How an answer is worded. */
struct present {
	enum units units;
	enum lang lang;
};

/* Metric, English: what is stored in Redis and sent where nothing else is asked for. */
extern const struct present present_default;

/* The words that Open-Meteo's licence asks for, as a Link header, where the body has no room for them. */
extern const char quantity_link[];

/* v, which is metric, as a member in the units asked for; null where it is NAN. */
void quantity_json(struct jsonw *w, const struct quantity_info *info, double v, enum units units);

/* The member "weather_desc" for a WMO code; null where it is NAN. */
void quantity_json_desc(struct jsonw *w, double code, enum lang lang);

/* The object of the units of n quantities. */
void quantity_json_units(
    struct jsonw *w, const char *name, const struct quantity_info infos[], int n, enum units units);

/* The same as text without a unit; nothing where v is NAN. */
void quantity_text(struct buf *b, const struct quantity_info *info, double v, enum units units);

/* v as it is shown, converted and rounded; its unit, NULL where it has none. */
double quantity_shown(const struct quantity_info *info, double v, enum units units);
const char *quantity_unit(const struct quantity_info *info, enum units units);

/* The member "attribution". */
void quantity_json_attribution(struct jsonw *w);

/* The members that end every weather answer, attribution included. Times are UNIX seconds. */
void quantity_json_origin(
    struct jsonw *w, int64_t collected_at, int64_t next_update_at, bool stale, const char *source);

#endif
