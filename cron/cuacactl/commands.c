/* SPDX-License-Identifier: ISC
 *
 * The table of commands: how a command is found, what it may be given, and the help made of it.
 */
#include "commands.h"

#include "table.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

struct command {
	const char *group;
	const char *verb; /* NULL: the group is a command by itself */
	int (*run)(struct ctl *ctl);
	int min, max; /* how many operands */
	unsigned options; /* the OPT_* it takes */
	const char *usage; /* operands and options */
	const char *help;
};

static int cmd_help(struct ctl *ctl);

static const struct command commands[] = {
	{ "status", NULL, cmd_status, 0, 0, OPT_JSON, "",
	    "age of the weather, quota, breaker, cities, last runs, sizes" },
	{ "city", "list", cmd_city_list, 0, 0, OPT_JSON, "", "cities that are served" },
	{ "city", "wanted", cmd_city_wanted, 0, 0, OPT_JSON | OPT_LIMIT, "[--limit n]",
	    "cities that are asked for and not tracked, most wanted first" },
	{ "city", "search", cmd_city_search, 1, INT_MAX, OPT_JSON | OPT_LIMIT, "name [--limit n]",
	    "cities by the beginning of their name, or something like it" },
	{ "city", "track", cmd_city_track, 1, INT_MAX, OPT_JSON | OPT_FORCE, "slug ... [--force]",
	    "collect their weather from now on, if the day's quota has room" },
	{ "city", "untrack", cmd_city_untrack, 1, INT_MAX, OPT_JSON, "slug ...",
	    "stop that; what is stored stays" },
	{ "key", "create", cmd_key_create, 1, 1, OPT_JSON | OPT_RATE, "name [--rate n]",
	    "make an API key and print it, this once" },
	{ "key", "list", cmd_key_list, 0, 0, OPT_JSON, "", "all API keys, revoked ones too" },
	{ "key", "revoke", cmd_key_revoke, 1, 1, OPT_JSON, "name", "end an API key" },
	{ "ingest", "now", cmd_ingest_now, 0, 0, 0, "", "collect the weather now" },
	{ "migrate", NULL, cmd_migrate, 0, 1, 0, "[conninfo]", "bring the database up to date" },
	{ "chat", "who", cmd_chat_who, 0, 1, OPT_JSON, "[room]",
	    "who is in a room now (broadcast: everybody), and from where" },
	{ "chat", "tail", cmd_chat_tail, 0, INT_MAX, OPT_JSON, "[room ...]",
	    "look in: print what is said from now on, in all rooms but private ones" },
	{ "chat", "say", cmd_chat_say, 2, INT_MAX, 0, "room word ...", "say something there" },
	{ "chat", "said", cmd_chat_said, 1, 1, OPT_JSON | OPT_LIMIT, "name [--limit n]",
	    "what somebody said lately, not in private" },
	{ "chat", "rooms", cmd_chat_rooms, 0, 0, OPT_JSON, "", "groups" },
	{ "chat", "users", cmd_chat_users, 0, 1, OPT_JSON | OPT_LIMIT, "[part of name] [--limit n]",
	    "accounts and guests" },
	{ "chat", "admin", cmd_chat_admin, 2, 2, 0, "name on|off",
	    "let somebody moderate the whole chat, or not" },
	{ "chat", "kick", cmd_chat_kick, 1, 1, OPT_ROOM | OPT_REASON,
	    "name [--room room] [--reason text]",
	    "close somebody's connections, or just show him out of a room" },
	{ "chat", "logout", cmd_chat_logout, 1, 1, 0, "name", "end all of somebody's tokens" },
	{ "chat", "mute", cmd_chat_mute, 1, 1, OPT_ROOM | OPT_FOR | OPT_REASON,
	    "name [--room room] [--for 30m|12h|7d] [--reason text]",
	    "let somebody write no more, there or anywhere" },
	{ "chat", "unmute", cmd_chat_unmute, 1, 1, OPT_ROOM, "name [--room room]", "end that" },
	{ "chat", "ban", cmd_chat_ban, 1, 1, OPT_ROOM | OPT_FOR | OPT_REASON,
	    "name [--room room] [--for 30m|12h|7d] [--reason text]",
	    "keep somebody out, of there or of the chat" },
	{ "chat", "unban", cmd_chat_unban, 1, 1, OPT_ROOM, "name [--room room]", "end that" },
	{ "chat", "sanctions", cmd_chat_sanctions, 0, 1, OPT_JSON | OPT_LIMIT, "[room] [--limit n]",
	    "mutes and bans in force" },
	{ "check", NULL, cmd_check, 0, 0, OPT_JSON, "", "settings, PostgreSQL, Redis and NATS" },
	{ "help", NULL, cmd_help, 0, 1, 0, "[command]", "this list" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct {
	unsigned option;
	const char *name;
} option_names[] = {
	{ OPT_JSON, "--json" },
	{ OPT_FORCE, "--force" },
	{ OPT_LIMIT, "--limit" },
	{ OPT_RATE, "--rate" },
	{ OPT_ROOM, "--room" },
	{ OPT_FOR, "--for" },
	{ OPT_REASON, "--reason" },
};

/* "city track", or "status". */
static const char *
name_of(struct ctl *ctl, const struct command *c)
{
	const char *name = c->verb == NULL ? c->group
					   : arena_printf(ctl->arena, "%s %s", c->group, c->verb);

	return name != NULL ? name : c->group;
}

static int
cmd_help(struct ctl *ctl)
{
	static const struct column columns[] = { { .title = NULL }, { .title = NULL } };
	const char *group = ctl->argc > 0 ? ctl->argv[0] : NULL;
	struct table *t = table_new(ctl->arena, 2, columns);
	bool found = false;

	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (group != NULL && strcmp(group, c->group) != 0)
			continue;
		found = true;
		table_cell(t, "%s%s%s", name_of(ctl, c), c->usage[0] != '\0' ? " " : "", c->usage);
		table_cell(t, "%s", c->help);
	}
	if (!found) {
		ctl_say("%s: no such command; cuacactl help lists them", group);
		return EXIT_USAGE;
	}
	if (group == NULL)
		puts("usage: cuacactl [-dhtT] [-c file] [--json] command ...\n");
	return table_print(t);
}

/* Say which verbs a group has: "city: list, search or track?" */
static int
ask_for_verb(const char *group)
{
	struct buf verbs = BUF_INIT(1024);

	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(group, commands[i].group) == 0)
			buf_printf(&verbs, " %s", commands[i].verb);
	if (buf_ok(&verbs) && verbs.p != NULL)
		ctl_say("%s: say which one:%s", group, verbs.p);
	buf_free(&verbs);
	return EXIT_USAGE;
}

/* The row for the words; NULL after saying what is wrong. */
static const struct command *
find(int nwords, char **words)
{
	bool is_group = false;

	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (strcmp(words[0], c->group) != 0)
			continue;
		is_group = true;
		if (c->verb == NULL || (nwords > 1 && strcmp(words[1], c->verb) == 0))
			return c;
	}
	if (is_group)
		ask_for_verb(words[0]);
	else
		ctl_say("%s: no such command; cuacactl help lists them", words[0]);
	return NULL;
}

static bool
options_allowed(struct ctl *ctl, const struct command *c)
{
	for (size_t i = 0; i < sizeof(option_names) / sizeof(option_names[0]); i++)
		if ((ctl->options & ~c->options & option_names[i].option) != 0) {
			ctl_say("%s takes no %s", name_of(ctl, c), option_names[i].name);
			return false;
		}
	return true;
}

static bool
operands_allowed(struct ctl *ctl, const struct command *c)
{
	if (ctl->argc >= c->min && ctl->argc <= c->max)
		return true;
	if (c->max == 0)
		ctl_say("%s: nothing comes after %s", ctl->argv[0], name_of(ctl, c));
	else
		ctl_say("usage: cuacactl %s %s", name_of(ctl, c), c->usage);
	return false;
}

int
command_run(struct ctl *ctl, int nwords, char **words)
{
	const struct command *c;
	int own;

	if (nwords == 0) {
		ctl_say("no command; cuacactl help lists them");
		return EXIT_USAGE;
	}
	if ((c = find(nwords, words)) == NULL)
		return EXIT_USAGE;
	own = c->verb != NULL ? 2 : 1;
	ctl->argc = nwords - own;
	ctl->argv = words + own;
	return options_allowed(ctl, c) && operands_allowed(ctl, c) ? c->run(ctl) : EXIT_USAGE;
}
