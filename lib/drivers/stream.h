/* SPDX-License-Identifier: ISC
 *
 * The log of the chat: the stream CHAT of JetStream, which keeps what is published to in.chat.> and then hands it on
 * to chat.>, and its consumer "archive". On top of a bus, whose connection these functions share; each waits
 * nats_timeout milliseconds at most for an answer. RC_DOWN, logged: NATS, JetStream or the log is away.
 */
#ifndef CUACA_STREAM_H
#define CUACA_STREAM_H

#include "base/arena.h"
#include "drivers/bus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where events stand in the log is told by a number that counts up from 1, seq, within an epoch: when the log was
 * begun anew (UNIX milliseconds). Numbers of different epochs have nothing to do with each other. */
struct stream_state {
	int64_t epoch;
	uint64_t first_seq,
	    last_seq; /* 0: nothing so far; an empty log that was not has first_seq after last_seq */
	int64_t pending; /* events that the consumer has not acknowledged */
};

struct stream_msg {
	const char *subject, *data; /* data is not terminated */
	size_t len;
	uint64_t seq;
	const char *ack;
};

/* Make the stream and the consumer where there are none, otherwise make the stream what the settings say; its epoch
 * stays. May be called at any time. */
enum rc stream_setup(struct bus *b, const struct settings *s);

/* RC_NOTFOUND: there is no stream. */
enum rc stream_state(struct bus *b, struct stream_state *st);

/* Give the log another epoch, later than the one it has. */
enum rc stream_epoch_renew(struct bus *b, const struct settings *s, int64_t epoch);

/* Have an event stored under a subject in.chat.<room>. An msg_id that was used within chat_duplicate_window makes it a
 * duplicate: nothing is stored, and *seq is where the first one stands. */
enum rc stream_publish(struct bus *b, const char *subject, const char *msg_id, const void *data,
    size_t len, uint64_t *seq, bool *duplicate);

/* The event at seq, or the first after it where there is none any more, in the arena. RC_NOTFOUND: that neither. */
enum rc stream_get(struct bus *b, struct arena *a, uint64_t seq, struct stream_msg *msg);

/* The next events for the consumer, at most max, in the arena; while there are none, wait up to wait_ms for the first.
 * *n may be 0. What is not acknowledged within 30 seconds comes again. */
enum rc stream_fetch(
    struct bus *b, struct arena *a, int max, int64_t wait_ms, int *n, struct stream_msg **msgs);

/* Acknowledge a fetched event and all before it, and wait until the server knows. */
enum rc stream_ack(struct bus *b, const struct stream_msg *last);

/* Have the consumer begin at seq, whatever was fetched or acknowledged so far. */
enum rc stream_rewind(struct bus *b, uint64_t seq);

#endif
