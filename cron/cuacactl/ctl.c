/* SPDX-License-Identifier: ISC
 *
 * Queries, messages and exit codes, the same for all commands.
 */
#include "ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define QUERY_MS 30000

enum rc
ctl_query(struct ctl *ctl, enum sql id, const char *const argv[], const struct db_rows **rows)
{
	return db_query(ctl->db, deadline_in(QUERY_MS), ctl->arena, id, argv, rows);
}

const char *
ctl_int(struct ctl *ctl, int64_t v)
{
	return arena_printf(ctl->arena, "%" PRId64, v);
}

void
ctl_say(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("cuacactl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int
ctl_failed(enum rc rc)
{
	switch (rc) {
	case RC_NOMEM: ctl_say("out of memory"); return EXIT_SYSTEM;
	case RC_BUSY: ctl_say("PostgreSQL did not answer in time"); return EXIT_PEER;
	case RC_DENIED:
		ctl_say(
		    "this role may not do that; cuaca_admin may (PGUSER, or user= in the setting "
		    "postgresql)");
		return EXIT_PEER;
	case RC_DOWN: ctl_say("PostgreSQL cannot be reached"); return EXIT_PEER;
	default: ctl_say("PostgreSQL refused; is the database migrated?"); return EXIT_PEER;
	}
}

/* A reader that has seen enough, like head(1), needs no message. */
int
ctl_written(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	if (errno != EPIPE)
		ctl_say("standard output: %s", strerror(errno));
	return EXIT_SYSTEM;
}

int
ctl_print(struct buf *json)
{
	bool ok = buf_ok(json);

	buf_addc(json, '\n');
	ok = ok && buf_ok(json);
	if (ok)
		fwrite(json->p, 1, json->len, stdout);
	buf_free(json);
	return ok ? ctl_written() : ctl_failed(RC_NOMEM);
}
