/* SPDX-License-Identifier: ISC
 *
 * chat.fcgi: accounts, rooms, sanctions and the history of the chat over FastCGI.
 */
#include "chat.h"

#include "base/log.h"
#include "base/program.h"
#include "web/worker.h"

/* Without a key nobody could show who he is, and an empty one would be everybody's. */
static void
need_secret(const struct settings *s)
{
	if (s->chat_secret[0] == '\0')
		log_die(EXIT_CONFIG, "chat_secret is not set: tokens cannot be signed", NULL);
}

int
main(int argc, char **argv)
{
	static const struct program program = { .name = "chat.fcgi", .usage = "" };
	struct settings settings;
	struct chat_app app = { .settings = &settings };
	struct limiter limiter = { .settings = &settings };

	program_start(&program, argc, argv, &settings);
	need_secret(&settings);
	app.db = db_open(&settings, program.name, settings.request_timeout);
	app.cache = cache_open(&settings);
	app.bus = bus_open(&settings, program.name);
	limiter.cache = app.cache;
	limiter.db = app.db;
	if (app.db == NULL || app.cache == NULL || app.bus == NULL)
		log_die(EXIT_SYSTEM, "no memory", NULL);
	if (worker_serve(&settings, chat_routes, &limiter, chat_guard, &app) != RC_OK)
		log_die(EXIT_USAGE,
		    "descriptor 0 is not a FastCGI socket: start this through spawn-fcgi", NULL);
	bus_close(app.bus);
	cache_close(app.cache);
	db_close(app.db);
	return EXIT_DONE;
}
