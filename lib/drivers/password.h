/* SPDX-License-Identifier: ISC
 *
 * Passwords: argon2id. A hash is dear on purpose, in memory and time, so a process works on password_parallel of them
 * at a time; whoever comes on top of that waits, but not longer than its deadline. For all threads.
 */
#ifndef CUACA_PASSWORD_H
#define CUACA_PASSWORD_H

#include "base/clock.h"
#include "base/rc.h"
#include "base/settings.h"

#include <stdbool.h>

#define PASSWORD_HASH 128 /* room for a hash as text, with its costs and salt */

/* Hash a password, at the costs of the settings. RC_BUSY: no turn before the deadline. RC_NOMEM. */
enum rc password_hash(
    const struct settings *s, struct deadline d, const char *password, char hash[PASSWORD_HASH]);

/* RC_OK: it is the password of this hash. RC_DENIED: it is not, or hash is none. RC_BUSY as above. */
enum rc password_verify(
    const struct settings *s, struct deadline d, const char *hash, const char *password);

/* Whether a hash was made at other costs than those of the settings. */
bool password_dated(const struct settings *s, const char *hash);

/* Take the time of a password_verify(), for a name that nobody has. RC_DENIED, RC_BUSY or RC_NOMEM. */
enum rc password_waste(const struct settings *s, struct deadline d, const char *password);

#endif
