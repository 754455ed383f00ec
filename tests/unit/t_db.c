/* SPDX-License-Identifier: ISC
 *
 * drivers/db against a server that takes a connection, prepares a statement, and reads no more.
 */
#include "unit.h"

#include "base/str.h"
#include "drivers/db.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LARGE ((size_t)16 << 20) /* more than a socket holds */

static const char ready[] = "Z\0\0\0\5I", sync_message[] = "S\0\0\0\4";

static struct {
	char folder[32], path[64];
	int listening, conn;
	pthread_t thread;
} server;

static void
answer(const char *bytes, size_t len)
{
	assert_int_equal(write(server.conn, bytes, len), len);
	assert_int_equal(write(server.conn, ready, sizeof(ready) - 1), sizeof(ready) - 1);
}

/* Read what ends like this. */
static void
read_until(const char *end, size_t len)
{
	char in[65536];
	size_t n = 0;

	while (n < len || memcmp(in + n - len, end, len) != 0) {
		ssize_t got = read(server.conn, in + n, sizeof(in) - n);

		assert_true(got > 0);
		n += (size_t)got;
	}
}

static void *
serve(void *arg)
{
	server.conn = accept(server.listening, NULL, NULL);
	read_until("\0\0", 2);
	answer("R\0\0\0\10\0\0\0\0", 9);
	read_until(sync_message, sizeof(sync_message) - 1);
	answer("1\0\0\0\4", 5);
	return arg;
}

static int
begin(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)state;
	str_copy(server.folder, "/tmp/t_db.XXXXXX", sizeof(server.folder));
	if (mkdtemp(server.folder) == NULL)
		return -1;
	snprintf(server.path, sizeof(server.path), "%s/.s.PGSQL.5432", server.folder);
	str_copy(a.sun_path, server.path, sizeof(a.sun_path));
	server.listening = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(server.listening, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(server.listening, 1) != 0)
		return -1;
	return pthread_create(&server.thread, NULL, serve, NULL);
}

static int
end(void **state)
{
	(void)state;
	close(server.conn);
	close(server.listening);
	unlink(server.path);
	return rmdir(server.folder);
}

static void
what_nobody_reads_is_not_sent_for_ever(void **state)
{
	struct settings settings = { .postgresql_pool = 1, .postgresql_lifetime = 300 };
	struct arena *arena = arena_new(1 << 16);
	struct db *db = db_open(&settings, "t_db", 1000);
	char *large = malloc(LARGE);
	const char *argv[] = { "one", "1", "1", large };
	const struct db_rows *rows;

	(void)state;
	assert_non_null(large);
	memset(large, 'x', LARGE - 1);
	large[LARGE - 1] = '\0';
	snprintf(settings.postgresql, sizeof(settings.postgresql),
	    "host=%s port=5432 user=x dbname=x", server.folder);
	alarm(60); /* it would be for ever */
	assert_int_equal(
	    db_query(db, deadline_in(2000), arena, SQL_ARCHIVE_STORE, argv, &rows), RC_BUSY);
	alarm(0);
	pthread_join(server.thread, NULL);
	free(large);
	db_close(db);
	arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_reads_is_not_sent_for_ever),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
