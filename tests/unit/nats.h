/* SPDX-License-Identifier: ISC
 *
 * A nats-server with JetStream, on a port of its own, that a test may kill and start again.
 */
#ifndef CUACA_TEST_NATS_H
#define CUACA_TEST_NATS_H

#include "base/clock.h"
#include "base/settings.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static struct {
	char folder[256];
	int port;
	pid_t pid;
	struct settings settings;
} nats;

/* A socket on the server's port; with port 0, on one that is free, which it then is. */
static inline int
nats_socket(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)nats.port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (nats.port == 0) {
		bind(fd, (struct sockaddr *)&a, sizeof(a));
		getsockname(fd, (struct sockaddr *)&a, &len);
		nats.port = ntohs(a.sin_port);
	} else if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* posix_spawn(3), since the library's threads are there already. Whether the server takes connections. */
static inline int
nats_start(void)
{
	char port[8], folder[sizeof(nats.folder) + 4];
	char *argv[] = { (char *)"nats-server", (char *)"-a", (char *)"127.0.0.1", (char *)"-p",
		port, (char *)"-js", (char *)"-sd", folder, (char *)"-l", (char *)"/dev/null",
		NULL };
	struct deadline d = deadline_in(20000);
	int fd = -1;

	snprintf(port, sizeof(port), "%d", nats.port);
	snprintf(folder, sizeof(folder), "%s/js", nats.folder);
	if (posix_spawnp(&nats.pid, "nats-server", NULL, NULL, argv, environ) != 0)
		return -1;
	while (fd == -1 && deadline_left(d) > 0) {
		poll(NULL, 0, 20);
		fd = nats_socket();
	}
	close(fd);
	return fd == -1 ? -1 : 0;
}

static inline void
nats_kill(void)
{
	kill(nats.pid, SIGKILL);
	waitpid(nats.pid, NULL, 0);
}

static inline int
nats_setup(void **state)
{
	const char *where = getenv("TMPDIR");

	(void)state;
	snprintf(nats.folder, sizeof(nats.folder), "%s/cuaca-nats-XXXXXX",
	    where != NULL ? where : "/tmp");
	if (mkdtemp(nats.folder) == NULL || settings_load(&nats.settings, NULL) != RC_OK)
		return -1;
	close(nats_socket());
	snprintf(nats.settings.nats, sizeof(nats.settings.nats), "nats://127.0.0.1:%d", nats.port);
	nats.settings.nats_token[0] = '\0';
	nats.settings.chat_max_bytes = 16 << 20;
	return nats_start();
}

static inline int
nats_teardown(void **state)
{
	char command[sizeof(nats.folder) + 16];

	(void)state;
	nats_kill();
	snprintf(command, sizeof(command), "rm -rf '%s'", nats.folder);
	return system(command);
}

#endif
