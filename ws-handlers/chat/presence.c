/* SPDX-License-Identifier: ISC
 *
 * The scripts, and what they say.
 */
#include "presence.h"

#include "base/clock.h"
#include "conn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define GRACE_MS 10000 /* that a renewal may be late */

/* KEYS: two for each room. ARGV: user, connection, milliseconds to stay, or "0" to leave.
 * Returns for each room the number of users, then "+name" and "-name" for those who came and went. */
static const char script[] =
    "local t = redis.call('TIME') "
    "local now, out = t[1] * 1000 + math.floor(t[2] / 1000), {} "
    "local who, stay = ARGV[1] .. '/' .. ARGV[2], tonumber(ARGV[3]) "
    "local function count(users, user, by) "
    "  local n = redis.call('HINCRBY', users, user, by) "
    "  if n <= 0 then redis.call('HDEL', users, user) end "
    "  if n <= 0 then return '-' .. user elseif n == 1 and by > 0 then return '+' .. user end "
    "end "
    "for i = 1, #KEYS, 2 do "
    "  local set, users, news = KEYS[i], KEYS[i + 1], {} "
    "  if stay > 0 and redis.call('ZADD', set, now + stay, who) == 1 then "
    "    news[#news + 1] = count(users, ARGV[1], 1) "
    "  elseif stay == 0 and redis.call('ZREM', set, who) == 1 then "
    "    news[#news + 1] = count(users, ARGV[1], -1) "
    "  end "
    "  for _, late in ipairs(redis.call('ZRANGEBYSCORE', set, '-inf', now)) do "
    "    redis.call('ZREM', set, late) "
    "    news[#news + 1] = count(users, string.match(late, '^[^/]+'), -1) "
    "  end "
    "  if stay > 0 then "
    "    redis.call('PEXPIRE', set, 2 * stay) "
    "    redis.call('PEXPIRE', users, 2 * stay) "
    "  end "
    "  out[#out + 1] = redis.call('HLEN', users) "
    "  for _, s in ipairs(news) do out[#out + 1] = s end "
    "end "
    "return out";

/* KEYS: a room's users. ARGV: how many names. Returns their number, then names. */
static const char who_script[] = "local names = redis.call('HKEYS', KEYS[1]) "
				 "local out = { #names } "
				 "table.sort(names) "
				 "for i = 1, math.min(#names, tonumber(ARGV[1])) do "
				 "  out[#out + 1] = names[i] "
				 "end "
				 "return out";

static const char here_script[] = "local out = { 0 } "
				  "for _, name in ipairs(ARGV) do "
				  "  if redis.call('HEXISTS', KEYS[1], name) == 1 then "
				  "    out[#out + 1] = name "
				  "  end "
				  "end "
				  "out[1] = #out - 1 "
				  "return out";

/* Tell a room who came or went. */
static void
tell(struct conn *c, const char *room, const char *news, int64_t members)
{
	char subject[ROOM_SUBJECT_SIZE], text[160];
	int len = snprintf(text, sizeof(text),
	    "{\"event\":\"%s\",\"user\":\"%s\",\"members\":%" PRId64 "}",
	    news[0] == '+' ? "join" : "leave", news + 1, members);

	snprintf(subject, sizeof(subject), ROOM_LIVE "%s", room);
	live_publish(c->live, subject, text, (size_t)len);
}

/* The script's arguments: the keys of n rooms, then the rest. */
static const char **
arguments(struct conn *c, int n, const char *const rooms[], const char *stay, int *argc)
{
	const char **argv = arena_alloc(c->arena, ((size_t)n * 2 + 3) * sizeof(*argv));
	int at = 0;

	if (argv == NULL)
		return NULL;
	for (int i = 0; i < n; i++) {
		argv[at++] = arena_printf(c->arena, "presence:%s", rooms[i]);
		argv[at++] = arena_printf(c->arena, "presence:%s:users", rooms[i]);
	}
	argv[at++] = c->token.sub;
	argv[at++] = c->id;
	argv[at++] = stay;
	*argc = at;
	return argv;
}

/* Run the script for n rooms and tell what it says. Returns the users in the last one. */
static int64_t
run(struct conn *c, int n, const char *const rooms[], int64_t stay_ms)
{
	char stay[24];
	const char **argv, **out = NULL;
	int64_t members = -1;
	int argc, nout = 0, room = -1;

	if (n == 0)
		return 0;
	snprintf(stay, sizeof(stay), "%" PRId64, stay_ms);
	argv = arguments(c, n, rooms, stay, &argc);
	if (argv == NULL || cache_script(c->cache, conn_patience(c), c->arena, script, 2 * n, argc,
				argv, &nout, &out) != RC_OK)
		return -1;
	for (int i = 0; i < nout; i++)
		if (out[i][0] != '+' && out[i][0] != '-') {
			room++;
			members = strtoll(out[i], NULL, 10);
		} else if (strcmp(rooms[room], "broadcast") != 0) {
			tell(c, rooms[room], out[i], members);
		}
	return members;
}

/* Those rooms of the connection that have presence, or that of one channel. */
static int64_t
run_for(struct conn *c, const struct channel *only, int64_t stay_ms)
{
	const char **rooms;
	int n = 0;

	for (const struct channel *ch = c->channels; ch != NULL; ch = ch->next)
		n++;
	rooms = arena_alloc(c->arena, ((size_t)n + 1) * sizeof(*rooms));
	n = 0;
	for (const struct channel *ch = c->channels; ch != NULL && rooms != NULL; ch = ch->next)
		if (ch->kind != ROOM_PRIVATE && (ch == only || (only == NULL && !ch->fresh)))
			rooms[n++] = ch->room;
	return run(c, n, rooms, stay_ms);
}

int64_t
presence_renew(struct conn *c, const struct channel *ch)
{
	return run_for(c, ch, c->settings->ws_ping * 1000 + GRACE_MS);
}

void
presence_leave(struct conn *c, const struct channel *ch)
{
	run_for(c, ch, 0);
}

enum rc
presence_who(
    struct conn *c, const struct room *r, int max, int64_t *members, int *n, const char ***users)
{
	bool two = r->kind == ROOM_PRIVATE;
	char most[24];
	const char *argv[] = { two ? "presence:broadcast:users"
				   : arena_printf(c->arena, "presence:%s:users", r->text),
		two ? r->name : most, r->other };
	const char **out;
	enum rc rc;
	int nout;

	if (argv[0] == NULL)
		return RC_NOMEM;
	snprintf(most, sizeof(most), "%d", max);
	rc = cache_script(c->cache, conn_patience(c), c->arena, two ? here_script : who_script, 1,
	    two ? 3 : 2, argv, &nout, &out);
	if (rc != RC_OK || nout < 1)
		return rc != RC_OK ? rc : RC_DOWN;
	*members = strtoll(out[0], NULL, 10);
	*n = nout - 1;
	*users = out + 1;
	return RC_OK;
}
