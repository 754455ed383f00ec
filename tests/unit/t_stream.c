/* SPDX-License-Identifier: ISC
 *
 * drivers/stream against a real nats-server: the log, its epoch, and the consumer that never loses its place.
 */
#include "unit.h"

#include "base/log.h"
#include "drivers/stream.h"
#include "nats.h"

#include <stdbool.h>

#define WAIT_MS 20000

static struct bus *bus;
static struct arena *arena;

static int
setup(void **state)
{
	if (nats_setup(state) != 0)
		return -1;
	bus = bus_open(&nats.settings, "t_stream");
	arena = arena_new(64 << 20);
	return bus != NULL && arena != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	bus_close(bus);
	arena_free(arena);
	return nats_teardown(state);
}

static uint64_t
publish(const char *room, const char *msg_id, const char *data, bool *duplicate)
{
	char subject[64];
	uint64_t seq = 0;

	snprintf(subject, sizeof(subject), "in.chat.%s", room);
	assert_int_equal(
	    stream_publish(bus, subject, msg_id, data, strlen(data), &seq, duplicate), RC_OK);
	return seq;
}

static void
publish_some(int n)
{
	bool duplicate;

	for (int i = 0; i < n; i++)
		publish("broadcast", NULL, "x", &duplicate);
}

static struct stream_msg *
fetch(int max, int n)
{
	struct stream_msg *msgs;
	int got = -1;

	assert_int_equal(stream_fetch(bus, arena, max, 100, &got, &msgs), RC_OK);
	assert_int_equal(got, n);
	return msgs;
}

static struct stream_state
get_state(void)
{
	struct stream_state st = { 0 };

	assert_int_equal(stream_state(bus, &st), RC_OK);
	return st;
}

static void
a_log_is_made_once_and_keeps_its_epoch(void **state)
{
	struct stream_state st;
	int64_t epoch;

	(void)state;
	assert_int_equal(stream_state(bus, &st), RC_NOTFOUND);
	assert_int_equal(stream_setup(bus, &nats.settings), RC_OK);
	epoch = get_state().epoch;
	assert_in_range(epoch, clock_now_ms() - 10000, clock_now_ms());
	nats.settings.chat_max_age = 3600;
	assert_int_equal(stream_setup(bus, &nats.settings), RC_OK);
	assert_int_equal(get_state().epoch, epoch);
	assert_int_equal(get_state().last_seq, 0);
	assert_int_equal(get_state().pending, 0);
}

static void
an_event_is_stored_once(void **state)
{
	struct stream_msg m;
	bool duplicate;
	uint64_t seq = publish("group.x", "a/group.x/1", "one", &duplicate);

	(void)state;
	assert_false(duplicate);
	assert_int_equal(publish("group.x", "a/group.x/1", "one", &duplicate), seq);
	assert_true(duplicate);
	assert_int_equal(get_state().last_seq, seq);
	assert_int_equal(stream_get(bus, arena, seq, &m), RC_OK);
	assert_string_equal(m.subject, "in.chat.group.x");
	assert_int_equal(m.len, 3);
	assert_memory_equal(m.data, "one", 3);
	assert_int_equal(m.seq, seq);
	assert_int_equal(stream_get(bus, arena, seq + 1, &m), RC_NOTFOUND);
}

static void
a_batch_is_what_is_there(void **state)
{
	uint64_t first = get_state().last_seq;
	struct stream_msg *m;

	(void)state;
	publish_some(5);
	m = fetch(4, 4);
	assert_int_equal(m[0].seq, first);
	assert_string_equal(m[0].subject, "in.chat.group.x");
	assert_int_equal(m[3].seq, first + 3);
	assert_int_equal(get_state().pending, 6);
	assert_int_equal(stream_ack(bus, &m[3]), RC_OK);
	assert_int_equal(get_state().pending, 2);
	m = fetch(4, 2);
	assert_int_equal(stream_ack(bus, &m[1]), RC_OK);
	assert_int_equal(get_state().pending, 0);
	fetch(4, 0);
}

static void
what_was_fetched_comes_again_after_a_rewind(void **state)
{
	uint64_t last = get_state().last_seq;
	struct stream_msg *m;

	(void)state;
	publish_some(3);
	fetch(10, 3);
	assert_int_equal(stream_rewind(bus, last + 2), RC_OK); /* without the first of them */
	m = fetch(10, 2);
	assert_int_equal(m[0].seq, last + 2);
	assert_int_equal(stream_ack(bus, &m[1]), RC_OK);
	assert_int_equal(get_state().pending, 0);
}

/* But for the last acknowledgements: what they were for comes again. */
static void
a_killed_server_loses_nothing(void **state)
{
	struct deadline d = deadline_in(WAIT_MS);
	unsigned generation = bus_generation(bus);
	struct stream_state before, after;
	struct stream_msg *m;
	int n;

	(void)state;
	publish_some(2);
	before = get_state();
	assert_int_equal(bus_generation(bus), generation);
	nats_kill();
	assert_int_equal(stream_fetch(bus, arena, 10, 100, &n, &m), RC_DOWN);
	assert_int_equal(nats_start(), 0);
	while (stream_state(bus, &after) != RC_OK && deadline_left(d) > 0)
		poll(NULL, 0, 100);
	assert_int_equal(bus_generation(bus), generation + 1);
	assert_int_equal(after.epoch, before.epoch);
	assert_int_equal(after.last_seq, before.last_seq);
	assert_true(after.pending >= 2);
	assert_int_equal(stream_fetch(bus, arena, 10, 100, &n, &m), RC_OK);
	assert_int_equal(m[n - 1].seq, before.last_seq);
	assert_int_equal(stream_ack(bus, &m[n - 1]), RC_OK);
}

static void
an_epoch_is_renewed_and_nothing_else(void **state)
{
	struct stream_state before = get_state();
	(void)state;
	assert_int_equal(stream_epoch_renew(bus, &nats.settings, before.epoch + 7), RC_OK);
	assert_int_equal(get_state().epoch, before.epoch + 7);
	assert_int_equal(get_state().last_seq, before.last_seq);
}

static void
a_hung_server_is_not_waited_for(void **state)
{
	struct deadline d = deadline_in(WAIT_MS);
	struct stream_state st;
	int64_t began = clock_mono_ms();
	struct stream_msg *m;
	int n;

	(void)state;
	nats.settings.nats_timeout = 300;
	kill(nats.pid, SIGSTOP);
	assert_int_equal(stream_fetch(bus, arena, 10, 100, &n, &m), RC_DOWN);
	assert_int_equal(stream_state(bus, &st), RC_DOWN);
	assert_in_range(clock_mono_ms() - began, 0, 5000);
	kill(nats.pid, SIGCONT);
	nats.settings.nats_timeout = 2000;
	while (stream_state(bus, &st) != RC_OK && deadline_left(d) > 0)
		poll(NULL, 0, 100);
	fetch(10, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_is_made_once_and_keeps_its_epoch),
		cmocka_unit_test(an_event_is_stored_once),
		cmocka_unit_test(a_batch_is_what_is_there),
		cmocka_unit_test(what_was_fetched_comes_again_after_a_rewind),
		cmocka_unit_test(a_killed_server_loses_nothing),
		cmocka_unit_test(an_epoch_is_renewed_and_nothing_else),
		cmocka_unit_test(a_hung_server_is_not_waited_for),
	};

	log_open("t_stream", LOG_SINK_TEXT, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, setup, teardown);
}
