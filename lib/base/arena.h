/* SPDX-License-Identifier: ISC
 *
 * Memory that lives as long as one request or one batch: taken in pieces, given back all at once.
 * Not for threads to share.
 */
#ifndef CUACA_ARENA_H
#define CUACA_ARENA_H

#include <stddef.h>

struct arena;

/* An arena that hands out at most max bytes between two resets; NULL without memory. arena_free() it. */
struct arena *arena_new(size_t max);
void arena_free(struct arena *a);

/* Everything handed out becomes invalid. One block is kept for the next use, the rest is freed. */
void arena_reset(struct arena *a);

/* size bytes, zeroed and aligned for any type; NULL when the maximum or the memory is used up. */
void *arena_alloc(struct arena *a, size_t size);

/* Copies into the arena, terminated by NUL; NULL as above. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
