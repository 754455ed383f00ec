/* SPDX-License-Identifier: ISC
 *
 * HTTP GET of somebody else's server, over one kept connection.
 */
#ifndef CUACA_FETCH_H
#define CUACA_FETCH_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"

#include <stdint.h>

struct fetch;

struct fetch_param {
	const char *name; /* NULL ends the list */
	const char *value;
};

/* For one thread. agent is the User-Agent, copied. NULL without memory. fetch_close() it. */
struct fetch *fetch_open(const char *agent);
void fetch_close(struct fetch *f);

/* base, path and the escaped parameters as one URL in the arena; NULL where base is no http(s) URL. */
char *fetch_url(
    struct arena *a, const char *base, const char *path, const struct fetch_param params[]);

/* GET url within timeout_ms; redirects are not followed, compressed answers are unpacked. On RC_OK the server
 * answered: *status is its status, body (reset first) all of its body. RC_DOWN: no whole answer came;
 * RC_NOMEM: the body outgrew body->max; RC_INVALID: the answer broke HTTP or its encoding. *reason then says why; static or
 * valid until the next call. */
enum rc fetch_get(struct fetch *f, const char *url, int64_t timeout_ms, struct buf *body,
    long *status, const char **reason);

#endif
