/* SPDX-License-Identifier: ISC
 *
 * From a path to a handler's answer.
 */
#include "web/route.h"

#include "base/log.h"
#include "web/limit.h"
#include "web/problem.h"

#include <string.h>

#define ALLOWED "GET, HEAD, OPTIONS"

static bool
matches(const struct route *r, struct req *rq)
{
	const char *brace = strchr(r->path, '{');
	size_t len = brace != NULL ? (size_t)(brace - r->path) : 0;

	if (brace == NULL)
		return strcmp(r->path, rq->path) == 0;
	if (strncmp(r->path, rq->path, len) != 0 || rq->path[len] == '\0' ||
	    strchr(rq->path + len, '/') != NULL)
		return false;
	rq->rest = rq->path + len;
	return true;
}

static const struct route *
find(const struct route routes[], struct req *rq)
{
	for (const struct route *r = routes; r->path != NULL; r++)
		if (matches(r, rq))
			return r;
	return NULL;
}

static enum rc
run(const struct route *r, struct req *rq, struct res *rs)
{
	enum rc rc = RC_OK, limited;

	rq->params = r->params;
	rq->limit_class = r->limit;
	if (r->params != NULL)
		rc = request_parse_query(rq);
	if (rc == RC_OK)
		rc = r->run(rq, rs);
	/* Whoever has not read Redis is counted here: bad input is no way around the limit. */
	if ((rc == RC_OK || rc == RC_INVALID) && (limited = limit_count(rq)) != RC_OK)
		rc = limited;
	if (rc == RC_OK && !buf_ok(&rs->body))
		rc = RC_NOMEM;
	return rc;
}

void
route_run(const struct route routes[], struct req *rq, struct res *rs)
{
	const struct route *r = rq->path != NULL ? find(routes, rq) : NULL;
	enum rc rc;

	if (r == NULL) {
		problem_write(rq, rs, PROBLEM_NOT_FOUND, NULL);
	} else if (rq->method == M_OPTIONS) {
		rs->status = 204;
		rs->allow = ALLOWED;
	} else if (rq->method == M_OTHER) {
		problem_write(rq, rs, PROBLEM_METHOD_NOT_ALLOWED, "allowed here: " ALLOWED);
		rs->allow = ALLOWED;
	} else if ((rc = run(r, rq, rs)) != RC_OK) {
		if (rc != RC_INVALID && rc != RC_DENIED && !rq->limit.over)
			log_event(LOG_LEVEL_WARN, "request failed",
			    LOG_WITH(log_s("endpoint", r->path), log_s("result", rc_name(rc))));
		problem_from_rc(rq, rs, rc);
	}
}
