/* SPDX-License-Identifier: ISC
 *
 * One connection is one process, and this is what it knows. Its parts belong to the files beside this one; the
 * functions here are the loop's, and what all of them use.
 */
#ifndef CUACA_CHAT_CONN_H
#define CUACA_CHAT_CONN_H

#include "allow.h"
#include "ask.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/settings.h"
#include "channel.h"
#include "drivers/cache.h"
#include "drivers/live.h"
#include "drivers/token.h"
#include "line.h"
#include "outbox.h"
#include "rights.h"
#include "say.h"
#include "watch.h"

#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CONN_ID_SIZE 17 /* 16 hexadecimal digits and a NUL */
#define ADDRESS_SIZE 64

enum stage {
	STAGE_NEW, /* no token has been shown */
	STAGE_CONNECTING, /* a good token; the log is being read */
	STAGE_CONNECTED,
	STAGE__MAX
};

/* The stream CHAT, as last looked at. */
struct log_seen {
	int64_t epoch;
	uint64_t first, last; /* last: the highest position that is known to be taken */
	uint32_t looks; /* begun so far */
	bool looking; /* the last of them is not answered */
	unsigned failures; /* looks since the last with a good answer, as far as that matters */
	int64_t retry_at; /* on clock_mono_ms(); 0: no need */
};

struct counters {
	int64_t faults[FAULT__MAX], byes[BYE__MAX];
	int64_t messages; /* acknowledged */
	int64_t delivered; /* events of the log given to the client */
	int64_t recovered, not_recovered; /* rooms */
};

struct conn {
	const struct settings *settings;
	struct cache *cache;
	struct live *live; /* NULL until there is a good token */
	unsigned generation; /* of live, as last seen */
	struct arena *arena; /* of the line or message in hand */

	struct line_reader in;
	struct outbox out;
	bool eof; /* the client has left, or nobody takes its output */
	bool ending; /* bye is said; end_by is when to stop waiting until it is read */
	enum bye bye;
	int64_t end_by;
	unsigned faults; /* of the client */

	char id[CONN_ID_SIZE];
	char replaces[CONN_ID_SIZE]; /* an earlier connection of the client; "": none */
	char address[ADDRESS_SIZE]; /* of the client; "": not known */
	enum stage stage;
	bool recorded; /* Redis may have something of it */
	char *connect_id; /* JSON of the request connect that is not answered */
	struct token token;
	struct rights rights;

	struct ask *asks;
	uint32_t asked;
	struct log_seen log;
	struct channel *channels;
	cJSON *unresumed; /* entries of "resume" whose groups could not be looked up; NULL: none */
	size_t held; /* bytes that the channels hold back */
	int pending; /* requests to publish that are not answered */
	struct allowance messages; /* while Redis is away */
	struct allowance requests; /* but for messages */
	int64_t typed_at;
	struct watch *watches;

	/* on clock_mono_ms(), INT64_MAX: never */
	int64_t connect_by, ping_at, ping_by, pong_by, expiring_at, expired_at, renew_at,
	    recheck_at, rewatch_at;
	int64_t pinged_at;
	int64_t heard_at; /* when the client last gave a sign of life; 0: not yet */

	struct counters count;
	int64_t since; /* when it began */
};

/* Zeroed memory; a process without any ends here. */
void *conn_alloc(size_t size);
char *conn_strdup(const char *s);

/* How long to wait for Redis: the client is there, or it has left and so must this process. */
struct deadline conn_patience(const struct conn *c);

/* Serve until the client leaves or is let go. stop is set by a signal that is blocked but in here. */
void conn_loop(struct conn *c, const volatile sig_atomic_t *stop);

#endif
