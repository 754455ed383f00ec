/* SPDX-License-Identifier: ISC
 *
 * load PORT TOKENS: WebSocket clients for make bench-chat, against 127.0.0.1:PORT/ws, each with a line of the file
 * TOKENS. It takes commands from standard input, one a line, does each to its end within a bounded time, and prints
 * one line of name=value; between commands it answers pings.
 *
 *	open N		open connections until there are N, up to OPENING at a time
 *	close N		close all but the first N
 *	join N		client i joins group.bench<i mod N>, up to OPENING at a time
 *	broadcast N	N messages in broadcast, one after the other: until each has reached everyone
 *	talk N RATE SECONDS	RATE messages a second, each from the next client in its room of N rooms
 *
 * A message carries the moment it was sent as its body, so a delivery can be timed by any client.
 */
#include "client.h"

#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS_MAX 4096
#define OPENING 32
#define PATIENCE_US 60000000 /* the longest a command waits for what does not come */

/* Times in microseconds. */
struct sample {
	int64_t *us;
	size_t n, cap;
};

static struct client clients[CLIENTS_MAX];
static char *tokens[CLIENTS_MAX];
static int n_tokens, n_clients;
static int epoll, port;

/* What hear() counts. */
static int joined;
static struct sample deliveries, acks;

static void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
sample_add(struct sample *s, int64_t us)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 4096 : s->cap * 2;
		if ((s->us = realloc(s->us, s->cap * sizeof(*s->us))) == NULL)
			die("sample");
	}
	s->us[s->n++] = us;
}

static int
earlier(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Print name_p50= and so on in milliseconds, and forget the sample. */
static void
sample_print(struct sample *s, const char *name)
{
	static const struct {
		const char *name;
		int of100;
	} ranks[] = { { "p50", 50 }, { "p99", 99 }, { "max", 100 } };

	qsort(s->us, s->n, sizeof(*s->us), earlier);
	for (size_t i = 0; s->n > 0 && i < sizeof(ranks) / sizeof(ranks[0]); i++)
		printf(" %s_%s=%.2f", name, ranks[i].name,
		    (double)s->us[(s->n - 1) * (size_t)ranks[i].of100 / 100] / 1000);
	s->n = 0;
}

void
hear(struct client *c, const cJSON *line)
{
	const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "type"));
	const char *body = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, "body"));
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(line, "id");
	int64_t sent;

	(void)c;
	if (strcmp(type, "joined") == 0)
		joined++;
	else if (strcmp(type, "ack") == 0 && cJSON_IsNumber(id))
		sample_add(&acks, now_us() - (int64_t)id->valuedouble);
	else if (strcmp(type, "message") == 0 && body != NULL && str_to_int(body, &sent))
		sample_add(&deliveries, now_us() - sent);
}

/* Handle what happens within so many microseconds at most; whether standard input has a line for us. */
static bool
step(int64_t wait_us)
{
	struct epoll_event events[256];
	int n = epoll_wait(epoll, events, 256, wait_us <= 0 ? 0 : (int)((wait_us + 999) / 1000));
	bool command = false;

	if (n == -1 && errno != EINTR)
		die("epoll_wait");
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr == NULL)
			command = true;
		else
			client_step(events[i].data.ptr, epoll, events[i].events, port);
	}
	return command;
}

/* Step until the sample has n values, or patience ends. */
static void
await(const struct sample *s, size_t n)
{
	int64_t until = now_us() + PATIENCE_US;

	while (s->n < n && now_us() < until)
		step(10000);
}

static int
count(enum client_state state)
{
	int n = 0;

	for (int i = 0; i < n_clients; i++)
		n += clients[i].state == state;
	return n;
}

static void
say_now(struct client *c, const char *room)
{
	int64_t now = now_us();

	client_say(c,
	    "{\"id\":%" PRId64 ",\"type\":\"message\",\"room\":\"%s\",\"body\":\"%" PRId64
	    "\",\"mid\":\"%" PRId64 "\"}",
	    now, room, now, now);
}

static void
open_next(void)
{
	struct client *c = &clients[n_clients];

	*c = (struct client){ .number = n_clients, .token = tokens[n_clients] };
	if (!client_open(c, epoll, port))
		die("open");
	n_clients++;
}

static void
do_open(const int64_t arg[])
{
	int wanted = (int)(arg[0] < n_tokens ? arg[0] : n_tokens), before = n_clients;
	int64_t began = now_us(), until = began + PATIENCE_US;
	struct sample took = { 0 };
	int ready = count(CLIENT_READY), settled = ready;

	while (settled < wanted && now_us() < until) {
		while (n_clients < wanted && n_clients - settled < OPENING)
			open_next();
		step(10000);
		ready = count(CLIENT_READY);
		settled = ready + count(CLIENT_GONE);
	}
	for (int i = before; i < n_clients; i++)
		if (clients[i].state == CLIENT_READY)
			sample_add(&took, clients[i].ready_us - clients[i].began_us);
	printf("ready=%d failed=%d per_second=%.1f", ready, wanted - ready,
	    (double)took.n * 1e6 / (double)(now_us() - began));
	sample_print(&took, "connect");
	free(took.us);
}

static void
do_close(const int64_t arg[])
{
	while (n_clients > arg[0])
		client_close(&clients[--n_clients]);
	printf("ready=%d", count(CLIENT_READY));
}

static void
do_join(const int64_t arg[])
{
	int64_t until = now_us() + PATIENCE_US;
	int asked = 0;

	joined = 0;
	while (joined < n_clients && now_us() < until) {
		for (; asked < n_clients && asked - joined < OPENING; asked++)
			client_say(&clients[asked],
			    "{\"id\":1,\"type\":\"join\",\"room\":\"group.bench%" PRId64 "\"}",
			    asked % arg[0]);
		step(10000);
	}
	printf("joined=%d", joined);
}

static void
do_broadcast(const int64_t arg[])
{
	struct sample all = { 0 }, last = { 0 };
	size_t lost = 0;

	for (int64_t i = 0; i < arg[0]; i++) {
		deliveries.n = 0;
		say_now(&clients[i % n_clients], "broadcast");
		await(&deliveries, (size_t)n_clients);
		lost += (size_t)n_clients - deliveries.n;
		qsort(deliveries.us, deliveries.n, sizeof(int64_t), earlier);
		for (size_t d = 0; d < deliveries.n; d++)
			sample_add(&all, deliveries.us[d]);
		if (deliveries.n > 0)
			sample_add(&last, deliveries.us[deliveries.n - 1]);
	}
	printf("lost=%zu", lost);
	sample_print(&all, "each");
	sample_print(&last, "all");
	free(all.us);
	free(last.us);
}

static void
do_talk(const int64_t arg[])
{
	int64_t total = arg[1] * arg[2], due, began = now_us();
	char room[32];

	deliveries.n = acks.n = 0;
	for (int64_t i = 0; i < total; i++) {
		due = began + i * 1000000 / arg[1];
		while (now_us() < due)
			step(due - now_us());
		snprintf(room, sizeof(room), "group.bench%" PRId64, i % n_clients % arg[0]);
		say_now(&clients[i % n_clients], room);
	}
	await(&acks, (size_t)total);
	await(&deliveries, (size_t)(total * n_clients / arg[0]));
	printf("sent=%" PRId64 " acked=%zu delivered=%zu of=%" PRId64, total, acks.n, deliveries.n,
	    total * n_clients / arg[0]);
	sample_print(&acks, "ack");
	sample_print(&deliveries, "delivery");
}

static const struct command {
	const char *name;
	int arguments; /* each a positive number */
	void (*run)(const int64_t arg[]);
} commands[] = {
	{ "open", 1, do_open },
	{ "close", 1, do_close },
	{ "join", 1, do_join },
	{ "broadcast", 1, do_broadcast },
	{ "talk", 3, do_talk },
};

static void
obey(char *line)
{
	char *name = strtok(line, " \n"), *word;
	int64_t arg[3] = { 0 };
	int n = 0;

	for (; n < 3 && (word = strtok(NULL, " \n")) != NULL; n++)
		if (!str_to_int(word, &arg[n]) || arg[n] <= 0)
			break;
	for (size_t i = 0; name != NULL && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(name, commands[i].name) != 0 || n != commands[i].arguments)
			continue;
		commands[i].run(arg);
		printf("\n");
		return;
	}
	printf("error=usage\n");
}

static void
read_tokens(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t size = 0;

	if (f == NULL)
		die(path);
	while (n_tokens < CLIENTS_MAX && getline(&tokens[n_tokens], &size, f) > 0) {
		tokens[n_tokens][strcspn(tokens[n_tokens], "\n")] = '\0';
		n_tokens++;
		size = 0;
	}
	fclose(f);
}

int
main(int argc, char *argv[])
{
	struct epoll_event e = { .events = EPOLLIN };
	char line[256];
	int64_t n;

	if (argc != 3 || !str_to_int(argv[1], &n) || n < 1 || n > 65535) {
		fprintf(stderr, "usage: load PORT TOKENS\n");
		return 100;
	}
	port = (int)n;
	read_tokens(argv[2]);
	setvbuf(stdin, NULL, _IONBF, 0); /* what epoll says of it must be all there is */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if ((epoll = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e) == -1)
		die("epoll");
	for (;;) {
		if (!step(1000000))
			continue;
		if (fgets(line, sizeof(line), stdin) == NULL)
			return 0;
		obey(line);
	}
}
