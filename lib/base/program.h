/* SPDX-License-Identifier: ISC
 *
 * How every program starts: its command line, its settings, its log.
 */
#ifndef CUACA_PROGRAM_H
#define CUACA_PROGRAM_H

#include "base/settings.h"

#include <getopt.h>
#include <stdbool.h>

struct program {
	const char *name; /* in log lines and usage */
	const char *usage; /* the options of its own, as usage shows them; "" for none */
	const struct option
	    *options; /* long options of its own, ended by a zero row; NULL for none */
	bool (*option)(
	    int val, const char *arg); /* takes one of them; false where arg cannot be used */
	bool operands; /* there may be some: from argv[optind] on, after program_start() */
	bool
	    interactive; /* people start it: the log is readable text on standard error, as with -d */
};

/* Parse -c -t -T -d -h and the program's own options, load the settings, open the log. Returns only when the
 * program is to run: exits 0 after -t, -T and -h, 100 on wrong usage, 102 on wrong settings. */
void program_start(const struct program *p, int argc, char **argv, struct settings *s);

#endif
