/* SPDX-License-Identifier: ISC
 *
 * Routes are data. What a table of them promises (methods, paths, parameters) is checked here before any
 * handler runs, and by a test against the OpenAPI file.
 */
#ifndef CUACA_ROUTE_H
#define CUACA_ROUTE_H

#include "web/request.h"
#include "web/response.h"

/* Fills rs and returns RC_OK, also when it wrote a problem; any other result becomes one. */
typedef enum rc handler(struct req *rq, struct res *rs);

struct route {
	enum method method; /* M_GET; HEAD and OPTIONS come with it */
	const char
	    *path; /* a last segment "{name}" stands for any one segment; NULL ends the table */
	handler *run;
	const struct param
	    *params; /* ended by a NULL name; NULL: the handler reads the query itself */
	const char *limit; /* the class that its requests are counted in; NULL: they are not */
};

/* Find the route of rq->path, check the method and the parameters, run the handler, see that the request was
 * counted; whatever happens, rs is an answer. */
void route_run(const struct route routes[], struct req *rq, struct res *rs);

#endif
