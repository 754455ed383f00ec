/* SPDX-License-Identifier: ISC
 *
 * What a client adds to the log: messages, edits and deletions, mutes and bans. Each is acknowledged when the stream has
 * it; until then it is pending.
 */
#ifndef CUACA_CHAT_PUBLISH_H
#define CUACA_CHAT_PUBLISH_H

#include <cjson/cJSON.h>

struct conn;

/* The requests message, edit and delete. */
void publish_message(struct conn *c, const cJSON *o, const char *id);
void publish_edit(struct conn *c, const cJSON *o, const char *id);
void publish_delete(struct conn *c, const cJSON *o, const char *id);

/* The requests mute, unmute, ban and unban. */
void publish_sanction(struct conn *c, const cJSON *o, const char *id);

#endif
