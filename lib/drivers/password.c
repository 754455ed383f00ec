/* SPDX-License-Identifier: ISC
 *
 * libsodium's crypto_pwhash_str(), behind a counter of those at work.
 */
#include "drivers/password.h"

#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

_Static_assert(PASSWORD_HASH >= crypto_pwhash_STRBYTES, "a hash fits");

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t freed;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int64_t working;

/* Deadlines are on the monotonic clock. */
static void
make_condition(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&freed, &attr);
	pthread_condattr_destroy(&attr);
}

static enum rc
take_turn(const struct settings *s, struct deadline d)
{
	const struct timespec until = { d.at_ms / 1000, d.at_ms % 1000 * 1000000 };
	enum rc rc = RC_OK;

	if (sodium_init() == -1)
		return RC_NOMEM;
	pthread_once(&once, make_condition);
	pthread_mutex_lock(&lock);
	while (working >= s->password_parallel && rc == RC_OK)
		if (pthread_cond_timedwait(&freed, &lock, &until) != 0)
			rc = RC_BUSY;
	if (rc == RC_OK)
		working++;
	pthread_mutex_unlock(&lock);
	return rc;
}

static void
give_turn(void)
{
	pthread_mutex_lock(&lock);
	working--;
	pthread_cond_signal(&freed);
	pthread_mutex_unlock(&lock);
}

enum rc
password_hash(
    const struct settings *s, struct deadline d, const char *password, char hash[PASSWORD_HASH])
{
	enum rc rc = take_turn(s, d);

	if (rc != RC_OK)
		return rc;
	if (crypto_pwhash_str(hash, password, strlen(password),
		(unsigned long long)s->password_passes, (size_t)s->password_memory * 1024) != 0)
		rc = RC_NOMEM;
	give_turn();
	return rc;
}

enum rc
password_verify(const struct settings *s, struct deadline d, const char *hash, const char *password)
{
	enum rc rc = take_turn(s, d);

	if (rc != RC_OK)
		return rc;
	if (crypto_pwhash_str_verify(hash, password, strlen(password)) != 0)
		rc = RC_DENIED;
	give_turn();
	return rc;
}

bool
password_dated(const struct settings *s, const char *hash)
{
	return crypto_pwhash_str_needs_rehash(hash, (unsigned long long)s->password_passes,
		   (size_t)s->password_memory * 1024) != 0;
}

enum rc
password_waste(const struct settings *s, struct deadline d, const char *password)
{
	char hash[PASSWORD_HASH];
	enum rc rc = password_hash(s, d, password, hash);

	return rc == RC_OK ? RC_DENIED : rc;
}
