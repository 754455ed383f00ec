/* SPDX-License-Identifier: ISC
 *
 * The routes of weather.fcgi. fcgi-bin/ops/openapi.json describes the same to clients; a test compares them.
 */
#include "weather.h"

/* In the order of enum units, lang, format. */
static const char *const units[] = { "metric", "imperial", NULL };
static const char *const langs[] = { "en", "id", NULL };
static const char *const formats[] = { "json", "text", "csv", "prometheus", NULL };

static const struct param current_params[] = { { "city", .type = PT_TEXT, .min = 1, .max = 80 },
	{ "cities", .type = PT_LIST, .max = 50 }, { "lat", .type = PT_LAT },
	{ "lon", .type = PT_LON }, { "units", .type = PT_CHOICE, .choices = units },
	{ "lang", .type = PT_CHOICE, .choices = langs },
	{ "format", .type = PT_CHOICE, .choices = formats }, { 0 } };

static const struct param forecast_params[] = { { "city", .type = PT_TEXT, .min = 1, .max = 80 },
	{ "lat", .type = PT_LAT }, { "lon", .type = PT_LON },
	{ "days", .type = PT_INT, .min = 1, .max = 7 },
	{ "units", .type = PT_CHOICE, .choices = units },
	{ "lang", .type = PT_CHOICE, .choices = langs },
	{ "format", .type = PT_CHOICE, .choices = formats }, { 0 } };

/* In the order of enum interval, and of what history.c makes of it. */
static const char *const intervals[] = { "raw", "hour", "day", NULL };
static const char *const history_formats[] = { "json", "csv", NULL };

static const struct param history_params[] = { { "city", .type = PT_TEXT, .need = true, .min = 1,
						   .max = 80 },
	{ "interval", .type = PT_CHOICE, .choices = intervals }, { "from", .type = PT_TIME },
	{ "to", .type = PT_TIME }, { "limit", .type = PT_INT, .min = 1, .max = 500 },
	{ "cursor", .type = PT_TEXT, .min = 1, .max = 80 },
	{ "units", .type = PT_CHOICE, .choices = units },
	{ "lang", .type = PT_CHOICE, .choices = langs },
	{ "format", .type = PT_CHOICE, .choices = history_formats }, { 0 } };

static const struct param cities_params[] = { { "q", .type = PT_TEXT, .min = 2, .max = 80 },
	{ "near", .type = PT_POINT }, { "limit", .type = PT_INT, .min = 1, .max = 100 }, { 0 } };

static const struct param no_params[] = { { 0 } };

const struct route weather_routes[] = {
	{ M_GET, "/api/weather/current", weather_current, ANYONE, current_params, "weather" },
	{ M_GET, "/api/weather/forecast", weather_forecast, ANYONE, forecast_params, "weather" },
	{ M_GET, "/api/weather/history", weather_history, ANYONE, history_params, "weather" },
	{ M_GET, "/api/cities", weather_cities, ANYONE, cities_params, "cities" },
	{ M_GET, "/api/cities/{slug}", weather_city, ANYONE, no_params, "cities" },
	{ M_GET, "/v1/forecast", weather_compat, ANYONE, NULL, "weather" },
	{ 0 },
};
