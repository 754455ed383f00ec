/* SPDX-License-Identifier: ISC
 *
 * One connection of the load driver: it connects, upgrades, says who it is, answers pings, and hands everything else
 * that the server says to hear(). Whatever it does not expect ends the connection, with a line that says why.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "base/buf.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

enum client_state {
	CLIENT_GONE,
	CLIENT_CONNECTING,
	CLIENT_UPGRADING,
	CLIENT_GREETING,
	CLIENT_READY
};

struct client {
	enum client_state state;
	int fd;
	int number;
	const char *token;
	int64_t began_us, ready_us; /* when connect(2) was called, when "connected" came */
	struct buf in; /* what came and is not handled yet */
};

/* What a ready client hears, parsed; freed when this returns. Given by who uses clients. */
void hear(struct client *c, const cJSON *line);

/* Microseconds on the monotonic clock. */
int64_t now_us(void);

/* Begin a connection to 127.0.0.1:port whose events come from epoll with c as data.ptr. false: no socket. */
bool client_open(struct client *c, int epoll, int port);
void client_close(struct client *c);

/* Handle these events of epoll. */
void client_step(struct client *c, int epoll, uint32_t events, int port);

/* Send one line of JSON. The socket has to take it whole: who loads a server that much measures
 * itself. Nothing is said by a client that is gone. */
void client_say(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
