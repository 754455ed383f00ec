/* SPDX-License-Identifier: ISC
 *
 * chat/state: what the mirror says about users and groups.
 */
#include "unit.h"

#include "chat/state.h"

#include <string.h>

static const char alice[] =
    "{\"guest\":false,\"admin\":true,\"void_before\":100,\"groups\":[\"dev\",\"ops\"],\"owns\":["
    "\"dev\"],"
    "\"bans\":{\"group.ops\":200,\"group.qa\":0},\"mutes\":{\"site\":150},\"revoked\":[\"j1\"]}";

static struct arena *arena;

static int
begin(void **state)
{
	(void)state;
	arena = arena_new(1 << 16);
	return arena != NULL ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static void
a_user_has_groups_and_rights(void **state)
{
	struct user_state u;

	(void)state;
	assert_int_equal(state_read_user(arena, alice, strlen(alice), &u), RC_OK);
	assert_true(u.admin);
	assert_false(u.guest);
	assert_true(state_in_group(&u, "ops"));
	assert_false(state_in_group(&u, "op"));
	assert_true(state_owns(&u, "dev"));
	assert_false(state_owns(&u, "ops"));
}

static void
sanctions_end_and_may_be_everywhere(void **state)
{
	struct user_state u;

	(void)state;
	assert_int_equal(state_read_user(arena, alice, strlen(alice), &u), RC_OK);
	u.admin = false;
	assert_true(state_banned(&u, "group.ops", 199));
	assert_false(state_banned(&u, "group.ops", 200));
	assert_true(state_banned(&u, "group.qa", 99999999));
	assert_false(state_banned(&u, "group.dev", 0));
	assert_true(state_muted(&u, "group.dev", 149));
	assert_true(state_muted(&u, "broadcast", 149));
	assert_false(state_muted(&u, "broadcast", 150));
}

static void
an_admin_is_kept_out_of_no_single_room(void **state)
{
	struct user_state u;

	(void)state;
	assert_int_equal(state_read_user(arena, alice, strlen(alice), &u), RC_OK);
	assert_false(state_banned(&u, "group.ops", 199));
	assert_false(state_banned(&u, "group.qa", 199));
	assert_true(state_muted(&u, "group.dev", 149));
}

static void
tokens_are_taken_back_by_id_or_age(void **state)
{
	struct user_state u;

	(void)state;
	assert_int_equal(state_read_user(arena, alice, strlen(alice), &u), RC_OK);
	assert_true(state_revoked(&u, "j1", 500));
	assert_true(state_revoked(&u, "j2", 99));
	assert_false(state_revoked(&u, "j2", 100));
}

static void
a_stranger_is_nowhere(void **state)
{
	(void)state;
	assert_false(state_in_group(&state_stranger, "dev"));
	assert_false(state_owns(&state_stranger, "dev"));
	assert_false(state_banned(&state_stranger, "broadcast", 0));
	assert_false(state_muted(&state_stranger, "broadcast", 0));
	assert_false(state_revoked(&state_stranger, "j1", 0));
	assert_false(state_stranger.admin);
}

static void
a_group_has_an_owner(void **state)
{
	static const char json[] = "{\"title\":\"The devs\",\"public\":true,\"owner\":\"alice\"}";
	struct group_state g;

	(void)state;
	assert_int_equal(state_read_group(arena, json, strlen(json), &g), RC_OK);
	assert_string_equal(g.title, "The devs");
	assert_string_equal(g.owner, "alice");
	assert_true(g.public);
	assert_int_equal(state_read_group(arena, "{}", 2, &g), RC_INVALID);
}

static void
anything_else_is_refused(void **state)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"guest\":false",
		"{\"guest\":false,\"admin\":true,\"void_before\":\"x\",\"groups\":[],\"owns\":[],"
		"\"bans\":{},"
		"\"mutes\":{},\"revoked\":[]}",
		"{\"guest\":false,\"admin\":true,\"void_before\":0,\"groups\":[1],\"owns\":[],"
		"\"bans\":{},"
		"\"mutes\":{},\"revoked\":[]}",
		"{\"guest\":false,\"admin\":true,\"void_before\":0,\"groups\":{},\"owns\":[],"
		"\"bans\":{},"
		"\"mutes\":{},\"revoked\":[]}",
		"{\"guest\":false,\"admin\":true,\"void_before\":0,\"groups\":[],\"owns\":[],"
		"\"bans\":[],"
		"\"mutes\":{},\"revoked\":[]}",
		"{\"guest\":false,\"admin\":true,\"void_before\":0,\"groups\":[],\"owns\":[],"
		"\"bans\":{\"site\":\"x\"},\"mutes\":{},\"revoked\":[]}" };
	struct user_state u;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		ROW("%s", bad[i]);
		assert_int_equal(state_read_user(arena, bad[i], strlen(bad[i]), &u), RC_INVALID);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_has_groups_and_rights),
		cmocka_unit_test(sanctions_end_and_may_be_everywhere),
		cmocka_unit_test(an_admin_is_kept_out_of_no_single_room),
		cmocka_unit_test(tokens_are_taken_back_by_id_or_age),
		cmocka_unit_test(a_stranger_is_nowhere),
		cmocka_unit_test(a_group_has_an_owner),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
