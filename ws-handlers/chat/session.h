/* SPDX-License-Identifier: ISC
 *
 * From a token to a connected user, and whether that still holds: connect and refresh, the limits of connections, the
 * record in Redis, heartbeat, expiry and revocation.
 */
#ifndef CUACA_CHAT_SESSION_H
#define CUACA_CHAT_SESSION_H

#include <cjson/cJSON.h>
#include <stdint.h>

struct conn;

/* The requests connect and refresh. */
void session_connect(struct conn *c, const cJSON *o, const char *id);
void session_refresh(struct conn *c, const cJSON *o, const char *id);

/* Answer connect, if every room is ready. */
void session_serve(struct conn *c);

/* Read again what the user may do, and act on it. */
void session_recheck(struct conn *c);

/* NATS was away, and what was told meanwhile not heard: do the same, and tell the weather again, in a moment of this
 * connection's own, since all handlers have to. */
void session_doubt(struct conn *c);

/* What is due by the clock; when that is, on clock_mono_ms(). */
void session_tick(struct conn *c, int64_t now);
int64_t session_due(const struct conn *c);

/* Take the connection out of Redis, and add up its counters there. */
void session_end(struct conn *c);

#endif
