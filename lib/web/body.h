/* SPDX-License-Identifier: ISC
 *
 * What comes in the body of a request: one JSON object, whose members are the route's parameters.
 */
#ifndef CUACA_BODY_H
#define CUACA_BODY_H

#include "web/request.h"
#include "web/response.h"

#define BODY_MAX 16384 /* bytes */

/* Whether the body, if there is one, is of a length and a type that are read here; if not, rs says so. */
bool body_acceptable(const struct req *rq, struct res *rs);

/* Read the members of the body into rq->values, for which request_values() has made room; no body is an empty
 * object. RC_INVALID: rq->bad names each that is unknown, repeated, empty or ill-typed, or the "body" itself.
 * RC_BUSY: it did not come in time. */
enum rc body_take(struct req *rq);

#endif
