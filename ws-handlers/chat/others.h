/* SPDX-License-Identifier: ISC
 *
 * The others in a room: who is there, who comes and goes, who types.
 */
#ifndef CUACA_CHAT_OTHERS_H
#define CUACA_CHAT_OTHERS_H

#include "drivers/live.h"

#include <cjson/cJSON.h>

struct conn;

/* The requests who and typing. */
void others_who(struct conn *c, const cJSON *o, const char *id);
void others_typing(struct conn *c, const cJSON *o, const char *id);

/* What somebody tells the others in a room: that they come, go or type. */
void others_take(struct conn *c, const struct live_msg *m);

#endif
