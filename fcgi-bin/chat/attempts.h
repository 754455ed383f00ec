/* SPDX-License-Identifier: ISC
 *
 * How often somebody may try a password: so many times a minute for a name, three times as many from an address.
 */
#ifndef CUACA_ATTEMPTS_H
#define CUACA_ATTEMPTS_H

#include "web/request.h"

/* Count an attempt; name may be NULL: the address alone. RC_BUSY: one too many, rq says the rest. While Redis is away
 * nobody is counted. */
enum rc attempts_count(struct req *rq, const char *name);

#endif
