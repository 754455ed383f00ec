/* SPDX-License-Identifier: ISC
 *
 * Output: whole lines that wait until the client takes them, in a bounded queue. Nothing here ever waits for it.
 */
#ifndef CUACA_CHAT_OUTBOX_H
#define CUACA_CHAT_OUTBOX_H

#include "base/buf.h"
#include "base/jsonw.h"
#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>

struct outbox {
	struct buf buf;
	size_t sent; /* bytes of buf that are written */
	size_t begun; /* where the line begins that is being added */
	size_t limit; /* bytes that may wait */
	bool torn; /* what is written ends inside a line */
	bool over; /* a line was refused, and with it all that follow: the client is too slow */
	bool closed; /* the last line is in; what is added now goes nowhere */
};

void outbox_init(struct outbox *o, size_t limit);
void outbox_free(struct outbox *o);

/* Begin a line: an object is written with the jsonw returned, or anything into its buf. outbox_end() completes it, or
 * refuses it where the queue is full and sets over: from then on every line is refused, until outbox_drop(), so that
 * what goes out has no gap. */
struct jsonw outbox_begin(struct outbox *o);
void outbox_end(struct outbox *o);

/* Add a line that is already written, without its end. */
void outbox_add(struct outbox *o, const char *line, size_t len);

/* Take no further lines. */
void outbox_close(struct outbox *o);

/* Bytes that wait. */
size_t outbox_waiting(const struct outbox *o);

/* Write what fd takes. RC_OK: nothing waits any more. RC_BUSY: something still does. RC_DOWN: nobody reads. */
enum rc outbox_flush(struct outbox *o, int fd);

/* Drop what waits, but for the rest of a line of which a part is written, and take lines again. */
void outbox_drop(struct outbox *o);

#endif
