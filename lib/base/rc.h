/* SPDX-License-Identifier: ISC
 *
 * The one result type of every function that can fail, and the exit codes of every program.
 * What each result means to an HTTP client is decided in lib/web/problem.c.
 */
#ifndef CUACA_RC_H
#define CUACA_RC_H

enum rc {
	RC_OK,
	RC_NOTFOUND, /* no such thing, or a cache miss */
	RC_INVALID, /* input that cannot be accepted as it is */
	RC_DENIED,
	RC_CONFLICT,
	RC_BUSY, /* a limit was reached or the deadline passed; later may work */
	RC_DOWN, /* a peer is away */
	RC_NOMEM, /* memory or a buffer's maximum ran out */
	RC__MAX
};

/* Exit codes after execline and s6: what a supervisor or cron can tell apart. */
enum {
	EXIT_DONE = 0,
	EXIT_PEER = 1, /* another program or server failed us */
	EXIT_USAGE = 100,
	EXIT_BUG = 101,
	EXIT_CONFIG = 102,
	EXIT_SYSTEM = 111
};

/* A short lower-case name for log lines; static. */
const char *rc_name(enum rc rc);

#endif
