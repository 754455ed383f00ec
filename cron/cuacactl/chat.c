/* SPDX-License-Identifier: ISC
 *
 * cuacactl chat: accounts, groups, mutes and bans. What is done from here is done in the name of ADMIN, which nobody
 * can register.
 */
#include "chat.h"

#include "base/clock.h"
#include "chat/mirror.h"
#include "chat/moderate.h"
#include "chat/state.h"
#include "commands.h"
#include "drivers/digest.h"
#include "list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define USERS_LIMIT 100
#define SAID_LIMIT 20
#define ROOMS_LIMIT "10000"
#define SANCTIONS_LIMIT 1000

int
chat_name_operand(const char *name)
{
	if (room_name_ok(name))
		return EXIT_DONE;
	ctl_say("\"%s\": names are 3 to 32 of a-z, 0-9, _ and -", name);
	return EXIT_USAGE;
}

int
chat_room_operand(const char *text, struct room *room)
{
	if (room_parse(text, room))
		return EXIT_DONE;
	ctl_say("\"%s\": rooms are broadcast, group.<name> and private.<name>.<name>, these two in "
		"order",
	    text);
	return EXIT_USAGE;
}

int
chat_connect(struct ctl *ctl, struct moderate_peers *p)
{
	*p = (struct moderate_peers){ .db = ctl->db,
		.cache = cache_open(ctl->settings),
		.bus = bus_open(ctl->settings, ADMIN) };
	if (p->cache != NULL && p->bus != NULL)
		return EXIT_DONE;
	chat_disconnect(p);
	return ctl_failed(RC_NOMEM);
}

void
chat_disconnect(struct moderate_peers *p)
{
	bus_close(p->bus);
	cache_close(p->cache);
}

/* Print what a query of these arguments brings. */
static int
list(struct ctl *ctl, enum sql id, const char *const argv[], const struct list_column columns[])
{
	const struct db_rows *rows;
	enum rc rc = ctl_query(ctl, id, argv, &rows);

	return rc == RC_OK ? list_print(ctl, rows, columns) : ctl_failed(rc);
}

int
cmd_chat_users(struct ctl *ctl)
{
	static const struct list_column columns[] = { { "name", "NAME", LIST_TEXT },
		{ "guest", "GUEST", LIST_BOOL }, { "admin", "ADMIN", LIST_BOOL },
		{ "created_at", "CREATED", LIST_TIME }, { "expires_at", "UNTIL", LIST_TIME },
		{ "groups", "GROUPS", LIST_INT }, { "banned", "BANNED", LIST_BOOL }, { 0 } };
	const char *part = ctl->argc > 0 ? ctl->argv[0] : "";
	const char *limit = ctl_int(ctl, ctl->limit != 0 ? ctl->limit : USERS_LIMIT);

	return list(ctl, SQL_USERS_LIST, (const char *[]){ part, "", limit }, columns);
}

int
cmd_chat_rooms(struct ctl *ctl)
{
	static const struct list_column columns[] = { { "name", "NAME", LIST_TEXT },
		{ "title", "TITLE", LIST_TEXT }, { "public", "PUBLIC", LIST_BOOL },
		{ "owner", "OWNER", LIST_TEXT }, { "members", "MEMBERS", LIST_INT },
		{ "created_at", "CREATED", LIST_TIME }, { 0 } };

	return list(ctl, SQL_ROOMS_ALL, (const char *[]){ "", ROOMS_LIMIT }, columns);
}

int
cmd_chat_said(struct ctl *ctl)
{
	static const struct list_column columns[] = { { "sent_at", "SENT", LIST_TIME_MS },
		{ "room", "ROOM", LIST_TEXT }, { "epoch", NULL, LIST_TEXT },
		{ "seq", "SEQ", LIST_INT }, { "body", "BODY", LIST_TEXT },
		{ "deleted", "DELETED", LIST_BOOL }, { 0 } };
	const char *limit = ctl_int(ctl, ctl->limit != 0 ? ctl->limit : SAID_LIMIT);
	const char *now = ctl_int(ctl, clock_now_ms());

	return list(ctl, SQL_HISTORY_USER, (const char *[]){ ctl->argv[0], now, limit }, columns);
}

int
cmd_chat_sanctions(struct ctl *ctl)
{
	static const struct list_column columns[] = { { "user", "USER", LIST_TEXT },
		{ "room", "ROOM", LIST_TEXT }, { "kind", "KIND", LIST_TEXT },
		{ "until", "UNTIL", LIST_TIME }, { "reason", "REASON", LIST_TEXT },
		{ "by", "BY", LIST_TEXT }, { "created_at", "SINCE", LIST_TIME }, { 0 } };
	const char *limit = ctl_int(ctl, ctl->limit != 0 ? ctl->limit : SANCTIONS_LIMIT);

	return ctl->argc > 0
		   ? list(ctl, SQL_SANCTIONS_LIST, (const char *[]){ ctl->argv[0], limit }, columns)
		   : list(ctl, SQL_SANCTIONS_ALL, (const char *[]){ limit }, columns);
}

/* Have Redis and the handlers know what has changed about a user. */
static int
mirror(struct ctl *ctl, const char *name)
{
	struct moderate_peers p;
	int code = chat_connect(ctl, &p);

	if (code != EXIT_DONE)
		return code;
	if (mirror_user(p.db, p.cache, p.bus, deadline_in(CHAT_MS), ctl->arena, name) != RC_OK)
		ctl_say("Redis or NATS is away: it takes effect within minutes of their return");
	chat_disconnect(&p);
	return EXIT_DONE;
}

int
cmd_chat_admin(struct ctl *ctl)
{
	const char *name = ctl->argv[0];
	bool on = strcmp(ctl->argv[1], "on") == 0;
	const struct db_rows *rows;
	enum rc rc;

	if (!on && strcmp(ctl->argv[1], "off") != 0) {
		ctl_say("\"%s\": say on or off", ctl->argv[1]);
		return EXIT_USAGE;
	}
	if (chat_name_operand(name) != EXIT_DONE)
		return EXIT_USAGE;
	rc = ctl_query(ctl, SQL_USER_ADMIN, (const char *[]){ name, on ? "t" : "f" }, &rows);
	if (rc != RC_OK)
		return ctl_failed(rc);
	if (rows->n == 0) {
		ctl_say("%s is a guest", name);
		return EXIT_USAGE;
	}
	if (!db_bool(rows, 0, 0))
		ctl_say("%s has no account here: it is the one of that name who logs in elsewhere",
		    name);
	printf("%s: %s admin of the chat\n", name, on ? "now an" : "no");
	return mirror(ctl, name) == EXIT_DONE ? ctl_written() : EXIT_SYSTEM;
}

/* Whether somebody who logs in elsewhere has been here under that name. */
static bool
is_from_elsewhere(struct ctl *ctl, const char *name)
{
	const char *key = arena_printf(ctl->arena, STATE_SEEN "%s", name);
	struct cache *cache = cache_open(ctl->settings);
	struct cache_value seen = { 0 };

	if (key != NULL && cache != NULL)
		(void)cache_get(cache, deadline_in(CHAT_MS), ctl->arena, 1, &key, &seen);
	cache_close(cache);
	return seen.data != NULL;
}

int
cmd_chat_logout(struct ctl *ctl)
{
	const char *name = ctl->argv[0];
	const struct db_rows *rows;
	enum rc rc;

	if (chat_name_operand(name) != EXIT_DONE)
		return EXIT_USAGE;
	rc = ctl_query(ctl, SQL_USER_VOID,
	    (const char *[]){
		name, ctl_int(ctl, ctl->now + 1), is_from_elsewhere(ctl, name) ? "t" : "f" },
	    &rows);
	if (rc != RC_OK)
		return ctl_failed(rc);
	if (rows->n == 0) {
		ctl_say("%s has no account here, nor been here from elsewhere", name);
		return EXIT_USAGE;
	}
	printf("%s: logged out everywhere\n", name);
	return mirror(ctl, name) == EXIT_DONE ? ctl_written() : EXIT_SYSTEM;
}

/* The room of --room, or the broadcast, whose log has what is said of the whole site. */
static int
room_option(struct ctl *ctl, struct room *room)
{
	int code = chat_room_operand(ctl->room != NULL ? ctl->room : "broadcast", room);

	if (code == EXIT_DONE && room->kind == ROOM_PRIVATE) {
		ctl_say("%s: there is nobody to keep out of a private conversation", ctl->room);
		return EXIT_USAGE;
	}
	return code;
}

/* Say what became of it. */
static int
judged(const struct ctl *ctl, const struct event *e, enum rc rc)
{
	if (rc == RC_CONFLICT) {
		ctl_say("%s: something later was said about this already", e->user);
		return EXIT_PEER;
	}
	if (rc == RC_DOWN || rc == RC_BUSY || rc == RC_NOTFOUND) {
		ctl_say(
		    "PostgreSQL or NATS is away: it is not certain that it was done; say it again");
		return EXIT_PEER;
	}
	if (rc != RC_OK)
		return ctl_failed(rc);
	printf("%s: %s%s%s\n", e->user, event_kind_name(e->kind), ctl->room != NULL ? " in " : "",
	    ctl->room != NULL ? ctl->room : "");
	return ctl_written();
}

static int
sanction(struct ctl *ctl, enum event_kind kind)
{
	char mid[DIGEST_TEXT];
	struct event e = { .kind = kind,
		.from = ADMIN,
		.mid = mid,
		.user = ctl->argv[0],
		.until = ctl->seconds != 0 ? ctl->now + ctl->seconds : 0,
		.site = ctl->room == NULL };
	struct moderate_peers p;
	struct room room;
	enum rc rc;

	if (chat_name_operand(e.user) != EXIT_DONE || room_option(ctl, &room) != EXIT_DONE)
		return EXIT_USAGE;
	if (digest_random(mid) != RC_OK || chat_connect(ctl, &p) != EXIT_DONE)
		return EXIT_SYSTEM;
	rc = moderate(&p, deadline_in(CHAT_MS), ctl->arena, &room, &e, ctl->reason);
	chat_disconnect(&p);
	return judged(ctl, &e, rc);
}

int
cmd_chat_mute(struct ctl *ctl)
{
	return sanction(ctl, EVENT_MUTE);
}

int
cmd_chat_unmute(struct ctl *ctl)
{
	return sanction(ctl, EVENT_UNMUTE);
}

int
cmd_chat_ban(struct ctl *ctl)
{
	return sanction(ctl, EVENT_BAN);
}

int
cmd_chat_unban(struct ctl *ctl)
{
	return sanction(ctl, EVENT_UNBAN);
}
