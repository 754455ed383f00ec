/* SPDX-License-Identifier: ISC
 *
 * A place of the gazetteer: from a row of a query to JSON.
 */
#ifndef CUACA_CITY_H
#define CUACA_CITY_H

#include "base/jsonw.h"
#include "drivers/db.h"

#include <stdbool.h>
#include <stdint.h>

#define CITY_COLUMNS 9 /* how many columns city_from_row() takes */

struct city {
	const char *slug, *name;
	const char *country; /* ISO 3166-1 alpha-2 */
	const char *admin1; /* first-level division, or NULL */
	double latitude, longitude; /* WGS 84 degrees */
	const char *timezone; /* IANA name */
	int64_t population;
	bool tracked;
};

/* Columns first to first + 8 of a row: slug name country admin1 latitude longitude timezone population
 * tracked. The text stays where the rows are. */
void city_from_row(const struct db_rows *rows, int row, int first, struct city *c);

/* The gazetteer's object with all fields; distance_km is added unless it is NAN. */
void city_json(struct jsonw *w, const char *name, const struct city *c, double distance_km);

/* The short object inside weather answers. */
void city_json_brief(struct jsonw *w, const char *name, const struct city *c);

/* Read the short object back; what it leaves out is zero. Text lives in the arena. False where it is none. */
struct cJSON;
bool city_from_json(struct arena *a, const struct cJSON *object, struct city *c);

#endif
