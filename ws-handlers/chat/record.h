/* SPDX-License-Identifier: ISC
 *
 * The connection as Redis has it:
 *
 *	ws:sessions:<conn>	hash username, groups, address, node, connected_at
 *	ws:address:<address>	sorted set of connections by when they end, UNIX ms, for the limit per address
 *	ws:user:<name>		the same of a user
 *	metrics:chat		hash of counters, added to when a connection ends
 *
 * All but the last end by themselves when they are not renewed.
 */
#ifndef CUACA_CHAT_RECORD_H
#define CUACA_CHAT_RECORD_H

#include "base/rc.h"

struct conn;

/* Write it. RC_BUSY: the address or the user has as many connections as are allowed, and nothing was written. RC_DOWN:
 * Redis is away, and nobody counts; it may have been written all the same. RC_NOMEM: nothing was. */
enum rc record_open(struct conn *c);

/* Renew it, with each ping, or write it where Redis has lost it; nobody counts. RC_DOWN and RC_NOMEM as above. */
enum rc record_renew(struct conn *c);

/* Remove it, and add the counters. */
void record_close(struct conn *c);

#endif
