/* SPDX-License-Identifier: ISC
 *
 * When API keys were last used. The API notes it in Redis, as the sorted set apikeys:used of their numbers by UNIX
 * time, about once a minute for each key; here it moves to PostgreSQL.
 */
#ifndef CUACA_INGEST_KEYS_H
#define CUACA_INGEST_KEYS_H

#include "base/arena.h"
#include "run.h"

/* Move what Redis has. Scratch memory from the arena. */
void keys_collect(struct run *r, struct arena *a);

#endif
