/* SPDX-License-Identifier: ISC
 *
 * The table of problems. A type is a stable path: clients compare it, people may look it up.
 */
#include "web/problem.h"

#include <inttypes.h>

static const struct {
	int status;
	int retry_after; /* seconds; 0: no such header, or the caller sets it */
	const char *type, *title;
} problems[PROBLEM__MAX] = {
	[PROBLEM_INVALID_PARAMETER] = { 400, 0, "/problems/invalid-parameter",
	    "A parameter cannot be used" },
	[PROBLEM_INVALID_KEY] = { 401, 0, "/problems/invalid-key", "No such API key" },
	[PROBLEM_UNAUTHORIZED] = { 401, 0, "/problems/unauthorized", "Not logged in" },
	[PROBLEM_FORBIDDEN] = { 403, 0, "/problems/forbidden", "Not allowed" },
	[PROBLEM_NOT_FOUND] = { 404, 0, "/problems/not-found", "There is nothing at this path" },
	[PROBLEM_UNKNOWN_CITY] = { 404, 0, "/problems/unknown-city", "No such city" },
	[PROBLEM_NOT_TRACKED] = { 404, 0, "/problems/not-tracked",
	    "No weather is collected for this city" },
	[PROBLEM_NO_DATA_YET] = { 503, 0, "/problems/no-data-yet",
	    "No weather has been collected yet" },
	[PROBLEM_METHOD_NOT_ALLOWED] = { 405, 0, "/problems/method-not-allowed",
	    "The method is not allowed here" },
	[PROBLEM_CONFLICT] = { 409, 0, "/problems/conflict", "Something is in the way" },
	[PROBLEM_CONTENT_TOO_LARGE] = { 413, 0, "/problems/content-too-large",
	    "Content too large" },
	[PROBLEM_UNSUPPORTED_MEDIA_TYPE] = { 415, 0, "/problems/unsupported-media-type",
	    "The body is of another type" },
	[PROBLEM_RATE_LIMITED] = { 429, 0, "/problems/rate-limited", "Too many requests" },
	[PROBLEM_UNAVAILABLE] = { 503, 5, "/problems/unavailable",
	    "A server behind this one is away" },
	[PROBLEM_TIMEOUT] = { 503, 5, "/problems/timeout", "The answer took too long" },
	[PROBLEM_INTERNAL] = { 500, 0, "/problems/internal", "Something is wrong on our side" },
};

static const enum problem of_rc[RC__MAX] = {
	[RC_OK] = PROBLEM_INTERNAL,
	[RC_NOTFOUND] = PROBLEM_NOT_FOUND,
	[RC_INVALID] = PROBLEM_INTERNAL,
	[RC_DENIED] = PROBLEM_INVALID_KEY,
	[RC_CONFLICT] = PROBLEM_INTERNAL,
	[RC_BUSY] = PROBLEM_TIMEOUT,
	[RC_DOWN] = PROBLEM_UNAVAILABLE,
	[RC_NOMEM] = PROBLEM_INTERNAL,
};

static void
put_bad_params(struct jsonw *w, const struct bad_param *bad)
{
	if (bad == NULL)
		return;
	jsonw_array(w, "errors");
	for (; bad != NULL; bad = bad->next) {
		jsonw_object(w, NULL);
		jsonw_string(w, "parameter", bad->name);
		jsonw_string(w, "detail", bad->detail);
		jsonw_end(w);
	}
	jsonw_end(w);
}

void
problem_begin(
    const struct req *rq, struct res *rs, enum problem id, const char *detail, struct jsonw *w)
{
	response_reset(rs);
	rs->status = problems[id].status;
	rs->retry_after = problems[id].retry_after;
	rs->content_type = "application/problem+json";
	*w = (struct jsonw)JSONW_INIT(&rs->body);
	jsonw_object(w, NULL);
	jsonw_string(w, "type", problems[id].type);
	jsonw_string(w, "title", problems[id].title);
	jsonw_int(w, "status", problems[id].status);
	if (detail != NULL)
		jsonw_string(w, "detail", detail);
	jsonw_string(w, "request_id", rq->id);
	put_bad_params(w, rq->bad);
}

void
problem_end(struct jsonw *w)
{
	jsonw_end(w);
}

void
problem_write(const struct req *rq, struct res *rs, enum problem id, const char *detail)
{
	struct jsonw w;

	problem_begin(rq, rs, id, detail, &w);
	problem_end(&w);
}

/* "lat: must be between …", for people who read only the detail. */
static const char *
first_bad(const struct req *rq)
{
	return arena_printf(rq->arena, "%s: %s", rq->bad->name, rq->bad->detail);
}

static void
rate_limited(const struct req *rq, struct res *rs)
{
	problem_write(rq, rs, PROBLEM_RATE_LIMITED,
	    rq->why != NULL
		? rq->why
		: arena_printf(rq->arena,
		      "more than %" PRId64 " requests a second from one %s; wait %" PRId64 " s",
		      rq->limit.rate, rq->api_key != NULL ? "API key" : "address",
		      rq->limit.reset));
	rs->retry_after = rq->limit.reset;
}

/* RFC 6750: the header tells a program, the detail a person. Who shows no token is not told that it is wrong. */
static void
unauthorized(const struct req *rq, struct res *rs)
{
	if (rq->denied == NULL) {
		problem_write(rq, rs, PROBLEM_UNAUTHORIZED,
		    "show a token: Authorization: Bearer, and what login gave");
		return;
	}
	problem_write(rq, rs, PROBLEM_UNAUTHORIZED, rq->denied);
	rs->challenge = arena_printf(rq->arena,
	    "Bearer realm=\"cuaca\", error=\"invalid_token\", error_description=\"%s\"",
	    rq->denied);
}

void
problem_from_rc(const struct req *rq, struct res *rs, enum rc rc)
{
	if (rc == RC_BUSY && rq->limit.over)
		rate_limited(rq, rs);
	else if (rc == RC_DENIED && rq->why != NULL)
		problem_write(rq, rs, PROBLEM_FORBIDDEN, rq->why);
	else if (rc == RC_CONFLICT && rq->why != NULL)
		problem_write(rq, rs, PROBLEM_CONFLICT, rq->why);
	else if (rc == RC_DENIED && rq->guarded)
		unauthorized(rq, rs);
	else if (rc == RC_DENIED)
		problem_write(rq, rs, PROBLEM_INVALID_KEY,
		    "this API key was never given out, or was revoked");
	else if (rc == RC_INVALID && rq->bad != NULL)
		problem_write(rq, rs, PROBLEM_INVALID_PARAMETER, first_bad(rq));
	else
		problem_write(rq, rs, of_rc[rc], rq->why);
}
