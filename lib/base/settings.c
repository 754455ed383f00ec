/* SPDX-License-Identifier: ISC
 *
 * The table of settings, and how a row gets its value.
 */
#include "base/settings.h"

#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum type { INTEGER, TEXT, SECRET, CHOICE };

struct row {
	const char *name;
	enum type type;
	size_t at;
	const char *dflt;
	int64_t min, max; /* INTEGER; SECRET: the least length in bytes, unless it is empty */
	const char *const *choices; /* CHOICE: the value is the index */
	const char *help;
};

static const char *const off_on[] = { "off", "on", NULL };
static const char *const servers[] = { [WEB_NGINX] = "nginx", [WEB_LIGHTTPD] = "lighttpd", NULL };
static const char *const sources[] = {
	[SOURCE_OPEN_METEO] = "open-meteo", [SOURCE_SIMULATOR] = "simulator", NULL
};
static const char *const levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const speakers[] = {
	[SPEAK_EVERYONE] = "everyone", [SPEAK_USERS] = "users", [SPEAK_ADMINS] = "admins", NULL
};
static const char *const sinks[] = { [LOG_TO_STDERR] = "stderr", [LOG_TO_SYSLOG] = "syslog", NULL };

#define INT_ROW(field, dflt, min, max, help) \
	{ \
#field, INTEGER, offsetof(struct settings, field), dflt, min, max, NULL, help \
	}
#define TEXT_ROW(field, dflt, help) \
	{ \
#field, TEXT, offsetof(struct settings, field), dflt, 0, 0, NULL, help \
	}
#define SECRET_ROW(field, min, help) \
	{ \
#field, SECRET, offsetof(struct settings, field), "", min, 0, NULL, help \
	}
#define CHOICE_ROW(field, dflt, list, help) \
	{ \
#field, CHOICE, offsetof(struct settings, field), dflt, 0, 0, list, help \
	}

static const struct row rows[] = {
	INT_ROW(http_port, "8080", 1, 65535, "port of the web server on 127.0.0.1"),
	CHOICE_ROW(web, "nginx", servers, "web server: nginx or lighttpd"),
	TEXT_ROW(var, "var", "folder for run-time state"),
	CHOICE_ROW(cache, "on", off_on, "answers cached by the web server: on or off"),
	INT_ROW(rate_api, "10", 0, 1000000,
	    "requests a second per address on /api, burst 20; 0 is off"),
	INT_ROW(rate_key, "50", 1, 1000000, "requests a second of an API key that names no rate"),
	INT_ROW(nginx_workers, "1", 1, 256, "nginx worker processes"),

	INT_ROW(threads, "64", 1, 1024, "threads of a FastCGI process"),
	INT_ROW(processes, "2", 1, 64, "processes of a FastCGI program"),
	INT_ROW(request_timeout, "5000", 10, 300000,
	    "milliseconds a request may take, every wait included"),
	INT_ROW(arena_max, "4194304", 65536, 1073741824, "bytes of memory a request may use"),
	CHOICE_ROW(debug_headers, "off", off_on, "X-Cuaca-Cost on every answer: on or off"),
	TEXT_ROW(cors_origin, "", "Access-Control-Allow-Origin of every answer; empty: none"),

	TEXT_ROW(postgresql, "host=/run/postgresql dbname=cuaca",
	    "the primary, as a libpq connection string"),
	TEXT_ROW(postgresql_read, "", "replicas for reading; empty: the primary"),
	SECRET_ROW(postgresql_password, 0, "password for both"),
	INT_ROW(postgresql_pool, "25", 1, 1000, "connections a process may open to each"),
	INT_ROW(postgresql_idle, "10", 0, 1000, "connections kept open while nobody uses them"),
	INT_ROW(postgresql_lifetime, "300", 1, 86400, "seconds until a connection is replaced"),

	TEXT_ROW(redis, "/run/redis/redis-server.sock", "UNIX socket, or host:port"),
	SECRET_ROW(redis_password, 0, "password for Redis"),
	INT_ROW(redis_pool, "64", 1, 1024, "connections a process may open"),
	INT_ROW(redis_timeout, "200", 1, 60000, "milliseconds for a connect or a round trip"),

	TEXT_ROW(nats, "nats://127.0.0.1:4222", "NATS servers, separated by commas"),
	SECRET_ROW(nats_token, 0, "token for NATS"),
	INT_ROW(nats_timeout, "2000", 1, 60000, "milliseconds for a connect or a flush"),

	TEXT_ROW(open_meteo_url, "https://api.open-meteo.com", "base URL of the upstream"),
	TEXT_ROW(open_meteo_archive_url, "https://archive-api.open-meteo.com",
	    "base URL of its archive, for weather-ingest --backfill"),
	SECRET_ROW(open_meteo_key, 0, "API key of a paid Open-Meteo plan"),
	CHOICE_ROW(source, "open-meteo", sources,
	    "what answers name as their source: open-meteo or simulator"),
	INT_ROW(ingest_interval, "900", 60, 86400,
	    "seconds from one ingest to the next, as cron has it"),
	INT_ROW(ingest_offset, "60", 0, 86399,
	    "seconds after the full interval at which cron starts it"),
	INT_ROW(ingest_batch, "100", 1, 200, "places in a request to the upstream"),
	INT_ROW(ingest_budget, "600", 1, 86400, "seconds an ingest may take at most"),
	INT_ROW(fetch_timeout, "20000", 10, 300000, "milliseconds for one request to the upstream"),
	INT_ROW(fetch_tries, "4", 1, 10, "tries for a request that a retry can help"),
	INT_ROW(stale_after, "900", 0, 86400,
	    "seconds an update may be overdue before an answer is stale"),
	INT_ROW(forecast_interval, "21600", 3600, 86400,
	    "seconds until a forecast is renewed, quota permitting"),
	INT_ROW(
	    quota_minute, "600", 0, 1000000000, "weight the upstream grants a minute; 0: no limit"),
	INT_ROW(
	    quota_hour, "5000", 0, 1000000000, "weight the upstream grants an hour; 0: no limit"),
	INT_ROW(
	    quota_day, "10000", 0, 1000000000, "weight the upstream grants a UTC day; 0: no limit"),
	INT_ROW(demand_cities, "30", 0, 10000, "cities served on demand at a time, at most"),
	INT_ROW(demand_ttl, "86400", 900, 31536000,
	    "seconds without a request until such a city fades"),
	INT_ROW(demand_min, "3", 1, 1000000, "requests until a city is served on demand"),
	INT_ROW(breaker_failures, "5", 1, 1000, "failures within the window that open the breaker"),
	INT_ROW(breaker_trials, "3", 1, 100, "good trial calls that close it again"),
	INT_ROW(breaker_window, "60", 1, 3600, "seconds in which failures count together"),
	INT_ROW(
	    breaker_open, "30", 1, 86400, "seconds until an open breaker lets trial calls through"),
	TEXT_ROW(state_dir, "", "folder for the breaker's state while Redis is away; empty: none"),
	INT_ROW(
	    retention_days, "0", 0, 36500, "days that single observations are kept; 0: for ever"),
	TEXT_ROW(metrics_dir, "",
	    "folder for weather-ingest.prom (node_exporter's textfile); empty: none"),

	SECRET_ROW(
	    chat_secret, 32, "key that chat tokens are signed with (HS256), 32 bytes or more"),
	SECRET_ROW(chat_secret_previous, 32, "the key before it, whose tokens are still good"),
	INT_ROW(token_ttl, "86400", 60, 31536000, "seconds that a chat token is good for"),
	INT_ROW(guest_ttl, "43200", 60, 31536000, "seconds that a guest's token and name last"),
	CHOICE_ROW(chat_register, "on", off_on, "anybody may register: on or off"),
	CHOICE_ROW(chat_guests, "on", off_on, "guests may chat: on or off"),
	CHOICE_ROW(chat_speak, "everyone", speakers,
	    "who may speak in broadcast: everyone, users or admins"),
	INT_ROW(rate_login, "10", 1, 100000,
	    "login attempts a minute for a name; for an address three times that"),
	INT_ROW(password_memory, "65536", 8192, 1048576, "KiB of memory to hash a password"),
	INT_ROW(password_passes, "2", 1, 100, "passes of argon2id to hash a password"),
	INT_ROW(password_parallel, "2", 1, 64, "passwords a process hashes at a time"),
	INT_ROW(rate_chat, "5", 0, 100000, "chat messages a second per user, burst 20; 0 is off"),
	INT_ROW(chat_rooms, "100", 1, CHAT_ROOMS_MAX, "groups a connection may be in"),
	INT_ROW(ws_port, "8081", 1, 65535, "port of websocketd on 127.0.0.1"),
	INT_ROW(rate_ws, "5", 0, 1000000,
	    "new WebSocket connections a second per address, burst 10; 0 is off"),
	INT_ROW(ws_forks, "3000", 1, 1000000, "WebSocket connections at a time"),
	INT_ROW(ws_per_address, "50", 0, 1000000, "of them from one address; 0 is off"),
	INT_ROW(ws_per_user, "20", 0, 1000000, "of them by one user; 0 is off"),
	TEXT_ROW(ws_origins, "",
	    "other sites, separated by commas, whose pages may chat: https://example.org; * is "
	    "all"),
	INT_ROW(ws_connect, "10", 1, 300, "seconds until a connection must have shown its token"),
	INT_ROW(ws_ping, "25", 1, 300, "seconds from one ping to the next"),
	INT_ROW(ws_pong, "8", 1, 300, "seconds that a client may be silent after a ping"),
	INT_ROW(ws_queue, "1048576", 131072, 67108864,
	    "bytes waiting for a client that reads slowly, before it is let go"),
	INT_ROW(chat_replicas, "1", 1, 5, "NATS servers that each keep the log of the chat"),
	INT_ROW(chat_max_age, "604800", 60, 315360000, "seconds that the log goes back"),
	INT_ROW(
	    chat_max_bytes, "1073741824", 1048576, 1099511627776, "bytes that the log may take"),
	INT_ROW(chat_duplicate_window, "600", 1, 86400,
	    "seconds in which a message sent again is known by its mid"),
	INT_ROW(archive_batch, "500", 1, 10000, "messages archived at a time"),
	INT_ROW(chat_retention_days, "0", 0, 36500,
	    "days that archived messages are kept; 0: for ever"),

	CHOICE_ROW(log_level, "info", levels, "least level logged: debug, info, warn or error"),
	CHOICE_ROW(log_to, "stderr", sinks, "where the log goes: stderr or syslog"),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* What went wrong first, while a source of values is read. */
struct fault {
	char text[SETTING_TEXT + 256];
};

struct reading {
	struct settings *s;
	struct fault fault;
};

static bool __attribute__((format(printf, 2, 3))) fail(struct fault *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return false;
}

static int64_t
number_of(const struct settings *s, const struct row *r)
{
	int64_t v;

	memcpy(&v, (const char *)s + r->at, sizeof(v));
	return v;
}

static const char *
text_of(const struct settings *s, const struct row *r)
{
	return (const char *)s + r->at;
}

static bool
set_number(struct settings *s, const struct row *r, int64_t v)
{
	memcpy((char *)s + r->at, &v, sizeof(v));
	return true;
}

static bool
set_choice(struct settings *s, const struct row *r, const char *value, struct fault *f)
{
	for (int64_t i = 0; r->choices[i] != NULL; i++)
		if (strcmp(value, r->choices[i]) == 0)
			return set_number(s, r, i);
	return fail(f, "%s: \"%s\" is not a choice (%s)", r->name, value, r->help);
}

static bool
set_integer(struct settings *s, const struct row *r, const char *value, struct fault *f)
{
	int64_t v;

	if (!str_to_int(value, &v))
		return fail(f, "%s: \"%s\" is not a whole number (%s)", r->name, value, r->help);
	if (v < r->min || v > r->max)
		return fail(f, "%s: %s is not between %" PRId64 " and %" PRId64 " (%s)", r->name,
		    value, r->min, r->max, r->help);
	return set_number(s, r, v);
}

static bool
set_value(struct settings *s, const struct row *r, const char *value, struct fault *f)
{
	if (r->type == INTEGER)
		return set_integer(s, r, value, f);
	if (r->type == CHOICE)
		return set_choice(s, r, value, f);
	if (!str_copy((char *)s + r->at, value, SETTING_TEXT))
		return fail(f, "%s: longer than %d bytes (%s)", r->name, SETTING_TEXT - 1, r->help);
	if (value[0] != '\0' && strlen(value) < (size_t)r->min)
		return fail(f, "%s: shorter than %" PRId64 " bytes (%s)", r->name, r->min, r->help);
	return true;
}

/* A secret from the first line of a file. */
static bool
set_from_file(struct settings *s, const struct row *r, const char *path, struct fault *f)
{
	char line[SETTING_TEXT + 1];
	FILE *fp = fopen(path, "re");
	bool got;

	if (fp == NULL)
		return fail(f, "%s_file: %s: %s", r->name, path, strerror(errno));
	got = fgets(line, sizeof(line), fp) != NULL;
	fclose(fp);
	if (!got)
		return fail(f, "%s_file: %s: no line in it", r->name, path);
	line[strcspn(line, "\r\n")] = '\0';
	return set_value(s, r, line, f);
}

static bool
is_file_of(const struct row *r, const char *name)
{
	size_t len = strlen(r->name);

	return r->type == SECRET && strncmp(name, r->name, len) == 0 &&
	       strcmp(name + len, "_file") == 0;
}

static bool
set_named(struct settings *s, const char *name, const char *value, struct fault *f)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(name, rows[i].name) == 0)
			return set_value(s, &rows[i], value, f);
		if (is_file_of(&rows[i], name))
			return set_from_file(s, &rows[i], value, f);
	}
	return fail(f, "%s: no such setting", name);
}

/* inih's handler: 0 marks the line as wrong; reading stops there. */
static int
on_line(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *rd = arg;

	if (section[0] != '\0')
		return fail(&rd->fault, "[%s]: sections are not used", section);
	return set_named(rd->s, name, value, &rd->fault);
}

static enum rc
load_file(struct settings *s, const char *file)
{
	struct reading rd = { .s = s, .fault = { "not a \"name = value\" line" } };
	int line;

	ini_max_line = ini_initial_alloc =
	    4096; /* what does not fit would be read as a line of its own */
	ini_use_stack = false;
	ini_allow_multiline = false;
	ini_allow_inline_comments = false; /* a password may hold " ;" */
	ini_stop_on_first_error = true;
	errno = 0;
	line = ini_parse(file, on_line, &rd);
	if (line == 0)
		return RC_OK;
	if (line < 0)
		fprintf(stderr, "%s: %s\n", file, strerror(errno));
	else
		fprintf(stderr, "%s:%d: %s\n", file, line, rd.fault.text);
	return RC_INVALID;
}

static void
env_name(const char *name, const char *suffix, char out[64])
{
	snprintf(out, 64, "CUACA_%s%s", name, suffix);
	for (char *p = out; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
}

static bool
load_env(struct settings *s, const struct row *r, struct fault *f)
{
	const char *value;
	char name[64];

	env_name(r->name, "", name);
	if ((value = getenv(name)) != NULL && !set_value(s, r, value, f))
		return false;
	if (r->type != SECRET)
		return true;
	env_name(r->name, "_file", name);
	return (value = getenv(name)) == NULL || set_from_file(s, r, value, f);
}

enum rc
settings_load(struct settings *s, const char *file)
{
	char name[64];
	struct fault f;

	memset(s, 0, sizeof(*s));
	s->file = file;
	for (size_t i = 0; i < ROWS; i++)
		set_value(s, &rows[i], rows[i].dflt, &f);
	if (file != NULL && load_file(s, file) != RC_OK)
		return RC_INVALID;
	for (size_t i = 0; i < ROWS; i++)
		if (!load_env(s, &rows[i], &f)) {
			env_name(rows[i].name, "", name);
			fprintf(stderr, "environment variable %s: %s\n", name, f.text);
			return RC_INVALID;
		}
	return RC_OK;
}

static void
print_quoted(const char *s)
{
	putchar('\'');
	for (; *s != '\0'; s++) {
		if (*s == '\'')
			fputs("'\\'", stdout);
		putchar(*s);
	}
	putchar('\'');
}

void
settings_print(const struct settings *s)
{
	char name[64];

	for (const struct row *r = rows; r < rows + ROWS; r++) {
		if (r->type == SECRET)
			continue;
		env_name(r->name, "", name);
		printf("%s=", name);
		if (r->type == INTEGER)
			printf("'%" PRId64 "'", number_of(s, r));
		else
			print_quoted(
			    r->type == CHOICE ? r->choices[number_of(s, r)] : text_of(s, r));
		putchar('\n');
	}
}

const char *
settings_choice(const char *name, int64_t value)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].type == CHOICE && strcmp(name, rows[i].name) == 0)
			return rows[i].choices[value];
	return "";
}
