/* SPDX-License-Identifier: ISC
 *
 * The states of a connection, in the order of enum client_state.
 */
#include "client.h"

#include "ws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_MAX (1 << 20)
#define OUT_MAX (1 << 17)

int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
fail(struct client *c, const char *why, const char *detail)
{
	fprintf(stderr, "connection %d: %s%s%s\n", c->number, why, detail[0] != '\0' ? ": " : "",
	    detail);
	client_close(c);
}

bool
client_open(struct client *c, int epoll, int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		return false;
	c->in = (struct buf)BUF_INIT(IN_MAX);
	c->began_us = now_us();
	c->state = CLIENT_CONNECTING;
	if ((connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == -1 && errno != EINPROGRESS) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e) == -1) {
		fail(c, "connect", strerror(errno));
		return false;
	}
	return true;
}

void
client_close(struct client *c)
{
	if (c->state == CLIENT_GONE)
		return;
	close(c->fd);
	buf_free(&c->in);
	c->state = CLIENT_GONE;
}

static void
write_all(struct client *c, struct buf *out)
{
	if (!buf_ok(out))
		fail(c, "no memory", "");
	else if (send(c->fd, out->p, out->len, MSG_NOSIGNAL) != (ssize_t)out->len)
		fail(c, "write", strerror(errno));
	buf_free(out);
}

void
client_say(struct client *c, const char *fmt, ...)
{
	struct buf out = BUF_INIT(OUT_MAX);
	char *line;
	va_list ap;
	int len;

	if (c->state == CLIENT_GONE)
		return;
	va_start(ap, fmt);
	len = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (len == -1) {
		fail(c, "no memory", "");
		return;
	}
	ws_add_frame(&out, WS_TEXT, line, (size_t)len);
	free(line);
	write_all(c, &out);
}

/* The connection stands, or it was refused: the first write will tell. */
static void
upgrade(struct client *c, int epoll, int port)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	struct buf out = BUF_INIT(OUT_MAX);

	if (epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &e) == -1) {
		fail(c, "epoll", strerror(errno));
		return;
	}
	c->state = CLIENT_UPGRADING;
	ws_add_handshake(&out, port);
	write_all(c, &out);
}

static long
greet(struct client *c, const char *p, size_t len)
{
	long taken = ws_parse_answer(p, len);

	if (taken == -1)
		fail(c, "the handshake was refused", "");
	if (taken > 0) {
		c->state = CLIENT_GREETING;
		client_say(c, "{\"id\":0,\"type\":\"connect\",\"token\":\"%s\"}", c->token);
	}
	return taken;
}

/* What comes before "connected" is not for hear(): nobody counts it. */
static void
handle(struct client *c, const cJSON *line, const char *type)
{
	if (strcmp(type, "ping") == 0) {
		client_say(c, "{\"type\":\"pong\"}");
	} else if (strcmp(type, "error") == 0 || strcmp(type, "bye") == 0) {
		char *text = cJSON_PrintUnformatted(line);
		fail(c, "the server says", text != NULL ? text : type);
		free(text);
	} else if (strcmp(type, "connected") == 0) {
		c->ready_us = now_us();
		c->state = CLIENT_READY;
	} else if (c->state == CLIENT_READY) {
		hear(c, line);
	}
}

static void
handle_frame(struct client *c, const struct ws_frame *f)
{
	cJSON *line = NULL;
	const char *type;

	if (f->opcode == WS_PING) {
		struct buf out = BUF_INIT(OUT_MAX);
		ws_add_frame(&out, WS_PONG, f->data, f->len);
		write_all(c, &out);
		return;
	}
	if (f->opcode != WS_TEXT || !f->last) {
		fail(c, f->opcode == WS_CLOSE ? "closed by the server" : "an unexpected frame", "");
		return;
	}
	line = cJSON_ParseWithLength(f->data, f->len);
	type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "type"));
	if (type == NULL)
		fail(c, "not a line of chat", "");
	else
		handle(c, line, type);
	cJSON_Delete(line);
}

/* One answer or frame at p; how many bytes it took, 0 if it is not all there. */
static size_t
handle_one(struct client *c, const char *p, size_t len)
{
	struct ws_frame f = { 0 };
	long taken;

	if (c->state == CLIENT_UPGRADING) {
		taken = greet(c, p, len);
	} else {
		taken = ws_parse_frame(p, len, &f);
		if (taken > 0)
			handle_frame(c, &f);
		else if (taken == -1)
			fail(c, "a broken frame", "");
	}
	return taken > 0 ? (size_t)taken : 0;
}

static void
handle_all(struct client *c)
{
	size_t done = 0, taken;

	do {
		taken = handle_one(c, c->in.p + done, c->in.len - done);
		done += taken;
	} while (taken > 0 && c->state != CLIENT_GONE && done < c->in.len);
	if (c->state == CLIENT_GONE)
		return;
	memmove(c->in.p, c->in.p + done, c->in.len - done);
	c->in.len -= done;
}

void
client_step(struct client *c, int epoll, uint32_t events, int port)
{
	char bytes[65536];
	ssize_t n;

	if (c->state == CLIENT_CONNECTING && (events & EPOLLOUT) != 0)
		upgrade(c, epoll, port);
	if (c->state == CLIENT_GONE || (events & ~(uint32_t)EPOLLOUT) == 0)
		return;
	n = read(c->fd, bytes, sizeof(bytes));
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_add(&c->in, bytes, (size_t)n);
	if (n <= 0 || !buf_ok(&c->in))
		fail(c, n == 0 ? "closed by the server" : "read", n == -1 ? strerror(errno) : "");
	else
		handle_all(c);
}
