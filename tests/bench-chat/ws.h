/* SPDX-License-Identifier: ISC
 *
 * The client's half of RFC 6455 on bytes in memory: the handshake and frames. Sockets are the caller's.
 */
#ifndef BENCH_WS_H
#define BENCH_WS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ws_opcode { WS_CONTINUATION, WS_TEXT, WS_BINARY, WS_CLOSE = 8, WS_PING, WS_PONG };

struct ws_frame {
	enum ws_opcode opcode;
	bool last; /* of its message */
	const char *data; /* within the bytes that were parsed */
	size_t len;
};

/* Append the request that opens a WebSocket at /ws of 127.0.0.1:port. */
void ws_add_handshake(struct buf *out, int port);

/* Append one whole frame, masked as a client has to. */
void ws_add_frame(struct buf *out, enum ws_opcode opcode, const char *data, size_t len);

/* How many bytes the server's answer to the handshake takes: 0 while it is incomplete, -1 if it is a refusal. */
long ws_parse_answer(const char *p, size_t len);

/* The same for the frame that begins at p; -1 where no server would send such a one. */
long ws_parse_frame(const char *p, size_t len, struct ws_frame *f);

#endif
