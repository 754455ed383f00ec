/* SPDX-License-Identifier: ISC
 *
 * The member "resume" of connect: the rooms that a client was in, and what it has of them.
 */
#ifndef CUACA_CHAT_RESUME_H
#define CUACA_CHAT_RESUME_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct conn;

/* Whether it can be used. False: the client was told what is wrong with it. */
bool resume_check(struct conn *c, const cJSON *o, const char *id);

/* Give the rooms that are open their positions, and open the public groups that are not. */
void resume_begin(struct conn *c, const cJSON *o);

/* The same of what could not be looked up then, unless the client has seen to that itself. */
void resume_rest(struct conn *c);

/* Whether there may be groups that could not be looked up yet. */
bool resume_unknown(const struct conn *c);

/* The member "epoch" as clients have it; -1: it is none of ours. */
int64_t resume_epoch(const cJSON *o);

#endif
