/* SPDX-License-Identifier: ISC
 *
 * Servers are on this machine and trusted: the answer's Sec-WebSocket-Accept is not checked, and the key and the mask
 * are always the same. Both are there against proxies that mistake a WebSocket for HTTP.
 */
#include "ws.h"

#include <string.h>

#define FRAME_MAX (1 << 24)

static const unsigned char mask[4] = { 0x3a, 0xc5, 0x17, 0x9e };

void
ws_add_handshake(struct buf *out, int port)
{
	buf_printf(out,
	    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: "
	    "Upgrade\r\n"
	    "Sec-WebSocket-Key: Y3VhY2EgYmVuY2ggY2hhdA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
	    port);
}

/* The length has 7 bits, or 126 and 16 bits, or 127 and 64 bits. */
void
ws_add_frame(struct buf *out, enum ws_opcode opcode, const char *data, size_t len)
{
	size_t more = len < 126 ? 0 : len < 65536 ? 2 : 8;

	buf_addc(out, (char)(0x80 | opcode));
	buf_addc(out, (char)(0x80 | (more == 0 ? len : more == 2 ? 126 : 127)));
	while (more-- > 0)
		buf_addc(out, (char)((uint64_t)len >> 8 * more));
	buf_add(out, mask, sizeof(mask));
	for (size_t i = 0; i < len; i++)
		buf_addc(out, (char)((unsigned char)data[i] ^ mask[i % 4]));
}

long
ws_parse_answer(const char *p, size_t len)
{
	static const char upgraded[] = "HTTP/1.1 101 ";
	const char *end = memmem(p, len, "\r\n\r\n", 4);

	if (end == NULL)
		return 0;
	return memcmp(p, upgraded, sizeof(upgraded) - 1) == 0 ? end + 4 - p : -1;
}

long
ws_parse_frame(const char *p, size_t len, struct ws_frame *f)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t head = 2, more;
	uint64_t size;

	if (len < head)
		return 0;
	size = u[1] & 0x7f;
	more = size == 126 ? 2 : size == 127 ? 8 : 0;
	if (len < head + more)
		return 0;
	if (more > 0)
		size = 0;
	while (more-- > 0)
		size = size << 8 | u[head++];
	if ((u[0] & 0x70) != 0 || (u[1] & 0x80) != 0 || size > FRAME_MAX)
		return -1; /* an extension we did not ask for, a mask, or no message of chat */
	if (len < head + size)
		return 0;
	*f = (struct ws_frame){ u[0] & 0x0f, (u[0] & 0x80) != 0, p + head, (size_t)size };
	return (long)(head + size);
}
