/* SPDX-License-Identifier: ISC
 *
 * drivers/password: hashes at the least costs there are, and the queue for them.
 */
#include "unit.h"

#include "drivers/password.h"

#include <pthread.h>
#include <string.h>

static const struct settings settings = {
	.password_memory = 8192, .password_passes = 1, .password_parallel = 1
};

static void
only_the_password_of_a_hash_is_good(void **state)
{
	char hash[PASSWORD_HASH], again[PASSWORD_HASH];
	struct deadline d = deadline_in(60000);

	(void)state;
	assert_int_equal(password_hash(&settings, d, "correct horse", hash), RC_OK);
	assert_int_equal(password_hash(&settings, d, "correct horse", again), RC_OK);
	assert_string_not_equal(hash, again);
	assert_memory_equal(hash, "$argon2id$v=19$m=8192,t=1,p=1$", 30);
	assert_int_equal(password_verify(&settings, d, hash, "correct horse"), RC_OK);
	assert_int_equal(password_verify(&settings, d, hash, "correct horsf"), RC_DENIED);
	assert_int_equal(password_verify(&settings, d, hash, ""), RC_DENIED);
}

static void
what_is_no_hash_fits_no_password(void **state)
{
	struct deadline d = deadline_in(60000);

	(void)state;
	assert_int_equal(password_verify(&settings, d, "", ""), RC_DENIED);
	assert_int_equal(password_verify(&settings, d, "secret", "secret"), RC_DENIED);
	assert_int_equal(password_verify(&settings, d, "$argon2id$v=19$m=8192", "x"), RC_DENIED);
}

static void
a_hash_at_other_costs_is_dated(void **state)
{
	struct settings dearer = settings, larger = settings;
	char hash[PASSWORD_HASH];

	(void)state;
	dearer.password_passes++;
	larger.password_memory *= 2;
	assert_int_equal(password_hash(&settings, deadline_in(60000), "x", hash), RC_OK);
	assert_false(password_dated(&settings, hash));
	assert_true(password_dated(&dearer, hash));
	assert_true(password_dated(&larger, hash));
}

static void
a_name_that_nobody_has_costs_as_much(void **state)
{
	(void)state;
	assert_int_equal(password_waste(&settings, deadline_in(60000), "x"), RC_DENIED);
}

struct worker {
	pthread_t thread;
	enum rc rc;
};

static void *
hash_for_long(void *arg)
{
	const struct settings slow = {
		.password_memory = 65536, .password_passes = 8, .password_parallel = 1
	};
	struct worker *w = arg;
	char hash[PASSWORD_HASH];

	w->rc = password_hash(&slow, deadline_in(60000), "x", hash);
	return NULL;
}

/* Of several at once one works at a time; who waits longer than he may goes away, the others get their turn. */
static void
whoever_waits_too_long_is_sent_away(void **state)
{
	struct worker w[3] = { 0 };
	char hash[PASSWORD_HASH];
	enum rc rc = RC_OK;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&w[i].thread, NULL, hash_for_long, &w[i]), 0);
	for (int i = 0; i < 10000 && rc == RC_OK; i++)
		rc = password_hash(&settings, deadline_in(0), "x", hash);
	assert_int_equal(rc, RC_BUSY);
	for (int i = 0; i < 3; i++) {
		pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].rc, RC_OK);
	}
	assert_int_equal(password_hash(&settings, deadline_in(0), "x", hash), RC_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_password_of_a_hash_is_good),
		cmocka_unit_test(what_is_no_hash_fits_no_password),
		cmocka_unit_test(a_hash_at_other_costs_is_dated),
		cmocka_unit_test(a_name_that_nobody_has_costs_as_much),
		cmocka_unit_test(whoever_waits_too_long_is_sent_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
