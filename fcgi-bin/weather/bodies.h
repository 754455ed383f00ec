/* SPDX-License-Identifier: ISC
 *
 * The canonical bodies of cities, metric and English: what the ingest wrote ahead to Redis; what is missing there
 * comes from PostgreSQL and is put back. While that is away, the last current weather goes on being served.
 */
#ifndef CUACA_BODIES_H
#define CUACA_BODIES_H

#include "flight.h"
#include "web/request.h"

#define BODIES_MAX 100

enum body_kind { BODY_CURRENT, BODY_FORECAST };

struct body {
	const char *slug; /* as a client may have written it */
	enum body_kind kind;
	struct finding found; /* set by bodies_read(), in the request's arena */
};

/* Read n bodies, at most BODIES_MAX: one round trip to Redis, in which the request is counted as well (limit_read()
 * says how that fails), then PostgreSQL for each that was not there. RC_OK also where there is no such city or no
 * weather of it: found tells. */
enum rc bodies_read(struct req *rq, int n, struct body bodies[]);

/* Whether a text can be a slug at all. */
bool bodies_is_slug(const char *text);

#endif
