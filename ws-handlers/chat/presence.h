/* SPDX-License-Identifier: ISC
 *
 * Who is where, on all hosts together. Redis holds for each room its connections, each with the moment at which it is
 * given up unless renewed, and its users with the number of their connections. One script changes both and says who
 * came or went; whoever ran it tells the others, so that each coming and going is told once.
 *
 *	presence:<room>		sorted set of <user>/<connection> by when it ends, UNIX ms
 *	presence:<room>:users	hash of user to the number of connections
 *
 * It is kept for groups and for broadcast; in broadcast comings and goings are not told.
 */
#ifndef CUACA_CHAT_PRESENCE_H
#define CUACA_CHAT_PRESENCE_H

#include "base/rc.h"
#include "chat/room.h"

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct conn;

/* Be present in a channel's room, or all of them with NULL, for the time until the next ping and ten seconds more.
 * Returns the number of users in the last of them, 0 where there is none; -1: Redis is away. */
int64_t presence_renew(struct conn *c, const struct channel *ch);

/* Be gone from a channel's room, or all with NULL. */
void presence_leave(struct conn *c, const struct channel *ch);

/* The number of users in a room and, in the arena, the names of up to max of them, in order. In a private conversation
 * those of the two who are in broadcast. Fails as cache_script() does. */
enum rc presence_who(
    struct conn *c, const struct room *r, int max, int64_t *members, int *n, const char ***users);

#endif
