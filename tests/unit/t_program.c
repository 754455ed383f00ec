/* SPDX-License-Identifier: ISC
 *
 * base/program: what a command line may hold. Wrong usage ends the process, so each try is a child.
 */
#include "unit.h"

#include "base/program.h"
#include "capture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define RETURNED 42 /* what a child exits with when program_start() comes back as it should */

static struct capture captured;

static bool
take(int val, const char *arg)
{
	return val == 'n' && strcmp(arg, "1") == 0;
}

static const struct option longopts[] = { { "number", required_argument, NULL, 'n' }, { 0 } };

static const struct program strict = {
	.name = "strict", .usage = "[--number n]", .options = longopts, .option = take
};
static const struct program open_handed = { .name = "open",
	.usage = "[--number n] word ...",
	.options = longopts,
	.option = take,
	.operands = true };

/* The exit code of a child that starts p, where the first operand is to be word. */
static int
start(const struct program *p, const char *word, int argc, char **argv)
{
	int status = 0;
	pid_t pid;

	capture_begin(&captured, STDERR_FILENO);
	if ((pid = fork()) == 0) {
		struct settings s;

		program_start(p, argc, argv, &s);
		_exit(word == NULL                      ? optind == argc ? RETURNED : 1
		      : strcmp(argv[optind], word) == 0 ? RETURNED
							: 1);
	}
	waitpid(pid, &status, 0);
	capture_end(&captured);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define START(p, word, ...) \
	start(p, word, COUNT(((char *[]){ "program", __VA_ARGS__ })), \
	    (char *[]){ "program", __VA_ARGS__, NULL })

static void
options_alone(void **state)
{
	(void)state;
	assert_int_equal(START(&strict, NULL, "-d"), RETURNED);
	assert_int_equal(START(&strict, NULL, "--number", "1"), RETURNED);
	assert_int_equal(START(&strict, NULL, "-t"), EXIT_DONE);
	assert_int_equal(START(&strict, NULL, "--number", "2"), EXIT_USAGE);
	assert_non_null(strstr(captured.text, "2 cannot be used here"));
	assert_int_equal(START(&strict, NULL, "--other"), EXIT_USAGE);
	assert_int_equal(START(&strict, NULL, "-c", "/nonexistent"), EXIT_CONFIG);
}

static void
operands_only_where_they_are_wanted(void **state)
{
	(void)state;
	assert_int_equal(START(&strict, NULL, "word"), EXIT_USAGE);
	assert_non_null(strstr(captured.text, "word: not an option"));
	assert_int_equal(START(&open_handed, "word", "word"), RETURNED);
	assert_int_equal(START(&open_handed, NULL, "-d"), RETURNED);
}

static void
options_may_stand_behind_operands(void **state)
{
	(void)state;
	assert_int_equal(START(&open_handed, "one", "one", "--number", "1", "two"), RETURNED);
	assert_int_equal(START(&open_handed, "--number", "--", "--number"), RETURNED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_alone),
		cmocka_unit_test(operands_only_where_they_are_wanted),
		cmocka_unit_test(options_may_stand_behind_operands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
