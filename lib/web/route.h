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

/* Fills rq->user from rq->token. RC_DENIED: rq->denied says why it may not be used, NULL where there is none. May
 * read Redis through limit_read(), so that asking and counting is one round trip. */
typedef enum rc guard(struct req *rq);

enum who { ANYONE, USER /* whose token the program's guard lets pass */ };

struct route {
	enum method method; /* M_GET, M_POST or M_DELETE; HEAD comes with GET, OPTIONS with all */
	const char *path; /* one segment may be "{name}", for any; NULL ends the table */
	handler *run;
	enum who who;
	const struct param *
	    params; /* ended by a NULL name; of a GET in the query, of a POST in the body, of a DELETE
			in either; NULL: the handler reads the query itself */
	const char *limit; /* the class that its requests are counted in; NULL: they are not */
};

/* Find the route of rq->path and its method, check who asks and the parameters, run the handler, see that the
 * request was counted; whatever happens, rs is an answer. keeper may be NULL where all routes are for anyone. */
void route_run(const struct route routes[], guard *keeper, struct req *rq, struct res *rs);

#endif
