/* SPDX-License-Identifier: ISC
 *
 * drivers/live against a real nats-server: messages, replies, the log, and the loss of the server.
 */
#include "unit.h"

#include "base/log.h"
#include "drivers/bus.h"
#include "drivers/live.h"
#include "drivers/stream.h"
#include "nats.h"

#include <stdbool.h>

#define WAIT_MS 15000

static struct live *
open_live(void)
{
	struct live *l = NULL;

	assert_int_equal(live_open(&nats.settings, "t_live", &l), RC_OK);
	return l;
}

/* One turn of a loop, of 50 ms at most. */
static void
turn(struct live *l)
{
	struct pollfd p[LIVE_FDS];

	live_poll(l, p);
	poll(p, LIVE_FDS, 50);
	live_step(l, p);
}

static void
wait_up(struct live *l, unsigned generation)
{
	struct deadline d = deadline_in(WAIT_MS);

	while (live_generation(l) < generation && deadline_left(d) > 0)
		turn(l);
	assert_true(live_up(l));
	assert_int_equal(live_generation(l), generation);
}

static void
wait_down(struct live *l)
{
	struct deadline d = deadline_in(WAIT_MS);

	while (live_up(l) && deadline_left(d) > 0)
		turn(l);
	assert_false(live_up(l));
}

static bool
wait_message(struct live *l, struct live_msg *m, int ms)
{
	struct deadline d = deadline_in(ms);

	while (!live_next(l, m)) {
		if (deadline_left(d) == 0)
			return false;
		turn(l);
	}
	return true;
}

static void
assert_message(struct live *l, const char *subject, const char *data)
{
	struct live_msg m;

	assert_true(wait_message(l, &m, WAIT_MS));
	assert_string_equal(m.subject, subject);
	assert_int_equal(m.len, strlen(data));
	assert_memory_equal(m.data, data, m.len);
}

/* All that was sent so far has come back when this message has. */
static void
round_trip(struct live *l)
{
	live_subscribe(l, "t.round");
	assert_int_equal(live_publish(l, "t.round", "x", 1), RC_OK);
	assert_message(l, "t.round", "x");
}

static void
what_is_subscribed_comes_in_order(void **state)
{
	struct live *l = open_live();
	char text[16];

	(void)state;
	assert_int_equal(live_subscribe(l, "t.one"), RC_OK);
	assert_int_equal(live_publish(l, "t.one", "early", 5), RC_DOWN);
	wait_up(l, 1);
	assert_int_equal(live_subscribe(l, "t.many.*"), RC_OK);
	assert_int_equal(live_subscribe(l, "t.many.*"), RC_OK);
	assert_int_equal(live_subscribe(l, "no good"), RC_INVALID);
	live_publish(l, "t.one", "hello", 5);
	assert_message(l, "t.one", "hello");
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(live_publish(l, "t.many.x", text, strlen(text)), RC_OK);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_message(l, "t.many.x", text);
	}
	live_close(l);
}

static void
what_is_no_longer_subscribed_does_not_come(void **state)
{
	struct live *l = open_live();

	(void)state;
	wait_up(l, 1);
	live_subscribe(l, "t.gone");
	live_publish(l, "t.gone", "1", 1);
	assert_message(l, "t.gone", "1");
	live_unsubscribe(l, "t.gone");
	live_unsubscribe(l, "t.never");
	live_publish(l, "t.gone", "2", 1);
	round_trip(l);
	live_close(l);
}

static void
a_large_message_comes_whole(void **state)
{
	struct live *l = open_live();
	size_t len = 200000;
	char *text = malloc(len + 1);

	(void)state;
	memset(text, 'x', len);
	text[len] = '\0';
	wait_up(l, 1);
	live_subscribe(l, "t.large");
	assert_int_equal(live_publish(l, "t.large", text, len), RC_OK);
	assert_message(l, "t.large", text);
	free(text);
	live_close(l);
}

static void
the_log_answers_and_hands_on(void **state)
{
	struct bus *b = bus_open(&nats.settings, "t_live");
	struct live *l = open_live();
	struct live_msg m;
	bool acked = false, handed = false;

	(void)state;
	assert_int_equal(stream_setup(b, &nats.settings), RC_OK);
	wait_up(l, 1);
	live_subscribe(l, "chat.broadcast");
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    live_request(l, "in.chat.broadcast", i == 0 ? "a/1" : NULL, "hi", 2, 41),
		    RC_OK);
	for (int i = 0; i < 4; i++) {
		assert_true(wait_message(l, &m, WAIT_MS));
		if (m.request == 41) {
			assert_int_equal(m.status, 0);
			assert_non_null(memmem(m.data, m.len, "\"seq\"", 5));
			acked = true;
		} else if (m.seq == 2) {
			assert_string_equal(m.subject, "chat.broadcast");
			assert_int_equal(m.prev, 1);
			handed = true;
		}
	}
	assert_true(acked && handed);
	live_request(l, "$JS.API.DIRECT.GET.CHAT", NULL, "{\"seq\":2}", 9, 42);
	assert_message(l, "in.chat.broadcast", "hi");
	live_request(l, "$JS.API.DIRECT.GET.CHAT", NULL, "{\"seq\":9}", 9, 43);
	assert_true(wait_message(l, &m, WAIT_MS));
	assert_int_equal(m.request, 43);
	assert_int_equal(m.status, 404);
	live_close(l);
	bus_close(b);
}

static void
nobody_answers_in_the_order_of_the_requests(void **state)
{
	struct live *l = open_live();
	struct live_msg m;

	(void)state;
	wait_up(l, 1);
	for (uint32_t i = 7; i < 10; i++)
		assert_int_equal(live_request(l, "t.nobody", NULL, "?", 1, i), RC_OK);
	for (uint32_t i = 7; i < 10; i++) {
		assert_true(wait_message(l, &m, WAIT_MS));
		assert_int_equal(m.status, 503);
		assert_int_equal(m.request, i);
	}
	live_close(l);
}

static void
a_server_that_was_killed_is_found_again(void **state)
{
	struct live *l = open_live();
	struct live_msg m;

	(void)state;
	live_subscribe(l, "t.again");
	live_subscribe(l, "t.left");
	wait_up(l, 1);
	nats_kill();
	wait_down(l);
	assert_int_equal(live_publish(l, "t.again", "lost", 4), RC_DOWN);
	assert_int_equal(live_request(l, "t.again", NULL, "lost", 4, 1), RC_DOWN);
	assert_int_equal(live_subscribe(l, "t.away"), RC_OK);
	live_unsubscribe(l, "t.left");
	assert_false(wait_message(l, &m, 0));
	assert_int_equal(nats_start(), 0);
	wait_up(l, 2);
	live_publish(l, "t.left", "no", 2);
	live_publish(l, "t.again", "1", 1);
	assert_message(l, "t.again", "1");
	live_publish(l, "t.away", "2", 1);
	assert_message(l, "t.away", "2");
	live_close(l);
}

/* The loop must not stand still behind a server that does, nor its end. */
static void
a_server_that_hangs_holds_nobody(void **state)
{
	struct live *l = open_live(), *late;
	int64_t began;

	(void)state;
	wait_up(l, 1);
	kill(nats.pid, SIGSTOP);
	began = clock_mono_ms();
	late = open_live();
	for (int i = 0; i < 3; i++)
		turn(late);
	for (int i = 0; i < 1000; i++)
		live_publish(l, "t.hung", "x", 1);
	turn(l);
	live_close(late);
	live_close(l);
	assert_in_range(clock_mono_ms() - began, 0, 1000);
	kill(nats.pid, SIGCONT);
}

static void
what_a_hung_server_does_not_take_is_refused(void **state)
{
	static const char text[60000];
	struct live *l = open_live();
	struct deadline d = deadline_in(WAIT_MS);
	int64_t began;
	enum rc rc = RC_OK;

	(void)state;
	wait_up(l, 1);
	kill(nats.pid, SIGSTOP);
	while (rc == RC_OK && deadline_left(d) > 0) {
		rc = live_publish(l, "t.hung", text, sizeof(text));
		turn(l);
	}
	assert_int_equal(rc, RC_BUSY);
	began = clock_mono_ms();
	live_close(l);
	assert_in_range(clock_mono_ms() - began, 0, 400); /* the library's own flush takes 500 */
	kill(nats.pid, SIGCONT);
}

/* What was published right before the end arrives. */
static void
the_last_word_is_sent(void **state)
{
	struct live *l = open_live(), *other = open_live();

	(void)state;
	wait_up(l, 1);
	wait_up(other, 1);
	live_subscribe(other, "t.last");
	round_trip(other);
	live_publish(l, "t.last", "bye", 3);
	live_close(l);
	assert_message(other, "t.last", "bye");
	live_close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_subscribed_comes_in_order),
		cmocka_unit_test(what_is_no_longer_subscribed_does_not_come),
		cmocka_unit_test(a_large_message_comes_whole),
		cmocka_unit_test(the_log_answers_and_hands_on),
		cmocka_unit_test(nobody_answers_in_the_order_of_the_requests),
		cmocka_unit_test(a_server_that_was_killed_is_found_again),
		cmocka_unit_test(a_server_that_hangs_holds_nobody),
		cmocka_unit_test(what_a_hung_server_does_not_take_is_refused),
		cmocka_unit_test(the_last_word_is_sent),
	};

	log_open("t_live", LOG_SINK_TEXT, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, nats_setup, nats_teardown);
}
