/* SPDX-License-Identifier: ISC
 *
 * What the chat's log holds: messages, and what happened to them and to people. Every event has its place in the log,
 * so that everyone learns of it in the same order.
 */
#ifndef CUACA_EVENT_H
#define CUACA_EVENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BODY_MAX_CHARS 4000
#define MID_SIZE 65

enum event_kind {
	EVENT_MESSAGE,
	EVENT_EDIT, /* of the message target: body is its text from now on */
	EVENT_DELETE, /* of the message target */
	EVENT_MUTE, /* user may not write until then */
	EVENT_UNMUTE,
	EVENT_BAN, /* user may not be here until then */
	EVENT_UNBAN,
	EVENT__MAX
};

struct event {
	enum event_kind kind;
	const char *from; /* who did it */
	const char *mid; /* the client's own id of it */
	int64_t sent_at; /* UNIX milliseconds */
	const char *body; /* EVENT_MESSAGE, EVENT_EDIT */
	uint64_t target; /* EVENT_EDIT, EVENT_DELETE: a place in the log */
	const char *user; /* EVENT_MUTE to EVENT_UNBAN: whom it is about */
	int64_t until; /* EVENT_MUTE, EVENT_BAN: UNIX seconds; 0: without end */
	bool site; /* the same: everywhere, not in this room only */
};

/* Static: "message", "edit", … as the log and the clients have it. */
const char *event_kind_name(enum event_kind kind);

/* The event as the log has it. */
void event_write(struct buf *out, const struct event *e);

/* Read it back; its texts live in the arena. RC_INVALID where it is no event, RC_NOMEM. */
enum rc event_read(struct arena *a, const char *data, size_t len, struct event *out);

/* The event as clients get it, a JSON object without a line's end. prev is the place in the log of the event before it
 * in this room, 0 for none. */
void event_push(
    struct buf *out, const char *room, uint64_t seq, uint64_t prev, const struct event *e);

/* Whether a text may be a message: 1 to BODY_MAX_CHARS characters of UTF-8, no control characters but line feed and
 * tab. NULL where it may, otherwise what is wrong with it; static. */
const char *event_body_fault(const char *body);

/* Whether a client's own id can be used: 1 to 64 characters of ASCII, none of them blank. */
bool event_mid_ok(const char *mid);

#endif
