/* SPDX-License-Identifier: ISC
 *
 * A channel is a room that the connection listens to, or all its private conversations at once, and how far it has
 * got in the log. The promise is kept here: of each channel every message is handed on, once and in order.
 *
 * While all is well, messages are handed on as they come (CHANNEL_LIVE): each names the one before it in its room. In
 * any doubt (on joining, on a gap, after NATS was away, with each ping) the channel reads the log itself until it has
 * the newest; see recover.h. What comes meanwhile is kept as a tail, so that the log need only be read up to there.
 * Messages of private conversations are just noted, and always read from the log: there are many conversations in one
 * channel, and nothing but the log tells their order.
 */
#ifndef CUACA_CHAT_CHANNEL_H
#define CUACA_CHAT_CHANNEL_H

#include "chat/room.h"
#include "drivers/live.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct channel;

#define CHANNEL_PRIVATE "private" /* the name of all private conversations at once */
#define CHANNEL_SIDES 2
#define FILTER_SIZE (2 + ROOM_SUBJECT_SIZE)

enum channel_state {
	CHANNEL_LOOK, /* the state of the log must be known first */
	CHANNEL_TOP, /* the newest of the room is asked for: what was before is not wanted, or lost */
	CHANNEL_WALK, /* the log is read, on from pos */
	CHANNEL_READY, /* all is read; what was missed is handed on as the client takes it */
	CHANNEL_LIVE
};

/* Whom a channel has to be reported to, once it is ready. */
enum channel_tell { TELL_NOBODY, TELL_CONNECTED, TELL_JOINED };

/* A line that waits to be handed on; an empty one is an event that is not for this client. */
struct held {
	struct held *next;
	uint64_t seq;
	size_t len;
	char line[];
};

/* Lines of a channel, in order. */
struct held_list {
	struct held *first, **last;
	int n; /* and bytes, of those that are not empty */
	size_t bytes;
};

/* One of the subjects that a channel is made of: a room has one, the private conversations two. */
struct side {
	struct channel *channel;
	char filter[FILTER_SIZE]; /* the subject in the log */
	uint64_t clear; /* up to here nothing of it is left to be read */
	uint64_t known; /* log.last when the log was asked last */
	bool asking, proven; /* the log is being asked; has answered in this walk */
	struct held
	    *found; /* the next one, read but not taken: the other side may have one before it */
};

struct channel {
	struct channel *next;
	char room[ROOM_SIZE]; /* or CHANNEL_PRIVATE */
	enum room_kind kind;
	enum channel_state state;
	enum channel_tell tell;
	char *join_id; /* JSON of the request join that is not answered; NULL: of none */
	char join_room[ROOM_SIZE]; /* its room, as it was asked for */
	int64_t join_by; /* when that is given up, on clock_mono_ms() */
	bool fresh; /* has not been live yet */

	int64_t epoch; /* in which the positions below are; 0: they are not known yet */
	uint64_t pos; /* everything of the channel up to here was taken, or is not wanted */
	uint64_t top; /* the last one taken; without any, as pos */
	uint64_t told; /* what the client may know as the last */
	uint64_t noted, noted_prev; /* the highest one heard of, and what was before it */
	bool asked,
	    recovered; /* to go on from a position of the client's; nothing was missed since */

	struct side sides[CHANNEL_SIDES];
	int nsides;
	uint64_t goal; /* read at least up to here */
	uint32_t since; /* looks that began before this one do not count */
	struct held_list missed; /* to be handed on when all of it is there */
	struct held_list tail; /* what came live in the meantime, without a gap */
	uint64_t tail_prev, tail_seq; /* what was before its first one; its last one */
	int tries;
	int64_t retry_at; /* on clock_mono_ms(); 0: no need */
};

/* The channel of a room, by its name or CHANNEL_PRIVATE; NULL: not joined. */
struct channel *channel_find(struct conn *c, const char *name);

/* The one that carries a room: that of all private ones, or its own. */
struct channel *channel_of(struct conn *c, const struct room *r);

/* Begin to listen. The channel is in state CHANNEL_LOOK with no position, and nobody is told of it: change that, then
 * recover_look(). */
struct channel *channel_open(struct conn *c, enum room_kind kind, const char *name);

/* The client has everything of the channel up to pos, in this epoch, and asks for what came after. */
void channel_set_position(struct channel *ch, int64_t epoch, uint64_t pos);

/* Stop listening and forget it. */
void channel_close(struct conn *c, struct channel *ch);

/* A message that the log hands on has arrived. */
void channel_take(struct conn *c, const struct live_msg *m);

/* Put a line behind those that are missed, all before it being there. False: there are too many already. */
bool channel_hold(struct conn *c, struct channel *ch, struct held *h);

/* If everything up to pos is there, and the tail goes on from there, put it behind what is missed. Returns up to where
 * everything is there then; a tail for which there is no room goes. */
uint64_t channel_splice(struct conn *c, struct channel *ch, uint64_t pos);

/* The line of an event, to be freed; prev is the position of the one before it in its room. */
struct held *channel_line(struct conn *c, const struct live_msg *m, uint64_t prev);

/* Hand on what was held back, as far as there is room for it; then the channel is live again. */
void channel_hand_on(struct conn *c, struct channel *ch);

/* Whether there is room for the next one that is held back. */
bool channel_may_hand_on(const struct conn *c, const struct channel *ch);

/* Forget what is held back, and the tail. */
void channel_drop_held(struct conn *c, struct channel *ch);

#endif
