/* SPDX-License-Identifier: ISC
 *
 * web/request: every way in which a query string can be wrong names its parameter; what is right comes out typed.
 */
#include "unit.h"

#include "base/utf8.h"
#include "web/request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const choices[] = { "json", "text", NULL };

static const struct param params[] = {
	{ "city", .type = PT_TEXT, .min = 2, .max = 10 },
	{ "cities", .type = PT_LIST, .max = 3 },
	{ "limit", .type = PT_INT, .min = 1, .max = 100 },
	{ "lat", .type = PT_LAT },
	{ "lon", .type = PT_LON },
	{ "near", .type = PT_POINT },
	{ "format", .type = PT_CHOICE, .choices = choices },
	{ "from", .type = PT_TIME },
	{ 0 },
};

static struct arena *arena;

/* The request for a query; its values are in the arena until the next one. */
static struct req
parse(const char *query, enum rc *rc)
{
	struct req rq = { .arena = arena, .query = query, .params = params };

	arena_reset(arena);
	*rc = request_parse_query(&rq);
	return rq;
}

/* The one thing that is wrong with the query, as "name: detail". */
static const char *
complaint(const char *query)
{
	enum rc rc;
	struct req rq = parse(query, &rc);

	if (rc == RC_OK && rq.bad == NULL)
		return "nothing";
	if (rc != RC_INVALID || rq.bad == NULL)
		fail_msg("%.200s: %d, %s", query, rc, rq.bad != NULL ? rq.bad->name : "nothing");
	if (rq.bad->next != NULL)
		return "more than one";
	if (!utf8_valid(rq.bad->name, strlen(rq.bad->name)) ||
	    !utf8_valid(rq.bad->detail, strlen(rq.bad->detail)))
		return "not UTF-8";
	return arena_printf(arena, "%s: %s", rq.bad->name, rq.bad->detail);
}

static void
good_values_are_typed(void **state)
{
	enum rc rc;
	struct req rq = parse(
	    "city=Z%c3%BCrich&limit=%37&lat=-90&lon=180.0&near=-6.2,106.8&cities=a,b%2Cc", &rc);

	(void)state;
	assert_int_equal(rc, RC_OK);
	assert_null(rq.bad);
	assert_string_equal(request_value(&rq, "city")->text, "Zürich");
	assert_int_equal(request_value(&rq, "limit")->i, 7);
	assert_true(request_value(&rq, "lat")->num == -90);
	assert_true(request_value(&rq, "lon")->num == 180);
	assert_true(request_value(&rq, "near")->num == -6.2);
	assert_true(request_value(&rq, "near")->lon == 106.8);
	assert_int_equal(request_value(&rq, "cities")->n, 3);
	assert_string_equal(request_value(&rq, "cities")->list[0], "a");
	assert_string_equal(request_value(&rq, "cities")->list[2], "c");
}

static void
choices_and_times_are_numbers(void **state)
{
	static const struct {
		const char *query;
		int64_t from;
	} rows[] = {
		{ "from=2026-11-22", 1795305600 },
		{ "from=2026-11-22T22:15:00Z", 1795385700 },
		{ "from=2026-11-23T05:15:00%2B07:00", 1795385700 },
		{ "from=2026-11-23T05:15:00+07:00",
		    1795385700 }, /* a plus sign, which is a blank here */
		{ "from=2026-11-22T17:15:00-05:00", 1795385700 },
		{ "from=0001-01-01", -62135596800 },
		{ "from=2024-02-29", 1709164800 },
	};
	enum rc rc;
	struct req rq = parse("format=text", &rc);

	(void)state;
	assert_int_equal(rc, RC_OK);
	assert_int_equal(request_value(&rq, "format")->i, 1);
	rq = parse("format=json", &rc);
	assert_int_equal(request_value(&rq, "format")->i, 0);
	rq = parse("", &rc);
	assert_int_equal(request_value(&rq, "format")->i, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		rq = parse(rows[i].query, &rc);
		if (rc != RC_OK)
			fail_msg("%s: %s", rows[i].query, rq.bad->detail);
		assert_int_equal(request_value(&rq, "from")->i, rows[i].from);
	}
}

static void
what_is_not_given_is_not_given(void **state)
{
	enum rc rc;
	struct req rq = parse("", &rc);

	(void)state;
	assert_int_equal(rc, RC_OK);
	for (int i = 0; params[i].name != NULL; i++)
		assert_false(request_value(&rq, params[i].name)->given);
	rq = parse("&&limit=3&", &rc);
	assert_int_equal(rc, RC_OK);
	assert_true(request_value(&rq, "limit")->given);
	assert_false(request_value(&rq, "city")->given);
}

static void
forms_are_decoded(void **state)
{
	static const struct {
		const char *query, *text;
	} rows[] = {
		{ "city=new+york", "new york" },
		{ "city=a%2Bb", "a+b" },
		{ "city=a%26b%3D", "a&b=" },
		{ "city=a=b=", "a=b=" },
		{ "c%69ty=ab", "ab" },
		{ "city=%F0%9F%98%80!", "😀!" },
		{ "city=ééééééééé%C3%A9", "éééééééééé" },
		{ "city=a;b", "a;b" },
		{ "city=%25zz", "%zz" },
		{ "city=%c2%a0x", "\u00a0x" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum rc rc;
		struct req rq = parse(rows[i].query, &rc);

		if (rc != RC_OK)
			fail_msg("%s: %s", rows[i].query, rq.bad->detail);
		assert_string_equal(request_value(&rq, "city")->text, rows[i].text);
	}
}

static void
every_mistake_names_its_parameter(void **state)
{
	static const struct {
		const char *query, *says;
	} rows[] = {
		{ "format=xml", "format: must be one of json, text, not \"xml\"" },
		{ "format=JSON", "format: must be one of json, text, not \"JSON\"" },
		{ "format=jso", "format: must be one of json, text, not \"jso\"" },
		{ "format=", "format: is empty" },
		{ "from=2026", "from: \"2026\" is neither a date (2026-11-22) nor a time "
			       "(2026-11-22T22:15:00Z)" },
		{ "from=2026-11", "from: \"2026-11\" is neither a date (2026-11-22) nor a time "
				  "(2026-11-22T22:15:00Z)" },
		{ "from=2026-13-01", "from: \"2026-13-01\" is neither a date (2026-11-22) nor a "
				     "time (2026-11-22T22:15:00Z)" },
		{ "from=2026-02-30", "from: \"2026-02-30\" is neither a date (2026-11-22) nor a "
				     "time (2026-11-22T22:15:00Z)" },
		{ "from=2026-11-22T22:15Z", "from: \"2026-11-22T22:15Z\" is neither a date "
					    "(2026-11-22) nor a time (2026-11-22T22:15:00Z)" },
		{ "from=2026-11-22T22:15:00", "from: \"2026-11-22T22:15:00\" is neither a date "
					      "(2026-11-22) nor a time (2026-11-22T22:15:00Z)" },
		{ "from=2026-11-22T22:15:00z", "from: \"2026-11-22T22:15:00z\" is neither a date "
					       "(2026-11-22) nor a time (2026-11-22T22:15:00Z)" },
		{ "from=2026-11-22 22:15:00Z", "from: \"2026-11-22 22:15:00Z\" is neither a date "
					       "(2026-11-22) nor a time (2026-11-22T22:15:00Z)" },
		{ "from=20261122", "from: \"20261122\" is neither a date (2026-11-22) nor a time "
				   "(2026-11-22T22:15:00Z)" },
		{ "from=yesterday", "from: \"yesterday\" is neither a date (2026-11-22) nor a time "
				    "(2026-11-22T22:15:00Z)" },
		{ "from=2026-11-22Z", "from: \"2026-11-22Z\" is neither a date (2026-11-22) nor a "
				      "time (2026-11-22T22:15:00Z)" },
		{ "from=2026-11-22T24:00:00Z", "from: \"2026-11-22T24:00:00Z\" is neither a date "
					       "(2026-11-22) nor a time (2026-11-22T22:15:00Z)" },
		{ "from=2026-11-22T22:15:00.5Z",
		    "from: \"2026-11-22T22:15:00.5Z\" is neither a date (2026-11-22) nor a time "
		    "(2026-11-22T22:15:00Z)" },
		{ "from=1795385700", "from: \"1795385700\" is neither a date (2026-11-22) nor a "
				     "time (2026-11-22T22:15:00Z)" },
		{ "from=-026-11-22", "from: \"-026-11-22\" is neither a date (2026-11-22) nor a "
				     "time (2026-11-22T22:15:00Z)" },
		{ "utm=1", "utm: is not a parameter here" },
		{ "CITY=ab", "CITY: is not a parameter here" },
		{ "city[]=ab", "city[]: is not a parameter here" },
		{ "=x", ": is not a parameter here" },
		{ "utm", "utm: is not a parameter here" },
		{ "city", "city: has no value" },
		{ "city=", "city: is empty" },
		{ "city=ab&city=ab", "city: given more than once" },
		{ "city=ab&c%69ty=", "city: given more than once" },
		{ "city=a", "city: must have 2 to 10 characters, not 1" },
		{ "city=01234567890", "city: must have 2 to 10 characters, not 11" },
		{ "city=%C3%A9", "city: must have 2 to 10 characters, not 1" },
		{ "city=a%00b", "city: a broken %-escape, a NUL or invalid UTF-8" },
		{ "city=ab%", "city: a broken %-escape, a NUL or invalid UTF-8" },
		{ "city=ab%4", "city: a broken %-escape, a NUL or invalid UTF-8" },
		{ "city=ab%4g", "city: a broken %-escape, a NUL or invalid UTF-8" },
		{ "city=ab%%41", "city: a broken %-escape, a NUL or invalid UTF-8" },
		{ "city=ab%+1", "city: a broken %-escape, a NUL or invalid UTF-8" },
		{ "city=caf%E9", "city: a broken %-escape, a NUL or invalid UTF-8" },
		{ "city=ab\xff", "city: a broken %-escape, a NUL or invalid UTF-8" },
		{ "city=%ED%A0%80", "city: a broken %-escape, a NUL or invalid UTF-8" },
		{ "city=%C0%AF%C0%AF", "city: a broken %-escape, a NUL or invalid UTF-8" },
		{ "ci%00ty=ab",
		    "?: a parameter's name has a broken %-escape, a NUL or invalid UTF-8" },
		{ "%zz=1", "?: a parameter's name has a broken %-escape, a NUL or invalid UTF-8" },
		{ "%ff=1", "?: a parameter's name has a broken %-escape, a NUL or invalid UTF-8" },
		{ "city=a%0Ab", "city: control characters are not allowed" },
		{ "city=a%7Fb", "city: control characters are not allowed" },
		{ "city=a%C2%85b", "city: control characters are not allowed" },
		{ "city=a%09b", "city: control characters are not allowed" },
		{ "city=ab%C2%80", "city: control characters are not allowed" },
		{ "limit=5%0A", "limit: control characters are not allowed" },
		{ "cities=ab,"
		  "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
		  "é",
		    "cities: an item has more than 80 characters" },
		{ "cities=a,b,c,d", "cities: at most 3 items, not 4" },
		{ "cities=a,,b", "cities: an item is empty" },
		{ "cities=,", "cities: an item is empty" },
		{ "cities=a,", "cities: an item is empty" },
		{ "cities=a,b%01", "cities: control characters are not allowed" },
		{ "cities=a,b%C2%9F", "cities: control characters are not allowed" },
		{ "cities=%00", "cities: a broken %-escape, a NUL or invalid UTF-8" },
		{ "limit=0", "limit: must be between 1 and 100, not 0" },
		{ "limit=101", "limit: must be between 1 and 100, not 101" },
		{ "limit=-1", "limit: must be between 1 and 100, not -1" },
		{ "limit=1.0", "limit: \"1.0\" is not a whole number" },
		{ "limit=1e1", "limit: \"1e1\" is not a whole number" },
		{ "limit=0x10", "limit: \"0x10\" is not a whole number" },
		{ "limit=+5", "limit: \" 5\" is not a whole number" },
		{ "limit=99999999999999999999",
		    "limit: \"99999999999999999999\" is not a whole number" },
		{ "lat=91", "lat: must be between -90 and 90 degrees, not 91" },
		{ "lat=-90.0000001", "lat: must be between -90 and 90 degrees, not -90.0000001" },
		{ "lat=nan", "lat: \"nan\" is not a number" },
		{ "lat=inf", "lat: \"inf\" is not a number" },
		{ "lat=1e999", "lat: \"1e999\" is not a number" },
		{ "lat=0x1p3", "lat: \"0x1p3\" is not a number" },
		{ "lat=6%2C2", "lat: \"6,2\" is not a number" },
		{ "lat=6%C2%B0", "lat: \"6°\" is not a number" },
		{ "lon=180.1", "lon: must be between -180 and 180 degrees, not 180.1" },
		{ "near=6.2", "near: must be latitude,longitude" },
		{ "near=91,0", "near: must be between -90 and 90 degrees, not 91" },
		{ "near=0,181", "near: must be between -180 and 180 degrees, not 181" },
		{ "near=1,2,3", "near: \"2,3\" is not a number" },
		{ "near=,", "near: \"\" is not a number" },
		{ "near=1,", "near: \"\" is not a number" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(complaint(rows[i].query), rows[i].says);
}

static void
all_mistakes_are_named_in_order(void **state)
{
	enum rc rc;
	struct req rq = parse("utm=1&limit=0&city=ab&lat=x", &rc);

	(void)state;
	assert_int_equal(rc, RC_INVALID);
	assert_string_equal(rq.bad->name, "utm");
	assert_string_equal(rq.bad->next->name, "limit");
	assert_string_equal(rq.bad->next->next->name, "lat");
	assert_null(rq.bad->next->next->next);
}

static void
what_is_needed_is_asked_for(void **state)
{
	static const struct param need[] = { { "a", .type = PT_INT, .need = true, .max = 9 },
		{ "b", .type = PT_INT, .max = 9 }, { 0 } };
	struct req rq = { .arena = arena, .query = "b=1", .params = need };

	(void)state;
	assert_int_equal(request_parse_query(&rq), RC_INVALID);
	assert_string_equal(rq.bad->name, "a");
	assert_string_equal(rq.bad->detail, "is needed");
	rq = (struct req){ .arena = arena, .query = "a=0", .params = need };
	assert_int_equal(request_parse_query(&rq), RC_OK);
}

static void
long_values_are_shown_in_part(void **state)
{
	char query[9000];

	(void)state;
	memcpy(query, "limit=", 6);
	memset(query + 6, 'x', 8192);
	query[6 + 8192] = '\0';
	assert_string_equal(complaint(query),
	    "limit: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\" is not a whole number");
	memcpy(query, "utmmm_", 6);
	assert_string_equal(
	    complaint(query), "utmmm_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…: is not a parameter here");
	/* cut between characters, wherever it falls */
	for (size_t at = 30; at < 50; at++) {
		memcpy(query, "limit=", 6);
		memset(query + 6, 'x', at);
		strcpy(query + 6 + at, "€€€€€€€€€€€€€€€");
		assert_string_not_equal(complaint(query), "not UTF-8");
	}
}

/* 8 KB of the worst that fits: the answer must stay small, or a short query would buy a long one. */
static void
thousands_of_mistakes_are_not_all_named(void **state)
{
	char query[8193] = "";
	enum rc rc;
	struct req rq;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 8192; i += 2)
		memcpy(query + i, "a&", 3);
	rq = parse(query, &rc);
	assert_int_equal(rc, RC_INVALID);
	for (const struct bad_param *b = rq.bad; b != NULL; b = b->next)
		n++;
	assert_in_range(n, 1, 50);
}

static void
noise_is_never_accepted_nor_fatal(void **state)
{
	static const char alphabet[] = "%%%&&==,,;+0123456789abcdefcitylmnor.-\xc3\xa9\xff\x01";
	char query[200];

	(void)state;
	srandom(7);
	for (int i = 0; i < 50000; i++) {
		size_t len = (size_t)random() % (sizeof(query) - 1);
		enum rc rc;
		struct req rq;

		for (size_t k = 0; k < len; k++)
			query[k] = alphabet[(size_t)random() % (sizeof(alphabet) - 1)];
		query[len] = '\0';
		rq = parse(query, &rc);
		assert_true(rc == RC_OK ? rq.bad == NULL : rc == RC_INVALID && rq.bad != NULL);
		for (const struct bad_param *b = rq.bad; b != NULL; b = b->next) {
			assert_true(utf8_valid(b->name, strlen(b->name)));
			assert_true(utf8_valid(b->detail, strlen(b->detail)));
		}
	}
}

static void
without_memory_nothing_is_accepted(void **state)
{
	struct arena *tiny = arena_new(600);
	struct req rq = { .arena = tiny,
		.query = "city=abcdefgh&limit=500&lat=x&lon=x&near=x",
		.params = params };

	(void)state;
	assert_int_not_equal(request_parse_query(&rq), RC_OK);
	arena_free(tiny);
}

static void
paths_are_decoded_without_plus(void **state)
{
	(void)state;
	arena_reset(arena);
	assert_string_equal(request_decode(arena, "/a+b%20c?x", 8, false), "/a+b c");
	assert_string_equal(request_decode(arena, "a+b", 3, true), "a b");
	assert_null(request_decode(arena, "%41%4", 5, false));
	assert_null(request_decode(arena, "%4123", 2, false)); /* the escape ends behind len */
	assert_string_equal(request_decode(arena, "", 0, false), "");
}

static int
make_arena(void **state)
{
	(void)state;
	arena = arena_new(4 << 20);
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
		cmocka_unit_test(good_values_are_typed),
		cmocka_unit_test(choices_and_times_are_numbers),
		cmocka_unit_test(what_is_not_given_is_not_given),
		cmocka_unit_test(forms_are_decoded),
		cmocka_unit_test(every_mistake_names_its_parameter),
		cmocka_unit_test(all_mistakes_are_named_in_order),
		cmocka_unit_test(what_is_needed_is_asked_for),
		cmocka_unit_test(long_values_are_shown_in_part),
		cmocka_unit_test(thousands_of_mistakes_are_not_all_named),
		cmocka_unit_test(noise_is_never_accepted_nor_fatal),
		cmocka_unit_test(without_memory_nothing_is_accepted),
		cmocka_unit_test(paths_are_decoded_without_plus),
	};

	return cmocka_run_group_tests(tests, make_arena, end_arena);
}
