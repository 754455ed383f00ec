/* SPDX-License-Identifier: ISC
 *
 * Doubling byte buffer with a maximum and a sticky failure.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
buf_reserve(struct buf *b, size_t len)
{
	size_t cap = b->cap == 0 ? 256 : b->cap;
	char *p;

	if (b->failed)
		return;
	if (len > b->max - b->len) {
		b->failed = true;
		return;
	}
	if (b->p != NULL && len < b->cap - b->len)
		return;
	while (cap <= b->len + len)
		cap *= 2;
	if ((p = realloc(b->p, cap)) == NULL) {
		b->failed = true;
		return;
	}
	b->p = p;
	b->cap = cap;
}

void
buf_add(struct buf *b, const void *data, size_t len)
{
	buf_reserve(b, len);
	if (b->failed)
		return;
	if (len > 0)
		memcpy(b->p + b->len, data, len);
	b->len += len;
	b->p[b->len] = '\0';
}

void
buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

/* Mostly there is room, and formatting once is enough. */
void
buf_printf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->cap - b->len;
	char *end = b->p != NULL ? b->p + b->len : NULL;
	va_list ap;
	int n;

	if (b->failed)
		return;
	va_start(ap, fmt);
	n = vsnprintf(end, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		b->failed = true;
	else
		buf_reserve(b, (size_t)n);
	if (b->failed) {
		if (end != NULL)
			*end = '\0';
		return;
	}
	if ((size_t)n >= room) {
		va_start(ap, fmt);
		vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
}

bool
buf_ok(const struct buf *b)
{
	return !b->failed;
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->p != NULL)
		b->p[0] = '\0';
}

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

char *
buf_take(struct buf *b, struct arena *a)
{
	char *text = buf_ok(b) ? arena_strndup(a, b->len > 0 ? b->p : "", b->len) : NULL;

	buf_free(b);
	return text;
}
