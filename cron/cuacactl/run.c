/* SPDX-License-Identifier: ISC
 *
 * cuacactl ingest and migrate: other programs of Cuaca, found where this one was built or installed.
 */
#include "commands.h"
#include "folders.h" /* generated: CUACA_LIBEXECDIR, CUACA_DATADIR */

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The folder that this program is in, in the arena; NULL where the system doesn't say. */
static const char *
own_folder(struct ctl *ctl)
{
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len == -1)
		return NULL;
	path[len] = '\0';
	return arena_strdup(ctl->arena, dirname(path));
}

/* Where the program is: beside us, or else where it is installed. NULL after saying that it is nowhere. */
static const char *
find_program(struct ctl *ctl, const char *beside, const char *installed)
{
	const char *folder = own_folder(ctl);
	const char *path = folder != NULL ? arena_printf(ctl->arena, "%s/%s", folder, beside)
					  : NULL;

	if (path != NULL && access(path, X_OK) == 0)
		return path;
	if (access(installed, X_OK) == 0)
		return installed;
	ctl_say("%s: %s (nor is it %s)", installed, strerror(errno), path != NULL ? path : beside);
	return NULL;
}

/* Become the program. Returns only when that is not possible. */
static int
become(struct ctl *ctl, const char *role, const char *path, const char *const argv[])
{
	if (!ctl->caller_logs_in)
		setenv("PGUSER", role, 1);
	signal(SIGPIPE, SIG_DFL);
	fflush(stdout);
	execv(path, (char *const *)argv);
	ctl_say("%s: %s", path, strerror(errno));
	return EXIT_SYSTEM;
}

int
cmd_ingest_now(struct ctl *ctl)
{
	const char *path = find_program(ctl, "weather-ingest", CUACA_LIBEXECDIR "/weather-ingest");
	const char *argv[5] = { path };
	int n = 1;

	if (path == NULL)
		return EXIT_SYSTEM;
	if (isatty(STDERR_FILENO))
		argv[n++] = "-d";
	if (ctl->settings->file != NULL) {
		argv[n++] = "-c";
		argv[n++] = ctl->settings->file;
	}
	return become(ctl, "cuaca_ingest", path, argv);
}

/* sql/migrate's own exit codes are psql's. */
int
cmd_migrate(struct ctl *ctl)
{
	const char *path = find_program(ctl, "../../sql/migrate", CUACA_DATADIR "/sql/migrate");
	const char *conninfo = ctl->argc > 0 ? ctl->argv[0] : ctl->settings->postgresql;
	int status;
	pid_t pid;

	if (path == NULL)
		return EXIT_SYSTEM;
	if ((pid = fork()) == 0)
		_exit(become(ctl, "postgres", path, (const char *const[]){ path, conninfo, NULL }));
	if (pid == -1 || waitpid(pid, &status, 0) == -1) {
		ctl_say("%s: %s", path, strerror(errno));
		return EXIT_SYSTEM;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		puts("the database is up to date");
		return ctl_written();
	}
	ctl_say("the migration failed; what was applied before stays");
	return EXIT_PEER;
}
