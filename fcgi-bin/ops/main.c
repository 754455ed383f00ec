/* SPDX-License-Identifier: ISC
 *
 * ops.fcgi: health, readiness, status and the description of the API over FastCGI.
 */
#include "ops.h"

#include "base/log.h"
#include "base/program.h"
#include "web/worker.h"

int
main(int argc, char **argv)
{
	static const struct program program = { .name = "ops.fcgi", .usage = "" };
	struct settings settings;
	struct ops_app app = { .settings = &settings };

	program_start(&program, argc, argv, &settings);
	app.db = db_open(&settings, program.name, settings.request_timeout);
	app.cache = cache_open(&settings);
	app.bus = bus_open(&settings, program.name);
	if (app.db == NULL || app.cache == NULL || app.bus == NULL)
		log_die(EXIT_SYSTEM, "no memory", NULL);
	if (worker_serve(&settings, ops_routes, NULL, NULL, &app) != RC_OK)
		log_die(EXIT_USAGE,
		    "descriptor 0 is not a FastCGI socket: start this through spawn-fcgi", NULL);
	bus_close(app.bus);
	cache_close(app.cache);
	db_close(app.db);
	return EXIT_DONE;
}
