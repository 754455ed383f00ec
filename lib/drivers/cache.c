/* SPDX-License-Identifier: ISC
 *
 * The only includer of hiredis.h. A context with an error is dead and closed; a command on a connection that
 * was idle is tried once more on a new one: all of them may be repeated, at worst something is counted twice.
 */
#include "drivers/cache.h"

#include "base/cost.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/pool.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define KEYS_MAX 128 /* of one command */
#define FIELDS_MAX 16 /* of one change of a hash */

#define SLICE_MS 20
#define SHA_TEXT 41 /* of a script's name in Redis */

/* A leaky bucket as nginx's limit_req with nodelay has it, but for high rates, whose burst is what comes in 20 ms. The
 * key holds the microsecond of Redis's clock at which the bucket will have run empty, which is nothing for Redis's file
 * nor its replicas. It stays for some seconds more, since a key that ends and is made again costs more than one that
 * is there. */
static const char count_script[] =
    "local rate = tonumber(KEYS[2] and (redis.call('GET', KEYS[2]) or -1) or ARGV[1]) or -1 "
    "if rate < 1 then return { rate, 0, 0 } end "
    "local t = redis.call('TIME') "
    "local now, step = t[1] * 1000000 + t[2], 1000000 / rate "
    "local full = math.max((redis.call('GET', KEYS[1]) or 0) - now, 0) "
    "local room = math.max(ARGV[2] * step, 20000) - full "
    "if room < 0 then return { rate, math.floor(room / 1000), 0 } end "
    "local n = KEYS[2] and math.min(math.floor(rate / 1000), math.floor(room / step)) or 1 "
    "if n < 1 then n = 1 end "
    "redis.set_repl(redis.REPL_NONE) "
    "full = full + n * step "
    "redis.call('SETEX', KEYS[1], string.format('%d', full / 1000000 + 10), "
    "string.format('%d', now + full + 0.5)) "
    "return { rate, math.floor(room / step), n }";

struct cache {
	const struct settings *settings;
	struct pool *pool;
	pthread_mutex_t lock; /* of those who write count_sha */
	char count_sha[SHA_TEXT]; /* what Redis calls count_script, once there is a connection */
};

/* One command of a round trip. */
struct command {
	int argc;
	const char **argv;
	const size_t *lens; /* NULL: the arguments are texts */
};

/* Gets the i-th reply of a round trip; copies what it needs. */
typedef enum rc taker(void *arg, int i, const redisReply *r);

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
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void
cache_close(struct cache *c)
{
	if (c == NULL)
		return;
	pool_free(c->pool);
	pthread_mutex_destroy(&c->lock);
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

static struct timeval
timeval_of(int64_t ms)
{
	return (struct timeval){ ms / 1000, ms % 1000 * 1000 };
}

/* Milliseconds that a connection or a round trip may take; 0 would be for ever. */
static int
patience(const struct cache *c, struct deadline d)
{
	int left = deadline_left(d), most = (int)c->settings->redis_timeout;

	return left > most ? most : left > 0 ? left : 1;
}

/* Send all that is pending. */
static bool
send_all(redisContext *ctx)
{
	int sent = 0;

	while (sent == 0)
		if (redisBufferWrite(ctx, &sent) != REDIS_OK)
			return false;
	return true;
}

/* Wait until there is something to read, for the milliseconds in *left, which is what then is left of them. They pass
 * in slices: when the whole host stood still, that was one slice, and Redis has the others to answer in. */
static bool
wait_readable(redisContext *ctx, int *left)
{
	struct pollfd p = { .fd = ctx->fd, .events = POLLIN };

	while (*left > 0) {
		int slice = *left < SLICE_MS ? *left : SLICE_MS;
		int ready = poll(&p, 1, slice);

		if (ready == 1)
			return true;
		if (ready == -1 && errno != EINTR)
			return false;
		*left -= slice;
	}
	str_copy(ctx->errstr, "no answer in time", sizeof(ctx->errstr));
	return false;
}

/* The next reply, which the caller frees. hiredis would wait for it in read(2), which a UNIX socket also wakes when
 * Redis has taken the bytes of the command; poll(2) sleeps on: a coming and going of the thread less. */
static bool
read_reply(redisContext *ctx, int *left, void **reply)
{
	for (*reply = NULL; redisGetReplyFromReader(ctx, reply) == REDIS_OK;) {
		if (*reply != NULL)
			return true;
		if (!wait_readable(ctx, left) || redisBufferRead(ctx) != REDIS_OK)
			return false;
	}
	return false;
}

/* Send n commands, then read n replies into the arena of the caller through take(), for so many milliseconds. Any
 * error reply is a failure of the whole round trip. */
static enum rc
round_trip(redisContext *ctx, int left, int n, const struct command cmds[], taker *take, void *arg)
{
	enum rc rc = RC_OK;

	for (int i = 0; i < n; i++)
		if (redisAppendCommandArgv(ctx, cmds[i].argc, cmds[i].argv, cmds[i].lens) !=
		    REDIS_OK)
			return RC_DOWN;
	if (!send_all(ctx))
		return RC_DOWN;
	for (int i = 0; i < n; i++) {
		void *reply;
		const redisReply *r;

		if (!read_reply(ctx, &left, &reply))
			return RC_DOWN;
		r = reply;
		if (r->type == REDIS_REPLY_ERROR) {
			log_event(
			    LOG_LEVEL_ERROR, "redis: refused", LOG_WITH(log_s("reason", r->str)));
			rc = RC_DOWN;
		} else if (rc == RC_OK && take != NULL) {
			rc = take(arg, i, r);
		}
		freeReplyObject(reply);
	}
	return rc;
}

/* The name of the script, the same from every connection. */
static enum rc
take_sha(void *arg, int i, const redisReply *r)
{
	struct cache *c = arg;

	(void)i;
	if (r->type != REDIS_REPLY_STRING)
		return RC_OK; /* to AUTH */
	pthread_mutex_lock(&c->lock);
	if (c->count_sha[0] == '\0')
		str_copy(c->count_sha, r->str, sizeof(c->count_sha));
	pthread_mutex_unlock(&c->lock);
	return RC_OK;
}

/* Redis loses its scripts when it ends, and its connections with them: each new one brings the script along. Where
 * they are lost otherwise, the command is refused and tried again on a new connection. */
static bool
introduce(struct cache *c, redisContext *ctx, int left)
{
	const char *auth[] = { "AUTH", c->settings->redis_password };
	const char *load[] = { "SCRIPT", "LOAD", count_script };
	const struct command cmds[] = { { 2, auth, NULL }, { 3, load, NULL } };
	int skip = c->settings->redis_password[0] == '\0';

	return round_trip(ctx, left, 2 - skip, cmds + skip, take_sha, c) == RC_OK;
}

/* A new context, or NULL after telling the pool why. */
static redisContext *
context_open(struct cache *c, struct deadline d)
{
	struct timeval timeout = timeval_of(patience(c, d));
	redisContext *ctx = dial(c->settings->redis, timeout);

	/* Of the socket's own time-outs only the one for sending matters, and that for as long as it lives. */
	if (ctx != NULL && ctx->err == 0 &&
	    redisSetTimeout(ctx, timeval_of(c->settings->redis_timeout)) == REDIS_OK &&
	    introduce(c, ctx, patience(c, d)))
		return ctx;
	pool_report(c->pool, false,
	    ctx == NULL              ? "no memory"
	    : ctx->errstr[0] != '\0' ? ctx->errstr
				     : "refused");
	if (ctx != NULL)
		redisFree(ctx);
	return NULL;
}

/* Borrow, talk, give back; once more on a new connection where an idle one turned out dead and there is time. */
static enum rc
talk(struct cache *c, struct deadline d, int n, const struct command cmds[], taker *take, void *arg)
{
	enum rc rc = RC_DOWN;

	for (bool reused = true, again = false; reused && rc == RC_DOWN; again = true) {
		redisContext *ctx;
		void *item;
		char why[128] = "";

		if (again && deadline_left(d) == 0) {
			pool_report(c->pool, false, "no answer in time");
			return rc;
		}
		if ((rc = pool_take(c->pool, d, &item)) != RC_OK)
			return rc;
		reused = item != NULL;
		ctx = reused ? item : context_open(c, d);
		rc = RC_DOWN;
		if (ctx != NULL) {
			cost.redis++;
			rc = round_trip(ctx, patience(c, d), n, cmds, take, arg);
		}
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
	struct cache_bucket *bucket; /* the first reply is for it; NULL: none is */
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
take_bucket(struct cache_bucket *b, const redisReply *r)
{
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 3)
		return RC_DOWN;
	b->rate = r->element[0]->integer;
	b->left = r->element[1]->integer;
	b->granted = r->element[2]->integer;
	return RC_OK;
}

static enum rc
take_get(void *arg, int i, const redisReply *r)
{
	struct get *g = arg;
	enum rc rc = RC_OK;

	if (i == 0 && g->bucket != NULL)
		return take_bucket(g->bucket, r);
	if (r->type != REDIS_REPLY_ARRAY || r->elements != (size_t)g->n)
		return RC_DOWN;
	for (int k = 0; k < g->n && rc == RC_OK; k++)
		rc = take_value(&g->values[k], g->arena, r->element[k]);
	return rc;
}

/* The command that counts in a bucket; numbers is room for its arguments. */
static struct command
count_command(
    const struct cache *c, const struct cache_bucket *b, const char *argv[7], char numbers[2][24])
{
	int argc = 0;

	snprintf(numbers[0], sizeof(numbers[0]), "%lld", (long long)b->rate);
	snprintf(numbers[1], sizeof(numbers[1]), "%lld", (long long)b->burst);
	argv[argc++] = "EVALSHA";
	argv[argc++] = c->count_sha;
	argv[argc++] = b->rate_key != NULL ? "2" : "1";
	argv[argc++] = b->key;
	if (b->rate_key != NULL)
		argv[argc++] = b->rate_key;
	argv[argc++] = numbers[0];
	argv[argc++] = numbers[1];
	return (struct command){ argc, argv, NULL };
}

enum rc
cache_get_counted(struct cache *c, struct deadline d, struct arena *a, struct cache_bucket *bucket,
    int n, const char *const keys[], struct cache_value values[])
{
	const char *mget[KEYS_MAX + 1] = { "MGET" }, *count[7];
	struct cache_bucket counted = { 0 };
	struct get g = { a, NULL, n, values };
	struct command cmds[2] = { 0 };
	char numbers[2][24];
	int ncmds = 0;
	enum rc rc;

	if (n > KEYS_MAX)
		return RC_INVALID;
	for (int i = 0; i < n; i++)
		mget[i + 1] = keys[i];
	if (bucket != NULL) {
		counted = *bucket;
		g.bucket = &counted;
		cmds[ncmds++] = count_command(c, bucket, count, numbers);
	}
	if (n > 0)
		cmds[ncmds++] = (struct command){ n + 1, mget, NULL };
	rc = talk(c, d, ncmds, cmds, take_get, &g);
	if (rc == RC_OK && bucket != NULL)
		*bucket = counted;
	return rc;
}

enum rc
cache_get(struct cache *c, struct deadline d, struct arena *a, int n, const char *const keys[],
    struct cache_value values[])
{
	return cache_get_counted(c, d, a, NULL, n, keys, values);
}

enum rc
cache_hash_get(struct cache *c, struct deadline d, struct arena *a, const char *key, int n,
    const char *const fields[], struct cache_value values[])
{
	const char *argv[KEYS_MAX + 2] = { "HMGET", key };
	struct command cmd = { n + 2, argv, NULL };
	struct get g = { a, NULL, n, values };

	if (n > KEYS_MAX)
		return RC_INVALID;
	for (int i = 0; i < n; i++)
		argv[i + 2] = fields[i];
	return talk(c, d, 1, &cmd, take_get, &g);
}

enum rc
cache_rank(
    struct cache *c, struct deadline d, const char *key, int n, const struct cache_score add[])
{
	const char *argv[KEYS_MAX][4];
	struct command cmds[KEYS_MAX];
	char by[KEYS_MAX][24];

	if (n > KEYS_MAX)
		return RC_INVALID;
	for (int i = 0; i < n; i++) {
		snprintf(by[i], sizeof(by[i]), "%.15g", add[i].score);
		memcpy(argv[i], (const char *[4]){ "ZINCRBY", key, by[i], add[i].member },
		    sizeof(argv[i]));
		cmds[i] = (struct command){ 4, argv[i], NULL };
	}
	return talk(c, d, n, cmds, NULL, NULL);
}

enum rc
cache_score_raise(
    struct cache *c, struct deadline d, const char *key, const char *member, int64_t score)
{
	char text[24];
	const char *argv[] = { "ZADD", key, "GT", text, member };
	struct command cmd = { 5, argv, NULL };

	snprintf(text, sizeof(text), "%lld", (long long)score);
	return talk(c, d, 1, &cmd, NULL, NULL);
}

/* SET or DEL with its arguments. */
struct set {
	char ttl[24];
	const char *argv[5];
	size_t lens[5];
};

static struct command
set_command(const struct cache_item *item, struct set *s)
{
	const char *const del[2] = { "DEL", item->key };

	snprintf(s->ttl, sizeof(s->ttl), "%lld", (long long)item->ttl);
	if (item->data == NULL) {
		memcpy(s->argv, del, sizeof(del));
		return (struct command){ 2, s->argv, NULL };
	}
	memcpy(s->argv, (const char *[5]){ "SET", item->key, item->data, "EX", s->ttl },
	    sizeof(s->argv));
	memcpy(s->lens, (size_t[5]){ 3, strlen(item->key), item->len, 2, strlen(s->ttl) },
	    sizeof(s->lens));
	return (struct command){ item->ttl > 0 ? 5 : 3, s->argv, s->lens };
}

enum rc
cache_set(struct cache *c, struct deadline d, int n, const struct cache_item items[])
{
	struct set *sets = calloc((size_t)n, sizeof(*sets));
	struct command *cmds = calloc((size_t)n, sizeof(*cmds));
	enum rc rc = RC_NOMEM;

	if (sets != NULL && cmds != NULL) {
		for (int i = 0; i < n; i++)
			cmds[i] = set_command(&items[i], &sets[i]);
		rc = talk(c, d, n, cmds, NULL, NULL);
	}
	free(cmds);
	free(sets);
	return rc;
}

enum rc
cache_hash_set(struct cache *c, struct deadline d, const char *key, int n,
    const char *const fields[], const char *const values[], int64_t ttl)
{
	const char *set[2 * FIELDS_MAX + 2] = { "HSET", key };
	char life[24];
	const char *expire[] = { "EXPIRE", key, life };
	struct command cmds[] = { { 2 * n + 2, set, NULL }, { 3, expire, NULL } };

	if (n > FIELDS_MAX)
		return RC_INVALID;
	for (int i = 0; i < n; i++) {
		set[2 * i + 2] = fields[i];
		set[2 * i + 3] = values[i];
	}
	snprintf(life, sizeof(life), "%lld", (long long)ttl);
	return talk(c, d, 2, cmds, NULL, NULL);
}

enum rc
cache_hash_add(struct cache *c, struct deadline d, const char *key, int n,
    const char *const fields[], double number, int64_t ttl)
{
	char text[40], life[24];
	const char *add[FIELDS_MAX][4], *expire[] = { "EXPIRE", key, life };
	struct command cmds[FIELDS_MAX + 1];

	if (n > FIELDS_MAX)
		return RC_INVALID;
	snprintf(text, sizeof(text), "%.6f", number);
	snprintf(life, sizeof(life), "%lld", (long long)ttl);
	for (int i = 0; i < n; i++) {
		memcpy(add[i], (const char *[4]){ "HINCRBYFLOAT", key, fields[i], text },
		    sizeof(add[i]));
		cmds[i] = (struct command){ 4, add[i], NULL };
	}
	cmds[n] = (struct command){ 3, expire, NULL };
	return talk(c, d, n + 1, cmds, NULL, NULL);
}

/* The replies to INCR, EXPIRE and TTL of each counter. */
static enum rc
take_count(void *arg, int i, const redisReply *r)
{
	struct cache_count *count = (struct cache_count *)arg + i / 3;

	if (r->type != REDIS_REPLY_INTEGER)
		return RC_DOWN;
	if (i % 3 == 0)
		count->n = r->integer;
	else if (i % 3 == 2)
		count->left = r->integer;
	return RC_OK;
}

enum rc
cache_count(struct cache *c, struct deadline d, int n, struct cache_count counts[], int64_t window)
{
	const char *argv[FIELDS_MAX * 3][4];
	struct command cmds[FIELDS_MAX * 3];
	char life[24];
	int k = 0;

	if (n > FIELDS_MAX)
		return RC_INVALID;
	snprintf(life, sizeof(life), "%lld", (long long)window);
	for (int i = 0; i < n; i++) {
		const char *const three[3][4] = { { "INCR", counts[i].key },
			{ "EXPIRE", counts[i].key, life, "NX" }, { "TTL", counts[i].key } };

		for (int j = 0; j < 3; j++, k++) {
			memcpy(argv[k], three[j], sizeof(argv[k]));
			cmds[k] = (struct command){ j == 1 ? 4 : 2, argv[k], NULL };
		}
	}
	return talk(c, d, k, cmds, take_count, counts);
}

struct take {
	struct arena *arena;
	int n;
	struct cache_score *scores;
};

/* Members and scores by turns. */
static enum rc
take_scores(void *arg, int i, const redisReply *r)
{
	struct take *t = arg;
	int n = (int)r->elements / 2;

	(void)i;
	if (r->type != REDIS_REPLY_ARRAY)
		return RC_DOWN;
	if ((t->scores = arena_alloc(t->arena, (size_t)n * sizeof(*t->scores))) == NULL)
		return RC_NOMEM;
	for (t->n = 0; t->n < n; t->n++) {
		const redisReply *member = r->element[(size_t)t->n * 2];
		const redisReply *score = r->element[(size_t)t->n * 2 + 1];
		struct cache_score *s = &t->scores[t->n];

		s->member = arena_strndup(t->arena, member->str, member->len);
		if (s->member == NULL)
			return RC_NOMEM;
		if (!str_to_num(score->str, &s->score))
			s->score = 0;
	}
	return RC_OK;
}

enum rc
cache_scores_take(struct cache *c, struct deadline d, struct arena *a, const char *key, int max,
    int *n, const struct cache_score **scores)
{
	char count[24];
	const char *argv[] = { "ZPOPMAX", key, count };
	struct command cmd = { 3, argv, NULL };
	struct take t = { .arena = a };
	enum rc rc;

	snprintf(count, sizeof(count), "%d", max);
	rc = talk(c, d, 1, &cmd, take_scores, &t);
	*n = rc == RC_OK ? t.n : 0;
	*scores = t.scores;
	return rc;
}

struct texts {
	struct arena *arena;
	int n;
	const char **text;
};

static const char *
take_text(struct arena *a, const redisReply *r)
{
	return r->type == REDIS_REPLY_INTEGER  ? arena_printf(a, "%lld", r->integer)
	       : r->type == REDIS_REPLY_STRING ? arena_strndup(a, r->str, r->len)
					       : arena_strdup(a, "");
}

static enum rc
take_texts(void *arg, int i, const redisReply *r)
{
	struct texts *t = arg;

	(void)i;
	if (r->type != REDIS_REPLY_ARRAY)
		return RC_DOWN;
	if ((t->text = arena_alloc(t->arena, (r->elements + 1) * sizeof(*t->text))) == NULL)
		return RC_NOMEM;
	for (t->n = 0; (size_t)t->n < r->elements; t->n++)
		if ((t->text[t->n] = take_text(t->arena, r->element[t->n])) == NULL)
			return RC_NOMEM;
	return RC_OK;
}

enum rc
cache_script(struct cache *c, struct deadline d, struct arena *a, const char *script, int nkeys,
    int argc, const char *const argv[], int *n, const char ***out)
{
	const char **all = arena_alloc(a, ((size_t)argc + 3) * sizeof(*all));
	struct command cmd = { argc + 3, all, NULL };
	struct texts t = { .arena = a };
	char keys[16];
	enum rc rc;

	if (all == NULL)
		return RC_NOMEM;
	snprintf(keys, sizeof(keys), "%d", nkeys);
	all[0] = "EVAL";
	all[1] = script;
	all[2] = keys;
	memcpy(all + 3, argv, (size_t)argc * sizeof(*all));
	rc = talk(c, d, 1, &cmd, take_texts, &t);
	*n = rc == RC_OK ? t.n : 0;
	*out = t.text;
	return rc;
}

enum rc
cache_ping(struct cache *c, struct deadline d)
{
	const char *argv[] = { "PING" };
	struct command cmd = { 1, argv, NULL };

	return talk(c, d, 1, &cmd, NULL, NULL);
}
