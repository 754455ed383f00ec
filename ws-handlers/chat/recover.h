/* SPDX-License-Identifier: ISC
 *
 * Reading the log for a channel: what was missed, all of it or nothing, and whether anything was. Each step is a
 * request to JetStream whose answer comes later:
 *
 *	look	the stream's state: its epoch, its first and last position. A position of another epoch, or out of what
 *		the stream still holds, is worth nothing.
 *	walk	"the next of this subject from here", again and again, until it has nothing more. Then everything of the
 *		channel is known up to what was the stream's last position when it was asked.
 *	top	"the last of this subject", where what was missed is too much or cannot be had.
 */
#ifndef CUACA_CHAT_RECOVER_H
#define CUACA_CHAT_RECOVER_H

#include "base/jsonw.h"

#include <stdint.h>

#define RECOVER_GET "$JS.API.DIRECT.GET.CHAT" /* the subject that reads the log */

struct channel;
struct conn;

/* Look at the log for all channels in state CHANNEL_LOOK, and go on with them from there. */
void recover_look(struct conn *c);

/* Doubt every channel, each keeps its position, and look. */
void recover_doubt(struct conn *c);

/* Begin to walk from the channel's position. */
void recover_walk(struct conn *c, struct channel *ch);

/* Whether a look or a walk is under way. */
bool recover_busy(const struct conn *c);

/* Nothing is asked for the channel any more. */
void recover_stop(struct conn *c, struct channel *ch);

/* Ask again what had no answer; when that is due, on clock_mono_ms(), INT64_MAX: never. */
void recover_retry(struct conn *c, int64_t now);
int64_t recover_due(const struct conn *c);

/* The member "epoch". */
void recover_epoch(struct jsonw *w, const struct conn *c);

#endif
