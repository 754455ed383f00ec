/* SPDX-License-Identifier: ISC
 *
 * Errors for clients: application/problem+json, RFC 9457. The table in problem.c is the list of all of them.
 */
#ifndef CUACA_PROBLEM_H
#define CUACA_PROBLEM_H

#include "base/jsonw.h"
#include "web/response.h"

enum problem {
	PROBLEM_INVALID_PARAMETER,
	PROBLEM_INVALID_KEY,
	PROBLEM_UNAUTHORIZED,
	PROBLEM_FORBIDDEN,
	PROBLEM_NOT_FOUND,
	PROBLEM_UNKNOWN_CITY,
	PROBLEM_NOT_TRACKED,
	PROBLEM_NO_DATA_YET,
	PROBLEM_METHOD_NOT_ALLOWED,
	PROBLEM_CONFLICT,
	PROBLEM_CONTENT_TOO_LARGE,
	PROBLEM_UNSUPPORTED_MEDIA_TYPE,
	PROBLEM_RATE_LIMITED,
	PROBLEM_UNAVAILABLE,
	PROBLEM_TIMEOUT,
	PROBLEM_INTERNAL,
	PROBLEM__MAX
};

/* Start the answer over as this problem: type, title, status, detail, request_id and, from rq->bad, errors[].
 * Members of its own may follow through w; problem_end() closes it. detail may be NULL. */
void problem_begin(
    const struct req *rq, struct res *rs, enum problem id, const char *detail, struct jsonw *w);
void problem_end(struct jsonw *w);

/* The whole of it, where there is nothing to add. */
void problem_write(const struct req *rq, struct res *rs, enum problem id, const char *detail);

/* What a handler's failure means to the client. */
void problem_from_rc(const struct req *rq, struct res *rs, enum rc rc);

#endif
