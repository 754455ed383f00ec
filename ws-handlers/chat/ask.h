/* SPDX-License-Identifier: ISC
 *
 * Requests over NATS whose answers come later, out of the loop: a table of who waits for which answer.
 */
#ifndef CUACA_CHAT_ASK_H
#define CUACA_CHAT_ASK_H

#include "drivers/live.h"

#include <stddef.h>
#include <stdint.h>

struct conn;

/* Takes an answer. m is NULL where none came: in time, or before the connection was lost. It is called once for each
 * request, from ask_answer() or ask_expire(), never from ask_send(). */
typedef void ask_done(struct conn *c, void *arg, const struct live_msg *m);

struct ask {
	struct ask *next;
	uint32_t number;
	int64_t until; /* on clock_mono_ms() */
	ask_done *done;
	void *arg;
};

/* Send a request that is answered within ms milliseconds or never. */
void ask_send(struct conn *c, const char *subject, const char *msg_id, const char *data, size_t len,
    int64_t ms, ask_done *done, void *arg);

/* A message that is the answer to a request; one that nobody waits for is dropped. */
void ask_answer(struct conn *c, const struct live_msg *m);

/* Give up those that are too late. */
void ask_expire(struct conn *c, int64_t now);

/* The connection is lost and with it all answers: ask_expire() will say so. */
void ask_lost(struct conn *c);

/* Nobody waits any more with this arg; done is not called. */
void ask_forget(struct conn *c, const void *arg);

/* When ask_expire() is due, on clock_mono_ms(); INT64_MAX: nothing is. */
int64_t ask_due(const struct conn *c);

#endif
