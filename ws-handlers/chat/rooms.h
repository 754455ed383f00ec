/* SPDX-License-Identifier: ISC
 *
 * Rooms as the client knows them: which it is in, joining and leaving, who is there, who types.
 */
#ifndef CUACA_CHAT_ROOMS_H
#define CUACA_CHAT_ROOMS_H

#include "base/jsonw.h"
#include "chat/room.h"
#include "drivers/live.h"
#include "rights.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct channel;
struct conn;

/* Connect: check the member "resume", and say what is wrong with it; open what the user is in and what he resumes;
 * whether all of it has been read; its entries for the answer; be present there. */
bool rooms_resume_ok(struct conn *c, const cJSON *o, const char *id);
void rooms_begin(struct conn *c, const cJSON *o);
bool rooms_ready(const struct conn *c);
void rooms_list(struct conn *c, struct jsonw *w);
void rooms_enter(struct conn *c);

/* The requests join, leave, who and typing. */
void rooms_join(struct conn *c, const cJSON *o, const char *id);
void rooms_leave(struct conn *c, const cJSON *o, const char *id);
void rooms_who(struct conn *c, const cJSON *o, const char *id);
void rooms_typing(struct conn *c, const cJSON *o, const char *id);

/* Read the member "room", seen from the user. False: the client was told what is wrong with it. */
bool rooms_take(struct conn *c, const cJSON *o, const char *id, struct room *out);

/* What somebody tells the others in a room: that he comes, goes or types. */
void rooms_live(struct conn *c, const struct live_msg *m);

/* Report the rooms that are ready, and hand on what was missed. */
void rooms_serve(struct conn *c);

/* The user's rights have been read again: leave rooms where he may not be any more, and enter groups that are new to
 * old, what he had before; NULL: nothing has changed but perhaps the groups themselves. Then resume what could not be
 * looked up before. Fails as rights_groups(), and has then left nothing; RC_BUSY: something is still to be resumed. */
enum rc rooms_recheck(struct conn *c, const struct rights *old);

/* Leave a room for a reason that the client is told. */
void rooms_drop(struct conn *c, struct channel *ch, const char *reason);

/* Give up joins that take too long; when that is due, or rooms_serve(), on clock_mono_ms(). */
void rooms_expire(struct conn *c, int64_t now);
int64_t rooms_due(const struct conn *c);

#endif
