/* SPDX-License-Identifier: ISC
 *
 * Rooms as the client knows them: which it is in, joining and leaving.
 */
#ifndef CUACA_CHAT_ROOMS_H
#define CUACA_CHAT_ROOMS_H

#include "base/jsonw.h"
#include "channel.h"
#include "rights.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct conn;

/* Connect: open what the user is in and what is resumed; whether all of it has been read; its entries for the answer; be
 * present there, which fails while Redis is away. */
void rooms_begin(struct conn *c, const cJSON *o);
bool rooms_ready(const struct conn *c);
void rooms_list(struct conn *c, struct jsonw *w);
bool rooms_enter(struct conn *c);

/* The requests join and leave. */
void rooms_join(struct conn *c, const cJSON *o, const char *id);
void rooms_leave(struct conn *c, const cJSON *o, const char *id);

/* Read the member "room", seen from the user. False, or NULL where it is to be a room that is joined: the client was
 * told what is wrong with it. */
bool rooms_take(struct conn *c, const cJSON *o, const char *id, struct room *out);
struct channel *rooms_take_joined(struct conn *c, const cJSON *o, const char *id, struct room *out);

/* The channel of a room that is to be joined; NULL: the client was told that it is not, or that this is not known yet. */
struct channel *rooms_joined(struct conn *c, const struct room *r, const char *id);

/* How many groups are joined; join one more room without asking. */
int rooms_count(const struct conn *c);
struct channel *rooms_open(
    struct conn *c, enum room_kind kind, const char *name, enum channel_tell tell);

/* Report the rooms that are ready, and hand on what was missed. */
void rooms_serve(struct conn *c);

/* The user's rights have been read again: leave rooms that are no longer allowed, and enter groups that are new to old,
 * the rights before; NULL: nothing has changed but perhaps the groups themselves. Then resume what could not be looked
 * up before. Fails as rights_groups(), and has then left nothing; RC_BUSY: something is still to be resumed. */
enum rc rooms_recheck(struct conn *c, const struct rights *old);

/* Leave a room for a reason that the client is told; tell it that it cannot be in one any more that was not joined. */
void rooms_drop(struct conn *c, struct channel *ch, const char *reason);
void rooms_refuse(struct conn *c, const struct room *r, const struct verdict *v);

/* Give up joins that take too long; when that is due, or rooms_serve(), on clock_mono_ms(). */
void rooms_expire(struct conn *c, int64_t now);
int64_t rooms_due(const struct conn *c);

#endif
