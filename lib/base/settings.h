/* SPDX-License-Identifier: ISC
 *
 * Every setting of every program: one row of the table in settings.c, one field here, one line of
 * etc/cuaca.conf. A value comes from the environment (CUACA_<NAME>), else from the file, else from the row.
 */
#ifndef CUACA_SETTINGS_H
#define CUACA_SETTINGS_H

#include "base/rc.h"

#include <stdint.h>

#define SETTING_TEXT 512 /* the longest value, with its NUL */
#define CHAT_ROOMS_MAX 198 /* groups: a client that comes back has to name them all */

enum web_server { WEB_NGINX, WEB_LIGHTTPD };
enum source { SOURCE_OPEN_METEO, SOURCE_SIMULATOR };
enum speakers { SPEAK_EVERYONE, SPEAK_USERS, SPEAK_ADMINS };
enum log_to { LOG_TO_STDERR, LOG_TO_SYSLOG };

struct settings {
	const char *file; /* what they were read from, as it was given; NULL: no file */

	int64_t http_port, web, cache, rate_api, rate_key, nginx_workers;
	char var[SETTING_TEXT];

	int64_t threads, processes, request_timeout, arena_max, debug_headers;
	char cors_origin[SETTING_TEXT];

	char postgresql[SETTING_TEXT], postgresql_read[SETTING_TEXT],
	    postgresql_password[SETTING_TEXT];
	int64_t postgresql_pool, postgresql_idle, postgresql_lifetime;

	char redis[SETTING_TEXT], redis_password[SETTING_TEXT];
	int64_t redis_pool, redis_timeout;

	char nats[SETTING_TEXT], nats_token[SETTING_TEXT];
	int64_t nats_timeout;

	char open_meteo_url[SETTING_TEXT], open_meteo_archive_url[SETTING_TEXT],
	    open_meteo_key[SETTING_TEXT];
	int64_t source;
	int64_t ingest_interval, ingest_offset, ingest_batch, ingest_budget, fetch_timeout,
	    fetch_tries;
	int64_t stale_after, forecast_interval;
	int64_t quota_minute, quota_hour, quota_day;
	int64_t demand_cities, demand_ttl, demand_min;
	int64_t breaker_failures, breaker_trials, breaker_window, breaker_open;
	int64_t retention_days;
	char state_dir[SETTING_TEXT], metrics_dir[SETTING_TEXT];

	char chat_secret[SETTING_TEXT], chat_secret_previous[SETTING_TEXT];
	int64_t token_ttl, guest_ttl, chat_register, chat_guests, chat_speak;
	int64_t rate_login, password_memory, password_passes, password_parallel;
	int64_t rate_chat, chat_rooms;
	int64_t ws_port, rate_ws, ws_forks, ws_per_address, ws_per_user;
	char ws_origins[SETTING_TEXT];
	int64_t ws_connect, ws_ping, ws_pong, ws_queue;
	int64_t chat_replicas, chat_max_age, chat_max_bytes, chat_duplicate_window;
	int64_t archive_batch, chat_retention_days;

	int64_t log_level, log_to;
};

/* Fill *s from the defaults, file (NULL: none, kept) and the environment. RC_INVALID after one line on standard
 * error that names the file and line, or the variable, and what is wrong. */
enum rc settings_load(struct settings *s, const char *file);

/* Print every setting but the secrets on standard output as shell assignments, CUACA_HTTP_PORT='8080'. */
void settings_print(const struct settings *s);

/* The name of a choice as it stands in the file: settings_choice("source", SOURCE_SIMULATOR). Static. */
const char *settings_choice(const char *name, int64_t value);

#endif
