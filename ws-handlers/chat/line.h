/* SPDX-License-Identifier: ISC
 *
 * Input, cut into lines. One frame of the client is not one line: a text frame may hold several, and a binary one
 * comes without a line's end.
 */
#ifndef CUACA_CHAT_LINE_H
#define CUACA_CHAT_LINE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define LINE_BYTES_MAX 65536 /* of a line, its end not counted */

enum line_kind {
	LINE_NONE, /* no whole line is there yet */
	LINE_TEXT,
	LINE_NUL, /* a line that holds a NUL byte */
	LINE_TOO_LONG /* said once, as soon as it is known; the line is then dropped up to its end */
};

struct line_reader {
	struct buf buf;
	size_t start; /* of the line in hand */
	size_t seen; /* so far there is no line's end in it */
	bool skipping; /* what comes still belongs to a line that was too long */
};

void line_init(struct line_reader *r);
void line_free(struct line_reader *r);

/* Read once from fd, which has something or has ended. False: it has ended, or failed. */
bool line_fill(struct line_reader *r, int fd);

/* Take the next line, without its end ("\n" or "\r\n") and terminated by NUL; it is valid until line_next() says
 * LINE_NONE, which gives back the memory that is no longer needed: call it until then. */
enum line_kind line_next(struct line_reader *r, char **text, size_t *len);

#endif
