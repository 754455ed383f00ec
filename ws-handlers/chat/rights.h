/* SPDX-License-Identifier: ISC
 *
 * Who may do what, as the mirror in Redis has it. While Redis is away, what it said last goes on to hold.
 */
#ifndef CUACA_CHAT_RIGHTS_H
#define CUACA_CHAT_RIGHTS_H

#include "base/rc.h"
#include "chat/room.h"
#include "chat/state.h"
#include "say.h"

#include <stdbool.h>

struct conn;

/* An answer to "may this user?", with what to say where it is no. */
struct verdict {
	bool yes;
	enum fault fault;
	const char *why;
};

/* What the mirror says of a user, as last read. */
struct rights {
	struct arena *memory; /* of user and text */
	struct user_state user;
	const char *text; /* the JSON that user was read from */
	bool told; /* the mirror has said so; otherwise the user is state_stranger */
};

/* Read the user's state again. If it is another one, the one before goes to *old, to be freed by
 * arena_free(old->memory), and *changed is true. RC_DOWN: Redis is away. RC_BUSY: the mirror is being made. In both
 * cases nothing has changed. */
enum rc rights_read(struct conn *c, struct rights *old, bool *changed);

/* Whether the token that was shown is good no more, or its bearer banned from the whole site. NULL: neither. */
const char *rights_ended(const struct conn *c);

/* Read n groups in one round trip; groups[i].owner is NULL where there is no such group. Fails as rights_read(). */
enum rc rights_groups(
    struct conn *c, int n, const char *const rooms[], struct group_state groups[]);

/* May the user be in this room, a group being g? */
struct verdict rights_enter(
    const struct conn *c, const struct room *r, const struct group_state *g);

/* The same with a question to Redis for a group. */
struct verdict rights_enter_now(struct conn *c, const struct room *r);

/* May the user write to this room, which is joined? Whether the other one of a private conversation exists is asked of
 * Redis. */
struct verdict rights_speak(struct conn *c, const struct room *r);

/* May the user delete what others wrote there, mute and ban; everywhere with r NULL? */
bool rights_moderate(const struct conn *c, const struct room *r);

/* Remember the name of a user without an account, so that others can write to that one, and nobody takes it. */
void rights_leave_name(struct conn *c);

/* Is there anybody of this name? True, too, where Redis cannot tell. */
bool rights_exists(struct conn *c, const char *user);

/* Is there this group? As above. */
bool rights_group_exists(struct conn *c, const struct room *r);

#endif
