/* SPDX-License-Identifier: ISC
 *
 * The only includer of libpq-fe.h. Every wait is a poll(2) up to the caller's deadline.
 */
#include "drivers/db.h"

#include "base/cost.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/pool.h"

#include <libpq-fe.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct db {
	const struct settings *settings;
	const char *program;
	char options[96]; /* libpq's "options": the server-side statement time-out, no notices */
	struct pool *primary, *replicas; /* the same one where no replicas are set */
};

struct conn {
	PGconn *pg;
	int64_t born_ms;
	bool prepared[SQL__MAX];
};

static void
conn_close(void *item)
{
	struct conn *c = item;

	PQfinish(c->pg);
	free(c);
}

struct db *
db_open(const struct settings *s, const char *program, int64_t statement_timeout)
{
	struct db *db = calloc(1, sizeof(*db));

	if (db == NULL)
		return NULL;
	db->settings = s;
	db->program = program;
	snprintf(db->options, sizeof(db->options),
	    "-c statement_timeout=%lld -c client_min_messages=warning",
	    (long long)statement_timeout);
	db->primary = pool_new(
	    "postgresql", (int)s->postgresql_pool, (int)s->postgresql_idle, conn_close);
	db->replicas = s->postgresql_read[0] == '\0'
			   ? db->primary
			   : pool_new("postgresql_read", (int)s->postgresql_pool,
				 (int)s->postgresql_idle, conn_close);
	if (db->primary == NULL || db->replicas == NULL) {
		db_close(db);
		return NULL;
	}
	return db;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	if (db->replicas != db->primary)
		pool_free(db->replicas);
	pool_free(db->primary);
	free(db);
}

/* Wait until pg's socket is ready for events; RC_BUSY when the deadline passes first. */
static enum rc
wait_socket(PGconn *pg, short events, struct deadline d)
{
	struct pollfd p = { .fd = PQsocket(pg), .events = events };
	int left = deadline_left(d);

	return left > 0 && poll(&p, 1, left) != 0 ? RC_OK : RC_BUSY;
}

/* PQconnectPoll's loop; several hosts and target_session_attrs are libpq's own business. */
static enum rc
finish_connect(PGconn *pg, struct deadline d)
{
	PostgresPollingStatusType st = PGRES_POLLING_WRITING;

	while (st != PGRES_POLLING_OK) {
		if (st == PGRES_POLLING_FAILED || PQstatus(pg) == CONNECTION_BAD)
			return RC_DOWN;
		if (wait_socket(pg, st == PGRES_POLLING_READING ? POLLIN : POLLOUT, d) != RC_OK)
			return RC_BUSY;
		st = PQconnectPoll(pg);
	}
	return PQsetnonblocking(pg, 1) == 0 ? RC_OK : RC_DOWN;
}

/* The first line of libpq's reason, which may go on with guesses, or nothing where there was no time for one. */
static void
report_away(struct pool *pool, const PGconn *pg)
{
	const char *message = pg != NULL ? PQerrorMessage(pg) : "no memory";
	size_t len = strcspn(message, "\n");
	char reason[512];

	snprintf(reason, sizeof(reason), "%.*s", (int)len, message);
	pool_report(pool, false, len > 0 ? reason : "no connection in time");
}

/* A new connection, or NULL after telling the pool why. */
static struct conn *
conn_open(const struct db *db, struct pool *pool, struct deadline d, enum rc *rc)
{
	const struct settings *s = db->settings;
	const char *password = s->postgresql_password[0] != '\0' ? s->postgresql_password : NULL;
	const char *const keys[] = { "options", "application_name", "dbname", "password", NULL };
	const char *const values[] = { db->options, db->program,
		pool == db->primary ? s->postgresql : s->postgresql_read, password, NULL };
	struct conn *c = calloc(1, sizeof(*c));

	*rc = RC_NOMEM;
	if (c == NULL)
		return NULL;
	c->born_ms = clock_mono_ms();
	c->pg = PQconnectStartParams(keys, values, 1);
	if (c->pg != NULL && (*rc = finish_connect(c->pg, d)) == RC_OK)
		return c;
	report_away(pool, c->pg);
	conn_close(c);
	return NULL;
}

/* SQLSTATE to result: the class, or the whole code where the class says too little. */
static enum rc
state_rc(const char *state)
{
	static const struct {
		const char *prefix;
		enum rc rc;
	} table[] = {
		{ "57014", RC_BUSY }, /* statement_timeout */
		{ "57", RC_DOWN }, /* shutting down, starting up */
		{ "08", RC_DOWN }, /* the connection */
		{ "53", RC_DOWN }, /* out of connections, memory or disk */
		{ "58", RC_DOWN }, /* the server's system */
		{ "25006", RC_DOWN }, /* a write on a server that became a replica */
		{ "26000", RC_DOWN }, /* prepared statement gone: connect anew */
		{ "0A000", RC_DOWN }, /* its plan changed its columns under us: connect anew */
		{ "22", RC_INVALID }, { "23", RC_CONFLICT },
		{ "40", RC_CONFLICT }, /* serialisation, deadlock */
		{ "42501", RC_DENIED }, { "XX", RC_DOWN }, /* its own mistake, or damaged data */
	};

	if (state == NULL)
		return RC_DOWN;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strncmp(state, table[i].prefix, strlen(table[i].prefix)) == 0)
			return table[i].rc;
	return RC_INVALID;
}

static enum rc
result_rc(const struct stmt *st, PGconn *pg, const PGresult *res)
{
	const char *state;
	enum rc rc;

	switch (PQresultStatus(res)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK: return RC_OK;
	default:
		state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
		rc = state_rc(state);
		log_event(rc == RC_DOWN ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR,
		    "postgresql: statement failed",
		    LOG_WITH(log_s("statement", st->name), log_s("sqlstate", state),
			log_s("reason", PQerrorMessage(pg))));
		return rc;
	}
}

/* Send what is to be sent and take in what comes, until there is a result. */
static enum rc
exchange(PGconn *pg, struct deadline d)
{
	bool unsent = true;

	while ((unsent = unsent && PQflush(pg) == 1) || PQisBusy(pg)) {
		if (wait_socket(pg, unsent ? POLLIN | POLLOUT : POLLIN, d) != RC_OK)
			return RC_BUSY;
		if (!PQconsumeInput(pg))
			break; /* the next PQgetResult says why */
	}
	return RC_OK;
}

/* The one result of what was queued; *res is NULL unless RC_OK. After RC_BUSY the connection is unusable. */
static enum rc
wait_result(struct conn *c, const struct stmt *st, struct deadline d, PGresult **res)
{
	PGresult *more;
	enum rc rc;

	*res = NULL;
	if ((rc = exchange(c->pg, d)) != RC_OK) {
		log_event(
		    LOG_LEVEL_WARN, "postgresql: deadline", LOG_WITH(log_s("statement", st->name)));
		return rc;
	}
	*res = PQgetResult(c->pg);
	rc = result_rc(st, c->pg, *res);
	while ((more = PQgetResult(c->pg)) != NULL)
		PQclear(more);
	if (rc != RC_OK) {
		PQclear(*res);
		*res = NULL;
	}
	return rc;
}

static enum rc
prepare_once(struct conn *c, enum sql id, struct deadline d)
{
	const struct stmt *st = &stmts[id];
	PGresult *res;
	enum rc rc;

	if (c->prepared[id])
		return RC_OK;
	if (!PQsendPrepare(c->pg, st->name, st->text, st->nargs, NULL))
		return RC_DOWN;
	rc = wait_result(c, st, d, &res);
	PQclear(res);
	c->prepared[id] = rc == RC_OK;
	return rc;
}

static enum rc
execute(struct conn *c, enum sql id, const char *const argv[], struct deadline d, PGresult **res)
{
	const struct stmt *st = &stmts[id];
	enum rc rc;

	*res = NULL;
	if ((rc = prepare_once(c, id, d)) != RC_OK)
		return rc;
	cost.sql++;
	if (!PQsendQueryPrepared(c->pg, st->name, st->nargs, argv, NULL, NULL, 0))
		return RC_DOWN;
	return wait_result(c, st, d, res);
}

static bool
too_old(const struct db *db, const struct conn *c)
{
	return clock_mono_ms() - c->born_ms > db->settings->postgresql_lifetime * 1000;
}

/* A borrowed connection that is open; on failure nothing is borrowed. */
static enum rc
borrow(const struct db *db, struct pool *pool, struct deadline d, struct conn **out)
{
	void *item;
	enum rc rc = pool_take(pool, d, &item);

	*out = item;
	if (rc != RC_OK)
		return rc;
	if (*out != NULL && too_old(db, *out)) {
		conn_close(*out);
		*out = NULL;
	}
	if (*out == NULL && (*out = conn_open(db, pool, d, &rc)) == NULL) {
		pool_give(pool, NULL);
		return rc;
	}
	return RC_OK;
}

/* Give c back, or close it after a result that leaves it in doubt. */
static void
give_back(struct pool *pool, struct conn *c, enum rc rc)
{
	if (rc != RC_DOWN && rc != RC_BUSY) {
		pool_report(pool, true, NULL);
		pool_give(pool, c);
		return;
	}
	conn_close(c);
	pool_give(pool, NULL);
	if (rc == RC_DOWN)
		pool_clear(pool);
}

static enum rc
copy_rows(const PGresult *res, struct arena *a, const struct db_rows **out)
{
	struct db_rows *rows = arena_alloc(a, sizeof(*rows));
	int n = PQntuples(res), columns = PQnfields(res);

	if (rows == NULL ||
	    (rows->values = arena_alloc(a, (size_t)n * (size_t)columns * sizeof(char *))) == NULL)
		return RC_NOMEM;
	rows->n = n;
	rows->columns = columns;
	for (int i = 0; i < n * columns; i++) {
		int r = i / columns, col = i % columns;

		if (PQgetisnull(res, r, col))
			continue;
		rows->values[i] = arena_strndup(
		    a, PQgetvalue(res, r, col), (size_t)PQgetlength(res, r, col));
		if (rows->values[i] == NULL)
			return RC_NOMEM;
	}
	*out = rows;
	return RC_OK;
}

enum rc
db_query(struct db *db, struct deadline d, struct arena *a, enum sql id, const char *const argv[],
    const struct db_rows **rows)
{
	struct pool *pool = stmts[id].readonly ? db->replicas : db->primary;
	int tries = stmts[id].readonly ? 2 : 1;
	PGresult *res = NULL;
	struct conn *c;
	enum rc rc;

	*rows = NULL;
	do {
		if ((rc = borrow(db, pool, d, &c)) != RC_OK)
			return rc;
		rc = execute(c, id, argv, d, &res);
		give_back(pool, c, rc);
	} while (rc == RC_DOWN && --tries > 0);
	if (rc == RC_OK)
		rc = copy_rows(res, a, rows);
	PQclear(res);
	return rc;
}

const char *
db_text(const struct db_rows *rows, int row, int column)
{
	return rows->values[row * rows->columns + column];
}

double
db_num(const struct db_rows *rows, int row, int column)
{
	const char *text = db_text(rows, row, column);
	double v = NAN;

	return text != NULL && str_to_num(text, &v) ? v : NAN;
}

int64_t
db_int(const struct db_rows *rows, int row, int column)
{
	const char *text = db_text(rows, row, column);
	int64_t v = 0;

	return text != NULL && str_to_int(text, &v) ? v : 0;
}

bool
db_bool(const struct db_rows *rows, int row, int column)
{
	const char *text = db_text(rows, row, column);

	return text != NULL && text[0] == 't';
}
