/* SPDX-License-Identifier: ISC
 *
 * poll(2) over the client's input and output and over NATS; whatever happened is dealt with, then what the clock
 * says, then everything that can go out goes out. Nothing in here waits but poll, and for Redis a moment.
 */
#include "base/clock.h"
#include "base/log.h"
#include "commands.h"
#include "conn.h"
#include "control.h"
#include "recover.h"
#include "rooms.h"
#include "session.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define REDIS_MS 200
#define LEAVE_MS 40

enum { AT_INPUT, AT_OUTPUT, AT_LIVE, AT__MAX = AT_LIVE + LIVE_FDS };

void *
conn_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		log_die(EXIT_SYSTEM, "no memory", NULL);
	return p;
}

char *
conn_strdup(const char *s)
{
	char *p = strdup(s);

	if (p == NULL)
		log_die(EXIT_SYSTEM, "no memory", NULL);
	return p;
}

struct deadline
conn_patience(const struct conn *c)
{
	return deadline_in(c->eof || c->ending ? LEAVE_MS : REDIS_MS);
}

/* Every line that came; each is a sign of life, whatever it says. */
static void
read_input(struct conn *c)
{
	enum line_kind kind;
	char *text;
	size_t len;

	if (!line_fill(&c->in, STDIN_FILENO))
		c->eof = true;
	while ((kind = line_next(&c->in, &text, &len)) != LINE_NONE) {
		c->heard_at = clock_mono_ms();
		if (c->ending)
			continue;
		if (kind == LINE_TEXT)
			command_run(c, text, len);
		else if (kind == LINE_NUL)
			say_error(c, NULL, FAULT_BAD_JSON, -1, "a line must not hold NUL");
		else
			say_error(c, NULL, FAULT_TOO_LONG, -1, "a line has at most 65536 bytes");
		arena_reset(c->arena);
	}
}

/* With a new connection nothing is known of what happened in between. */
static void
note_generation(struct conn *c)
{
	if (live_generation(c->live) == c->generation)
		return;
	c->generation = live_generation(c->live);
	c->log.last = 0; /* it may have lost its end */
	ask_lost(c);
	ask_expire(c, clock_mono_ms());
	recover_doubt(c);
	if (c->stage == STAGE_CONNECTED)
		session_doubt(c);
}

static void
read_live(struct conn *c, const struct pollfd p[LIVE_FDS])
{
	struct live_msg m;

	live_step(c->live, p);
	note_generation(c);
	while (live_next(c->live, &m)) {
		if (!c->ending)
			control_take(c, &m);
		arena_reset(c->arena);
	}
}

static void
tick(struct conn *c, int64_t now)
{
	ask_expire(c, now);
	if (c->live != NULL)
		recover_retry(c, now);
	rooms_expire(c, now);
	session_serve(c);
	rooms_serve(c);
	session_tick(c, now);
	arena_reset(c->arena);
}

static void
send_output(struct conn *c)
{
	if (c->out.over && !c->ending)
		say_bye(c, BYE_SLOW_CONSUMER, say_retry_ms(), "too much was waiting to be read");
	if (outbox_flush(&c->out, STDOUT_FILENO) == RC_DOWN)
		c->eof = true;
}

/* Milliseconds until something is due. */
static int64_t
time_left(const struct conn *c, int64_t now)
{
	const int64_t due[] = { ask_due(c), c->live != NULL ? recover_due(c) : INT64_MAX,
		rooms_due(c), session_due(c) };
	int64_t next = c->ending ? c->end_by : INT64_MAX;

	for (size_t i = 0; !c->ending && i < sizeof(due) / sizeof(due[0]); i++)
		if (due[i] < next)
			next = due[i];
	return next <= now ? 0 : next - now;
}

/* Wait until something happens. Signals are let in here only. */
static void
wait(struct conn *c, struct pollfd p[AT__MAX])
{
	int64_t ms = time_left(c, clock_mono_ms());
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };
	sigset_t none;

	p[AT_INPUT] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	p[AT_OUTPUT] = (struct pollfd){ .fd = outbox_waiting(&c->out) > 0 ? STDOUT_FILENO : -1,
		.events = POLLOUT };
	for (int i = 0; i < LIVE_FDS; i++)
		p[AT_LIVE + i] = (struct pollfd){ .fd = -1 };
	if (c->live != NULL)
		live_poll(c->live, p + AT_LIVE);
	sigemptyset(&none);
	if (ppoll(p, AT__MAX, ms < INT_MAX ? &left : NULL, &none) == -1) {
		if (errno != EINTR)
			log_die(EXIT_SYSTEM, "poll", LOG_WITH(log_s("reason", strerror(errno))));
		for (int i = 0; i < AT__MAX; i++)
			p[i].revents = 0;
	}
}

void
conn_loop(struct conn *c, const volatile sig_atomic_t *stop)
{
	struct pollfd p[AT__MAX];

	while (!c->eof) {
		send_output(c);
		if (c->eof ||
		    (c->ending && (outbox_waiting(&c->out) == 0 || c->end_by <= clock_mono_ms())))
			return;
		wait(c, p);
		if (*stop)
			say_bye(c, BYE_SHUTDOWN, say_retry_ms(), "this host is being shut down");
		if (p[AT_INPUT].revents != 0)
			read_input(c);
		if (c->live != NULL)
			read_live(c, p + AT_LIVE);
		if (!c->ending)
			tick(c, clock_mono_ms());
	}
}
