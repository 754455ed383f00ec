/* SPDX-License-Identifier: ISC
 *
 * Closed, open, half-open. Failures that are further apart than the window don't add up.
 */
#include "breaker.h"

#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY 64
#define FILE_MAX 4096
#define KEEP 604800 /* seconds */

static const char *const names[BREAKER__MAX] = {
	[BREAKER_CLOSED] = "closed",
	[BREAKER_OPEN] = "open",
	[BREAKER_HALF_OPEN] = "half-open",
};

const char *
breaker_state_name(enum breaker_state state)
{
	return names[state];
}

static void
change(struct breaker *b, enum breaker_state state, int64_t now)
{
	b->state = state;
	b->changed_at = now;
	b->failures = b->trials = 0;
}

bool
breaker_allows(struct breaker *b, int64_t now)
{
	if (b->state == BREAKER_OPEN && now >= b->until)
		change(b, BREAKER_HALF_OPEN, now);
	return b->state != BREAKER_OPEN;
}

void
breaker_trip(struct breaker *b, int64_t now, int64_t until, const char *reason)
{
	change(b, BREAKER_OPEN, now);
	b->opened_at = now;
	b->until = until;
	str_copy(b->reason, reason, sizeof(b->reason));
}

void
breaker_succeed(struct breaker *b, const struct settings *s, int64_t now)
{
	if (b->state != BREAKER_HALF_OPEN)
		return;
	b->trials++;
	b->changed_at = now;
	if (b->trials >= s->breaker_trials)
		change(b, BREAKER_CLOSED, now);
}

void
breaker_fail(struct breaker *b, const struct settings *s, int64_t now, const char *reason)
{
	if (b->failures == 0 || now - b->since >= s->breaker_window) {
		b->failures = 0;
		b->since = now;
	}
	b->failures++;
	b->changed_at = now;
	if (b->state == BREAKER_HALF_OPEN || b->failures >= s->breaker_failures)
		breaker_trip(b, now, now + s->breaker_open, reason);
}

/* The record: fields of the hash, lines of the file. */
enum field { STATE, FAILURES, SINCE, TRIALS, OPENED_AT, UNTIL, CHANGED_AT, REASON, FIELD__MAX };

static const char *const fields[FIELD__MAX] = { "state", "failures", "since", "trials", "opened_at",
	"until", "changed_at", "reason" };

static int64_t
number(const char *text)
{
	int64_t v;

	return str_to_int(text, &v) ? v : 0;
}

static bool
from_fields(struct breaker *b, const char *const values[FIELD__MAX])
{
	b->state = BREAKER__MAX;
	for (int f = 0; f < FIELD__MAX; f++)
		if (values[f] == NULL)
			return false;
	for (int i = 0; i < BREAKER__MAX; i++)
		if (strcmp(values[STATE], names[i]) == 0)
			b->state = (enum breaker_state)i;
	b->failures = number(values[FAILURES]);
	b->since = number(values[SINCE]);
	b->trials = number(values[TRIALS]);
	b->opened_at = number(values[OPENED_AT]);
	b->until = number(values[UNTIL]);
	b->changed_at = number(values[CHANGED_AT]);
	str_copy(b->reason, values[REASON], sizeof(b->reason));
	return b->state != BREAKER__MAX;
}

struct record {
	char numbers[FIELD__MAX][24];
	const char *values[FIELD__MAX];
};

static void
to_fields(const struct breaker *b, struct record *rec)
{
	const int64_t numbers[FIELD__MAX] = { [FAILURES] = b->failures,
		[SINCE] = b->since,
		[TRIALS] = b->trials,
		[OPENED_AT] = b->opened_at,
		[UNTIL] = b->until,
		[CHANGED_AT] = b->changed_at };

	for (int f = 0; f < FIELD__MAX; f++) {
		snprintf(rec->numbers[f], sizeof(rec->numbers[f]), "%lld", (long long)numbers[f]);
		rec->values[f] = rec->numbers[f];
	}
	rec->values[STATE] = names[b->state];
	rec->values[REASON] = b->reason;
}

static const char *
redis_key(const struct breaker *b, char key[KEY])
{
	snprintf(key, KEY, "breaker:%s", b->name);
	return key;
}

static bool
read_redis(struct breaker *b, struct run *r, struct arena *a)
{
	struct cache_value values[FIELD__MAX];
	const char *texts[FIELD__MAX];
	char key[KEY];

	if (cache_hash_get(
		r->cache, r->deadline, a, redis_key(b, key), FIELD__MAX, fields, values) != RC_OK)
		return false;
	for (int f = 0; f < FIELD__MAX; f++)
		texts[f] = values[f].data;
	return from_fields(b, texts);
}

static bool
file_path(const struct breaker *b, const struct run *r, char path[FILE_PATH])
{
	snprintf(path, FILE_PATH, "%s/breaker-%s", r->settings->state_dir, b->name);
	return r->settings->state_dir[0] != '\0';
}

static bool
read_file(struct breaker *b, const struct run *r)
{
	struct buf text = BUF_INIT(FILE_MAX);
	const char *values[FIELD__MAX] = { 0 };
	char path[FILE_PATH], *rest, *line;
	bool ok = file_path(b, r, path) && file_read(path, &text) && text.len > 0;

	rest = text.p;
	for (int f = 0; ok && f < FIELD__MAX && (line = strsep(&rest, "\n")) != NULL; f++) {
		size_t len = strlen(fields[f]);

		if (strncmp(line, fields[f], len) == 0 && line[len] == '=')
			values[f] = line + len + 1;
	}
	ok = ok && from_fields(b, values);
	buf_free(&text);
	return ok;
}

void
breaker_load(struct breaker *b, struct run *r, struct arena *a)
{
	struct breaker redis = *b, file = *b;

	if (read_redis(&redis, r, a) && redis.changed_at > b->changed_at)
		*b = redis;
	if (read_file(&file, r) && file.changed_at > b->changed_at)
		*b = file;
}

static void
write_file(const struct breaker *b, const struct run *r, const struct record *rec)
{
	struct buf text = BUF_INIT(FILE_MAX);
	char path[FILE_PATH];

	if (!file_path(b, r, path))
		return;
	for (int f = 0; f < FIELD__MAX; f++)
		buf_printf(&text, "%s=%s\n", fields[f], rec->values[f]);
	errno = ENOMEM;
	if (!buf_ok(&text) || !file_replace(path, &text))
		log_event(LOG_LEVEL_ERROR, "the breaker's state is not written",
		    LOG_WITH(log_s("file", path), log_s("reason", strerror(errno))));
	buf_free(&text);
}

static void
log_change(const struct breaker *b, enum breaker_state before)
{
	char until[CLOCK_TEXT] = "";

	if (b->state == BREAKER_OPEN)
		clock_format(b->until, until);
	log_event(b->state == BREAKER_OPEN ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "breaker",
	    LOG_WITH(log_s("of", b->name), log_s("from", names[before]),
		log_s("to", names[b->state]), log_s("reason", b->reason), log_s("until", until)));
}

void
breaker_save(const struct breaker *b, enum breaker_state before, struct run *r)
{
	struct record rec;
	char key[KEY];

	to_fields(b, &rec);
	if (cache_hash_set(r->cache, r->deadline, redis_key(b, key), FIELD__MAX, fields, rec.values,
		KEEP) != RC_OK)
		r->tally.redis_away = true;
	write_file(b, r, &rec);
	r->tally.breaker = b->state;
	if (b->state != before)
		log_change(b, before);
}
