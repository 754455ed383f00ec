/* SPDX-License-Identifier: ISC
 *
 * What PostgreSQL knows of users and groups, copied to Redis for the chat handlers, which never ask PostgreSQL.
 * Whoever changes one of them calls this right after; cron/chat-archive looks after the rest.
 */
#ifndef CUACA_MIRROR_H
#define CUACA_MIRROR_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/rc.h"
#include "drivers/bus.h"
#include "drivers/cache.h"
#include "drivers/db.h"

/* Copy all that is known of a user to the key chat:user:<name>, and tell the handlers by ctl.chat.user.<name> to
 * read it; bus may be NULL: they are not told. A user of whom nothing is known has no key. Where Redis or
 * NATS is away the handlers hear of it later: the archiver copies again what was touched. Fails as db_query(),
 * cache_set() and bus_publish() do, which log it. */
enum rc mirror_user(struct db *db, struct cache *cache, struct bus *bus, struct deadline d,
    struct arena *a, const char *name);

/* The same of a group, named without "group.": chat:group:<name>, which goes when the group is deleted, and
 * ctl.chat.room.group.<name>. */
enum rc mirror_group(struct db *db, struct cache *cache, struct bus *bus, struct deadline d,
    struct arena *a, const char *name);

/* Copy every user and group that was changed within so many seconds, 0 for all, and tell the handlers, bus being NULL as
 * above; where NATS is away they are copied all the same. Takes as long as it takes. */
enum rc mirror_touched(struct db *db, struct cache *cache, struct bus *bus, int64_t within);

/* Copy all there are, set the marker that says so, and have all handlers read anew. */
enum rc mirror_all(struct db *db, struct cache *cache, struct bus *bus);

#endif
