/* SPDX-License-Identifier: ISC
 *
 * One buffer: written bytes, then waiting ones. It is given back whenever it runs empty.
 */
#include "outbox.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define COMPACT_BYTES 65536 /* written bytes are moved out of the way from here on */
#define KEEP_BYTES 4096 /* an empty buffer of this size may stay */

void
outbox_init(struct outbox *o, size_t limit)
{
	*o = (struct outbox){ .buf = BUF_INIT(SIZE_MAX / 4), .limit = limit };
}

void
outbox_free(struct outbox *o)
{
	buf_free(&o->buf);
}

size_t
outbox_waiting(const struct outbox *o)
{
	return o->buf.len - o->sent;
}

struct jsonw
outbox_begin(struct outbox *o)
{
	o->begun = o->buf.len;
	return (struct jsonw)JSONW_INIT(&o->buf);
}

void
outbox_end(struct outbox *o)
{
	buf_addc(&o->buf, '\n');
	if (buf_ok(&o->buf) && outbox_waiting(o) <= o->limit && !o->closed && !o->over)
		return;
	o->over = !o->closed;
	o->buf.len = o->begun;
	o->buf.failed = false;
}

void
outbox_close(struct outbox *o)
{
	o->closed = true;
}

void
outbox_add(struct outbox *o, const char *line, size_t len)
{
	struct jsonw w = outbox_begin(o);

	buf_add(w.out, line, len);
	outbox_end(o);
}

/* Make room of what is written. */
static void
compact(struct outbox *o)
{
	size_t waiting = outbox_waiting(o);

	if (waiting > 0 && o->sent < COMPACT_BYTES)
		return;
	if (waiting == 0 && o->buf.cap > KEEP_BYTES)
		buf_free(&o->buf);
	else
		memmove(o->buf.p, o->buf.p + o->sent, waiting);
	o->buf.len = waiting;
	o->sent = 0;
}

enum rc
outbox_flush(struct outbox *o, int fd)
{
	while (outbox_waiting(o) > 0) {
		ssize_t n = write(fd, o->buf.p + o->sent, outbox_waiting(o));

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? RC_BUSY : RC_DOWN;
		o->sent += (size_t)n;
		if (n > 0)
			o->torn = o->buf.p[o->sent - 1] != '\n';
		compact(o);
	}
	return RC_OK;
}

void
outbox_drop(struct outbox *o)
{
	const char *rest = o->buf.p + o->sent, *end;

	o->over = false;
	if (outbox_waiting(o) == 0)
		return;
	end = o->torn ? memchr(rest, '\n', outbox_waiting(o)) : NULL;
	o->buf.len = o->sent + (end != NULL ? (size_t)(end - rest) + 1 : 0);
}
