/* SPDX-License-Identifier: ISC
 *
 * What is allowed at all: how often a user may write, and from which pages a browser may connect.
 */
#ifndef CUACA_CHAT_ALLOW_H
#define CUACA_CHAT_ALLOW_H

#include <stdbool.h>
#include <stdint.h>

struct conn;

/* What may come now, at most so much at once, and when that was reckoned, on clock_mono_ms(). */
struct allowance {
	double left;
	int64_t at;
};

/* Count one message of the user, on all connections together; while Redis is away, on this one. False: it is one
 * too many, and the next may come in *wait_ms. */
bool allow_message(struct conn *c, int64_t *wait_ms);

/* Count one of the other requests, on this connection. */
bool allow_request(struct conn *c, int64_t *wait_ms);

/* Whether a page of this origin (https://example.org:8443) may connect: none at all, which is no browser; one of the
 * host that the web server was asked for; one of the list, separated by commas, in which * is all. */
bool allow_origin(const char *origin, const char *host, const char *list);

#endif
