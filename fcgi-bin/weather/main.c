/* SPDX-License-Identifier: ISC
 *
 * weather.fcgi: current weather and the gazetteer over FastCGI.
 */
#include "weather.h"

#include "base/log.h"
#include "base/program.h"
#include "demand.h"
#include "flight.h"
#include "web/worker.h"

int
main(int argc, char **argv)
{
	static const struct program program = { .name = "weather.fcgi", .usage = "" };
	struct settings settings;
	struct weather_app app = { .settings = &settings };
	struct limiter limiter = { .settings = &settings };

	program_start(&program, argc, argv, &settings);
	app.db = db_open(&settings, program.name, settings.request_timeout);
	app.cache = cache_open(&settings);
	app.flights = flights_new();
	app.demand = app.cache != NULL ? demand_begin(app.cache) : NULL;
	limiter.cache = app.cache;
	limiter.db = app.db;
	if (app.db == NULL || app.cache == NULL || app.flights == NULL || app.demand == NULL)
		log_die(EXIT_SYSTEM, "no memory", NULL);
	if (worker_serve(&settings, weather_routes, &limiter, NULL, &app) != RC_OK)
		log_die(EXIT_USAGE,
		    "descriptor 0 is not a FastCGI socket: start this through spawn-fcgi", NULL);
	demand_end(app.demand);
	flights_free(app.flights);
	cache_close(app.cache);
	db_close(app.db);
	return EXIT_DONE;
}
