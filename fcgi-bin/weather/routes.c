/* SPDX-License-Identifier: ISC
 *
 * The routes of weather.fcgi. fcgi-bin/ops/openapi.json describes the same to clients; a test compares them.
 */
#include "weather.h"

static const struct param current_params[] = { { "city", .type = PT_TEXT, .min = 1, .max = 80 },
	{ "cities", .type = PT_LIST, .max = 50 }, { "lat", .type = PT_LAT },
	{ "lon", .type = PT_LON }, { 0 } };

static const struct param cities_params[] = { { "q", .type = PT_TEXT, .min = 2, .max = 80 },
	{ "near", .type = PT_POINT }, { "limit", .type = PT_INT, .min = 1, .max = 100 }, { 0 } };

static const struct param no_params[] = { { 0 } };

const struct route weather_routes[] = { { M_GET, "/api/weather/current", weather_current,
					    current_params },
	{ M_GET, "/api/cities", weather_cities, cities_params },
	{ M_GET, "/api/cities/{slug}", weather_city, no_params }, { 0 } };
