/* SPDX-License-Identifier: ISC
 *
 * web/limit: who is counted in which bucket, what comes of it, and which API keys are looked up where. Redis and
 * PostgreSQL are stood in for by the functions below.
 */
#include "unit.h"

#include "base/clock.h"
#include "drivers/cache.h"
#include "drivers/db.h"
#include "drivers/digest.h"

#include <stdio.h>
#include <string.h>

#define KEY "0123456789abcdef"

/* What Redis and PostgreSQL hold, and what they were asked. */
static struct {
	bool redis_away;
	int64_t redis_rate; /* of the key; -1: Redis does not know it */
	const char *rate_now; /* the same, where it is read as a value; NULL: it does not */
	int64_t left; /* in every bucket */
	int64_t granted;
	enum rc query;
	int64_t clock; /* monotonic, milliseconds */
	const char *rate; /* of the key in PostgreSQL; NULL: there is no such key */
	int reads, counts, queries;
	struct cache_bucket buckets[4];
	char stored[256];
	bool used;
} world;

static enum rc
fake_get(struct cache *c, struct deadline d, struct arena *a, int n, const char *const keys[],
    struct cache_value values[])
{
	(void)c, (void)d, (void)a;
	world.reads++;
	if (world.redis_away)
		return RC_DOWN;
	for (int i = 0; i < n; i++) {
		const char *v = strncmp(keys[i], "apikey:", 7) == 0 ? world.rate_now : keys[i];

		values[i] = (struct cache_value){ v, v != NULL ? strlen(v) : 0 };
	}
	return RC_OK;
}

static enum rc
fake_get_counted(struct cache *c, struct deadline d, struct arena *a, struct cache_bucket *bucket,
    int n, const char *const keys[], struct cache_value values[])
{
	world.buckets[world.counts++] = *bucket;
	if (world.redis_away)
		return RC_DOWN;
	if (bucket->rate_key != NULL)
		bucket->rate = world.redis_rate;
	bucket->left = world.left;
	bucket->granted = world.granted;
	return fake_get(c, d, a, n, keys, values);
}

static enum rc
fake_set(struct cache *c, struct deadline d, int n, const struct cache_item items[])
{
	(void)c, (void)d;
	assert_int_equal(n, 1);
	snprintf(world.stored, sizeof(world.stored), "%s=%.*s for %d", items[0].key,
	    (int)items[0].len, items[0].data, (int)items[0].ttl);
	return world.redis_away ? RC_DOWN : RC_OK;
}

static enum rc
fake_score_raise(
    struct cache *c, struct deadline d, const char *key, const char *name, int64_t score)
{
	(void)c, (void)d, (void)score;
	assert_string_equal(key, "apikeys:used");
	assert_string_equal(name, "7");
	world.used = true;
	return RC_OK;
}

static enum rc
fake_query(struct db *db, struct deadline d, struct arena *a, enum sql id, const char *const argv[],
    const struct db_rows **rows)
{
	static char *row[3];
	static struct db_rows result = { .columns = 3, .values = row };

	(void)db, (void)d, (void)a;
	assert_int_equal(id, SQL_KEY_FIND);
	assert_int_equal(strlen(argv[0]), DIGEST_TEXT - 1);
	world.queries++;
	row[0] = "7";
	row[1] = "somebody";
	row[2] = (char *)world.rate;
	result.n = world.rate != NULL;
	*rows = &result;
	return world.query;
}

static int64_t
fake_clock(void)
{
	return world.clock;
}

/* The limiter itself, on these. */
#define clock_mono_ms fake_clock
#define cache_get fake_get
#define cache_get_counted fake_get_counted
#define cache_set fake_set
#define cache_score_raise fake_score_raise
#define db_query fake_query
#include "../../lib/web/limit.c"

static struct settings settings = { .rate_api = 10 };
static const struct limiter limiter = { .settings = &settings };
static const char *const keys[] = { "one", "two" };
static struct cache_value values[2];
static struct req rq;
static char bad[] = "city";

static int
set_up(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.left = 7;
	settings.rate_api = 10;
	rq = (struct req){ .arena = arena_new(65536),
		.address = "192.0.2.1",
		.limiter = &limiter,
		.limit_class = "weather" };
	values[0] = values[1] = (struct cache_value){ bad, 1 };
	return rq.arena == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_free(rq.arena);
	return 0;
}

/* The name of a bucket or rate of KEY in Redis. */
static const char *
of_key(const char *before, const char *after)
{
	char hash[DIGEST_TEXT];

	digest_sha256(KEY, strlen(KEY), hash);
	return arena_printf(rq.arena, "%s%s%s", before, hash, after);
}

static enum rc
read_two(void)
{
	return limit_read(&rq, 2, keys, values);
}

static void
an_address_is_counted_once(void **state)
{
	(void)state;
	assert_int_equal(read_two(), RC_OK);
	assert_int_equal(world.counts, 1);
	assert_string_equal(world.buckets[0].key, "ratelimit:192.0.2.1:weather");
	assert_null(world.buckets[0].rate_key);
	assert_int_equal(world.buckets[0].rate, 10);
	assert_int_equal(world.buckets[0].burst, 20);
	assert_string_equal(values[1].data, "two");
	assert_int_equal(rq.limit.rate, 10);
	assert_int_equal(rq.limit.left, 7);
	assert_int_equal(read_two(), RC_OK);
	assert_int_equal(limit_count(&rq), RC_OK);
	assert_int_equal(world.counts, 1);
	assert_int_equal(world.reads, 2);
}

static void
not_everything_is_counted(void **state)
{
	(void)state;
	rq.limit_class = NULL;
	assert_int_equal(read_two(), RC_OK);
	assert_int_equal(limit_count(&rq), RC_OK);
	rq.limit_class = "weather";
	settings.rate_api = 0;
	assert_int_equal(read_two(), RC_OK);
	assert_string_equal(values[0].data, "one");
	assert_int_equal(rq.limit.rate, 0);
	assert_int_equal(world.counts, 0);
	rq.limit.counted = false;
	rq.limiter = NULL;
	assert_int_equal(limit_count(&rq), RC_OK);
	assert_int_equal(world.counts, 0);
}

static void
the_bucket_decides(void **state)
{
	static const struct {
		int64_t rate, bucket; /* what Redis says is left */
		bool over;
		int64_t left, reset;
	} table[] = {
		{ 10, 20, false, 20, 0 },
		{ 10, 19, false, 19, 1 },
		{ 10, 10, false, 10, 1 },
		{ 10, 9, false, 9, 2 },
		{ 10, 0, false, 0, 2 },
		{ 1, 0, false, 0, 20 },
		{ 1000, 0, false, 0, 1 },
		{ 10, -1, true, 0, 1 },
		{ 10, -1000, true, 0, 1 },
		{ 10, -1001, true, 0, 2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		ROW("%d left at rate %d", (int)table[i].bucket, (int)table[i].rate);
		rq.limit = (struct limit_state){ 0 };
		settings.rate_api = table[i].rate;
		world.counts = 0;
		world.left = table[i].bucket;
		assert_int_equal(limit_count(&rq), table[i].over ? RC_BUSY : RC_OK);
		assert_int_equal(rq.limit.over, table[i].over);
		assert_int_equal(rq.limit.rate, table[i].rate);
		assert_int_equal(rq.limit.left, table[i].left);
		assert_int_equal(rq.limit.reset, table[i].reset);
	}
}

static void
without_redis_nobody_is_limited(void **state)
{
	(void)state;
	world.redis_away = true;
	assert_int_equal(read_two(), RC_OK);
	assert_null(values[0].data);
	assert_null(values[1].data);
	assert_int_equal(rq.limit.rate, 0);
	values[0].data = bad;
	assert_int_equal(read_two(), RC_OK);
	assert_null(values[0].data);
}

static void
a_key_that_redis_knows_has_its_own_bucket(void **state)
{
	(void)state;
	rq.api_key = KEY;
	world.redis_rate = 50;
	assert_int_equal(read_two(), RC_OK);
	assert_int_equal(world.counts, 1);
	assert_string_equal(world.buckets[0].key, of_key("ratelimit:key-", ":weather"));
	assert_string_equal(world.buckets[0].rate_key, of_key("apikey:", ""));
	assert_int_equal(rq.limit.rate, 50);
	assert_int_equal(world.queries, 0);
	rq.limit = (struct limit_state){ 0 };
	world.left = -5;
	assert_int_equal(read_two(), RC_BUSY);
}

static enum rc
ask_again(void)
{
	rq.limit = (struct limit_state){ 0 };
	return read_two();
}

static void
a_fast_key_is_counted_ahead(void **state)
{
	(void)state;
	rq.api_key = KEY;
	world.redis_rate = 3000;
	world.rate_now = "3000";
	world.granted = 3;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ask_again(), RC_OK);
		assert_int_equal(rq.limit.rate, 3000);
		assert_int_equal(rq.limit.left, 7 - i);
		assert_string_equal(values[0].data, "one");
		assert_string_equal(values[1].data, "two");
	}
	assert_int_equal(world.counts, 1);
	assert_int_equal(ask_again(), RC_OK);
	assert_int_equal(world.counts, 2);
	/* Another class has another bucket. */
	rq.limit_class = "cities";
	assert_int_equal(ask_again(), RC_OK);
	assert_int_equal(world.counts, 3);
	/* Taken back, or given another rate. */
	world.redis_rate = 0;
	world.rate_now = "0";
	assert_int_equal(ask_again(), RC_DENIED);
	world.redis_rate = 5000;
	world.rate_now = "5000";
	world.counts = 0;
	assert_int_equal(ask_again(), RC_OK);
	assert_int_equal(world.counts, 1);
	assert_int_equal(rq.limit.rate, 5000);
	/* For a moment only. */
	world.clock += LEASE_MS;
	assert_int_equal(ask_again(), RC_OK);
	assert_int_equal(world.counts, 2);
	/* Redis is away. */
	world.redis_away = true;
	assert_int_equal(ask_again(), RC_OK);
	assert_null(values[0].data);
	assert_int_equal(world.queries, 0);
	memset(leases, 0, sizeof(leases));
}

/* Even where addresses are not limited. */
static void
a_new_key_is_looked_up_and_remembered(void **state)
{
	(void)state;
	rq.api_key = KEY;
	world.redis_rate = -1;
	world.rate = "50";
	assert_int_equal(read_two(), RC_OK);
	assert_int_equal(world.counts, 3);
	assert_string_equal(world.buckets[1].key, "ratelimit:192.0.2.1:key");
	assert_string_equal(world.buckets[2].key, world.buckets[0].key);
	assert_null(world.buckets[2].rate_key);
	assert_int_equal(world.buckets[2].rate, 50);
	assert_string_equal(world.stored, of_key("apikey:", "=50 for 60"));
	assert_true(world.used);
	assert_int_equal(rq.limit.rate, 50);
	assert_string_equal(values[0].data, "one");
	rq.limit = (struct limit_state){ 0 };
	world.counts = 0;
	settings.rate_api = 0;
	assert_int_equal(read_two(), RC_OK);
	assert_int_equal(world.counts, 2);
	assert_int_equal(rq.limit.rate, 50);
}

static void
a_key_that_nobody_has_is_denied(void **state)
{
	(void)state;
	rq.api_key = KEY;
	world.redis_rate = -1;
	assert_int_equal(read_two(), RC_DENIED);
	assert_string_equal(world.stored, of_key("apikey:", "=0 for 60"));
	assert_false(world.used);
	/* Redis remembers that. */
	rq.limit = (struct limit_state){ 0 };
	world.redis_rate = 0;
	world.counts = world.queries = 0;
	assert_int_equal(read_two(), RC_DENIED);
	assert_int_equal(world.queries, 0);
	assert_string_equal(world.buckets[1].key, "ratelimit:192.0.2.1:key");
}

/* An address that tries many keys is stopped before PostgreSQL is asked. */
static void
keys_cannot_be_guessed_fast(void **state)
{
	(void)state;
	rq.api_key = KEY;
	world.redis_rate = -1;
	world.left = -300;
	assert_int_equal(read_two(), RC_BUSY);
	assert_int_equal(world.queries, 0);
	assert_true(rq.limit.over);
	rq.limit = (struct limit_state){ 0 };
	rq.api_key = "short";
	assert_int_equal(read_two(), RC_BUSY);
}

static void
what_cannot_be_a_key_is_not_looked_up(void **state)
{
	static const struct {
		size_t len;
		char last;
		bool may;
	} table[] = { { 0, 0, false }, { 15, 'a', false }, { 16, 'a', true }, { 128, 'Z', true },
		{ 129, 'Z', false }, { 43, '_', true }, { 43, '-', true }, { 43, '.', false },
		{ 43, ' ', false }, { 43, ':', false }, { 43, '\n', false },
		{ 43, '\xc3', false } };
	char key[130];

	(void)state;
	world.redis_rate = 50;
	rq.api_key = key;
	for (size_t i = 0; i < COUNT(table); i++) {
		ROW("%d characters, the last is %d", (int)table[i].len, table[i].last);
		memset(key, 'k', sizeof(key));
		key[table[i].len] = '\0';
		if (table[i].len > 0)
			key[table[i].len - 1] = table[i].last;
		rq.limit = (struct limit_state){ 0 };
		world.counts = 0;
		assert_int_equal(read_two(), table[i].may ? RC_OK : RC_DENIED);
		assert_int_equal(world.counts, 1);
		assert_int_equal(
		    strcmp(world.buckets[0].key, "ratelimit:192.0.2.1:key") != 0, table[i].may);
	}
	assert_int_equal(world.queries, 0);
}

static void
without_redis_postgresql_knows_the_keys(void **state)
{
	(void)state;
	rq.api_key = KEY;
	world.redis_away = true;
	world.rate = "50";
	assert_int_equal(read_two(), RC_OK);
	assert_int_equal(rq.limit.rate, 0);
	assert_null(values[0].data);
	rq.limit = (struct limit_state){ 0 };
	world.counts = 0;
	world.rate = NULL;
	assert_int_equal(read_two(), RC_DENIED);
	rq.limit = (struct limit_state){ 0 };
	world.counts = 0;
	world.query = RC_DOWN;
	assert_int_equal(read_two(), RC_DOWN);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_address_is_counted_once),
		TEST(not_everything_is_counted),
		TEST(the_bucket_decides),
		TEST(without_redis_nobody_is_limited),
		TEST(a_key_that_redis_knows_has_its_own_bucket),
		TEST(a_fast_key_is_counted_ahead),
		TEST(a_new_key_is_looked_up_and_remembered),
		TEST(a_key_that_nobody_has_is_denied),
		TEST(keys_cannot_be_guessed_fast),
		TEST(what_cannot_be_a_key_is_not_looked_up),
		TEST(without_redis_postgresql_knows_the_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
