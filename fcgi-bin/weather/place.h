/* SPDX-License-Identifier: ISC
 *
 * What the weather routes have in common: which place a request means, how its answer is to look, how long it may be
 * kept, and what is said where there is no weather.
 */
#ifndef CUACA_PLACE_H
#define CUACA_PLACE_H

#include "flight.h"
#include "weather.h"
#include "weather/face.h"

/* RC_INVALID unless the place is named in exactly one way: city, or cities (where the route has it), or lat and lon. */
enum rc place_check(struct req *rq);

/* The tracked city nearest to lat and lon. RC_NOTFOUND where none is tracked at all. */
enum rc place_nearest(struct req *rq, struct city *c, double *distance_km);

/* The parameters units, lang (else Accept-Language) and format, those that the route has. */
struct viewer place_viewer(const struct req *rq);
enum format place_format(const struct req *rq);

/* Content-Type, Vary and Link of the answer. */
void place_head(const struct req *rq, struct res *rs, enum format format);

/* Whether the canonical body is the answer as it is. */
bool place_is_canonical(enum format format, const struct present *p);

/* The member distance_km, which a canonical body never has; nothing where it is NAN. */
void place_add_distance(struct res *rs, double distance_km);

/* How long caches may keep an answer that holds this body of current weather, and since when it is so. */
void place_freshness(const struct settings *s, const struct finding *f, struct res *rs);

/* Answer why there is no weather for slug. A city that is known but has none is in demand from now on. */
void place_no_weather(struct req *rq, struct res *rs, const char *slug, const struct finding *f);

/* The same where no city is tracked. */
enum rc place_none_tracked(struct req *rq, struct res *rs);

#endif
