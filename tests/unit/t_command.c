/* SPDX-License-Identifier: ISC
 *
 * ws-handlers/chat: what of a client's line may reach the parser, which pages may connect, and sanctions in the mirror.
 */
#include "unit.h"

#include "../../ws-handlers/chat/allow.h"
#include "../../ws-handlers/chat/commands.h"
#include "../../ws-handlers/chat/sanction.h"

#include "chat/state.h"

#include <string.h>

static void
json_that_may_be_parsed(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "{}", true },
		{ "{\"a\":[[[[[[[1]]]]]]]}", true },
		{ "{\"a\":[[[[[[[[1]]]]]]]]}", false },
		{ "[[[[[[[[[", false },
		{ "{\"a\":\"[[[[[[[[[[{{{{{{{{{{\"}", true },
		{ "{\"a\":\"\\\"[[[[[[[[[[\"}", true },
		{ "{\"a\":\"\\u0000\"}", false },
		{ "{\"a\":\"\\\\u0000\"}", true },
		{ "{\"a\":\"\\u00001\"}", false },
		{ "{\"\\u0000\":1}", false },
		{ "{\"a\":\"\\u000a\"}", true },
		{ "\t{ \"a\" : 1 }\r", true },
		{ "\x01{}", false },
		{ "{\"a\":\"\x01\"}", false },
		{ "{\"a\":\"\t\"}", false },
		{ "\"\\", true },
		{ "\"\\u000", true },
		{ "", true },
	};
	char many[3000] = "[1";

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		ROW("%s", rows[i].text);
		assert_int_equal(command_json_ok(rows[i].text, strlen(rows[i].text)), rows[i].ok);
	}
	for (int i = 1; i < 1024; i++)
		strcat(many, ",1");
	assert_true(command_json_ok(many, strlen(many)));
	strcat(many, ",1");
	assert_false(command_json_ok(many, strlen(many)));
}

static void
origins(void **state)
{
	static const struct {
		const char *origin, *host, *list;
		bool ok;
	} rows[] = {
		{ NULL, NULL, "", true },
		{ "", "a.example", "", true },
		{ "https://a.example", "a.example", "", true },
		{ "https://A.example", "a.EXAMPLE", "", true },
		{ "http://a.example:8080", "a.example:8080", "", true },
		{ "http://a.example:8080", "a.example", "", false },
		{ "https://a.example", "", "", false },
		{ "https://a.example", NULL, "", false },
		{ "null", "null", "", false },
		{ "https://b.example", "a.example", "https://b.example", true },
		{ "https://b.example", "a.example", "https://c.example,https://b.example", true },
		{ "https://b.example", "a.example", "https://c.example , https://b.example ,",
		    true },
		{ "https://b.example", "a.example", "https://b.example.org", false },
		{ "https://b.example", "a.example", "b.example", false },
		{ "https://b.example", "a.example", "*", true },
		{ "https://b.example", "a.example", "https://*", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		ROW("%s %s %s", rows[i].origin != NULL ? rows[i].origin : "(none)",
		    rows[i].host != NULL ? rows[i].host : "(none)", rows[i].list);
		assert_int_equal(
		    allow_origin(rows[i].origin, rows[i].host, rows[i].list), rows[i].ok);
	}
}

/* The state after an event, from its JSON or nothing. */
static struct user_state
after(struct arena *a, char **json, const char *room, const struct event *e)
{
	struct user_state u;

	*json = sanction_merge(a, *json, *json != NULL ? strlen(*json) : 0, room, e);
	assert_non_null(*json);
	assert_int_equal(state_read_user(a, *json, strlen(*json), &u), RC_OK);
	return u;
}

static void
sanctions_in_the_mirror(void **state)
{
	struct arena *a = arena_new(65536);
	char *json = NULL;
	struct user_state u;

	(void)state;
	u = after(a, &json, "group.dev", &(struct event){ .kind = EVENT_MUTE, .until = 1000 });
	assert_true(state_muted(&u, "group.dev", 999));
	assert_false(state_muted(&u, "group.dev", 1001));
	assert_false(state_muted(&u, "broadcast", 999));
	u = after(a, &json, "group.dev", &(struct event){ .kind = EVENT_MUTE });
	assert_true(state_muted(&u, "group.dev", 1001));
	u = after(a, &json, "broadcast", &(struct event){ .kind = EVENT_BAN, .site = true });
	assert_true(state_banned(&u, "group.dev", 0));
	u = after(a, &json, "group.dev", &(struct event){ .kind = EVENT_UNMUTE });
	assert_false(state_muted(&u, "group.dev", 0));
	assert_true(state_banned(&u, "group.dev", 0));
	u = after(a, &json, "broadcast", &(struct event){ .kind = EVENT_UNBAN, .site = true });
	assert_false(state_banned(&u, "group.dev", 0));
	u = after(a, &json, "broadcast", &(struct event){ .kind = EVENT_UNBAN, .site = true });
	assert_null(sanction_merge(a, "{}", 2, "broadcast", &(struct event){ .kind = EVENT_BAN }));
	assert_null(sanction_merge(a, "x", 1, "broadcast", &(struct event){ .kind = EVENT_BAN }));
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_that_may_be_parsed),
		cmocka_unit_test(origins),
		cmocka_unit_test(sanctions_in_the_mirror),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
