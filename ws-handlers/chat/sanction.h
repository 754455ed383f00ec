/* SPDX-License-Identifier: ISC
 *
 * A mute or a ban takes its way through the log to PostgreSQL, and from there to the mirror, which may take a minute.
 * It is to hold at once: the handler of whoever said it also writes it into the mirror.
 */
#ifndef CUACA_CHAT_SANCTION_H
#define CUACA_CHAT_SANCTION_H

#include "chat/event.h"

struct conn;

/* Let an event of a kind from EVENT_MUTE on, which the log has, hold in a room, and tell the handlers of the user. While
 * Redis is away, it holds when the archiver has seen it. */
void sanction_apply(struct conn *c, const char *room, const struct event *e);

/* The mirror's JSON of a user with the event in it, or without what the event lifts; data NULL: there is none yet. The
 * result is in the arena; NULL: data is nothing of the mirror's, or without memory. */
char *sanction_merge(
    struct arena *a, const char *data, size_t len, const char *room, const struct event *e);

#endif
