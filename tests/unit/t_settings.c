/* SPDX-License-Identifier: ISC
 *
 * base/settings: where a value comes from, and what each kind of mistake says.
 */
#include "unit.h"

#include "base/settings.h"
#include "capture.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char dir[] = "/tmp/cuaca-settings-XXXXXX";
static char conf[64], secret[64];
static struct settings s;
static struct capture captured;

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fputs(text, f) >= 0, 1);
	fclose(f);
}

/* Load a file of this text; what it said on standard error is in captured. */
static enum rc
load(const char *text)
{
	enum rc rc;

	write_file(conf, text);
	capture_begin(&captured, STDERR_FILENO);
	rc = settings_load(&s, conf);
	capture_end(&captured);
	return rc;
}

static void
without_a_file_there_are_defaults(void **state)
{
	(void)state;
	assert_int_equal(settings_load(&s, NULL), RC_OK);
	assert_int_equal(s.http_port, 8080);
	assert_int_equal(s.web, WEB_NGINX);
	assert_int_equal(s.cache, 1);
	assert_int_equal(s.threads, 64);
	assert_int_equal(s.postgresql_pool, 25);
	assert_string_equal(s.var, "var");
	assert_string_equal(s.redis_password, "");
	assert_int_equal(s.source, SOURCE_OPEN_METEO);
	assert_int_equal(s.ingest_interval, 900);
	assert_int_equal(s.stale_after, 900);
}

static void
the_file_beats_the_default_and_the_environment_the_file(void **state)
{
	(void)state;
	assert_int_equal(load("# a comment\n; another\n\nhttp_port = 9090\nweb=lighttpd\n  \nvar = "
			      " a folder with spaces  \nredis = h:1\n"),
	    RC_OK);
	assert_int_equal(s.http_port, 9090);
	assert_int_equal(s.web, WEB_LIGHTTPD);
	assert_string_equal(s.var, "a folder with spaces");
	assert_string_equal(s.redis, "h:1");
	assert_int_equal(s.threads, 64);

	setenv("CUACA_HTTP_PORT", "7070", 1);
	setenv("CUACA_WEB", "nginx", 1);
	assert_int_equal(load("http_port = 9090\nweb = lighttpd\n"), RC_OK);
	unsetenv("CUACA_HTTP_PORT");
	unsetenv("CUACA_WEB");
	assert_int_equal(s.http_port, 7070);
	assert_int_equal(s.web, WEB_NGINX);
	assert_int_equal(captured.len, 0);
}

static void
borders_belong_to_the_range(void **state)
{
	(void)state;
	assert_int_equal(load("http_port = 1\nthreads = 1024\nrate_api = 0\n"), RC_OK);
	assert_int_equal(s.http_port, 1);
	assert_int_equal(s.threads, 1024);
	assert_int_equal(s.rate_api, 0);
	assert_int_equal(load("http_port = 65535\n"), RC_OK);
}

static void
values_are_taken_as_they_stand(void **state)
{
	(void)state;
	assert_int_equal(load("redis_password = a ;b #c \"d\" = e\n"), RC_OK);
	assert_string_equal(s.redis_password, "a ;b #c \"d\" = e");
	assert_int_equal(load("http_port = 80 ; not a comment\n"), RC_INVALID);
}

static void
a_mistake_names_file_line_and_key(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *says;
	} rows[] = {
		{ "colour = red\n", 1, "colour: no such setting" },
		{ "# x\n\nhttp_prot = 80\n", 3, "http_prot: no such setting" },
		{ "HTTP_PORT = 80\n", 1, "HTTP_PORT: no such setting" },
		{ "http_port = eighty\n", 1, "http_port: \"eighty\" is not a whole number" },
		{ "http_port =\n", 1, "http_port: \"\" is not a whole number" },
		{ "http_port = 80.5\n", 1, "is not a whole number" },
		{ "http_port = 0\n", 1, "http_port: 0 is not between 1 and 65535" },
		{ "threads = 64\nhttp_port = 65536\n", 2,
		    "http_port: 65536 is not between 1 and 65535" },
		{ "http_port = 99999999999999999999\n", 1, "http_port: " },
		{ "http_port = -1\n", 1, "http_port: -1 is not between" },
		{ "chat_rooms = 199\n", 1, "chat_rooms: 199 is not between 1 and 198" },
		{ "web = apache\n", 1,
		    "web: \"apache\" is not a choice (web server: nginx or lighttpd)" },
		{ "cache = yes\n", 1, "cache: \"yes\" is not a choice" },
		{ "[weather]\nthreads = 64\n", 2, "sections are not used" },
		{ "threads 64\n", 1, "not a \"name = value\" line" },
		{ "threads = 64\n  cache\n", 2, "not a \"name = value\" line" },
		{ "redis_password_file = /nonexistent/secret\n", 1,
		    "redis_password_file: /nonexistent/secret: No such file" },
		{ "redis_password_file = /\n", 1, "redis_password_file: /: " },
		{ "redis_file = /etc/hostname\n", 1, "redis_file: no such setting" },
		{ "postgresql_password_file\n", 1, "not a \"name = value\" line" },
		{ "chat_secret = 1234567890123456789012345678901\n", 1,
		    "chat_secret: shorter than 32 bytes" },
		{ "http_port = eighty\nweb = apache\n", 1, "http_port" }, /* the first one */
	};
	char where[128];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(where, sizeof(where), "%s:%d: ", conf, rows[i].line);
		if (load(rows[i].text) != RC_INVALID ||
		    strncmp(captured.text, where, strlen(where)) != 0 ||
		    strstr(captured.text, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, captured.text);
		assert_ptr_equal(strchr(captured.text, '\n'), captured.text + captured.len - 1);
	}
}

static void
values_have_a_length(void **state)
{
	char line[SETTING_TEXT + 64];

	(void)state;
	snprintf(line, sizeof(line), "var = %0*d\n", SETTING_TEXT - 1, 0);
	assert_int_equal(load(line), RC_OK);
	assert_int_equal(strlen(s.var), SETTING_TEXT - 1);
	snprintf(line, sizeof(line), "var = %0*d\n", SETTING_TEXT, 0);
	assert_int_equal(load(line), RC_INVALID);
	assert_non_null(strstr(captured.text, ":1: var: longer than 511 bytes"));
}

static void
a_mistake_in_the_environment_names_the_variable(void **state)
{
	(void)state;
	setenv("CUACA_HTTP_PORT", "", 1);
	assert_int_equal(load(""), RC_INVALID);
	unsetenv("CUACA_HTTP_PORT");
	assert_non_null(strstr(captured.text, "environment variable CUACA_HTTP_PORT: "));
	setenv("CUACA_NATS_TOKEN_FILE", "/nonexistent", 1);
	assert_int_equal(load(""), RC_INVALID);
	unsetenv("CUACA_NATS_TOKEN_FILE");
	assert_non_null(strstr(captured.text, "nats_token_file: /nonexistent: "));
}

static void
no_file_is_a_mistake(void **state)
{
	enum rc rc;

	(void)state;
	capture_begin(&captured, STDERR_FILENO);
	rc = settings_load(&s, "/nonexistent/cuaca.conf");
	capture_end(&captured);
	assert_int_equal(rc, RC_INVALID);
	assert_string_equal(captured.text, "/nonexistent/cuaca.conf: No such file or directory\n");
}

static void
secrets_may_come_from_a_file(void **state)
{
	char line[256];

	(void)state;
	snprintf(line, sizeof(line), "redis_password_file = %s\n", secret);
	write_file(secret, "s3cret phrase\nsecond line\n");
	assert_int_equal(load(line), RC_OK);
	assert_string_equal(s.redis_password, "s3cret phrase");
	write_file(secret, "no newline");
	assert_int_equal(load(line), RC_OK);
	assert_string_equal(s.redis_password, "no newline");
	write_file(secret, "windows\r\n");
	assert_int_equal(load(line), RC_OK);
	assert_string_equal(s.redis_password, "windows");
	write_file(secret, "");
	assert_int_equal(load(line), RC_INVALID);
	assert_non_null(strstr(captured.text, "no line in it"));

	write_file(secret, "from the environment's file\n");
	setenv("CUACA_REDIS_PASSWORD_FILE", secret, 1);
	assert_int_equal(load("redis_password = plain\n"), RC_OK);
	unsetenv("CUACA_REDIS_PASSWORD_FILE");
	assert_string_equal(s.redis_password, "from the environment's file");
	assert_int_equal(load("redis_password = plain\n"), RC_OK);
	assert_string_equal(s.redis_password, "plain");
}

static void
a_secret_that_may_not_be_read_is_named(void **state)
{
	bool root = geteuid() == 0;
	char line[256];
	enum rc rc;

	(void)state;
	snprintf(line, sizeof(line), "# x\nredis_password_file = %s\n", secret);
	write_file(conf, line);
	write_file(secret, "s3cret\n");
	chmod(dir, 0755);
	chmod(secret, 0);
	if (root)
		assert_int_equal(seteuid(65534), 0); /* root reads everything */
	capture_begin(&captured, STDERR_FILENO);
	rc = settings_load(&s, conf);
	capture_end(&captured);
	if (root)
		assert_int_equal(seteuid(0), 0);
	chmod(secret, 0600);
	assert_int_equal(rc, RC_INVALID);
	assert_non_null(strstr(captured.text, ":2: redis_password_file: "));
	assert_non_null(strstr(captured.text, "Permission denied"));
	assert_null(strstr(captured.text, "s3cret"));
}

/* What settings_print() writes must mean the same to a shell, whatever the values hold. */
static void
printed_settings_are_for_a_shell(void **state)
{
	char command[256];
	FILE *sh;
	size_t n;

	(void)state;
	assert_int_equal(load("var = it's $HOME \"x\" `y`\nhttp_port = 81\nredis_password = "
			      "hidden\nnats_token = hidden\n"),
	    RC_OK);
	capture_begin(&captured, STDOUT_FILENO);
	settings_print(&s);
	capture_end(&captured);
	assert_null(strstr(captured.text, "hidden"));
	assert_null(strstr(captured.text, "_PASSWORD="));
	assert_non_null(strstr(captured.text, "CUACA_HTTP_PORT='81'\n"));
	assert_non_null(strstr(captured.text, "CUACA_WEB='nginx'\n"));
	assert_non_null(strstr(captured.text, "CUACA_DEBUG_HEADERS='off'\n"));

	write_file(conf, captured.text);
	snprintf(command, sizeof(command), ". %s && printf %%s \"$CUACA_VAR\"", conf);
	sh = popen(command, "r");
	assert_non_null(sh);
	n = fread(captured.text, 1, sizeof(captured.text) - 1, sh);
	captured.text[n] = '\0';
	assert_int_equal(pclose(sh), 0);
	assert_string_equal(captured.text, "it's $HOME \"x\" `y`");
}

static void
choices_have_names(void **state)
{
	(void)state;
	assert_string_equal(settings_choice("source", SOURCE_SIMULATOR), "simulator");
	assert_string_equal(settings_choice("web", WEB_LIGHTTPD), "lighttpd");
	assert_string_equal(settings_choice("threads", 0), "");
}

/* What settings_print() says after loading this file. */
static const char *
printed(const char *file)
{
	capture_begin(&captured, STDOUT_FILENO);
	if (settings_load(&s, file) == RC_OK)
		settings_print(&s);
	capture_end(&captured);
	return captured.text;
}

static bool
is_secret(const char *name)
{
	return strstr(name, "_password") != NULL || strcmp(name, "nats_token") == 0 ||
	       strncmp(name, "chat_secret", 11) == 0 || strcmp(name, "open_meteo_key") == 0;
}

/* etc/cuaca.conf shows every setting, commented out, at its default: with the # taken away it changes nothing. */
static void
the_example_says_what_the_table_says(void **state)
{
	static char defaults[65536];
	FILE *in = fopen("etc/cuaca.conf", "r"), *out = fopen(conf, "w");
	size_t shown = 0, settings = 0, len;
	char line[1024];

	(void)state;
	if (in == NULL || out == NULL)
		fail_msg("etc/cuaca.conf: run this from the top folder");
	while (fgets(line, sizeof(line), in) != NULL) {
		len = strspn(line + 1, "abcdefghijklmnopqrstuvwxyz_");
		if (line[0] != '#' || len == 0 || strncmp(line + 1 + len, " =", 2) != 0)
			continue;
		fputs(line + 1, out);
		line[1 + len] = '\0';
		shown += !is_secret(line + 1);
	}
	fclose(in);
	fclose(out);
	strcpy(defaults, printed(NULL));
	for (const char *c = defaults; *c != '\0'; c++)
		settings += *c == '\n';
	assert_string_equal(printed("etc/cuaca.conf"), defaults);
	assert_string_equal(printed(conf), defaults);
	assert_int_equal(shown, settings);
}

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(conf, sizeof(conf), "%s/conf", dir);
	snprintf(secret, sizeof(secret), "%s/secret", dir);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(conf);
	unlink(secret);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_there_are_defaults),
		cmocka_unit_test(the_file_beats_the_default_and_the_environment_the_file),
		cmocka_unit_test(borders_belong_to_the_range),
		cmocka_unit_test(values_are_taken_as_they_stand),
		cmocka_unit_test(a_mistake_names_file_line_and_key),
		cmocka_unit_test(values_have_a_length),
		cmocka_unit_test(a_mistake_in_the_environment_names_the_variable),
		cmocka_unit_test(no_file_is_a_mistake),
		cmocka_unit_test(secrets_may_come_from_a_file),
		cmocka_unit_test(a_secret_that_may_not_be_read_is_named),
		cmocka_unit_test(printed_settings_are_for_a_shell),
		cmocka_unit_test(choices_have_names),
		cmocka_unit_test(the_example_says_what_the_table_says),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
