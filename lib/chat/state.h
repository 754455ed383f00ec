/* SPDX-License-Identifier: ISC
 *
 * What Redis mirrors of PostgreSQL for the chat handlers: a user's groups, rights and sanctions under chat:user:<name>,
 * a group's nature under chat:group:<name>, each one JSON object. chat:mirror is there once all of it is.
 */
#ifndef CUACA_STATE_H
#define CUACA_STATE_H

#include "base/arena.h"
#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATE_MARKER "chat:mirror"
#define STATE_USER "chat:user:" /* + name */
#define STATE_GROUP "chat:group:" /* + name */
#define STATE_SEEN "chat:name:" /* + name: somebody without an account has been here */
#define STATE_SITE "site" /* stands for every room in a sanction */

struct sanction {
	const char *room; /* or STATE_SITE */
	int64_t until; /* UNIX seconds; 0: without end */
};

struct user_state {
	bool guest, admin;
	int64_t void_before; /* UNIX seconds: tokens issued before are void */
	const char **groups, **owns, **revoked; /* each ended by NULL; revoked are tokens' jti */
	const struct sanction *bans, *mutes; /* each ended by a NULL room */
};

struct group_state {
	const char *title, *owner;
	bool public;
};

/* Nobody in particular: in no group, without rights or sanctions. For users whom only their token vouches for. */
extern const struct user_state state_stranger;

/* Read the mirror's JSON; all of *out lives in the arena. RC_INVALID where it is not what the mirror holds. */
enum rc state_read_user(struct arena *a, const char *json, size_t len, struct user_state *out);
enum rc state_read_group(struct arena *a, const char *json, size_t len, struct group_state *out);

bool state_in_group(const struct user_state *u, const char *group);
bool state_owns(const struct user_state *u, const char *group);

/* Whether the user may not be in the room, or write there, at this time (UNIX seconds). An admin may, whatever the
 * owner of a room says, but for what is said of the whole site. */
bool state_banned(const struct user_state *u, const char *room, int64_t now);
bool state_muted(const struct user_state *u, const char *room, int64_t now);

/* Whether a token with this id, issued then (UNIX seconds), was taken back. */
bool state_revoked(const struct user_state *u, const char *jti, int64_t issued_at);

#endif
