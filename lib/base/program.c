/* SPDX-License-Identifier: ISC
 *
 * Command line shared by all programs.
 */
#include "base/program.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

struct command {
	const char *file;
	bool check, print, readable;
};

static void
print_usage(const struct program *p, FILE *to)
{
	fprintf(to, "usage: %s [-dhtT] [-c file]%s%s\n", p->name, p->usage[0] != '\0' ? " " : "",
	    p->usage);
}

static void
parse(const struct program *p, int argc, char **argv, struct command *cmd)
{
	static const struct option none[] = { { 0 } };
	int c;

	while ((c = getopt_long(
		    argc, argv, "c:dhtT", p->options != NULL ? p->options : none, NULL)) != -1) {
		switch (c) {
		case 'c': cmd->file = optarg; break;
		case 'd': cmd->readable = true; break;
		case 't': cmd->check = true; break;
		case 'T': cmd->print = true; break;
		case 'h': print_usage(p, stdout); exit(EXIT_DONE);
		default:
			if (c != '?' && p->option(c, optarg))
				break;
			if (c != '?')
				fprintf(stderr, "%s: %s cannot be used here\n", p->name, optarg);
			print_usage(p, stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc && !p->operands) {
		fprintf(stderr, "%s: %s: not an option\n", p->name, argv[optind]);
		print_usage(p, stderr);
		exit(EXIT_USAGE);
	}
}

void
program_start(const struct program *p, int argc, char **argv, struct settings *s)
{
	struct command cmd = { 0 };

	parse(p, argc, argv, &cmd);
	if (settings_load(s, cmd.file) != RC_OK)
		exit(EXIT_CONFIG);
	if (cmd.print)
		settings_print(s);
	if (cmd.print || cmd.check)
		exit(EXIT_DONE);
	log_open(p->name,
	    cmd.readable || p->interactive ? LOG_SINK_TEXT
	    : s->log_to == LOG_TO_SYSLOG   ? LOG_SINK_SYSLOG
					   : LOG_SINK_JSON,
	    (enum log_level)s->log_level);
}
