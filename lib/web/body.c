/* SPDX-License-Identifier: ISC
 *
 * A body is small and flat, and read only when a route wants it: what it says is checked as strictly as a query.
 */
#include "web/body.h"

#include "base/utf8.h"
#include "web/problem.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 8 /* of nesting: cJSON reads it by recursion */
#define WHOLE_MAX 9007199254740992.0 /* 2^53: a double tells all integers up to here apart */

static bool
is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t len = type != NULL ? strcspn(type, "; \t") : 0;

	return len == sizeof(json) - 1 && strncasecmp(type, json, len) == 0;
}

bool
body_acceptable(const struct req *rq, struct res *rs)
{
	if (rq->content_length > BODY_MAX) {
		problem_write(rq, rs, PROBLEM_CONTENT_TOO_LARGE,
		    arena_printf(rq->arena, "a body may have %d bytes, not %" PRId64, BODY_MAX,
			rq->content_length));
		return false;
	}
	if (rq->content_length > 0 && !is_json(rq->content_type)) {
		problem_write(rq, rs, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
		    "the body must be JSON, and say so: Content-Type: application/json");
		return false;
	}
	return true;
}

/* What cJSON would take for something else, or use up the stack with; NULL: nothing. */
static const char *
trap(const char *json, size_t len)
{
	bool in_text = false;
	int depth = 0;

	if (strlen(json) < len || !utf8_valid(json, len))
		return "has a NUL in it or invalid UTF-8";
	for (const char *c = json; *c != '\0'; c++) {
		if (*c == '"')
			in_text = !in_text;
		else if (in_text && strncmp(c, "\\u0000", 6) == 0)
			return "has a NUL in it";
		else if (in_text && *c == '\\' && c[1] != '\0')
			c++;
		else if (!in_text && (*c == '{' || *c == '[') && ++depth > DEPTH_MAX)
			return "is nested too deeply";
		else if (!in_text && (*c == '}' || *c == ']'))
			depth--;
	}
	return NULL;
}

/* The member's value as a query would have it; NULL where it is of another type. */
static char *
text_of(struct arena *a, enum param_type type, const cJSON *v)
{
	switch (type) {
	case PT_INT:
		if (!cJSON_IsNumber(v) || v->valuedouble != floor(v->valuedouble) ||
		    fabs(v->valuedouble) > WHOLE_MAX)
			return NULL;
		return arena_printf(a, "%.0f", v->valuedouble);
	case PT_BOOL:
		return cJSON_IsBool(v) ? arena_strdup(a, cJSON_IsTrue(v) ? "true" : "false") : NULL;
	default: return cJSON_IsString(v) ? arena_strdup(a, v->valuestring) : NULL;
	}
}

static enum rc
take_member(struct req *rq, const cJSON *member)
{
	const char *name = arena_strdup(rq->arena, member->string);
	const struct param *p = name != NULL ? request_param(rq, name) : NULL;
	char *text;

	if (name == NULL)
		return RC_NOMEM;
	if (p == NULL)
		return request_take(rq, name, NULL);
	if ((text = text_of(rq->arena, p->type, member)) == NULL)
		return request_reject(rq, name,
		    p->type == PT_INT    ? "must be a whole number"
		    : p->type == PT_BOOL ? "must be true or false"
					 : "must be a text");
	return request_take(rq, name, text);
}

static enum rc
take_members(struct req *rq, const char *json, size_t len)
{
	cJSON *body = cJSON_ParseWithLengthOpts(json, len + 1, NULL, true);
	const cJSON *member;
	enum rc rc = RC_OK, one;

	if (!cJSON_IsObject(body))
		rc = request_reject(rq, "body", "must be one JSON object");
	else
		cJSON_ArrayForEach(member, body) if ((one = take_member(rq, member)) != RC_OK)
		    rc = one;
	cJSON_Delete(body);
	return rc;
}

enum rc
body_take(struct req *rq)
{
	size_t len = (size_t)rq->content_length;
	const char *wrong;
	char *json;

	if (len == 0)
		return RC_OK;
	if ((json = arena_alloc(rq->arena, len + 1)) == NULL)
		return RC_NOMEM;
	if (!rq->read_body(rq, json, len))
		return RC_BUSY;
	if ((wrong = trap(json, len)) != NULL)
		return request_reject(rq, "body", wrong);
	return take_members(rq, json, len);
}
