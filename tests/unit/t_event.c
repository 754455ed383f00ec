/* SPDX-License-Identifier: ISC
 *
 * chat/event: the log's events, written, read back and shown.
 */
#include "unit.h"

#include "chat/event.h"

#include <string.h>

static struct arena *arena;
static struct buf out = BUF_INIT(65536);

static int
begin(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	return arena != NULL ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	arena_free(arena);
	buf_free(&out);
	return 0;
}

/* The event as the log has it, and as clients get it in room group.dev at 42, after 41. */
static const struct {
	struct event event;
	const char *log, *push;
} rows[] = {
	{ { .kind = EVENT_MESSAGE,
	      .from = "alice",
	      .body = "hi \"\n",
	      .mid = "m1",
	      .sent_at = 1763863200123 },
	    "{\"kind\":\"message\",\"from\":\"alice\",\"body\":\"hi "
	    "\\\"\\u000a\",\"mid\":\"m1\",\"sent_at\":1763863200123}",
	    "{\"type\":\"message\",\"room\":\"group.dev\",\"seq\":42,\"prev\":41,\"from\":"
	    "\"alice\",\"body\":\"hi "
	    "\\\"\\u000a\",\"mid\":\"m1\",\"sent_at\":\"2025-11-23T02:00:00.123Z\"}" },
	{ { .kind = EVENT_EDIT,
	      .from = "alice",
	      .body = "ho",
	      .target = 7,
	      .mid = "m2",
	      .sent_at = 0 },
	    "{\"kind\":\"edit\",\"from\":\"alice\",\"body\":\"ho\",\"target\":7,\"mid\":\"m2\","
	    "\"sent_at\":0}",
	    "{\"type\":\"edit\",\"room\":\"group.dev\",\"seq\":42,\"prev\":41,\"from\":\"alice\","
	    "\"body\":\"ho\","
	    "\"target\":7,\"mid\":\"m2\",\"sent_at\":\"1970-01-01T00:00:00.000Z\"}" },
	{ { .kind = EVENT_DELETE, .from = "alice", .target = 7, .mid = "m3", .sent_at = 5 },
	    "{\"kind\":\"delete\",\"from\":\"alice\",\"target\":7,\"mid\":\"m3\",\"sent_at\":5}",
	    "{\"type\":\"delete\",\"room\":\"group.dev\",\"seq\":42,\"prev\":41,\"from\":\"alice\","
	    "\"target\":7,"
	    "\"mid\":\"m3\",\"sent_at\":\"1970-01-01T00:00:00.005Z\"}" },
	{ { .kind = EVENT_MUTE,
	      .from = "alice",
	      .user = "bob",
	      .until = 60,
	      .mid = "m4",
	      .sent_at = 5 },
	    "{\"kind\":\"mute\",\"from\":\"alice\",\"user\":\"bob\",\"site\":false,\"until\":60,"
	    "\"mid\":\"m4\","
	    "\"sent_at\":5}",
	    "{\"type\":\"mute\",\"room\":\"group.dev\",\"seq\":42,\"prev\":41,\"from\":\"alice\","
	    "\"user\":\"bob\","
	    "\"site\":false,\"until\":\"1970-01-01T00:01:00Z\",\"mid\":\"m4\",\"sent_at\":\"1970-"
	    "01-01T00:00:00.005Z\"}" },
	{ { .kind = EVENT_BAN,
	      .from = "alice",
	      .user = "bob",
	      .site = true,
	      .mid = "m5",
	      .sent_at = 5 },
	    "{\"kind\":\"ban\",\"from\":\"alice\",\"user\":\"bob\",\"site\":true,\"until\":0,"
	    "\"mid\":\"m5\","
	    "\"sent_at\":5}",
	    "{\"type\":\"ban\",\"room\":\"group.dev\",\"seq\":42,\"prev\":41,\"from\":\"alice\","
	    "\"user\":\"bob\","
	    "\"site\":true,\"until\":null,\"mid\":\"m5\",\"sent_at\":\"1970-01-01T00:00:00."
	    "005Z\"}" },
	{ { .kind = EVENT_UNBAN, .from = "alice", .user = "bob", .mid = "m6", .sent_at = 5 },
	    "{\"kind\":\"unban\",\"from\":\"alice\",\"user\":\"bob\",\"site\":false,\"mid\":\"m6\","
	    "\"sent_at\":5}",
	    "{\"type\":\"unban\",\"room\":\"group.dev\",\"seq\":42,\"prev\":41,\"from\":\"alice\","
	    "\"user\":\"bob\","
	    "\"site\":false,\"mid\":\"m6\",\"sent_at\":\"1970-01-01T00:00:00.005Z\"}" },
};

static void
each_kind_has_its_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		buf_reset(&out);
		event_write(&out, &rows[i].event);
		assert_string_equal(out.p, rows[i].log);
		buf_reset(&out);
		event_push(&out, "group.dev", 42, 41, &rows[i].event);
		assert_string_equal(out.p, rows[i].push);
	}
}

static void
what_was_written_is_read_back(void **state)
{
	struct event e;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(event_read(arena, rows[i].log, strlen(rows[i].log), &e), RC_OK);
		buf_reset(&out);
		event_write(&out, &e);
		assert_string_equal(out.p, rows[i].log);
	}
}

static void
what_is_no_event_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		"\"message\"",
		"{\"kind\":\"shout\",\"from\":\"alice\",\"body\":\"hi\",\"mid\":\"m\",\"sent_at\":"
		"1}",
		"{\"from\":\"alice\",\"body\":\"hi\",\"mid\":\"m\",\"sent_at\":1}",
		"{\"kind\":\"message\",\"body\":\"hi\",\"mid\":\"m\",\"sent_at\":1}",
		"{\"kind\":\"message\",\"from\":\"alice\",\"mid\":\"m\",\"sent_at\":1}",
		"{\"kind\":\"message\",\"from\":\"alice\",\"body\":\"hi\",\"sent_at\":1}",
		"{\"kind\":\"message\",\"from\":\"alice\",\"body\":\"hi\",\"mid\":\"m\"}",
		"{\"kind\":\"message\",\"from\":\"alice\",\"body\":\"hi\",\"mid\":\"m\",\"sent_"
		"at\":-1}",
		"{\"kind\":\"message\",\"from\":\"alice\",\"body\":\"hi\",\"mid\":\"m\",\"sent_"
		"at\":1e300}",
		"{\"kind\":\"message\",\"from\":7,\"body\":\"hi\",\"mid\":\"m\",\"sent_at\":1}",
		"{\"kind\":\"edit\",\"from\":\"alice\",\"body\":\"hi\",\"mid\":\"m\",\"sent_at\":"
		"1}",
		"{\"kind\":\"delete\",\"from\":\"alice\",\"target\":1.5,\"mid\":\"m\",\"sent_at\":"
		"1}",
		"{\"kind\":\"ban\",\"from\":\"alice\",\"user\":\"bob\",\"mid\":\"m\",\"sent_at\":"
		"1}",
		"{\"kind\":\"unban\",\"from\":\"alice\",\"mid\":\"m\",\"sent_at\":1}",
	};
	struct event e;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		ROW("%s", bad[i]);
		assert_int_equal(event_read(arena, bad[i], strlen(bad[i]), &e), RC_INVALID);
	}
}

/* n times the two bytes of a letter, as one text. */
static const char *
letters(size_t n)
{
	char *text = arena_alloc(arena, 2 * n + 1);

	for (size_t i = 0; i < n; i++)
		memcpy(text + 2 * i, "\xc3\xb6", 2);
	return text;
}

static void
a_body_is_text_of_4000_characters(void **state)
{
	(void)state;
	assert_null(event_body_fault("hello\n\tworld"));
	assert_null(event_body_fault(letters(4000)));
	assert_non_null(event_body_fault(letters(4001)));
	assert_non_null(event_body_fault(""));
	assert_non_null(event_body_fault("bell\a"));
	assert_non_null(event_body_fault("return\r"));
	assert_non_null(event_body_fault("delete\x7f"));
	assert_non_null(event_body_fault("next line\xc2\x85"));
	assert_non_null(event_body_fault("\xc2\x9b[31m"));
	assert_null(event_body_fault("no break\xc2\xa0here"));
	assert_non_null(event_body_fault("\xff"));
	assert_non_null(event_body_fault("\xed\xa0\x80"));
}

static void
a_mid_is_short_and_plain(void **state)
{
	char longest[MID_SIZE + 1];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[MID_SIZE - 1] = '\0';
	assert_true(event_mid_ok("3f2a:1"));
	assert_true(event_mid_ok(longest));
	longest[MID_SIZE - 1] = 'x';
	longest[MID_SIZE] = '\0';
	assert_false(event_mid_ok(longest));
	assert_false(event_mid_ok(""));
	assert_false(event_mid_ok("a b"));
	assert_false(event_mid_ok("a\r\nb"));
	assert_false(event_mid_ok("\xc3\xb6"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_members),
		cmocka_unit_test(what_was_written_is_read_back),
		cmocka_unit_test(what_is_no_event_is_refused),
		cmocka_unit_test(a_body_is_text_of_4000_characters),
		cmocka_unit_test(a_mid_is_short_and_plain),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
