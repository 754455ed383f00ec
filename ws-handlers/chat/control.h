/* SPDX-License-Identifier: ISC
 *
 * What NATS brings: answers, messages of the log, and what other programs tell the handlers.
 *
 *	ctl.chat.user.<name>	{"op":"recheck"}, {"op":"kick","room":…,"reason":…}, {"op":"replace","conn":…}
 *	ctl.chat.room.<room>	{"op":"recheck"}
 *	ctl.chat.all		{"op":"recheck"}, {"op":"epoch"}
 */
#ifndef CUACA_CHAT_CONTROL_H
#define CUACA_CHAT_CONTROL_H

#include "drivers/live.h"

struct conn;

/* Give a message to whom it concerns. */
void control_take(struct conn *c, const struct live_msg *m);

#endif
