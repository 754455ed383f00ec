/* SPDX-License-Identifier: ISC
 *
 * Second step: ask the upstream for one batch, as often as it makes sense. check.c says what came back.
 */
#ifndef CUACA_INGEST_FETCH_H
#define CUACA_INGEST_FETCH_H

#include "base/arena.h"
#include "check.h"
#include "plan.h"
#include "run.h"

#include <stdbool.h>

struct upstream;

/* NULL without memory. upstream_close() it. */
struct upstream *upstream_open(struct run *r);
void upstream_close(struct upstream *u);

/* The request for a batch, with the key unless it is NULL, in the arena. NULL where open_meteo_url is no URL. */
const char *upstream_url(
    struct arena *a, const struct settings *s, const struct batch *b, const char *key);

/* Ask for a batch. REFUSAL_NONE: out has b->n observations, each good or refused for itself. All refusals of
 * whole answers are logged and counted here. */
enum refusal upstream_ask(
    struct upstream *u, const struct batch *b, struct arena *a, struct observation out[]);

/* Whether the upstream wants no more requests for longer than this run can wait. */
bool upstream_closed(const struct upstream *u);

#endif
