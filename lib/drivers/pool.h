/* SPDX-License-Identifier: ISC
 *
 * A bounded pool of connections to one peer, for threads to borrow from, which also remembers whether the
 * peer is away: then nobody waits for it more than once a second.
 */
#ifndef CUACA_POOL_H
#define CUACA_POOL_H

#include "base/clock.h"
#include "base/rc.h"

struct pool;

/* At most max connections at a time, at most keep of them idle. peer names the other side in the log and
 * must outlive the pool. close_item ends one connection. NULL without memory. */
struct pool *pool_new(const char *peer, int max, int keep, void (*close_item)(void *));

/* Close what is idle and free the pool; nothing may be borrowed. */
void pool_free(struct pool *p);

/* Borrow a connection. On RC_OK *item is an idle one, or NULL: then the caller opens one itself. Either way
 * pool_give() must follow. RC_BUSY: none came free before the deadline. RC_DOWN: the peer was found away less
 * than a second ago. */
enum rc pool_take(struct pool *p, struct deadline d, void **item);

/* Give back what was borrowed; NULL where it was closed or never opened. */
void pool_give(struct pool *p, void *item);

/* Close all idle connections: one of them turned out dead, so the others probably are. */
void pool_clear(struct pool *p);

/* Tell whether the peer answered. Changes are logged, once each; reason is for the log, may be NULL. */
void pool_report(struct pool *p, bool up, const char *reason);

#endif
