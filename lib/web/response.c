/* SPDX-License-Identifier: ISC
 *
 * Headers of RFC 9110 and 9111, and one FCGX_PutStr: several would be several FastCGI records.
 */
#include "web/response.h"

#include "base/cost.h"
#include "drivers/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STALE_WHILE_REVALIDATE 60 /* seconds */
#define STALE_IF_ERROR 86400

void
response_reset(struct res *rs)
{
	buf_reset(&rs->body);
	*rs = (struct res){ .status = 200, .content_type = "application/json", .body = rs->body };
}

static const char *
reason(int status)
{
	switch (status) {
	case 200: return "OK";
	case 201: return "Created";
	case 204: return "No Content";
	case 304: return "Not Modified";
	case 400: return "Bad Request";
	case 401: return "Unauthorized";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 405: return "Method Not Allowed";
	case 409: return "Conflict";
	case 413: return "Content Too Large";
	case 415: return "Unsupported Media Type";
	case 429: return "Too Many Requests";
	case 503: return "Service Unavailable";
	default: return "Internal Server Error";
	}
}

/* Whether an If-None-Match list holds etag, by the weak comparison of RFC 9110 section 13.1.2. */
static bool
has_etag(const char *list, const char *etag)
{
	size_t len = strlen(etag);

	if (list == NULL)
		return false;
	if (strcmp(list, "*") == 0)
		return true;
	for (const char *at = list; (at = strstr(at, etag)) != NULL; at += len)
		if (at[len] == '\0' || at[len] == ',' || at[len] == ' ')
			return true;
	return false;
}

static void
put_date(struct buf *head, const char *name, int64_t unix_s)
{
	time_t t = (time_t)unix_s;
	char text[64];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_printf(head, "%s: %s\r\n", name, text);
}

/* What is cached for everybody must not tell one client's limit: it stands on what is not. */
static void
put_limit(struct buf *head, const struct req *rq, const struct res *rs)
{
	const struct limit_state *l = &rq->limit;

	if (l->rate < 1 || (rs->max_age > 0 && rq->api_key == NULL))
		return;
	buf_printf(head,
	    "RateLimit-Limit: %" PRId64 "\r\nRateLimit-Remaining: %" PRId64
	    "\r\nRateLimit-Reset: %" PRId64 "\r\n",
	    l->rate, l->left, l->reset);
}

static void
put_caching(struct buf *head, const struct req *rq, const struct res *rs, const char *etag)
{
	if (rs->max_age < 1) {
		buf_adds(head, "Cache-Control: no-store\r\n");
		return;
	}
	buf_printf(head,
	    "ETag: %s\r\nCache-Control: %s, max-age=%" PRId64
	    ", stale-while-revalidate=%d, stale-if-error=%d\r\n",
	    etag, rq->api_key != NULL ? "private" : "public", rs->max_age, STALE_WHILE_REVALIDATE,
	    STALE_IF_ERROR);
	if (rs->last_modified > 0)
		put_date(head, "Last-Modified", rs->last_modified);
}

static void
put_head(const struct req *rq, const struct res *rs, int status, const char *etag, struct buf *head)
{
	buf_printf(head, "Status: %d %s\r\nX-Request-Id: %s\r\n", status, reason(status), rq->id);
	put_caching(head, rq, rs, etag);
	put_limit(head, rq, rs);
	if (rs->vary != NULL)
		buf_printf(head, "Vary: %s\r\n", rs->vary);
	if (rs->link != NULL)
		buf_printf(head, "Link: %s\r\n", rs->link);
	if (status == 401)
		buf_printf(head, "WWW-Authenticate: %s\r\n",
		    rs->challenge != NULL ? rs->challenge : "Bearer realm=\"cuaca\"");
	if (rs->retry_after > 0)
		buf_printf(head, "Retry-After: %" PRId64 "\r\n", rs->retry_after);
	if (rs->allow != NULL)
		buf_printf(head, "Allow: %s\r\n", rs->allow);
	if (status != 304 && status != 204)
		buf_printf(head, "Content-Type: %s\r\nContent-Length: %zu\r\n", rs->content_type,
		    rs->body.len);
}

int
response_send(
    const struct req *rq, const struct res *rs, FCGX_Stream *out, struct buf *head, bool debug)
{
	int status = rs->status;
	char digest[DIGEST_SHORT_TEXT], etag[24] = "";

	if (rs->max_age > 0) {
		digest_short(rs->body.p, rs->body.len, digest);
		snprintf(etag, sizeof(etag), "\"%s\"", digest);
	}
	if (status == 200 && etag[0] != '\0' && has_etag(rq->if_none_match, etag))
		status = 304;
	buf_reset(head);
	put_head(rq, rs, status, etag, head);
	if (debug)
		buf_printf(head, "X-Cuaca-Cost: sql=%u, redis=%u\r\n", cost.sql, cost.redis);
	buf_adds(head, "\r\n");
	if (rq->method != M_HEAD && status != 304 && status != 204)
		buf_add(head, rs->body.p, rs->body.len);
	if (!buf_ok(head) || FCGX_PutStr(head->p, (int)head->len, out) != (int)head->len)
		return -1;
	return status;
}
