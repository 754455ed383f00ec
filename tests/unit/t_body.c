/* SPDX-License-Identifier: ISC
 *
 * web/body: every way in which a body can be wrong is told; what is right comes out typed.
 */
#include "unit.h"

#include "web/body.h"

#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = { "mute", "ban", NULL };

static const struct param params[] = {
	{ "name", .type = PT_TEXT, .min = 3, .max = 8, .only = "abcdefghijklmnopqrstuvwxyz" },
	{ "title", .type = PT_TEXT, .max = 10 },
	{ "minutes", .type = PT_INT, .min = -10, .max = 1000 },
	{ "public", .type = PT_BOOL },
	{ "kind", .type = PT_CHOICE, .choices = kinds },
	{ 0 },
};

static struct arena *arena;
static const char *body; /* what comes, maybe less than was announced */

static bool
read_body(const struct req *rq, char *to, size_t len)
{
	(void)rq;
	if (len > strlen(body) && memchr(body, '!', strlen(body)) != NULL)
		return false; /* an exclamation mark: the rest never comes */
	memcpy(to, body, len);
	return true;
}

static struct req
take(const char *text, size_t len, enum rc *rc)
{
	struct req rq = { .arena = arena,
		.params = params,
		.content_length = (int64_t)len,
		.read_body = read_body };

	arena_reset(arena);
	body = text;
	assert_int_equal(request_values(&rq), RC_OK);
	*rc = body_take(&rq);
	return rq;
}

/* All that is wrong with the body, each as "name: detail". */
static const char *
complaint(const char *text)
{
	enum rc rc;
	struct req rq = take(text, strlen(text), &rc);
	const char *all = "";

	if (rc == RC_OK && rq.bad == NULL)
		return "nothing";
	if (rc != RC_INVALID)
		return "another failure";
	for (const struct bad_param *b = rq.bad; b != NULL; b = b->next)
		all = arena_printf(
		    arena, "%s%s%s: %s", all, b == rq.bad ? "" : "; ", b->name, b->detail);
	return all;
}

static void
members_are_typed(void **state)
{
	static const char json[] =
	    " {\"name\":\"alice\", \"title\":\"\\u00e9t\\u00e9\\ud83d\\ude00\",\"minutes\":-1e1,"
	    "\"public\":true,\"kind\":\"ban\"}\n";
	enum rc rc;
	struct req rq = take(json, strlen(json), &rc);

	(void)state;
	assert_int_equal(rc, RC_OK);
	assert_string_equal(request_value(&rq, "name")->text, "alice");
	assert_string_equal(request_value(&rq, "title")->text, "été😀");
	assert_int_equal(request_value(&rq, "minutes")->i, -10);
	assert_int_equal(request_value(&rq, "public")->i, 1);
	assert_int_equal(request_value(&rq, "kind")->i, 1);
}

static void
no_body_is_an_empty_object(void **state)
{
	enum rc rc;
	struct req rq = take("", 0, &rc);

	(void)state;
	assert_int_equal(rc, RC_OK);
	assert_false(request_value(&rq, "name")->given);
	assert_string_equal(complaint("{}"), "nothing");
}

static void
wrong_members_are_named(void **state)
{
	static const struct {
		const char *json, *says;
	} rows[] = {
		{ "{\"name\":1}", "name: must be a text" },
		{ "{\"name\":null}", "name: must be a text" },
		{ "{\"name\":[\"alice\"]}", "name: must be a text" },
		{ "{\"name\":\"\"}", "name: is empty" },
		{ "{\"name\":\"ab\"}", "name: must have 3 to 8 characters, not 2" },
		{ "{\"name\":\"Alice\"}",
		    "name: may have no other characters than abcdefghijklmnopqrstuvwxyz" },
		{ "{\"name\":\"bob\",\"name\":\"eve\"}", "name: given more than once" },
		{ "{\"name\":\"a\\nb\"}", "name: control characters are not allowed" },
		{ "{\"title\":\"a\\u007fb\"}", "title: control characters are not allowed" },
		{ "{\"minutes\":\"5\"}", "minutes: must be a whole number" },
		{ "{\"minutes\":1.5}", "minutes: must be a whole number" },
		{ "{\"minutes\":1e300}", "minutes: must be a whole number" },
		{ "{\"minutes\":1001}", "minutes: must be between -10 and 1000, not 1001" },
		{ "{\"public\":1}", "public: must be true or false" },
		{ "{\"public\":\"true\"}", "public: must be true or false" },
		{ "{\"kind\":\"kick\"}", "kind: must be one of mute, ban, not \"kick\"" },
		{ "{\"x\":1,\"y\":{}}", "x: is not a parameter here; y: is not a parameter here" },
		{ "{\"Name\":\"bob\"}", "Name: is not a parameter here" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(complaint(rows[i].json), rows[i].says);
}

static void
what_is_no_object_is_refused(void **state)
{
	static const char *const rows[] = { "[]", "1", "\"name\"", "null", "{", "{\"name\":}",
		"{\"name\":\"bob\"}x", "{\"name\":\"bob\"}{}", "{'name':1}", "name=bob",
		"{\"name\":\"\\ud800\"}", "{\"name\":\"bo\\q\"}", "{\"a\":1,}", "nan" };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(complaint(rows[i]), "body: must be one JSON object");
}

static void
traps_are_seen(void **state)
{
	char deep[4001];
	enum rc rc;
	struct req rq;

	(void)state;
	assert_string_equal(complaint("{\"name\":\"bob\\u0000eve\"}"), "body: has a NUL in it");
	assert_string_equal(complaint("{\"name\":\"b\\\\u0000\"}"),
	    "name: may have no other characters than abcdefghijklmnopqrstuvwxyz");
	assert_string_equal(
	    complaint("{\"name\":\"\xff\"}"), "body: has a NUL in it or invalid UTF-8");
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_string_equal(complaint(deep), "body: is nested too deeply");
	assert_string_equal(complaint("{\"title\":\"[[[[[[[[[[\"}"), "nothing");
	rq = take("{}\0{}", 5, &rc);
	assert_int_equal(rc, RC_INVALID);
	assert_string_equal(rq.bad->name, "body");
}

static void
a_body_that_does_not_come_is_waited_for_in_vain(void **state)
{
	enum rc rc;

	(void)state;
	take("{\"name!", 100, &rc);
	assert_int_equal(rc, RC_BUSY);
}

static void
length_and_type_are_looked_at_first(void **state)
{
	static const struct {
		int64_t len;
		const char *type;
		int status;
	} rows[] = {
		{ 0, NULL, 200 },
		{ 0, "text/plain", 200 },
		{ 2, "application/json", 200 },
		{ 2, "Application/JSON ; charset=utf-8", 200 },
		{ BODY_MAX, "application/json", 200 },
		{ BODY_MAX + 1, "application/json", 413 },
		{ INT64_MAX, NULL, 413 },
		{ 2, NULL, 415 },
		{ 2, "", 415 },
		{ 2, "application/jsonp", 415 },
		{ 2, "application/x-www-form-urlencoded", 415 },
	};
	struct res rs = RES_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct req rq = { .arena = arena,
			.id = "id-1",
			.content_length = rows[i].len,
			.content_type = rows[i].type };

		response_reset(&rs);
		assert_int_equal(body_acceptable(&rq, &rs), rows[i].status == 200);
		assert_int_equal(rs.status, rows[i].status);
	}
	buf_free(&rs.body);
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
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_typed),
		cmocka_unit_test(no_body_is_an_empty_object),
		cmocka_unit_test(wrong_members_are_named),
		cmocka_unit_test(what_is_no_object_is_refused),
		cmocka_unit_test(traps_are_seen),
		cmocka_unit_test(a_body_that_does_not_come_is_waited_for_in_vain),
		cmocka_unit_test(length_and_type_are_looked_at_first),
	};

	return cmocka_run_group_tests(tests, make_arena, end_arena);
}
