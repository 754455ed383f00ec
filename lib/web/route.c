/* SPDX-License-Identifier: ISC
 *
 * From a path to a handler's answer.
 */
#include "web/route.h"

#include "base/log.h"
#include "web/body.h"
#include "web/limit.h"
#include "web/problem.h"

#include <string.h>

/* Whether the path is the route's; *segment is then what stands for its {…}, len bytes, NULL without one. */
static bool
matches(const char *pattern, const char *path, const char **segment, size_t *len)
{
	*segment = NULL;
	while (*pattern != '\0') {
		if (*pattern == '{') {
			*segment = path;
			if ((*len = strcspn(path, "/")) == 0)
				return false;
			path += *len;
			pattern = strchr(pattern, '}') + 1;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return *path == '\0';
}

/* The methods of a path, as a set of bits. */
static unsigned
bit(enum method m)
{
	return 1U << (m == M_HEAD ? M_GET : m);
}

/* The route for path and method. Without one, *allowed are the methods that the path has, none where there is no such
 * path. */
static const struct route *
find(const struct route routes[], struct req *rq, unsigned *allowed)
{
	const char *segment;
	size_t len;

	*allowed = 0;
	for (const struct route *r = routes; r->path != NULL; r++) {
		if (!matches(r->path, rq->path, &segment, &len))
			continue;
		*allowed |= bit(r->method);
		if (bit(r->method) != bit(rq->method))
			continue;
		if (segment != NULL)
			rq->segment = segment[len] == '\0' ? segment
							   : arena_strndup(rq->arena, segment, len);
		return r;
	}
	return NULL;
}

static const char *
allow(struct arena *a, unsigned allowed)
{
	const char *text = arena_printf(a, "%s%s%sOPTIONS",
	    (allowed & bit(M_GET)) != 0 ? "GET, HEAD, " : "",
	    (allowed & bit(M_POST)) != 0 ? "POST, " : "",
	    (allowed & bit(M_DELETE)) != 0 ? "DELETE, " : "");

	return text != NULL ? text : "OPTIONS";
}

/* An address is logged and remembered in many places, a body is not: a POST has all in its body. */
static enum rc
parse(struct req *rq)
{
	enum rc rc = request_values(rq), body = RC_OK, missing;

	if (rc != RC_OK)
		return rc;
	if (rq->method != M_POST)
		rc = request_take_query(rq);
	else if (rq->query[0] != '\0')
		rc = request_reject(rq, "?", "parameters of a POST belong into its body");
	if (rq->method == M_POST || rq->method == M_DELETE)
		body = body_take(rq);
	if (body != RC_OK && body != RC_INVALID)
		return body;
	missing = request_need(rq);
	return rc != RC_OK ? rc : body != RC_OK ? body : missing;
}

/* Who may not, or asks too often, is told so before anything is read or changed for him. */
static enum rc
admit(const struct route *r, guard *keeper, struct req *rq)
{
	enum rc rc;

	rq->guarded = r->who != ANYONE;
	if (rq->guarded && (rc = keeper(rq)) != RC_OK)
		return rc;
	return rq->method == M_POST || rq->method == M_DELETE ? limit_count(rq) : RC_OK;
}

static enum rc
run(const struct route *r, guard *keeper, struct req *rq, struct res *rs)
{
	enum rc rc, limited;

	rq->params = r->params;
	rq->limit_class = r->limit;
	if (rq->segment == NULL && strchr(r->path, '{') != NULL)
		return RC_NOMEM;
	rc = admit(r, keeper, rq);
	if (rc == RC_OK && rq->content_length > 0 && !body_acceptable(rq, rs))
		return RC_OK;
	if (rc == RC_OK && r->params != NULL)
		rc = parse(rq);
	if (rc == RC_OK)
		rc = r->run(rq, rs);
	/* Whoever has not read Redis is counted here: bad input is no way around the limit. */
	if ((rc == RC_OK || rc == RC_INVALID || rc == RC_DENIED) &&
	    (limited = limit_count(rq)) != RC_OK)
		rc = limited;
	if (rc == RC_OK && !buf_ok(&rs->body))
		rc = RC_NOMEM;
	return rc;
}

/* OPTIONS, and methods that the path hasn't. */
static void
tell_allowed(struct req *rq, struct res *rs, unsigned allowed)
{
	const char *text = allow(rq->arena, allowed);

	if (rq->method == M_OPTIONS)
		rs->status = 204;
	else
		problem_write(rq, rs, PROBLEM_METHOD_NOT_ALLOWED,
		    arena_printf(rq->arena, "allowed here: %s", text));
	rs->allow = text;
}

void
route_run(const struct route routes[], guard *keeper, struct req *rq, struct res *rs)
{
	unsigned allowed = 0;
	const struct route *r = rq->path != NULL ? find(routes, rq, &allowed) : NULL;
	enum rc rc;

	if (r == NULL && allowed == 0) {
		problem_write(rq, rs, PROBLEM_NOT_FOUND, NULL);
	} else if (r == NULL) {
		tell_allowed(rq, rs, allowed);
	} else if ((rc = run(r, keeper, rq, rs)) != RC_OK) {
		if (rc != RC_INVALID && rc != RC_DENIED && !rq->limit.over && rq->why == NULL)
			log_event(LOG_LEVEL_WARN, "request failed",
			    LOG_WITH(log_s("endpoint", r->path), log_s("result", rc_name(rc))));
		problem_from_rc(rq, rs, rc);
	}
}
