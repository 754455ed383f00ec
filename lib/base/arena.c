/* SPDX-License-Identifier: ISC
 *
 * A chain of blocks. The first block is kept over resets, so a steady load allocates nothing.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)16 * 1024)

struct block {
	struct block *next;
	size_t size, used;
	alignas(max_align_t) char data[];
};

struct arena {
	struct block *first, *last;
	size_t max, total;
};

static struct block *
block_new(size_t size)
{
	struct block *b = malloc(sizeof(*b) + size);

	if (b != NULL)
		*b = (struct block){ .size = size };
	return b;
}

struct arena *
arena_new(size_t max)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->max = max;
	a->first = a->last = block_new(BLOCK_SIZE);
	if (a->first == NULL) {
		free(a);
		return NULL;
	}
	return a;
}

static void
free_after(struct block *b)
{
	struct block *next;

	for (struct block *p = b->next; p != NULL; p = next) {
		next = p->next;
		free(p);
	}
	b->next = NULL;
}

void
arena_reset(struct arena *a)
{
	free_after(a->first);
	a->last = a->first;
	a->first->used = 0;
	a->total = 0;
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	free_after(a->first);
	free(a->first);
	free(a);
}

void *
arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	size_t need = (size + align - 1) / align * align;
	void *p;

	if (need < size || need > a->max - a->total)
		return NULL;
	if (need > a->last->size - a->last->used) {
		struct block *b = block_new(need > BLOCK_SIZE ? need : BLOCK_SIZE);

		if (b == NULL)
			return NULL;
		a->last->next = b;
		a->last = b;
	}
	p = a->last->data + a->last->used;
	a->last->used += need;
	a->total += need;
	return memset(p, 0, size);
}

char *
arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = len < SIZE_MAX ? arena_alloc(a, len + 1) : NULL;

	return p != NULL ? memcpy(p, s, len) : NULL;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

/* Mostly it is short, and formatting once is enough. */
char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	char text[256], *p;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	if ((size_t)n < sizeof(text))
		return arena_strndup(a, text, (size_t)n);
	if ((p = arena_alloc(a, (size_t)n + 1)) == NULL)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}
