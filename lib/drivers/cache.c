/* SPDX-License-Identifier: ISC
 *
 * The only includer of hiredis.h. A context with an error is dead and closed; a command on a connection that
 * was idle is tried once more on a new one, since all of them can be repeated.
 */
#include "drivers/cache.h"

#include "base/cost.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/pool.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define KEYS_MAX 64 /* of one cache_get() */

struct cache {
	const struct settings *settings;
	struct pool *pool;
};

/* One command of a round trip. */
struct command {
	int argc;
	const char **argv;
	const size_t *lens;
};

static void
context_close(void *item)
{
	redisFree(item);
}

struct cache *
cache_open(const struct settings *s)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->settings = s;
	c->pool = pool_new("redis", (int)s->redis_pool, (int)s->redis_pool, context_close);
	if (c->pool == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

void
cache_close(struct cache *c)
{
	if (c == NULL)
		return;
	pool_free(c->pool);
	free(c);
}

static redisContext *
dial(const char *address, struct timeval timeout)
{
	const char *colon = strrchr(address, ':');
	char host[SETTING_TEXT];
	int64_t port;

	if (strchr(address, '/') != NULL)
		return redisConnectUnixWithTimeout(address, timeout);
	str_copy(host, address, sizeof(host));
	if (colon == NULL || !str_to_int(colon + 1, &port))
		return redisConnectWithTimeout(host, 6379, timeout);
	host[colon - address] = '\0';
	return redisConnectWithTimeout(host, (int)port, timeout);
}

static enum rc
authenticate(redisContext *ctx, const char *password)
{
	redisReply *r;
	bool ok;

	if (password[0] == '\0')
		return RC_OK;
	r = redisCommand(ctx, "AUTH %s", password);
	ok = r != NULL && r->type != REDIS_REPLY_ERROR;
	freeReplyObject(r);
	return ok ? RC_OK : RC_DENIED;
}

/* A new context, or NULL after telling the pool why. */
static redisContext *
context_open(struct cache *c)
{
	int64_t ms = c->settings->redis_timeout;
	struct timeval timeout = { ms / 1000, ms % 1000 * 1000 };
	redisContext *ctx = dial(c->settings->redis, timeout);

	if (ctx != NULL && ctx->err == 0 && redisSetTimeout(ctx, timeout) == REDIS_OK &&
	    authenticate(ctx, c->settings->redis_password) == RC_OK)
		return ctx;
	pool_report(c->pool, false,
	    ctx == NULL     ? "no memory"
	    : ctx->err != 0 ? ctx->errstr
			    : "password refused");
	if (ctx != NULL)
		redisFree(ctx);
	return NULL;
}

/* Send n commands, then read n replies into the arena of the caller through take(). Any error reply is a failure of
 * the whole round trip. */
static enum rc
round_trip(redisContext *ctx, int n, const struct command cmds[],
    enum rc (*take)(void *, const redisReply *), void *arg)
{
	enum rc rc = RC_OK;

	cost.redis++;
	for (int i = 0; i < n; i++)
		if (redisAppendCommandArgv(ctx, cmds[i].argc, cmds[i].argv, cmds[i].lens) !=
		    REDIS_OK)
			return RC_DOWN;
	for (int i = 0; i < n; i++) {
		void *reply = NULL;
		const redisReply *r;

		if (redisGetReply(ctx, &reply) != REDIS_OK)
			return RC_DOWN;
		r = reply;
		if (r->type == REDIS_REPLY_ERROR) {
			log_event(
			    LOG_LEVEL_ERROR, "redis: refused", LOG_WITH(log_s("reason", r->str)));
			rc = RC_DOWN;
		} else if (rc == RC_OK && take != NULL) {
			rc = take(arg, r);
		}
		freeReplyObject(reply);
	}
	return rc;
}

/* Borrow, talk, give back; once more on a new connection where an idle one turned out dead. */
static enum rc
talk(struct cache *c, struct deadline d, int n, const struct command cmds[],
    enum rc (*take)(void *, const redisReply *), void *arg)
{
	enum rc rc = RC_DOWN;

	for (bool reused = true; reused && rc == RC_DOWN;) {
		redisContext *ctx;
		void *item;
		char why[128] = "";

		if ((rc = pool_take(c->pool, d, &item)) != RC_OK)
			return rc;
		reused = item != NULL;
		ctx = reused ? item : context_open(c);
		rc = ctx != NULL ? round_trip(ctx, n, cmds, take, arg) : RC_DOWN;
		if (ctx != NULL && rc != RC_DOWN) {
			pool_report(c->pool, true, NULL);
			pool_give(c->pool, ctx);
			continue;
		}
		if (ctx != NULL) {
			str_copy(why, ctx->errstr, sizeof(why));
			redisFree(ctx);
		}
		pool_give(c->pool, NULL);
		pool_clear(c->pool);
		if (ctx != NULL && !reused)
			pool_report(c->pool, false, why);
	}
	return rc;
}

struct get {
	struct arena *arena;
	int n;
	struct cache_value *values;
};

static enum rc
take_value(struct cache_value *v, struct arena *a, const redisReply *r)
{
	*v = (struct cache_value){ 0 };
	if (r->type != REDIS_REPLY_STRING)
		return RC_OK;
	v->len = r->len;
	v->data = arena_strndup(a, r->str, v->len);
	return v->data != NULL ? RC_OK : RC_NOMEM;
}

static enum rc
take_values(void *arg, const redisReply *r)
{
	struct get *g = arg;
	enum rc rc = RC_OK;

	if (r->type != REDIS_REPLY_ARRAY || r->elements != (size_t)g->n)
		return RC_DOWN;
	for (int i = 0; i < g->n && rc == RC_OK; i++)
		rc = take_value(&g->values[i], g->arena, r->element[i]);
	return rc;
}

enum rc
cache_get(struct cache *c, struct deadline d, struct arena *a, int n, const char *const keys[],
    struct cache_value values[])
{
	const char *argv[KEYS_MAX + 1] = { "MGET" };
	struct command cmd = { n + 1, argv, NULL };
	struct get g = { a, n, values };

	if (n > KEYS_MAX)
		return RC_INVALID;
	for (int i = 0; i < n; i++)
		argv[i + 1] = keys[i];
	return talk(c, d, 1, &cmd, take_values, &g);
}

enum rc
cache_set(struct cache *c, struct deadline d, int n, const struct cache_item items[])
{
	struct set {
		char ttl[24];
		const char *argv[5];
		size_t lens[5];
	} *sets = calloc((size_t)n, sizeof(*sets));
	struct command *cmds = calloc((size_t)n, sizeof(*cmds));
	enum rc rc = RC_NOMEM;

	if (sets == NULL || cmds == NULL)
		goto out;
	for (int i = 0; i < n; i++) {
		struct set *s = &sets[i];

		snprintf(s->ttl, sizeof(s->ttl), "%lld", (long long)items[i].ttl);
		memcpy(s->argv,
		    (const char *[5]){ "SET", items[i].key, items[i].data, "EX", s->ttl },
		    sizeof(s->argv));
		memcpy(s->lens,
		    (size_t[5]){ 3, strlen(items[i].key), items[i].len, 2, strlen(s->ttl) },
		    sizeof(s->lens));
		cmds[i] = (struct command){ 5, s->argv, s->lens };
	}
	rc = talk(c, d, n, cmds, NULL, NULL);
out:
	free(cmds);
	free(sets);
	return rc;
}

enum rc
cache_ping(struct cache *c, struct deadline d)
{
	const char *argv[] = { "PING" };
	struct command cmd = { 1, argv, NULL };

	return talk(c, d, 1, &cmd, NULL, NULL);
}
