/* SPDX-License-Identifier: ISC
 *
 * What a function writes to a descriptor (standard output or standard error), as text.
 */
#ifndef CUACA_CAPTURE_H
#define CUACA_CAPTURE_H

#include <stdio.h>
#include <unistd.h>

struct capture {
	int fd, saved;
	FILE *file;
	char text[65536];
	size_t len;
};

/* From here on, what goes to fd goes into c. */
static inline void
capture_begin(struct capture *c, int fd)
{
	fflush(NULL);
	c->fd = fd;
	c->saved = dup(fd);
	c->file = tmpfile();
	dup2(fileno(c->file), fd);
}

/* Until here; c->text is terminated. */
static inline void
capture_end(struct capture *c)
{
	fflush(NULL);
	dup2(c->saved, c->fd);
	close(c->saved);
	rewind(c->file);
	c->len = fread(c->text, 1, sizeof(c->text) - 1, c->file);
	c->text[c->len] = '\0';
	fclose(c->file);
}

#endif
