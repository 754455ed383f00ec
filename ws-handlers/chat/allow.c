/* SPDX-License-Identifier: ISC
 *
 * The bucket that messages are counted in, and the check of origins.
 */
#include "allow.h"

#include "base/clock.h"
#include "conn.h"

#include <strings.h>

#define BURST 20

/* A bucket of this process's own. */
static bool
count_here(struct conn *c, int64_t *wait_ms)
{
	double rate = (double)c->settings->rate_chat;
	int64_t now = clock_mono_ms();

	c->allowance += (double)(now - c->allowed_at) * rate / 1000;
	c->allowed_at = now;
	if (c->allowance > BURST)
		c->allowance = BURST;
	*wait_ms = (int64_t)((1 - c->allowance) * 1000 / rate) + 1;
	if (c->allowance < 1)
		return false;
	c->allowance--;
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
		return count_here(c, wait_ms);
	*wait_ms = -b.left;
	return b.left >= 0;
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
