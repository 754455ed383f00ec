/* SPDX-License-Identifier: ISC
 *
 * NATS inside one poll(2) loop, for a program that is one of thousands (lean.h): nothing here waits, a message is
 * taken when there is time for it, and little memory is used. A lost connection is made anew in the background, for as
 * long as it takes; what was subscribed stays subscribed. All functions are for the thread that called
 * live_open().
 *
 *	live_poll(l, p);
 *	poll(p, ...);
 *	live_step(l, p);
 *	while (live_next(l, &m))
 *		...
 */
#ifndef CUACA_LIVE_H
#define CUACA_LIVE_H

#include "base/rc.h"
#include "base/settings.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIVE_FDS 2 /* what it wants to have polled */

struct live;

/* A message, until the next live_next() or live_close(). */
struct live_msg {
	const char *subject; /* of the stored message, where it is the reply to a direct get */
	const char *data; /* not terminated */
	size_t len;
	uint64_t seq, prev; /* Nats-Sequence and Nats-Last-Sequence; 0: it has none */
	int status; /* of a reply: 0 data, else what NATS says: 404, 408, 503 nobody answers */
	uint32_t request; /* whose reply it is; 0: of none */
};

/* Begin to connect, in the background. name is what NATS shows of us. s and name must outlive the result. RC_NOMEM;
 * on RC_OK live_close() it. */
enum rc live_open(const struct settings *s, const char *name, struct live **out);

/* Send what is still to be sent, as far as the socket takes it without waiting, and leave. */
void live_close(struct live *l);

/* What to wait for; after poll(2), what has come of it. */
void live_poll(struct live *l, struct pollfd p[LIVE_FDS]);
void live_step(struct live *l, const struct pollfd p[LIVE_FDS]);

/* The next message that has arrived. False: there is none. Nothing more is read from the server while messages are
 * left here. */
bool live_next(struct live *l, struct live_msg *m);

/* Whether there is a connection, and which: the number rises by 1 with each, and what came between two of them was
 * not received. 0: none so far. Changes in live_step() only. */
bool live_up(const struct live *l);
unsigned live_generation(const struct live *l);

/* Receive what is published to a subject, which may have wildcards, from now on. One that is subscribed already
 * stays so, once. RC_NOMEM, RC_INVALID where it is no subject; without a connection it holds from the next one on. */
enum rc live_subscribe(struct live *l, const char *subject);
void live_unsubscribe(struct live *l, const char *subject);

/* Hand a message to the connection, which sends it with the next live_step(). RC_DOWN: there is no connection.
 * RC_BUSY: the server takes nothing at the moment. */
enum rc live_publish(struct live *l, const char *subject, const void *data, size_t len);

/* The same with a reply wanted: it comes as a message with this number (1 and up, one that is not in use). It may
 * never come, and none does after the connection is lost. msg_id is the Nats-Msg-Id, or NULL. */
enum rc live_request(struct live *l, const char *subject, const char *msg_id, const void *data,
    size_t len, uint32_t request);

#endif
