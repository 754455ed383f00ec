/* SPDX-License-Identifier: ISC
 *
 * web/route, web/problem, web/response: from a request to the bytes for the web server, in a FastCGI stream
 * that ends in memory.
 */
#include "unit.h"

#include "base/cost.h"
#include "web/problem.h"
#include "web/route.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct buf head = BUF_INIT(RESPONSE_BODY_MAX + 4096);
static struct res res = RES_INIT;
static char sent[70000]; /* what the last answer was, headers and body */
static const char *api_key; /* of the next request */
static const char *token; /* the same */
static const char *sent_in; /* the same: its body, JSON; NULL: none */
static char *body; /* where its body begins */

static enum rc
hello(struct req *rq, struct res *rs)
{
	(void)rq;
	buf_adds(&rs->body, "{\"hello\":1}");
	rs->max_age = 30;
	rs->last_modified = 1795385763;
	return RC_OK;
}

static enum rc
echo(struct req *rq, struct res *rs)
{
	struct jsonw w = JSONW_INIT(&rs->body);

	jsonw_string(&w, NULL, rq->segment);
	return RC_OK;
}

static enum rc
huge(struct req *rq, struct res *rs)
{
	(void)rq;
	buf_reserve(&rs->body, RESPONSE_BODY_MAX + 1);
	return RC_OK;
}

static enum rc
refuse(struct req *rq, struct res *rs)
{
	buf_adds(&rs->body, "half an answer");
	return request_reject(rq, "near", "cannot be combined with q");
}

static enum rc
down(struct req *rq, struct res *rs)
{
	(void)rq;
	buf_adds(&rs->body, "half an answer");
	rs->max_age = 100;
	return RC_DOWN;
}

static enum rc
busy(struct req *rq, struct res *rs)
{
	(void)rq;
	(void)rs;
	return RC_BUSY;
}

static enum rc
spoken(struct req *rq, struct res *rs)
{
	rq->limit = (struct limit_state){ .counted = true, .rate = 10, .left = 7, .reset = 2 };
	buf_adds(&rs->body, "x");
	rs->max_age = rq->segment[0] == 'k' ? 30 : 0;
	rs->vary = "Accept-Language";
	rs->link = "<https://open-meteo.com/>";
	return RC_OK;
}

static enum rc
limited(struct req *rq, struct res *rs)
{
	buf_adds(&rs->body, "half an answer");
	rq->limit = (struct limit_state){ .counted = true, .over = true, .rate = 10, .reset = 3 };
	return RC_BUSY;
}

static enum rc
denied(struct req *rq, struct res *rs)
{
	(void)rq;
	(void)rs;
	return RC_DENIED;
}

/* Tells what it got, as 201. */
static enum rc
made(struct req *rq, struct res *rs)
{
	struct jsonw w = JSONW_INIT(&rs->body);

	jsonw_object(&w, NULL);
	jsonw_string(&w, "segment", rq->segment);
	jsonw_string(&w, "name", request_value(rq, "name")->text);
	jsonw_string(&w, "user", rq->user);
	jsonw_end(&w);
	rs->status = 201;
	return RC_OK;
}

static enum rc
gone(struct req *rq, struct res *rs)
{
	(void)rq;
	rs->status = 204;
	return RC_OK;
}

static enum rc
refused(struct req *rq, struct res *rs)
{
	static const struct {
		enum rc rc;
		const char *why;
	} of[] = { { RC_NOTFOUND, "no such room" }, { RC_DENIED, "not yours" },
		{ RC_CONFLICT, "taken" }, { RC_CONFLICT, NULL } };
	int i = rq->segment[0] - '0';

	buf_adds(&rs->body, "half an answer");
	return request_refuse(rq, of[i].rc, of[i].why);
}

/* The token "alice" is hers, "old" has expired, "away" cannot be looked at, and no other is known. */
static enum rc
keeper(struct req *rq)
{
	if (rq->token == NULL)
		return RC_DENIED;
	if (strcmp(rq->token, "away") == 0)
		return RC_DOWN;
	rq->user = rq->token;
	rq->denied = strcmp(rq->token, "alice") != 0 ? "the token has expired" : NULL;
	return rq->denied == NULL ? RC_OK : RC_DENIED;
}

static const struct param names[] = {
	{ "name", .type = PT_TEXT, .need = true, .min = 3, .max = 32 }, { 0 }
};
static const struct param none[] = { { 0 } };
static const struct route routes[] = {
	{ M_GET, "/api/hello", hello, ANYONE, none, NULL },
	{ M_GET, "/api/echo", hello, ANYONE, none, NULL },
	{ M_GET, "/api/echo/{what}", echo, ANYONE, none, NULL },
	{ M_GET, "/api/huge", huge, ANYONE, none, NULL },
	{ M_GET, "/api/refuse", refuse, ANYONE, none, NULL },
	{ M_GET, "/api/down", down, ANYONE, none, NULL },
	{ M_GET, "/api/busy", busy, ANYONE, none, NULL },
	{ M_GET, "/api/spoken/{what}", spoken, ANYONE, none, NULL },
	{ M_GET, "/api/limited", limited, ANYONE, none, NULL },
	{ M_GET, "/api/denied", denied, ANYONE, none, NULL },
	{ M_GET, "/api/rooms", hello, USER, none, NULL },
	{ M_POST, "/api/rooms", made, USER, names, NULL },
	{ M_DELETE, "/api/rooms/{name}", gone, USER, none, NULL },
	{ M_GET, "/api/rooms/{name}/members", echo, ANYONE, none, NULL },
	{ M_POST, "/api/rooms/{name}/members", made, ANYONE, names, NULL },
	{ M_DELETE, "/api/rooms/{name}/members", made, ANYONE, names, NULL },
	{ M_GET, "/api/refused/{how}", refused, ANYONE, none, NULL },
	{ M_POST, "/api/login", made, ANYONE, names, NULL },
	{ 0 },
};

/* What libfcgi calls when the stream's memory is full: an answer must need it only once. */
static void
overflow(FCGX_Stream *stream, int do_close)
{
	(void)do_close;
	stream->isClosed = 1;
}

static bool
read_body(const struct req *rq, char *to, size_t len)
{
	(void)rq;
	if (strcmp(sent_in, "never") == 0)
		return false;
	memcpy(to, sent_in, len);
	return true;
}

/* Run a request and send its answer; the status. */
static int
ask(enum method method, const char *path, const char *query, const char *if_none_match)
{
	struct req rq = { .arena = arena,
		.id = "id-1",
		.method = method,
		.path = path,
		.query = query,
		.if_none_match = if_none_match,
		.api_key = api_key,
		.token = token,
		.content_type = "application/json",
		.content_length = sent_in != NULL ? (int64_t)strlen(sent_in) : 0,
		.read_body = read_body };
	FCGX_Stream out = { .wrNext = (unsigned char *)sent, .emptyBuffProc = overflow };
	int status;

	out.stop = out.wrNext + sizeof(sent) - 1;
	arena_reset(arena);
	response_reset(&res);
	route_run(routes, keeper, &rq, &res);
	status = response_send(&rq, &res, &out, &head, true);
	*out.wrNext = '\0';
	body = strstr(sent, "\r\n\r\n");
	assert_non_null(body);
	body += 4;
	return status;
}

static bool
has_header(const char *line)
{
	const char *at = strstr(sent, line);
	size_t len = strlen(line);

	return at != NULL && at < body && (at == sent || at[-1] == '\n') &&
	       (line[len - 1] == ' ' || memcmp(at + len, "\r\n", 2) == 0);
}

/* The body, which must be a problem of this type. The caller's. */
static cJSON *
the_problem(const char *type)
{
	cJSON *json = cJSON_ParseWithOpts(body, NULL, true);

	assert_non_null(json);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "type")), type);
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "request_id")), "id-1");
	assert_true(has_header("Content-Type: application/problem+json"));
	assert_true(has_header("Cache-Control: no-store"));
	assert_false(has_header("ETag: "));
	return json;
}

static void
an_answer_has_its_headers(void **state)
{
	(void)state;
	cost = (struct cost){ .sql = 1, .redis = 2 };
	assert_int_equal(ask(M_GET, "/api/hello", "", NULL), 200);
	assert_true(has_header("Status: 200 OK"));
	assert_true(has_header("X-Request-Id: id-1"));
	assert_true(has_header("Content-Type: application/json"));
	assert_true(has_header("Content-Length: 11"));
	assert_true(has_header(
	    "Cache-Control: public, max-age=30, stale-while-revalidate=60, stale-if-error=86400"));
	assert_true(has_header("Last-Modified: Sun, 22 Nov 2026 22:16:03 GMT"));
	assert_true(has_header("X-Cuaca-Cost: sql=1, redis=2"));
	assert_string_equal(body, "{\"hello\":1}");
}

static void
limits_are_told_where_nobody_else_hears(void **state)
{
	(void)state;
	assert_int_equal(ask(M_GET, "/api/spoken/kept", "", NULL), 200);
	assert_false(has_header("RateLimit-Limit: "));
	assert_true(has_header("Vary: Accept-Language"));
	assert_true(has_header("Link: <https://open-meteo.com/>"));
	assert_int_equal(ask(M_GET, "/api/spoken/not", "", NULL), 200);
	assert_true(has_header("RateLimit-Limit: 10"));
	assert_true(has_header("RateLimit-Remaining: 7"));
	assert_true(has_header("RateLimit-Reset: 2"));
	api_key = "cuaca_0123456789abcdef";
	assert_int_equal(ask(M_GET, "/api/spoken/kept", "", NULL), 200);
	assert_true(has_header("RateLimit-Limit: 10"));
	assert_true(has_header(
	    "Cache-Control: private, max-age=30, stale-while-revalidate=60, stale-if-error=86400"));
	api_key = NULL;
}

static void
over_the_limit_there_is_when_to_come_back(void **state)
{
	(void)state;
	assert_int_equal(ask(M_GET, "/api/limited", "", NULL), 429);
	cJSON_Delete(the_problem("/problems/rate-limited"));
	assert_true(has_header("Status: 429 Too Many Requests"));
	assert_true(has_header("Retry-After: 3"));
	assert_true(has_header("RateLimit-Limit: 10"));
	assert_true(has_header("RateLimit-Remaining: 0"));
	assert_true(has_header("RateLimit-Reset: 3"));
}

static void
a_wrong_key_is_told_how_to_show_one(void **state)
{
	(void)state;
	assert_int_equal(ask(M_GET, "/api/denied", "", NULL), 401);
	cJSON_Delete(the_problem("/problems/invalid-key"));
	assert_true(has_header("Status: 401 Unauthorized"));
	assert_true(has_header("WWW-Authenticate: Bearer realm=\"cuaca\""));
}

static void
head_is_get_without_the_body(void **state)
{
	char get[sizeof(sent)];

	(void)state;
	assert_int_equal(ask(M_GET, "/api/hello", "", NULL), 200);
	*body = '\0';
	strcpy(get, sent);
	assert_int_equal(ask(M_HEAD, "/api/hello", "", NULL), 200);
	assert_string_equal(sent, get);
	assert_int_equal(ask(M_HEAD, "/api/none", "", NULL), 404);
	assert_string_equal(body, "");
}

static void
etags_are_compared_weakly(void **state)
{
	char etag[64], list[256];
	const char *at;

	(void)state;
	ask(M_GET, "/api/hello", "", NULL);
	at = strstr(sent, "ETag: \"");
	assert_non_null(at);
	snprintf(etag, sizeof(etag), "%.18s", at + 6);
	assert_int_equal(etag[17], '"');

	assert_int_equal(ask(M_GET, "/api/hello", "", etag), 304);
	assert_true(has_header("Status: 304 Not Modified"));
	snprintf(list, sizeof(list), "ETag: %s", etag);
	assert_true(has_header(list));
	assert_true(has_header("Cache-Control: "));
	assert_true(has_header("Last-Modified: "));
	assert_false(has_header("Content-Length: "));
	assert_string_equal(body, "");
	assert_int_equal(ask(M_HEAD, "/api/hello", "", etag), 304);

	assert_int_equal(ask(M_GET, "/api/hello", "", "*"), 304);
	snprintf(list, sizeof(list), "W/%s", etag);
	assert_int_equal(ask(M_GET, "/api/hello", "", list), 304);
	snprintf(list, sizeof(list), "\"0000000000000000\", W/\"x\" , %s", etag);
	assert_int_equal(ask(M_GET, "/api/hello", "", list), 304);
	snprintf(list, sizeof(list), "%s,\"x\"", etag);
	assert_int_equal(ask(M_GET, "/api/hello", "", list), 304);

	assert_int_equal(ask(M_GET, "/api/hello", "", "\"0000000000000000\""), 200);
	assert_int_equal(ask(M_GET, "/api/hello", "", ""), 200);
	snprintf(list, sizeof(list), "%.17s", etag); /* its closing quote is missing */
	assert_int_equal(ask(M_GET, "/api/hello", "", list), 200);
	snprintf(list, sizeof(list), "%.16s", etag + 1); /* no quotes at all */
	assert_int_equal(ask(M_GET, "/api/hello", "", list), 200);
	assert_int_equal(ask(M_GET, "/api/none", "", "*"), 404);
}

static void
paths_match_whole(void **state)
{
	static const char *const none_of[] = { "", "/", "/api", "/api/", "/api/hell", "/api/hello/",
		"/api/hello/x", "/api/helloo", "/API/hello", "//api/hello", "/api/echo/",
		"/api/echo/a/b", "/api/echo/a/", "/api/{what}" };

	(void)state;
	for (size_t i = 0; i < COUNT(none_of); i++) {
		cJSON *json;

		assert_int_equal(ask(M_GET, none_of[i], "", NULL), 404);
		json = the_problem("/problems/not-found");
		assert_int_equal(cJSON_GetObjectItem(json, "status")->valueint, 404);
		cJSON_Delete(json);
	}
	assert_int_equal(ask(M_GET, NULL, "", NULL), 404); /* could not be decoded */
	assert_int_equal(ask(M_GET, "/api/echo/a \"b\"", "", NULL), 200);
	assert_string_equal(body, "\"a \\\"b\\\"\"");
	assert_true(has_header("Cache-Control: no-store"));
	assert_int_equal(ask(M_GET, "/api/echo", "", NULL), 200);
}

static void
other_methods_are_told_which(void **state)
{
	(void)state;
	assert_int_equal(ask(M_OTHER, "/api/hello", "", NULL), 405);
	assert_true(has_header("Allow: GET, HEAD, OPTIONS"));
	cJSON_Delete(the_problem("/problems/method-not-allowed"));
	assert_int_equal(ask(M_OPTIONS, "/api/hello", "", NULL), 204);
	assert_true(has_header("Allow: GET, HEAD, OPTIONS"));
	assert_false(has_header("Content-Length: "));
	assert_string_equal(body, "");
	assert_int_equal(ask(M_OTHER, "/api/none", "", NULL), 404);
	assert_int_equal(ask(M_OPTIONS, "/api/none", "", NULL), 404);
}

/* The same with a body. */
static int
tell(enum method method, const char *path, const char *query, const char *json)
{
	int status;

	sent_in = json;
	status = ask(method, path, query, NULL);
	sent_in = NULL;
	return status;
}

static void
a_path_may_have_several_methods(void **state)
{
	(void)state;
	assert_int_equal(ask(M_GET, "/api/rooms/x y/members", "", NULL), 200);
	assert_string_equal(body, "\"x y\"");
	assert_int_equal(tell(M_POST, "/api/rooms/dev/members", "", "{\"name\":\"bob\"}"), 201);
	assert_true(has_header("Status: 201 Created"));
	assert_true(has_header("Cache-Control: no-store"));
	assert_string_equal(body, "{\"segment\":\"dev\",\"name\":\"bob\",\"user\":null}");
	assert_int_equal(ask(M_OPTIONS, "/api/rooms/dev/members", "", NULL), 204);
	assert_true(has_header("Allow: GET, HEAD, POST, DELETE, OPTIONS"));
	assert_int_equal(ask(M_GET, "/api/login", "", NULL), 405);
	assert_true(has_header("Allow: POST, OPTIONS"));
	assert_int_equal(ask(M_HEAD, "/api/login", "", NULL), 405);
	assert_int_equal(ask(M_DELETE, "/api/rooms", "", NULL), 405);
	assert_true(has_header("Allow: GET, HEAD, POST, OPTIONS"));
	assert_int_equal(ask(M_OTHER, "/api/rooms/dev", "", NULL), 405);
	assert_true(has_header("Allow: DELETE, OPTIONS"));
	assert_int_equal(ask(M_POST, "/api/hello", "", NULL), 405);
	assert_true(has_header("Allow: GET, HEAD, OPTIONS"));
	assert_int_equal(ask(M_GET, "/api/rooms//members", "", NULL), 404);
	assert_int_equal(ask(M_GET, "/api/rooms/a/b/members", "", NULL), 404);
	assert_int_equal(ask(M_GET, "/api/rooms/a/member", "", NULL), 404);
	assert_int_equal(ask(M_GET, "/api/rooms/a/members/", "", NULL), 404);
}

static void
a_post_has_all_in_its_body_a_delete_may_choose(void **state)
{
	(void)state;
	assert_int_equal(tell(M_POST, "/api/login", "", NULL), 400);
	assert_non_null(strstr(body, "name: is needed"));
	assert_int_equal(tell(M_POST, "/api/login", "name=bob", NULL), 400);
	assert_non_null(strstr(body, "belong into its body"));
	assert_int_equal(tell(M_POST, "/api/login", "", "{\"name\":\"bob\",\"x\":1}"), 400);
	assert_non_null(strstr(body, "x: is not a parameter here"));
	assert_int_equal(tell(M_POST, "/api/login", "", "never"), 503);
	cJSON_Delete(the_problem("/problems/timeout"));
	assert_int_equal(tell(M_DELETE, "/api/rooms/dev/members", "name=bob", NULL), 201);
	assert_int_equal(tell(M_DELETE, "/api/rooms/dev/members", "", "{\"name\":\"bob\"}"), 201);
	assert_int_equal(
	    tell(M_DELETE, "/api/rooms/dev/members", "name=bob", "{\"name\":\"bob\"}"), 400);
	assert_non_null(strstr(body, "given more than once"));
}

static void
some_routes_are_not_for_anyone(void **state)
{
	(void)state;
	token = NULL;
	assert_int_equal(ask(M_GET, "/api/rooms", "", NULL), 401);
	cJSON_Delete(the_problem("/problems/unauthorized"));
	assert_true(has_header("WWW-Authenticate: Bearer realm=\"cuaca\""));
	token = "old";
	assert_int_equal(tell(M_POST, "/api/rooms", "", "no JSON"), 401);
	cJSON_Delete(the_problem("/problems/unauthorized"));
	assert_non_null(strstr(body, "the token has expired"));
	assert_true(has_header("WWW-Authenticate: Bearer realm=\"cuaca\", error=\"invalid_token\", "
			       "error_description=\"the token has expired\""));
	token = "away";
	assert_int_equal(ask(M_GET, "/api/rooms", "", NULL), 503);
	token = "alice";
	assert_int_equal(tell(M_POST, "/api/rooms", "", "{\"name\":\"bob\"}"), 201);
	assert_string_equal(body, "{\"segment\":null,\"name\":\"bob\",\"user\":\"alice\"}");
	assert_int_equal(ask(M_DELETE, "/api/rooms/dev", "", NULL), 204);
	assert_true(has_header("Status: 204 No Content"));
	assert_true(has_header("Cache-Control: no-store"));
	assert_string_equal(body, "");
	assert_int_equal(ask(M_OPTIONS, "/api/rooms", "", NULL), 204);
	token = NULL;
}

static void
bad_parameters_are_all_listed(void **state)
{
	const cJSON *errors;
	cJSON *json;

	(void)state;
	assert_int_equal(ask(M_GET, "/api/hello", "a=1&%22%5C=2", NULL), 400);
	json = the_problem("/problems/invalid-parameter");
	errors = cJSON_GetObjectItem(json, "errors");
	assert_int_equal(cJSON_GetArraySize(errors), 2);
	assert_string_equal(
	    cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(errors, 0), "parameter")),
	    "a");
	assert_string_equal(
	    cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetArrayItem(errors, 1), "parameter")),
	    "\"\\");
	assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "detail")),
	    "a: is not a parameter here");
	cJSON_Delete(json);
}

static void
refusals_say_why(void **state)
{
	static const struct {
		const char *path;
		int status;
		const char *type, *detail;
	} rows[] = {
		{ "/api/refused/0", 404, "/problems/not-found", "no such room" },
		{ "/api/refused/1", 403, "/problems/forbidden", "not yours" },
		{ "/api/refused/2", 409, "/problems/conflict", "taken" },
		{ "/api/refused/3", 500, "/problems/internal", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		cJSON *json;
		const char *detail;

		assert_int_equal(ask(M_GET, rows[i].path, "", NULL), rows[i].status);
		json = the_problem(rows[i].type);
		detail = cJSON_GetStringValue(cJSON_GetObjectItem(json, "detail"));
		if (rows[i].detail != NULL)
			assert_string_equal(detail, rows[i].detail);
		cJSON_Delete(json);
	}
}

static void
failures_replace_what_was_written(void **state)
{
	static const struct {
		const char *path;
		int status;
		const char *type;
	} rows[] = {
		{ "/api/refuse", 400, "/problems/invalid-parameter" },
		{ "/api/down", 503, "/problems/unavailable" },
		{ "/api/busy", 503, "/problems/timeout" },
		{ "/api/huge", 500, "/problems/internal" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(ask(M_GET, rows[i].path, "", NULL), rows[i].status);
		cJSON_Delete(the_problem(rows[i].type));
		assert_int_equal(has_header("Retry-After: 5"), rows[i].status == 503);
	}
	assert_int_equal(ask(M_GET, "/api/hello", "", NULL), 200); /* nothing of it is left */
	assert_false(has_header("Retry-After: "));
}

static int
make_arena(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	return arena == NULL;
}

static int
end_arena(void **state)
{
	(void)state;
	arena_free(arena);
	buf_free(&head);
	buf_free(&res.body);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_has_its_headers),
		cmocka_unit_test(head_is_get_without_the_body),
		cmocka_unit_test(etags_are_compared_weakly),
		cmocka_unit_test(paths_match_whole),
		cmocka_unit_test(other_methods_are_told_which),
		cmocka_unit_test(a_path_may_have_several_methods),
		cmocka_unit_test(a_post_has_all_in_its_body_a_delete_may_choose),
		cmocka_unit_test(some_routes_are_not_for_anyone),
		cmocka_unit_test(bad_parameters_are_all_listed),
		cmocka_unit_test(limits_are_told_where_nobody_else_hears),
		cmocka_unit_test(over_the_limit_there_is_when_to_come_back),
		cmocka_unit_test(a_wrong_key_is_told_how_to_show_one),
		cmocka_unit_test(refusals_say_why),
		cmocka_unit_test(failures_replace_what_was_written),
	};

	return cmocka_run_group_tests(tests, make_arena, end_arena);
}
