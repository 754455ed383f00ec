/* SPDX-License-Identifier: ISC
 *
 * One HTTP answer, built whole and then sent in one piece.
 */
#ifndef CUACA_RESPONSE_H
#define CUACA_RESPONSE_H

#include "base/buf.h"
#include "web/request.h"

#include <fcgiapp.h>
#include <stdbool.h>

#define RESPONSE_BODY_MAX ((size_t)1024 * 1024)

struct res {
	int status;
	const char *content_type; /* static */
	int64_t max_age; /* seconds that caches may keep it; below 1: not at all, and no ETag */
	int64_t last_modified; /* UNIX seconds; 0: not known */
	int64_t retry_after; /* seconds; 0: no such header */
	const char *allow; /* for 405 and OPTIONS; NULL: no such header */
	const char *vary; /* the request's header that the answer depends on; NULL: on none */
	const char *challenge; /* WWW-Authenticate of a 401; NULL: that a token is wanted */
	const char *link; /* the header Link; NULL: no such header */
	struct buf body;
};

#define RES_INIT \
	{ \
		.status = 200, .content_type = "application/json", \
		.body = BUF_INIT(RESPONSE_BODY_MAX) \
	}

/* As new, memory kept. */
void response_reset(struct res *rs);

/* Send rs as the answer to rq: a 304 where the client has it already, no body to HEAD. head is scratch memory
 * of the caller. debug adds X-Cuaca-Cost. Returns the status that was sent, -1 where the web server went away. */
int response_send(
    const struct req *rq, const struct res *rs, FCGX_Stream *out, struct buf *head, bool debug);

#endif
