/* SPDX-License-Identifier: ISC
 *
 * Where the next page of a history begins. A cursor holds the rest of the range, and only goes on with what it was made
 * for: the same city and interval. To clients it is a word without a meaning.
 */
#ifndef CUACA_CURSOR_H
#define CUACA_CURSOR_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

struct cursor {
	const char *slug;
	int interval; /* 0 to 9 */
	int64_t from, to; /* UNIX seconds of the years 1 to 9999; to itself is not in the range */
};

/* The cursor as text, in the arena; NULL without memory. */
char *cursor_write(struct arena *a, const struct cursor *c);

/* Read from and to of a cursor for c's city and interval. False where it is none. */
bool cursor_read(const char *text, struct cursor *c);

#endif
