/* SPDX-License-Identifier: ISC
 *
 * A temporary file beside the old one, and rename(2).
 */
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

bool
file_replace(const char *path, const struct buf *b)
{
	char temp[FILE_PATH + 32];
	FILE *fp;
	bool ok;

	snprintf(temp, sizeof(temp), "%s.%d", path, (int)getpid());
	if ((fp = fopen(temp, "we")) == NULL)
		return false;
	ok = fwrite(b->p, 1, b->len, fp) == b->len;
	ok = fclose(fp) == 0 && ok && rename(temp, path) == 0;
	if (!ok) {
		int saved = errno;

		unlink(temp);
		errno = saved;
	}
	return ok;
}

bool
file_read(const char *path, struct buf *b)
{
	FILE *fp = fopen(path, "re");
	char part[4096];
	size_t n;

	if (fp == NULL)
		return false;
	while ((n = fread(part, 1, sizeof(part), fp)) > 0)
		buf_add(b, part, n);
	fclose(fp);
	errno = ENOBUFS;
	return buf_ok(b);
}
