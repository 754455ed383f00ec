/* SPDX-License-Identifier: ISC
 *
 * One script for opening and renewing, so that a record that Redis has lost comes back; one for the end.
 */
#include "record.h"

#include "base/clock.h"
#include "conn.h"
#include "presence.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define GRACE_S 35 /* that a renewal may be late */
#define FIELDS_MAX (FAULT__MAX + BYE__MAX + 5)

/* KEYS: the session, the address's set, the user's. ARGV: connection, seconds to stay, most of the address, most of
 * the user (0: any number), a connection of the user's that will go and is not counted, then the session's fields.
 * Returns whether there was room. It stays in the sets until it has gone: whoever names one has but one more. */
static const char
    open_script[] = "local t = redis.call('TIME') "
		    "local now, stay = t[1] * 1000 + math.floor(t[2] / 1000), tonumber(ARGV[2]) "
		    "local own = redis.call('ZSCORE', KEYS[3], ARGV[5]) "
		    "for i = 2, 3 do "
		    "  local most = tonumber(ARGV[i + 1]) "
		    "  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now) "
		    "  local n = redis.call('ZCARD', KEYS[i]) "
		    "  if own and redis.call('ZSCORE', KEYS[i], ARGV[5]) then n = n - 1 end "
		    "  if most > 0 and n >= most then return { 0 } end "
		    "end "
		    "for i = 2, 3 do "
		    "  redis.call('ZADD', KEYS[i], now + stay * 1000, ARGV[1]) "
		    "  redis.call('EXPIRE', KEYS[i], stay) "
		    "end "
		    "redis.call('HSET', KEYS[1], unpack(ARGV, 6)) "
		    "redis.call('EXPIRE', KEYS[1], stay) "
		    "return { 1 }";

/* KEYS: as above, and the counters. ARGV: connection, then counters and what to add. */
static const char close_script[] =
    "redis.call('DEL', KEYS[1]) "
    "redis.call('ZREM', KEYS[2], ARGV[1]) "
    "redis.call('ZREM', KEYS[3], ARGV[1]) "
    "for i = 2, #ARGV, 2 do redis.call('HINCRBY', KEYS[4], ARGV[i], ARGV[i + 1]) end "
    "return {}";

/* The user's groups, separated by commas. */
static const char *
groups_text(struct conn *c)
{
	const char **groups = c->rights.user.groups;
	size_t size = 1;
	char *text, *end;

	for (const char **g = groups; *g != NULL; g++)
		size += strlen(*g) + 1;
	if ((text = end = arena_alloc(c->arena, size)) == NULL)
		return NULL;
	*end = '\0';
	for (const char **g = groups; *g != NULL; g++)
		end = stpcpy(stpcpy(end, g > groups ? "," : ""), *g);
	return text;
}

static void
add_keys(struct conn *c, const char *argv[3])
{
	argv[0] = arena_printf(c->arena, "ws:sessions:%s", c->id);
	argv[1] = arena_printf(
	    c->arena, "ws:address:%s", c->address[0] != '\0' ? c->address : "unknown");
	argv[2] = arena_printf(c->arena, "ws:user:%s", c->token.sub);
}

static bool
all_there(int n, const char *const argv[])
{
	for (int i = 0; i < n; i++)
		if (argv[i] == NULL)
			return false;
	return true;
}

static enum rc
write_record(struct conn *c, int64_t most_address, int64_t most_user)
{
	char node[65] = "", since[CLOCK_TEXT], number[3][24];
	const char *argv[18], **out = NULL;
	enum rc rc = RC_NOMEM;
	int n = 0, nout = 0;

	gethostname(node, sizeof(node) - 1);
	snprintf(number[0], sizeof(number[0]), "%" PRId64, c->settings->ws_ping + GRACE_S);
	snprintf(
	    number[1], sizeof(number[1]), "%" PRId64, c->address[0] != '\0' ? most_address : 0);
	snprintf(number[2], sizeof(number[2]), "%" PRId64, most_user);
	add_keys(c, argv);
	n = 3;
	argv[n++] = c->id;
	for (int i = 0; i < 3; i++)
		argv[n++] = number[i];
	argv[n++] = c->replaces;
	argv[n++] = "username";
	argv[n++] = c->token.sub;
	argv[n++] = "groups";
	argv[n++] = groups_text(c);
	argv[n++] = "address";
	argv[n++] = c->address;
	argv[n++] = "node";
	argv[n++] = node;
	argv[n++] = "connected_at";
	argv[n++] = clock_format(c->since, since);
	if (all_there(n, argv))
		rc = cache_script(
		    c->cache, conn_patience(c), c->arena, open_script, 3, n, argv, &nout, &out);
	return rc == RC_OK && nout > 0 && strcmp(out[0], "0") == 0 ? RC_BUSY : rc;
}

enum rc
record_open(struct conn *c)
{
	enum rc rc = write_record(c, c->settings->ws_per_address, c->settings->ws_per_user);

	c->recorded = rc != RC_BUSY;
	return rc;
}

enum rc
record_renew(struct conn *c)
{
	return write_record(c, 0, 0);
}

/* A counter's name and number behind the other arguments, unless it is 0. */
static void
add_counter(struct conn *c, const char *argv[], int *n, const char *prefix, const char *name,
    int64_t number)
{
	if (number == 0)
		return;
	argv[(*n)++] = arena_printf(c->arena, "%s%s", prefix, name);
	argv[(*n)++] = arena_printf(c->arena, "%" PRId64, number);
}

static int
add_counters(struct conn *c, const char *argv[], int n)
{
	const struct counters *k = &c->count;

	add_counter(c, argv, &n, "", "connections", c->stage == STAGE_CONNECTED);
	add_counter(c, argv, &n, "", "messages", k->messages);
	add_counter(c, argv, &n, "", "delivered", k->delivered);
	add_counter(c, argv, &n, "", "recovered", k->recovered);
	add_counter(c, argv, &n, "", "not_recovered", k->not_recovered);
	for (int i = 0; i < FAULT__MAX; i++)
		add_counter(c, argv, &n, "errors_", say_fault_name((enum fault)i), k->faults[i]);
	for (int i = 0; i < BYE__MAX; i++)
		add_counter(c, argv, &n, "byes_", say_bye_name((enum bye)i), k->byes[i]);
	return n;
}

void
record_close(struct conn *c)
{
	const char *argv[5 + 2 * FIELDS_MAX], **out;
	int n, nout;

	add_keys(c, argv);
	argv[3] = "metrics:chat";
	argv[4] = c->id;
	n = add_counters(c, argv, 5);
	if ((c->recorded || n > 5) && all_there(n, argv))
		cache_script(
		    c->cache, conn_patience(c), c->arena, close_script, 4, n, argv, &nout, &out);
}
