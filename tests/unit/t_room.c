/* SPDX-License-Identifier: ISC
 *
 * chat/room: what is a room's name, and whose.
 */
#include "unit.h"

#include "chat/room.h"

static void
names_have_a_grammar(void **state)
{
	(void)state;
	assert_true(room_name_ok("bob"));
	assert_true(room_name_ok("a-b_9"));
	assert_true(room_name_ok("abcdefghijklmnopqrstuvwxyz012345"));
	assert_false(room_name_ok("abcdefghijklmnopqrstuvwxyz0123456"));
	assert_false(room_name_ok("ab"));
	assert_false(room_name_ok(""));
	assert_false(room_name_ok("Bob"));
	assert_false(room_name_ok("bob.alice"));
	assert_false(room_name_ok("bob*"));
	assert_false(room_name_ok("bob>"));
	assert_false(room_name_ok("bob\n"));
	assert_false(room_name_ok("b\xc3\xb6"
				  "b"));
}

/* How each text reads to the log, and to bob; NULL where it is no room. */
static const struct {
	const char *text, *log, *bob;
} rooms[] = {
	{ "broadcast", "broadcast", "broadcast" },
	{ "group.developers", "group.developers", "group.developers" },
	{ "private.alice.bob", "private.alice.bob", "private.alice.bob" },
	{ "private.bob.alice", NULL, "private.alice.bob" },
	{ "private.alice", NULL, "private.alice.bob" },
	{ "private.zoe", NULL, "private.bob.zoe" },
	{ "private.alice.zoe", "private.alice.zoe", NULL },
	{ "private.bob", NULL, NULL },
	{ "private.bob.bob", NULL, NULL },
	{ "private.alice.bob.zoe", NULL, NULL },
	{ "private.alice.", NULL, NULL },
	{ "private..bob", NULL, NULL },
	{ "private.*.bob", NULL, NULL },
	{ "private.", NULL, NULL },
	{ "private", NULL, NULL },
	{ "group.", NULL, NULL },
	{ "group.ab", NULL, NULL },
	{ "group.a.b", NULL, NULL },
	{ "group.>", NULL, NULL },
	{ "group.dev ", NULL, NULL },
	{ "broadcast.x", NULL, NULL },
	{ "Broadcast", NULL, NULL },
	{ "", NULL, NULL },
};

static void
expect(const char *text, const char *wanted, bool is_room, const struct room *r)
{
	ROW("\"%s\"", text);
	assert_int_equal(is_room, wanted != NULL);
	if (wanted != NULL)
		assert_string_equal(r->text, wanted);
}

static void
rooms_have_a_grammar(void **state)
{
	struct room r;

	(void)state;
	for (size_t i = 0; i < COUNT(rooms); i++) {
		expect(rooms[i].text, rooms[i].log, room_parse(rooms[i].text, &r), &r);
		expect(rooms[i].text, rooms[i].bob, room_parse_as(rooms[i].text, "bob", &r), &r);
	}
}

static void
a_private_room_has_two_sides(void **state)
{
	struct room r;

	(void)state;
	assert_true(room_parse("private.alice.bob", &r));
	assert_string_equal(room_partner(&r, "alice"), "bob");
	assert_string_equal(room_partner(&r, "bob"), "alice");
}

static void
subjects_tell_their_room(void **state)
{
	struct room r;

	(void)state;
	assert_true(room_of_subject("in.chat.group.developers", &r));
	assert_int_equal(r.kind, ROOM_GROUP);
	assert_string_equal(r.name, "developers");
	assert_true(room_of_subject("chat.private.alice.bob", &r));
	assert_int_equal(r.kind, ROOM_PRIVATE);
	assert_false(room_of_subject("live.broadcast", &r));
	assert_false(room_of_subject("in.chat.", &r));
	assert_false(room_of_subject("chat", &r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_a_grammar),
		cmocka_unit_test(rooms_have_a_grammar),
		cmocka_unit_test(a_private_room_has_two_sides),
		cmocka_unit_test(subjects_tell_their_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
