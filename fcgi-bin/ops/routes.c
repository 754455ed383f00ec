/* SPDX-License-Identifier: ISC
 *
 * The routes of ops.fcgi. openapi.json describes the same to clients; a test compares them.
 */
#include "ops.h"

static const struct param no_params[] = { { 0 } };

/* Not limited here: load balancers ask often, and the web server limits everybody else. */
const struct route ops_routes[] = {
	{ M_GET, "/api/health", ops_health, ANYONE, no_params, NULL },
	{ M_GET, "/api/ready", ops_ready, ANYONE, no_params, NULL },
	{ M_GET, "/api/status", ops_status, ANYONE, no_params, NULL },
	{ M_GET, "/api/openapi.json", ops_openapi, ANYONE, no_params, NULL },
	{ 0 },
};
