/* SPDX-License-Identifier: ISC
 *
 * What the commands of "cuacactl chat" share.
 */
#ifndef CUACA_CTL_CHAT_H
#define CUACA_CTL_CHAT_H

#include "chat/moderate.h"
#include "chat/room.h"
#include "ctl.h"

#define ADMIN "cuacactl" /* whose name is on what is done from here */
#define CHAT_MS 5000 /* that the servers may take */

/* EXIT_DONE, or EXIT_USAGE after saying what is wrong with a name or a room. */
int chat_name_operand(const char *name);
int chat_room_operand(const char *text, struct room *room);

/* Have what changes go to all servers; chat_disconnect() from them. Exit codes. */
int chat_connect(struct ctl *ctl, struct moderate_peers *p);
void chat_disconnect(struct moderate_peers *p);

#endif
