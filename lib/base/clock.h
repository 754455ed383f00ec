/* SPDX-License-Identifier: ISC
 *
 * Wall-clock seconds for data, monotonic milliseconds for waits, and RFC 3339 between the two and people.
 */
#ifndef CUACA_CLOCK_H
#define CUACA_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_TEXT 32 /* room for "2026-11-22T22:15:00.000Z" and its NUL */

/* UNIX time in seconds and in milliseconds. */
int64_t clock_now(void);
int64_t clock_now_ms(void);

/* Milliseconds since some fixed moment, never set back. */
int64_t clock_mono_ms(void);

/* "2026-11-22T22:15:00Z"; years 0001 to 9999. Returns text. */
char *clock_format(int64_t unix_s, char text[CLOCK_TEXT]);

/* "2026-11-22T22:15:00.123Z" of UNIX milliseconds. Returns text. */
char *clock_format_ms(int64_t unix_ms, char text[CLOCK_TEXT]);

/* RFC 3339 with Z or an offset, fractions refused. False where it is anything else. */
bool clock_parse(const char *text, int64_t *unix_s);

/* A moment that bounds every wait of one piece of work. */
struct deadline {
	int64_t at_ms; /* on clock_mono_ms() */
};

struct deadline deadline_in(int64_t ms);

/* Milliseconds left, never negative, never more than an int holds: poll(2) takes it as it is. */
int deadline_left(struct deadline d);

#endif
