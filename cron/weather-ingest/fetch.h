/* SPDX-License-Identifier: ISC
 *
 * Second step: make one request of the upstream, as often as it makes sense, where the quota and the breaker allow
 * it. Whoever asks says how the answer is judged.
 */
#ifndef CUACA_INGEST_FETCH_H
#define CUACA_INGEST_FETCH_H

#include "base/arena.h"
#include "check.h"
#include "run.h"

struct upstream;

struct request {
	const char *what; /* for the log, like the next three */
	int number;
	const char *from; /* the first city */
	int places;
	const char *url;
	double weight;
	double reserve, reserve_retry; /* of the day's quota that belongs to others; to a retry */
	double each_run; /* of the hour's that belongs to each run which that still has */
	bool patient; /* wait for the next hour too */
	size_t answer_max; /* bytes */
	enum refusal (*judge)(void *arg, const char *body, size_t len, char detail[CHECK_DETAIL]);
	void *arg;
};

/* Whose calls the breaker of this name watches. NULL without memory. upstream_close() it. */
struct upstream *upstream_open(struct run *r, const char *breaker);
void upstream_close(struct upstream *u);

/* REFUSAL_NONE: an answer came, and judge took it. All refusals of whole answers, and calls that were not made, are
 * logged and counted here. Scratch memory from the arena. */
enum refusal upstream_ask(struct upstream *u, const struct request *rq, struct arena *a);

#endif
