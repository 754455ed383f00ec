/* SPDX-License-Identifier: ISC
 *
 * Fuzzes the input of ws-handlers/chat: any bytes, cut into lines and run as requests, before somebody has connected
 * and afterwards, with NATS and Redis away.
 */
#include "../../ws-handlers/chat/commands.h"
#include "../../ws-handlers/chat/conn.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct settings settings = { .redis = "/nonexistent",
	.redis_pool = 1,
	.redis_timeout = 1,
	.nats = "nats://127.0.0.1:1",
	.nats_timeout = 1,
	.chat_secret = "0123456789abcdef0123456789abcdef",
	.chat_rooms = 10,
	.ws_queue = 1048576,
	.ws_ping = 25,
	.ws_pong = 8,
	.ws_connect = 10 };
static struct conn c;

static void
open_once(void)
{
	if (c.live != NULL)
		return;
	log_open("fuzz", LOG_SINK_JSON, LOG_LEVEL__MAX);
	c.settings = &settings;
	c.cache = cache_open(&settings);
	c.arena = arena_new(1 << 22);
	if (c.cache == NULL || c.arena == NULL || live_open(&settings, "fuzz", &c.live) != RC_OK)
		abort();
}

/* As a client is that has just come, or that is connected. */
static void
begin(enum stage stage)
{
	line_init(&c.in);
	outbox_init(&c.out, (size_t)settings.ws_queue);
	c.rights.user = state_stranger;
	c.token = (struct token){ .sub = "alice", .jti = "1", .exp = INT64_MAX / 2000 };
	c.stage = stage;
	c.ending = false;
	c.faults = 0;
}

static void
end(void)
{
	ask_lost(&c);
	ask_expire(&c, clock_mono_ms());
	while (c.channels != NULL)
		channel_close(&c, c.channels);
	watch_free(&c);
	c.watches = NULL;
	line_free(&c.in);
	outbox_free(&c.out);
	free(c.connect_id);
	c.connect_id = NULL;
}

static void
run(const uint8_t *data, size_t size)
{
	enum line_kind kind;
	int fd[2];
	char *text;
	size_t len;

	if (pipe(fd) != 0 || write(fd[1], data, size) != (ssize_t)size)
		abort();
	close(fd[1]);
	while (line_fill(&c.in, fd[0]))
		while ((kind = line_next(&c.in, &text, &len)) != LINE_NONE) {
			if (kind == LINE_TEXT && !c.ending)
				command_run(&c, text, len);
			arena_reset(c.arena);
		}
	close(fd[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum stage stages[] = { STAGE_NEW, STAGE_CONNECTED };

	if (size > 16384) /* what a pipe takes */
		return 0;
	open_once();
	for (int i = 0; i < 2; i++) {
		begin(stages[i]);
		run(data, size);
		end();
	}
	return 0;
}
