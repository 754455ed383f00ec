/* SPDX-License-Identifier: ISC
 *
 * What the files of ops.fcgi share.
 */
#ifndef CUACA_OPS_H
#define CUACA_OPS_H

#include "base/settings.h"
#include "drivers/bus.h"
#include "drivers/cache.h"
#include "drivers/db.h"
#include "web/route.h"

struct ops_app {
	const struct settings *settings;
	struct db *db;
	struct cache *cache;
	struct bus *bus;
};

extern const struct route ops_routes[];

/* GET /api/health: this process answers. Asks nobody. */
handler ops_health;

/* GET /api/ready: each dependency, and how fresh the weather is and whether the chat is kept. 503 only where no weather can be served. */
handler ops_ready;

/* GET /api/status: how fresh the weather is, the last ingest, the quota, for everybody. */
handler ops_status;

/* GET /api/openapi.json: the description of all routes. */
handler ops_openapi;

#endif
