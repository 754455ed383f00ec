/* SPDX-License-Identifier: ISC
 *
 * What the files of weather.fcgi share.
 */
#ifndef CUACA_WEATHER_H
#define CUACA_WEATHER_H

#include "base/settings.h"
#include "drivers/cache.h"
#include "drivers/db.h"
#include "web/problem.h"
#include "web/route.h"

struct demand;
struct flights;

struct weather_app {
	const struct settings *settings;
	struct db *db;
	struct cache *cache;
	struct flights *flights;
	struct demand *demand;
};

extern const struct route weather_routes[];

/* GET /api/weather/current: by city, by cities, or for the tracked city nearest to lat and lon. */
handler weather_current;

/* GET /api/weather/forecast: the hours and days to come. */
handler weather_forecast;

/* GET /api/weather/history: observations, hours or days that are over. */
handler weather_history;

/* GET /api/cities: the gazetteer by name (q), by distance (near), or by population. */
handler weather_cities;

/* GET /api/cities/{slug}: one place of the gazetteer. */
handler weather_city;

/* GET /v1/forecast: the same weather as Open-Meteo would put it. */
handler weather_compat;

/* Answer 404 unknown-city for text, with the places that the client may have meant. */
void unknown_city(struct req *rq, struct res *rs, const char *text);

#endif
