/* SPDX-License-Identifier: ISC
 *
 * base/log: whatever is logged, a line is one JSON object of valid UTF-8, whole, and 2 KiB at most.
 */
#include "unit.h"

#include "base/log.h"
#include "base/rc.h"
#include "base/utf8.h"
#include "capture.h"

#include <cjson/cJSON.h>
#include <string.h>
#include <sys/wait.h>

#define LINE_MAX_BYTES 2048

static struct capture captured;

static void
log_one(enum log_level level, const char *msg, const struct log_field *fields)
{
	capture_begin(&captured, STDERR_FILENO);
	log_event(level, msg, fields);
	capture_end(&captured);
}

/* The object of the one line that was logged; the caller's, cJSON_Delete(). */
static cJSON *
the_line(void)
{
	cJSON *json;

	assert_in_range(captured.len, 2, LINE_MAX_BYTES);
	assert_int_equal(captured.text[captured.len - 1], '\n');
	assert_ptr_equal(
	    memchr(captured.text, '\n', captured.len), captured.text + captured.len - 1);
	assert_int_equal(strlen(captured.text), captured.len);
	assert_true(utf8_valid(captured.text, captured.len));
	captured.text[captured.len - 1] = '\0';
	json = cJSON_ParseWithOpts(captured.text, NULL, true);
	if (json == NULL)
		fail_msg("not JSON: %s", captured.text);
	assert_true(cJSON_IsObject(json));
	return json;
}

static const char *
text_of(const cJSON *json, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	assert_non_null(s);
	return s;
}

static void
a_line_has_its_fields(void **state)
{
	cJSON *json;

	(void)state;
	log_open("test", LOG_SINK_JSON, LOG_LEVEL_INFO);
	log_set_request("abc-1");
	log_one(LOG_LEVEL_WARN, "fetch refused",
	    LOG_WITH(log_s("url", "http://x/?a=\"b\""), log_i("status", -503), log_f("ratio", 0.25),
		log_s("none", NULL)));
	log_set_request(NULL);
	json = the_line();
	assert_int_equal(strlen(text_of(json, "ts")), strlen("2026-11-22T22:15:00.000Z"));
	assert_string_equal(text_of(json, "level"), "warn");
	assert_string_equal(text_of(json, "program"), "test");
	assert_string_equal(text_of(json, "msg"), "fetch refused");
	assert_string_equal(text_of(json, "request_id"), "abc-1");
	assert_string_equal(text_of(json, "url"), "http://x/?a=\"b\"");
	assert_string_equal(text_of(json, "none"), "");
	assert_int_equal(cJSON_GetObjectItem(json, "pid")->valueint, getpid());
	assert_int_equal(cJSON_GetObjectItem(json, "status")->valueint, -503);
	assert_true(cJSON_GetObjectItem(json, "ratio")->valuedouble == 0.25);
	cJSON_Delete(json);

	log_one(LOG_LEVEL_ERROR, "bare", NULL);
	json = the_line();
	assert_null(cJSON_GetObjectItem(json, "request_id"));
	cJSON_Delete(json);
}

static void
lower_levels_are_dropped(void **state)
{
	(void)state;
	log_open("test", LOG_SINK_JSON, LOG_LEVEL_WARN);
	log_one(LOG_LEVEL_INFO, "x", NULL);
	assert_int_equal(captured.len, 0);
	log_one(LOG_LEVEL_WARN, "x", NULL);
	assert_int_not_equal(captured.len, 0);
}

static void
every_byte_may_be_logged(void **state)
{
	char all[256], ascii[128];
	cJSON *json;

	(void)state;
	log_open("test", LOG_SINK_JSON, LOG_LEVEL_INFO);
	for (int i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = '\0';
	memcpy(ascii, all, 127);
	ascii[127] = '\0';
	log_one(LOG_LEVEL_INFO, ascii,
	    LOG_WITH(log_s("ascii", ascii), log_s("all", all), log_s("utf8", "東京 😀 °")));
	json = the_line();
	assert_string_equal(text_of(json, "msg"), ascii);
	assert_string_equal(text_of(json, "ascii"), ascii);
	assert_string_equal(text_of(json, "utf8"), "東京 😀 °");
	cJSON_Delete(json);
}

/* Each kind of long text, at each length around the cut, as message, as value, and behind other fields. */
static void
long_lines_are_cut_and_stay_json(void **state)
{
	static const char *const units[] = { "x", "\"", "\\", "\x01", "é", "€", "😀", "\x80", "\xff",
		"\xe2\x82", "é\xff" };
	static char text[8192];

	(void)state;
	log_open("test", LOG_SINK_JSON, LOG_LEVEL_INFO);
	for (size_t u = 0; u < COUNT(units); u++) {
		size_t size = strlen(units[u]);

		for (size_t len = 1500; len < 2300; len += len < 1700 ? 50 : 1) {
			size_t n = 0;

			memset(text, 'a', sizeof(text));
			for (n = len % 7; n + size < len; n += size)
				memcpy(text + n, units[u], size);
			text[n] = '\0';
			log_one(
			    LOG_LEVEL_INFO, "m", LOG_WITH(log_s("k", text), log_s("after", "z")));
			cJSON_Delete(the_line());
			if (len % 16 == 0) {
				log_one(LOG_LEVEL_INFO, text,
				    LOG_WITH(log_s("a", text), log_i("n", INT64_MIN)));
				cJSON_Delete(the_line());
			}
		}
	}
}

static void
many_fields_are_cut_between_fields(void **state)
{
	struct log_field fields[100] = { { 0 } };
	cJSON *json;

	(void)state;
	for (int i = 0; i < 99; i++)
		fields[i] = log_f("a field with quite a long name, of number", -1e300);
	log_open("test", LOG_SINK_JSON, LOG_LEVEL_INFO);
	log_one(LOG_LEVEL_INFO, "m", fields);
	json = the_line();
	assert_true(cJSON_GetArraySize(json) > 6);
	cJSON_Delete(json);
}

static void
text_for_people_is_one_line_too(void **state)
{
	(void)state;
	log_open("test", LOG_SINK_TEXT, LOG_LEVEL_INFO);
	log_one(LOG_LEVEL_INFO, "hello", LOG_WITH(log_s("city", "a\nb"), log_i("n", 5)));
	assert_ptr_equal(strchr(captured.text, '\n'), captured.text + captured.len - 1);
	assert_non_null(strstr(captured.text, " info  hello city=\"a\\u000ab\" n=5\n"));
}

static void
to_die_is_to_say_why(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	capture_begin(&captured, STDERR_FILENO);
	if ((pid = fork()) == 0) {
		log_open("test", LOG_SINK_JSON, LOG_LEVEL_ERROR);
		log_die(EXIT_SYSTEM, "no hope", LOG_WITH(log_s("why", "test")));
	}
	waitpid(pid, &status, 0);
	capture_end(&captured);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_SYSTEM);
	assert_non_null(strstr(captured.text, "\"msg\":\"no hope\",\"why\":\"test\"}\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_has_its_fields),
		cmocka_unit_test(lower_levels_are_dropped),
		cmocka_unit_test(every_byte_may_be_logged),
		cmocka_unit_test(long_lines_are_cut_and_stay_json),
		cmocka_unit_test(many_fields_are_cut_between_fields),
		cmocka_unit_test(text_for_people_is_one_line_too),
		cmocka_unit_test(to_die_is_to_say_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
