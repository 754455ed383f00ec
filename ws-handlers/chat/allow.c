/* SPDX-License-Identifier: ISC
 *
 * The bucket that messages are counted in, and the check of origins.
 */
#include "allow.h"

#include "base/clock.h"
#include "conn.h"

#include <strings.h>

#define BURST 20
#define REQUESTS 20 /* a second */
#define REQUESTS_BURST 200

/* Count one in a bucket of this process's own. */
static bool
count_here(struct allowance *a, double rate, double burst, int64_t *wait_ms)
{
	int64_t now = clock_mono_ms();

	a->left += (double)(now - a->at) * rate / 1000;
	a->at = now;
	if (a->left > burst)
		a->left = burst;
	*wait_ms = (int64_t)((1 - a->left) * 1000 / rate) + 1;
	if (a->left < 1)
		return false;
	a->left--;
	return true;
}

bool
allow_message(struct conn *c, int64_t *wait_ms)
{
	struct cache_bucket b = {
		.key = arena_printf(c->arena, "ratelimit:user.%s:chat", c->token.sub),
		.rate = c->settings->rate_chat,
		.burst = BURST,
	};

	if (b.rate == 0)
		return true;
	if (b.key == NULL ||
	    cache_get_counted(c->cache, conn_patience(c), c->arena, &b, 0, NULL, NULL) != RC_OK)
		return count_here(&c->messages, (double)b.rate, BURST, wait_ms);
	*wait_ms = -b.left;
	return b.left >= 0;
}

bool
allow_request(struct conn *c, int64_t *wait_ms)
{
	return count_here(&c->requests, REQUESTS, REQUESTS_BURST, wait_ms);
}

static bool
in_list(const char *text, size_t len, const char *list)
{
	for (const char *at = list; *at != '\0';) {
		size_t n;

		at += strspn(at, ", ");
		n = strcspn(at, ", ");
		if ((n == 1 && *at == '*') || (n == len && n > 0 && strncasecmp(at, text, n) == 0))
			return true;
		at += n;
	}
	return false;
}

bool
allow_origin(const char *origin, const char *host, const char *list)
{
	const char *authority;

	if (origin == NULL || origin[0] == '\0' || in_list(origin, strlen(origin), list))
		return true;
	authority = strstr(origin, "://");
	return authority != NULL && host != NULL && host[0] != '\0' &&
	       strcasecmp(authority + strlen("://"), host) == 0;
}
