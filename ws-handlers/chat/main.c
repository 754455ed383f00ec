/* SPDX-License-Identifier: ISC
 *
 * chat: one client's connection, as websocketd starts it. Lines of JSON come in on standard input, lines of JSON go
 * out on standard output; Redis and NATS are beside it. Here it begins and ends.
 */
#include "allow.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/program.h"
#include "base/str.h"
#include "conn.h"
#include "drivers/lean.h"
#include "recover.h"
#include "session.h"

#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARENA_MAX 4194304 /* bytes for one line or message */
#define KEEP_FREE 65536 /* bytes of freed memory that malloc(3) may keep */
#define REDIS_MS 100 /* for one wait, at most */

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* The signals that end the process come while it polls and at no other time, whichever thread the library has. */
static void
take_signals(void)
{
	struct sigaction end = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

/* Who is there: the peer, or whom a web server on this host says. */
static void
find_address(struct conn *c)
{
	const char *peer = getenv("REMOTE_ADDR"), *real = getenv("HTTP_X_REAL_IP");
	bool local = peer != NULL && (strcmp(peer, "::1") == 0 || strncmp(peer, "127.", 4) == 0);

	if (local && real != NULL)
		peer = real;
	if (peer != NULL)
		str_copy(c->address, peer, sizeof(c->address));
}

/* Before the first line: a page of another site is sent away. */
static void
check_origin(struct conn *c)
{
	if (!allow_origin(
		getenv("HTTP_ORIGIN"), getenv("HTTP_X_FORWARDED_HOST"), c->settings->ws_origins))
		say_bye(c, BYE_UNAUTHORIZED, -1, "pages of this origin may not connect");
}

static void
open_all(struct conn *c, const struct settings *s)
{
	c->settings = s;
	c->cache = cache_open(s);
	c->arena = arena_new(ARENA_MAX);
	if (c->cache == NULL || c->arena == NULL)
		log_die(EXIT_SYSTEM, "no memory", NULL);
	line_init(&c->in);
	outbox_init(&c->out, (size_t)s->ws_queue);
	snprintf(c->id, sizeof(c->id), "%08" PRIx32 "%08" PRIx32, arc4random(), arc4random());
	c->rights.user = state_stranger;
	c->since = clock_now();
	c->connect_by = clock_mono_ms() + s->ws_connect * 1000;
	c->ping_at = c->ping_by = c->pong_by = c->expiring_at = c->expired_at = INT64_MAX;
	c->renew_at = c->recheck_at = c->rewatch_at = INT64_MAX;
	find_address(c);
	check_origin(c);
}

static void
log_end(const struct conn *c)
{
	int64_t faults = 0;

	for (int i = 0; i < FAULT__MAX; i++)
		faults += c->count.faults[i];
	log_event(LOG_LEVEL_INFO, "connection ended",
	    LOG_WITH(log_s("conn", c->id), log_s("user", c->token.sub),
		log_s("address", c->address), log_s("bye", c->ending ? say_bye_name(c->bye) : ""),
		log_i("seconds", clock_now() - c->since), log_i("messages", c->count.messages),
		log_i("delivered", c->count.delivered), log_i("recovered", c->count.recovered),
		log_i("not_recovered", c->count.not_recovered), log_i("errors", faults)));
}

static void
close_all(struct conn *c)
{
	ask_lost(c);
	ask_expire(c, clock_mono_ms());
	while (c->channels != NULL)
		channel_close(c, c->channels);
	cJSON_Delete(c->unresumed);
	watch_free(c);
	live_close(c->live);
	cache_close(c->cache);
	arena_free(c->arena);
	arena_free(c->rights.memory);
	line_free(&c->in);
	outbox_free(&c->out);
	free(c->connect_id);
}

int
main(int argc, char **argv)
{
	static const struct program program = { .name = "chat", .usage = "" };
	static struct settings settings;
	static struct conn c;

	program_start(&program, argc, argv, &settings);
	lean_start();
	mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
	if (settings.redis_timeout > REDIS_MS)
		settings.redis_timeout = REDIS_MS;
	settings.redis_pool = 1;
	take_signals();
	fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
	open_all(&c, &settings);
	conn_loop(&c, &stop);
	session_end(&c);
	log_end(&c);
	close_all(&c);
	return EXIT_DONE;
}
