/* SPDX-License-Identifier: ISC
 *
 * ws-handlers/chat/{channel,recover}: the promise, against a stream that is an array and a NATS that does whatever it
 * may: messages and answers in any order between each other, lost, or cut off by a new connection. In thousands of
 * such lives each message of a channel must have been handed on once and in order, or the client been told.
 */
#include "unit.h"

#include "../../ws-handlers/chat/conn.h"
#include "../../ws-handlers/chat/recover.h"

#include "chat/event.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIVES 3000
#define STEPS 250
#define QUEUE 4096
#define STORED 1200

static const char *const rooms[] = { "group.dev", "group.ops", "private.aaa.mia",
	"private.mia.zoe" };

/* The stream: position i + 1 holds a message of rooms[stored[i]]. */
static struct {
	int64_t epoch;
	uint64_t first, last;
	unsigned char stored[STORED];
	uint64_t top[COUNT(rooms)];
} stream;

/* What is on its way: to the server, from it as answers, from it as messages of each room. */
struct parcel {
	uint32_t request;
	char subject[128], data[300];
	size_t len;
	uint64_t seq, prev;
	int status;
};
static struct queue {
	struct parcel p[QUEUE];
	size_t first, n;
} asked, answers, heard[COUNT(rooms)];

static bool up;
static struct conn c;
static struct settings settings = { .ws_queue = 1 << 20 };
static int told; /* how often the client was told that it missed something */
static uint64_t seen[COUNT(rooms)]; /* what the client has of each room */
static uint64_t start[COUNT(rooms)]; /* and from where it should have all */

static struct parcel *
put(struct queue *q)
{
	struct parcel *p = &q->p[(q->first + q->n++) % QUEUE];

	assert_true(q->n <= QUEUE);
	memset(p, 0, sizeof(*p));
	return p;
}

static struct parcel *
take(struct queue *q)
{
	struct parcel *p = &q->p[q->first % QUEUE];

	assert_true(q->n > 0);
	q->first++;
	q->n--;
	return p;
}

/* The driver of NATS that the handler gets. */

enum rc
live_open(const struct settings *s, const char *name, struct live **out)
{
	(void)s;
	(void)name;
	(void)out;
	return RC_OK;
}

void
live_close(struct live *l)
{
	(void)l;
}

void
live_poll(struct live *l, struct pollfd p[LIVE_FDS])
{
	(void)l;
	(void)p;
}

void
live_step(struct live *l, const struct pollfd p[LIVE_FDS])
{
	(void)l;
	(void)p;
}

bool
live_next(struct live *l, struct live_msg *m)
{
	(void)l;
	(void)m;
	return false;
}

bool
live_up(const struct live *l)
{
	(void)l;
	return up;
}

unsigned
live_generation(const struct live *l)
{
	(void)l;
	return 0;
}

enum rc
live_subscribe(struct live *l, const char *subject)
{
	(void)l;
	(void)subject;
	return RC_OK;
}

void
live_unsubscribe(struct live *l, const char *subject)
{
	(void)l;
	(void)subject;
}

enum rc
live_publish(struct live *l, const char *subject, const void *data, size_t len)
{
	(void)l;
	(void)subject;
	(void)data;
	(void)len;
	return RC_OK;
}

enum rc
live_request(struct live *l, const char *subject, const char *msg_id, const void *data, size_t len,
    uint32_t request)
{
	struct parcel *p;

	(void)l;
	(void)msg_id;
	if (!up)
		return RC_DOWN;
	p = put(&asked);
	p->request = request;
	snprintf(p->subject, sizeof(p->subject), "%s", subject);
	p->len = len;
	memcpy(p->data, data, len);
	return RC_OK;
}

/* The server */

static bool
matches(const char *filter, const char *subject)
{
	for (; *filter != '\0' && *subject != '\0'; filter++, subject++) {
		if (*filter == '*') {
			subject += strcspn(subject, ".");
			filter++;
		}
		if (*filter != *subject)
			return false;
		if (*filter == '\0')
			return true;
	}
	return *filter == *subject;
}

static void
event_of(struct parcel *p, uint64_t seq)
{
	size_t room = stream.stored[seq - 1];
	struct buf b = BUF_INIT(sizeof(p->data));
	char body[24];

	snprintf(body, sizeof(body), "%d", (int)seq);
	event_write(
	    &b, &(struct event){ .kind = EVENT_MESSAGE, .from = "x", .mid = "m", .body = body });
	memcpy(p->data, b.p, b.len);
	p->len = b.len;
	p->seq = seq;
	snprintf(p->subject, sizeof(p->subject), ROOM_LOG "%s", rooms[room]);
	buf_free(&b);
}

/* The first position from seq on, or the last, of a subject; 0: none. */
static uint64_t
search(const char *filter, uint64_t seq, bool last)
{
	char subject[ROOM_SUBJECT_SIZE];
	uint64_t found = 0;

	for (uint64_t s = seq < stream.first ? stream.first : seq; s <= stream.last; s++) {
		snprintf(subject, sizeof(subject), ROOM_LOG "%s", rooms[stream.stored[s - 1]]);
		if (!matches(filter, subject))
			continue;
		found = s;
		if (!last)
			break;
	}
	return found;
}

/* Do what was asked for first. */
static void
serve(void)
{
	const struct parcel *p = take(&asked);
	struct parcel *a = put(&answers);
	unsigned long long seq;
	char filter[128];

	a->request = p->request;
	if (strstr(p->subject, "INFO") != NULL) {
		a->len = (size_t)snprintf(a->data, sizeof(a->data),
		    "{\"config\":{\"description\":\"epoch %lld\"},\"state\":{\"first_seq\":%llu,"
		    "\"last_seq\":%llu}}",
		    (long long)stream.epoch, (unsigned long long)stream.first,
		    (unsigned long long)stream.last);
		return;
	}
	if (sscanf(p->data, "{\"seq\":%llu,\"next_by_subj\":\"%127[^\"]", &seq, filter) == 2)
		seq = search(filter, seq, false);
	else if (sscanf(p->data, "{\"last_by_subj\":\"%127[^\"]", filter) == 1)
		seq = search(filter, 1, true);
	else
		fail_msg("asked for %s", p->data);
	if (seq > 0)
		event_of(a, seq);
	else
		a->status = 404;
}

static void
publish(size_t room)
{
	struct parcel *p;

	if (stream.last == STORED)
		return;
	stream.stored[stream.last++] = (unsigned char)room;
	p = put(&heard[room]);
	event_of(p, stream.last);
	snprintf(p->subject, sizeof(p->subject), ROOM_OUT "%s", rooms[room]);
	p->prev = stream.top[room];
	stream.top[room] = stream.last;
}

/* The handler's loop */

static struct live_msg
message_of(const struct parcel *p)
{
	return (
	    struct live_msg){ p->subject, p->data, p->len, p->seq, p->prev, p->status, p->request };
}

static size_t
room_index(const char *name)
{
	for (size_t i = 0; i < COUNT(rooms); i++)
		if (strcmp(rooms[i], name) == 0)
			return i;
	fail_msg("room %s", name);
	return 0;
}

/* What the client reads: the next message of its room, and of its channel none before the one before. */
static void
read_line(const char *line)
{
	char room[64];
	unsigned long long seq, prev;
	size_t i;

	assert_int_equal(
	    sscanf(line, "{\"type\":\"message\",\"room\":\"%63[^\"]\",\"seq\":%llu,\"prev\":%llu",
		room, &seq, &prev),
	    3);
	i = room_index(room);
	if (seq <= seen[i] || (i >= 2 && (seq <= seen[2] || seq <= seen[3])))
		fail_msg("%s: %llu after %llu %llu", room, seq, (unsigned long long)seen[i],
		    (unsigned long long)(i >= 2 ? seen[5 - i] : 0));
	for (uint64_t s = seen[i] + 1; s < seq; s++)
		if (stream.stored[s - 1] == i)
			fail_msg(
			    "%s: %llu is missing before %llu", room, (unsigned long long)s, seq);
	if (prev > seen[i] && prev >= start[i])
		assert_true(prev <= start[i]);
	seen[i] = seq;
}

static void
read_all(void)
{
	for (char *line = c.out.buf.p, *end; line != NULL && (end = strchr(line, '\n')) != NULL;
	     line = end + 1) {
		*end = '\0';
		read_line(line);
	}
	buf_free(&c.out.buf);
}

/* The client is told that it missed something: it has what was before from elsewhere. */
static void
tell(struct channel *ch)
{
	ch->tell = TELL_NOBODY;
	told++;
	for (size_t i = 0; i < COUNT(rooms); i++)
		if (strcmp(ch->room, rooms[i]) == 0 || (ch->kind == ROOM_PRIVATE && i >= 2))
			seen[i] = start[i] = ch->told;
}

static void
work(void)
{
	for (struct channel *ch = c.channels; ch != NULL; ch = ch->next) {
		if (ch->state != CHANNEL_READY)
			continue;
		if (ch->tell != TELL_NOBODY)
			tell(ch);
		channel_hand_on(&c, ch);
	}
	read_all();
	arena_reset(c.arena);
}

static void
cut_off(void)
{
	asked.n = answers.n = 0;
	for (size_t i = 0; i < COUNT(rooms); i++)
		heard[i].n = 0;
}

static void
connect_again(void)
{
	cut_off();
	up = true;
	c.log.last = 0;
	ask_lost(&c);
	ask_expire(&c, clock_mono_ms());
	recover_doubt(&c);
}

static void
retry_all(void)
{
	ask_expire(&c, INT64_MAX);
	recover_retry(&c, INT64_MAX);
}

/* A channel that has everything up to a position of its own. */
static void
listen_to(enum room_kind kind, const char *name, uint64_t pos)
{
	struct channel *ch = channel_open(&c, kind, name);

	ch->epoch = stream.epoch;
	ch->pos = ch->top = ch->told = pos;
	for (size_t i = 0; i < COUNT(rooms); i++)
		if (strcmp(name, rooms[i]) == 0 || (kind == ROOM_PRIVATE && i >= 2))
			seen[i] = start[i] = pos;
}

/* Leave a group and join it again, from where the client is. */
static void
join_again(size_t room)
{
	struct channel *ch = channel_find(&c, rooms[room]);

	if (ch == NULL || !up)
		return;
	work();
	channel_close(&c, ch);
	heard[room].n = 0;
	listen_to(ROOM_GROUP, rooms[room], seen[room]);
	recover_look(&c);
}

static void
step(void)
{
	size_t room = (size_t)rand() % COUNT(rooms);
	struct live_msg m;

	switch (rand() % 100) {
	case 0: connect_again(); return;
	case 1: recover_doubt(&c); return; /* a ping */
	case 2:
		up = false;
		cut_off();
		return;
	case 3:
		if (answers.n > 0)
			take(&answers); /* lost */
		return;
	case 4:
		if (heard[room].n > 0)
			take(&heard[room]); /* lost */
		return;
	case 5:
		if (up)
			retry_all();
		return;
	case 6: join_again(room); return;
	default: break;
	}
	if (rand() % 3 == 0)
		publish(room);
	if (up && asked.n > 0 && rand() % 2 == 0)
		serve();
	if (up && heard[room].n > 0 && rand() % 2 == 0) {
		m = message_of(take(&heard[room]));
		channel_take(&c, &m);
	}
	if (up && answers.n > 0 && rand() % 2 == 0) {
		m = message_of(take(&answers));
		ask_answer(&c, &m);
	}
}

static void
begin(void)
{
	static const struct conn none;

	memset(&stream, 0, sizeof(stream));
	stream.epoch = 1000;
	stream.first = 1;
	memset(seen, 0, sizeof(seen));
	memset(start, 0, sizeof(start));
	c = none;
	c.settings = &settings;
	c.arena = arena_new(1 << 20);
	c.stage = STAGE_CONNECTED;
	strcpy(c.token.sub, "mia");
	outbox_init(&c.out, 1 << 20);
	cut_off();
	up = true;
	for (int i = rand() % 20; i > 0; i--)
		publish((size_t)rand() % COUNT(rooms));
	cut_off();
}

static void
listen_to_all(void)
{
	uint64_t most = stream.last + 1;

	listen_to(ROOM_GROUP, rooms[0], (uint64_t)rand() % most);
	listen_to(ROOM_GROUP, rooms[1], (uint64_t)rand() % most);
	listen_to(ROOM_PRIVATE, CHANNEL_PRIVATE, (uint64_t)rand() % most);
	recover_look(&c);
}

static void
end(void)
{
	while (c.channels != NULL)
		channel_close(&c, c.channels);
	ask_forget(&c, &c.log);
	assert_null(c.asks);
	assert_int_equal(c.held, 0);
	outbox_free(&c.out);
	arena_free(c.arena);
}

/* Everything is delivered, nothing new comes. */
static void
settle(void)
{
	for (int i = 0; i < 3; i++) {
		struct live_msg m;

		while (asked.n > 0 || answers.n > 0 || recover_due(&c) != INT64_MAX) {
			while (asked.n > 0)
				serve();
			while (answers.n > 0) {
				m = message_of(take(&answers));
				ask_answer(&c, &m);
			}
			recover_retry(&c, INT64_MAX);
			work();
		}
		if (i == 0)
			connect_again();
	}
}

static void
live_through(unsigned life, void (*fate)(int i))
{
	srand(life);
	begin();
	listen_to_all();
	for (int i = 0; i < STEPS; i++) {
		step();
		fate(i);
		if (rand() % 2 == 0)
			work();
	}
	settle();
	for (size_t i = 0; i < COUNT(rooms); i++)
		if (stream.top[i] > seen[i])
			fail_msg("life %u, %s: ends at %llu, not %llu", life, rooms[i],
			    (unsigned long long)seen[i], (unsigned long long)stream.top[i]);
	for (const struct channel *ch = c.channels; ch != NULL; ch = ch->next)
		assert_int_equal(ch->state, CHANNEL_LIVE);
	end();
}

static void
all_is_well(int i)
{
	(void)i;
}

static void
nothing_is_lost_and_nothing_comes_twice(void **state)
{
	(void)state;
	told = 0;
	for (unsigned life = 0; life < LIVES; life++)
		live_through(life, all_is_well);
	assert_int_equal(told, 0);
}

/* The stream forgets its beginning while NATS is away. */
static void
old_ones_go(int i)
{
	(void)i;
	if (!up && stream.last > stream.first + 8)
		stream.first = stream.last - (uint64_t)(rand() % 8);
}

static void
what_is_gone_is_told(void **state)
{
	(void)state;
	told = 0;
	for (unsigned life = 0; life < LIVES; life++)
		live_through(life, old_ones_go);
	assert_int_not_equal(told, 0);
}

/* Once in its life the stream is lost, and begins anew. */
static void
another_begins(int i)
{
	if (i != STEPS / 2)
		return;
	work();
	memset(stream.stored, 0, sizeof(stream.stored));
	memset(stream.top, 0, sizeof(stream.top));
	memset(seen, 0, sizeof(seen));
	stream.last = 0;
	stream.epoch++;
	connect_again();
}

static void
another_epoch_is_told(void **state)
{
	(void)state;
	told = 0;
	for (unsigned life = 0; life < LIVES; life++)
		live_through(life, another_begins);
	assert_true(told > LIVES * 2); /* but where a group was joined again before it was known */
}

/* A room in which ten messages come for each answer of the server: what comes live need not be read as well. */
static void
a_busy_room_is_caught_up_with(void **state)
{
	(void)state;
	told = 0;
	begin();
	listen_to(ROOM_GROUP, rooms[0], stream.last);
	recover_look(&c);
	for (int i = 0; i < STORED - 50; i++) {
		struct live_msg m;

		publish(0);
		if (i == 400 || i == 800)
			take(&heard[0]); /* lost */
		while (heard[0].n > 0) {
			m = message_of(take(&heard[0]));
			channel_take(&c, &m);
		}
		if (i % 10 == 0 && asked.n > 0)
			serve();
		if (i % 10 == 5 && answers.n > 0) {
			m = message_of(take(&answers));
			ask_answer(&c, &m);
		}
		if (i % 100 == 99)
			recover_doubt(&c);
		work();
	}
	settle();
	assert_int_equal(seen[0], stream.top[0]);
	assert_int_equal(told, 0);
	end();
}

/* The longer there is no log, the less often it is looked for. */
static void
looks_that_fail_are_spread(void **state)
{
	(void)state;
	begin();
	listen_to(ROOM_GROUP, rooms[0], stream.last);
	recover_look(&c);
	for (int64_t most = 200, i = 0; i < 10; i++) {
		const struct live_msg nobody = { .status = 503, .request = c.asked };
		int64_t before = clock_mono_ms();

		ask_answer(&c, &nobody);
		assert_in_range(recover_due(&c), before + most / 2, clock_mono_ms() + most);
		asked.n = 0;
		recover_retry(&c, INT64_MAX);
		most = most < 3200 ? most * 2 : most;
	}
	settle();
	assert_int_equal(c.log.failures, 0);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost_and_nothing_comes_twice),
		cmocka_unit_test(what_is_gone_is_told),
		cmocka_unit_test(another_epoch_is_told),
		cmocka_unit_test(a_busy_room_is_caught_up_with),
		cmocka_unit_test(looks_that_fail_are_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
