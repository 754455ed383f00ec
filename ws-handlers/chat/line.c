/* SPDX-License-Identifier: ISC
 *
 * The buffer holds what was read and not taken yet: nothing at all between two lines, so that a silent client costs
 * no memory.
 */
#include "line.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 4096

void
line_init(struct line_reader *r)
{
	*r = (struct line_reader){ .buf = BUF_INIT(LINE_BYTES_MAX + 2 * READ_BYTES) };
}

void
line_free(struct line_reader *r)
{
	buf_free(&r->buf);
}

bool
line_fill(struct line_reader *r, int fd)
{
	struct buf *b = &r->buf;
	ssize_t n;

	buf_reserve(b, READ_BYTES);
	if (!buf_ok(b))
		return false;
	n = read(fd, b->p + b->len, READ_BYTES);
	if (n > 0)
		b->len += (size_t)n;
	return n > 0 || (n == -1 && (errno == EINTR || errno == EAGAIN));
}

/* Forget what was taken; without anything left, the memory too. */
static void
give_back(struct line_reader *r)
{
	struct buf *b = &r->buf;

	b->len -= r->start;
	if (b->len == 0)
		buf_free(b);
	else
		memmove(b->p, b->p + r->start, b->len);
	r->start = 0;
}

/* There is no line's end in what is left. */
static enum line_kind
wait_for_more(struct line_reader *r)
{
	bool too_long = r->buf.len - r->start > LINE_BYTES_MAX && !r->skipping;

	r->skipping = r->skipping || too_long;
	if (r->skipping)
		r->start = r->buf.len;
	if (too_long)
		return LINE_TOO_LONG;
	give_back(r);
	r->seen = r->buf.len;
	return LINE_NONE;
}

static enum line_kind
take(struct line_reader *r, size_t end, char **text, size_t *len)
{
	*text = r->buf.p + r->start;
	*len = end - r->start;
	r->start = r->seen = end + 1;
	if (*len > LINE_BYTES_MAX)
		return LINE_TOO_LONG;
	if (*len > 0 && (*text)[*len - 1] == '\r')
		(*len)--;
	(*text)[*len] = '\0';
	return memchr(*text, '\0', *len) != NULL ? LINE_NUL : LINE_TEXT;
}

enum line_kind
line_next(struct line_reader *r, char **text, size_t *len)
{
	for (;;) {
		const char *from = r->buf.p, *end;

		if (r->buf.len == r->seen)
			return wait_for_more(r);
		end = memchr(from + r->seen, '\n', r->buf.len - r->seen);
		if (end == NULL)
			return wait_for_more(r);
		if (!r->skipping)
			return take(r, (size_t)(end - from), text, len);
		r->skipping = false;
		r->start = r->seen = (size_t)(end - from) + 1;
	}
}
