/* SPDX-License-Identifier: ISC
 *
 * Writes JSON as a stream into a buf: no tree, commas put by itself, the buf's failure sticks.
 *
 *	jsonw_object(&w, NULL);
 *	jsonw_string(&w, "city", "Jakarta");
 *	jsonw_end(&w);
 *
 * name is the member's name inside an object and NULL inside an array or at the top.
 */
#ifndef CUACA_JSONW_H
#define CUACA_JSONW_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define JSONW_DEPTH 16

struct jsonw {
	struct buf *out;
	char close[JSONW_DEPTH]; /* what ends each open object or array */
	int depth;
	bool comma;
};

#define JSONW_INIT(buffer) \
	{ \
		.out = (buffer) \
	}

void jsonw_object(struct jsonw *w, const char *name);
void jsonw_array(struct jsonw *w, const char *name);
void jsonw_end(struct jsonw *w);

/* s is UTF-8, or NULL for null. */
void jsonw_string(struct jsonw *w, const char *name, const char *s);
void jsonw_int(struct jsonw *w, const char *name, int64_t v);
void jsonw_bool(struct jsonw *w, const char *name, bool v);

/* v with at most decimals (1 to 9) places and at least one: 27.4, 0.0, 106.84513; null where v is not finite. */
void jsonw_num(struct jsonw *w, const char *name, double v, int decimals);

/* RFC 3339 in UTC of UNIX seconds. */
void jsonw_time(struct jsonw *w, const char *name, int64_t unix_s);

/* The same with milliseconds, of UNIX milliseconds. */
void jsonw_time_ms(struct jsonw *w, const char *name, int64_t unix_ms);

/* JSON that is already written, as it is. */
void jsonw_raw(struct jsonw *w, const char *name, const char *json, size_t len);

#endif
