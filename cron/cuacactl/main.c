/* SPDX-License-Identifier: ISC
 *
 * cuacactl: what an admin asks of Cuaca and tells it. A command is a row in commands.c; here is what they all
 * start from.
 */
#include "base/clock.h"
#include "base/program.h"
#include "base/str.h"
#include "commands.h"

#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX (256 << 20)
#define STATEMENT_MS 30000
#define LIMIT_MAX 10000
#define RATE_MAX 1000000 /* as the table api_keys has it */
#define SPAN_MAX ((int64_t)3650 * 86400)

static struct ctl ctl;

static bool
take_number(const char *arg, int64_t max, int64_t *out)
{
	return str_to_int(arg, out) && *out >= 1 && *out <= max;
}

/* "90" is in seconds, "30m", "12h", "7d" and "2w" are not. */
static bool
take_span(const char *arg, int64_t *out)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char number[16];
	size_t len = strlen(arg), unit = 0;

	if (len == 0 || !str_copy(number, arg, sizeof(number)))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (arg[len - 1] == units[i].unit) {
			unit = i;
			number[len - 1] = '\0';
		}
	if (!take_number(number, SPAN_MAX / units[unit].seconds, out))
		return false;
	*out *= units[unit].seconds;
	return true;
}

static bool
take_option(int val, const char *arg)
{
	ctl.options |= (unsigned)val;
	switch (val) {
	case OPT_LIMIT: return take_number(arg, LIMIT_MAX, &ctl.limit);
	case OPT_RATE: return take_number(arg, RATE_MAX, &ctl.rate);
	case OPT_FOR: return take_span(arg, &ctl.seconds);
	case OPT_ROOM: ctl.room = arg; return true;
	case OPT_REASON: ctl.reason = arg; return arg[0] != '\0';
	default: return true;
	}
}

static void
start(int argc, char **argv, struct settings *s)
{
	static const struct option longopts[] = {
		{ "json", no_argument, NULL, OPT_JSON },
		{ "force", no_argument, NULL, OPT_FORCE },
		{ "limit", required_argument, NULL, OPT_LIMIT },
		{ "rate", required_argument, NULL, OPT_RATE },
		{ "room", required_argument, NULL, OPT_ROOM },
		{ "for", required_argument, NULL, OPT_FOR },
		{ "reason", required_argument, NULL, OPT_REASON },
		{ 0 },
	};
	static const struct program program = {
		.name = "cuacactl",
		.usage = "[--json] command ...",
		.options = longopts,
		.option = take_option,
		.operands = true,
		.interactive = true,
	};

	program_start(&program, argc, argv, s);
}

int
main(int argc, char **argv)
{
	static struct settings settings;
	int code;

	setlocale(LC_CTYPE, "C.UTF-8"); /* all our text is UTF-8, whatever the caller's locale */
	start(argc, argv, &settings);
	signal(SIGPIPE, SIG_IGN); /* a peer that left is an error of the next write, not our end */
	ctl.settings = &settings;
	ctl.now = clock_now();
	ctl.caller_logs_in = getenv("PGUSER") != NULL;
	setenv("PGUSER", "cuaca_admin", 0);
	ctl.db = db_open(&settings, "cuacactl", STATEMENT_MS);
	ctl.arena = arena_new(MEMORY_MAX);
	if (ctl.db == NULL || ctl.arena == NULL)
		code = ctl_failed(RC_NOMEM);
	else
		code = command_run(&ctl, argc - optind, argv + optind);
	arena_free(ctl.arena);
	db_close(ctl.db);
	return code;
}
