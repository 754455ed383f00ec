/* SPDX-License-Identifier: ISC
 *
 * The web servers limit addresses on their own before anything comes here, by the same leaky bucket. This one is for
 * what they cannot know: API keys, and several web servers in front of one Redis.
 */
#include "web/limit.h"

#include "base/str.h"
#include "drivers/digest.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define BURST 20 /* as the web servers have it */
#define KEY_MIN 16 /* characters of an API key */
#define KEY_MAX 128
#define KEYS_USED \
	"apikeys:used" /* the sorted set of keys by when they were last used, for the ingest */
#define KEY_TTL \
	60 /* seconds that Redis remembers a key's rate, and how exact it is when one was last used */

#define READ_MAX 127 /* keys, beside a rate */
#define LEASES 64
#define LEASE_KEY 128
#define LEASE_MS 100

/* Requests of a key that were counted ahead. What is not used in time is lost: at most a hundredth of the key's rate. */
struct lease {
	char bucket[LEASE_KEY]; /* the key of its bucket */
	int64_t rate, left, n;
	int64_t until; /* on clock_mono_ms() */
};

static pthread_mutex_t lookup = PTHREAD_MUTEX_INITIALIZER; /* of the one that asks PostgreSQL */
static pthread_mutex_t leasing = PTHREAD_MUTEX_INITIALIZER;
static struct lease leases[LEASES]; /* by hash; one key puts another's out */

static struct cache_bucket
address_bucket(const struct req *rq, const char *class)
{
	return (struct cache_bucket){
		.key = arena_printf(rq->arena, "ratelimit:%s:%s", rq->address, class),
		.rate = rq->limiter->settings->rate_api,
		.burst = BURST,
	};
}

/* What the bucket says about the request. */
static enum rc
judge(struct req *rq, const struct cache_bucket *b)
{
	struct limit_state *l = &rq->limit;

	l->rate = b->rate;
	l->over = b->left < 0;
	l->left = l->over ? 0 : b->left;
	l->reset = l->over ? (999 - b->left) / 1000 : (b->burst - b->left + b->rate - 1) / b->rate;
	if (!l->over)
		return RC_OK;
	rq->bad = NULL; /* it is not about parameters any more */
	return RC_BUSY;
}

/* Redis is away: all is missing. */
static enum rc
all_missing(int n, struct cache_value values[])
{
	for (int i = 0; i < n; i++)
		values[i] = (struct cache_value){ 0 };
	return RC_OK;
}

/* Read without counting. */
static enum rc
just_read(const struct req *rq, int n, const char *const keys[], struct cache_value values[])
{
	if (n == 0 ||
	    cache_get(rq->limiter->cache, rq->deadline, rq->arena, n, keys, values) == RC_OK)
		return RC_OK;
	return all_missing(n, values);
}

/* Read and count in b, whose rate is given. */
static enum rc
read_counted(struct req *rq, struct cache_bucket *b, int n, const char *const keys[],
    struct cache_value values[])
{
	if (b->key == NULL)
		return RC_NOMEM;
	if (cache_get_counted(rq->limiter->cache, rq->deadline, rq->arena, b, n, keys, values) ==
	    RC_OK)
		return judge(rq, b);
	return all_missing(n, values);
}

/* A key that is not known costs more than other requests, so an address may not try many of them. */
static enum rc
count_doubtful_key(struct req *rq)
{
	struct cache_bucket b = address_bucket(rq, "key");

	return b.rate > 0 ? read_counted(rq, &b, 0, NULL, NULL) : RC_OK;
}

static enum rc
refuse_key(struct req *rq)
{
	enum rc rc = count_doubtful_key(rq);

	rq->bad = NULL;
	return rc == RC_OK ? RC_DENIED : rc;
}

/* The key's rate from PostgreSQL, 0 where there is no such key; Redis remembers it, and for the ingest that the key
 * was used. */
static enum rc
find_rate(const struct req *rq, const char *hash, const char *rate_key, int64_t *rate)
{
	const struct limiter *l = rq->limiter;
	struct cache_item item = { .key = rate_key, .data = "0", .ttl = KEY_TTL };
	const struct db_rows *rows;
	bool known;
	enum rc rc = db_query(l->db, rq->deadline, rq->arena, SQL_KEY_FIND, &hash, &rows);

	if (rc != RC_OK)
		return rc;
	known = rows->n > 0;
	if (known)
		item.data = db_text(rows, 0, 2);
	item.len = strlen(item.data);
	*rate = known ? db_int(rows, 0, 2) : 0;
	/* Without Redis the next request comes here again. */
	if (cache_set(l->cache, rq->deadline, 1, &item) == RC_OK && known)
		(void)cache_score_raise(
		    l->cache, rq->deadline, KEYS_USED, db_text(rows, 0, 0), clock_now());
	return RC_OK;
}

static bool
may_be_key(const char *text)
{
	size_t len = strspn(
	    text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-");

	return len >= KEY_MIN && len <= KEY_MAX && text[len] == '\0';
}

/* Redis does not know the key: once a minute, or because it is away. */
static enum rc
read_with_new_key(struct req *rq, const char *hash, struct cache_bucket *b, int n,
    const char *const keys[], struct cache_value values[])
{
	enum rc rc = count_doubtful_key(rq);

	if (rc == RC_OK)
		rc = find_rate(rq, hash, b->rate_key, &b->rate);
	if (rc != RC_OK || b->rate == 0)
		return rc != RC_OK ? rc : RC_DENIED;
	b->rate_key = NULL;
	return read_counted(rq, b, n, keys, values);
}

/* The bucket of a key whose rate is known. */
static enum rc
judge_key(struct req *rq, const struct cache_bucket *b)
{
	return b->rate > 0 ? judge(rq, b) : refuse_key(rq);
}

/* Many requests may find at once that Redis has forgotten the key. One looks it up and counts for it; those that had
 * to wait for that one find in Redis what it left there. */
static enum rc
read_with_forgotten_key(struct req *rq, const char *hash, struct cache_bucket *b, int n,
    const char *const keys[], struct cache_value values[])
{
	const struct timespec until = { rq->deadline.at_ms / 1000,
		rq->deadline.at_ms % 1000 * 1000000 };
	bool known = false;
	enum rc rc;

	if (pthread_mutex_trylock(&lookup) != 0) {
		if (pthread_mutex_clocklock(&lookup, CLOCK_MONOTONIC, &until) != 0)
			return RC_BUSY;
		known = cache_get_counted(rq->limiter->cache, rq->deadline, rq->arena, b, n, keys,
			    values) == RC_OK &&
			b->rate >= 0;
	}
	rc = known ? judge_key(rq, b) : read_with_new_key(rq, hash, b, n, keys, values);
	pthread_mutex_unlock(&lookup);
	return rc;
}

static struct lease *
lease_of(const char *hash)
{
	return &leases[(unsigned)(hash[0] * 16 + hash[1]) % LEASES];
}

static void
lease_put(const char *hash, const struct cache_bucket *b)
{
	struct lease *l = lease_of(hash);

	if (b->granted < 2)
		return;
	pthread_mutex_lock(&leasing);
	*l = (struct lease){ .rate = b->rate,
		.left = b->left,
		.n = b->granted - 1,
		.until = clock_mono_ms() + LEASE_MS };
	if (!str_copy(l->bucket, b->key, sizeof(l->bucket)))
		l->n = 0;
	pthread_mutex_unlock(&leasing);
}

/* Take one of those that were counted ahead in this bucket. */
static bool
lease_take(const char *hash, struct cache_bucket *b)
{
	struct lease *l = lease_of(hash);
	bool taken;

	pthread_mutex_lock(&leasing);
	taken = l->n > 0 && strcmp(l->bucket, b->key) == 0 && clock_mono_ms() < l->until;
	if (taken) {
		l->n--;
		l->left -= l->left > 0;
		b->rate = l->rate;
		b->left = l->left;
	}
	pthread_mutex_unlock(&leasing);
	return taken;
}

/* Read for a request that was counted ahead. *good: the key still has the rate of then. */
static enum rc
read_leased(struct req *rq, const struct cache_bucket *b, int n, const char *const keys[],
    struct cache_value values[], bool *good)
{
	const char *all[READ_MAX + 1] = { b->rate_key };
	struct cache_value got[READ_MAX + 1];
	int64_t rate;

	*good = n <= READ_MAX;
	if (!*good)
		return RC_OK;
	for (int i = 0; i < n; i++)
		all[i + 1] = keys[i];
	if (cache_get(rq->limiter->cache, rq->deadline, rq->arena, n + 1, all, got) != RC_OK)
		return all_missing(n, values);
	*good = got[0].data != NULL && str_to_int(got[0].data, &rate) && rate == b->rate;
	for (int i = 0; i < n; i++)
		values[i] = got[i + 1];
	return *good ? judge(rq, b) : RC_OK;
}

static enum rc
read_with_key(struct req *rq, int n, const char *const keys[], struct cache_value values[])
{
	struct cache_bucket b = { .burst = BURST };
	char hash[DIGEST_TEXT];
	bool good;
	enum rc rc;

	if (!may_be_key(rq->api_key))
		return refuse_key(rq);
	digest_sha256(rq->api_key, strlen(rq->api_key), hash);
	b.key = arena_printf(rq->arena, "ratelimit:key-%s:%s", hash, rq->limit_class);
	b.rate_key = arena_printf(rq->arena, "apikey:%s", hash);
	if (b.key == NULL || b.rate_key == NULL)
		return RC_NOMEM;
	if (lease_take(hash, &b)) {
		rc = read_leased(rq, &b, n, keys, values, &good);
		if (rc != RC_OK || good)
			return rc;
	}
	if (cache_get_counted(rq->limiter->cache, rq->deadline, rq->arena, &b, n, keys, values) !=
	    RC_OK)
		return read_with_new_key(rq, hash, &b, n, keys, values);
	lease_put(hash, &b);
	return b.rate >= 0 ? judge_key(rq, &b)
			   : read_with_forgotten_key(rq, hash, &b, n, keys, values);
}

enum rc
limit_read(struct req *rq, int n, const char *const keys[], struct cache_value values[])
{
	struct cache_bucket b;

	if (rq->limit.counted || rq->limit_class == NULL)
		return just_read(rq, n, keys, values);
	rq->limit.counted = true;
	if (rq->api_key != NULL)
		return read_with_key(rq, n, keys, values);
	b = address_bucket(rq, rq->limit_class);
	return b.rate > 0 ? read_counted(rq, &b, n, keys, values) : just_read(rq, n, keys, values);
}

enum rc
limit_count(struct req *rq)
{
	if (rq->limiter == NULL || rq->limit_class == NULL || rq->limit.counted)
		return RC_OK;
	return limit_read(rq, 0, NULL, NULL);
}
