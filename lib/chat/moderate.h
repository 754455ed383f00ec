/* SPDX-License-Identifier: ISC
 *
 * Mutes and bans as an admin or an owner decides them: PostgreSQL has them first and the log afterwards, so that who
 * is told that it failed can do the same again.
 */
#ifndef CUACA_MODERATE_H
#define CUACA_MODERATE_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/rc.h"
#include "chat/event.h"
#include "chat/room.h"
#include "drivers/bus.h"
#include "drivers/cache.h"
#include "drivers/db.h"

/* The servers it goes to. */
struct moderate_peers {
	struct db *db;
	struct cache *cache;
	struct bus *bus;
};

/* Carry out e, of a kind from EVENT_MUTE on and whole but for sent_at, which is now; e->site only goes with the
 * broadcast. reason may be NULL. RC_CONFLICT: something later was said about it already. RC_DOWN and RC_BUSY may also
 * mean that it is in force, but not in the log. */
enum rc moderate(const struct moderate_peers *p, struct deadline d, struct arena *a,
    const struct room *room, struct event *e, const char *reason);

#endif
