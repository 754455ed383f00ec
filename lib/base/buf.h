/* SPDX-License-Identifier: ISC
 *
 * Bytes that grow up to a named maximum. The first failure sticks: write on, and ask buf_ok() once at the end.
 */
#ifndef CUACA_BUF_H
#define CUACA_BUF_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *p; /* NUL after len bytes; NULL while empty */
	size_t len, cap, max;
	bool failed;
};

#define BUF_INIT(maximum) \
	{ \
		.max = (maximum) \
	}

void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Room for at least len bytes more without another allocation. */
void buf_reserve(struct buf *b, size_t len);

/* Whether everything since the last reset fitted. */
bool buf_ok(const struct buf *b);

/* Empty again, memory kept. */
void buf_reset(struct buf *b);

/* Give the memory back; the buffer is empty and usable. */
void buf_free(struct buf *b);

/* The same, and its text, which is in the arena now; NULL where not all of it fitted, in either. */
char *buf_take(struct buf *b, struct arena *a);

#endif
