/* SPDX-License-Identifier: ISC
 *
 * cuacactl key: API keys. A key is 32 random bytes, seen once; PostgreSQL has only its hash.
 */
#include "commands.h"
#include "drivers/cache.h"
#include "drivers/digest.h"
#include "format.h"
#include "base/jsonw.h"
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "cuaca_" /* so that a key found lying about tells what it is of */
#define NAME_MAX_LENGTH 64
#define CACHE_MS 2000
#define KEY_TTL 60 /* seconds that weather.fcgi lets Redis remember a key */

enum { ID, NAME, RATE, CREATED_AT, REVOKED_AT, LAST_USED_AT }; /* columns of key_list */

/* What api_keys takes. */
static bool
name_is_usable(const char *name)
{
	size_t len = strlen(name);

	for (const char *p = name; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return len >= 1 && len <= NAME_MAX_LENGTH;
}

static bool
is_in_force(const struct db_rows *keys, int i)
{
	return db_text(keys, i, REVOKED_AT) == NULL;
}

/* The row of the key in force with this name, or -1. */
static int
find_in_force(const struct db_rows *keys, const char *name)
{
	for (int i = 0; i < keys->n; i++)
		if (is_in_force(keys, i) && strcmp(db_text(keys, i, NAME), name) == 0)
			return i;
	return -1;
}

static int
print_new(struct ctl *ctl, const char *id, const char *name, int64_t rate, const char *key)
{
	struct buf out = BUF_INIT(CTL_OUTPUT_MAX);
	struct jsonw w = JSONW_INIT(&out);

	if ((ctl->options & OPT_JSON) == 0) {
		puts(key);
		if (ctl_written() != EXIT_DONE)
			return EXIT_SYSTEM;
		ctl_say("this is the key of %s, %" PRId64
			" requests a second; it is not shown again",
		    name, rate);
		return EXIT_DONE;
	}
	jsonw_object(&w, NULL);
	jsonw_raw(&w, "id", id, strlen(id));
	jsonw_string(&w, "name", name);
	jsonw_int(&w, "rate", rate);
	jsonw_string(&w, "key", key);
	jsonw_end(&w);
	return ctl_print(&out);
}

static int
say_name_taken(const char *name)
{
	ctl_say("%s: there is a key with this name; revoke it first, or choose another", name);
	return EXIT_USAGE;
}

int
cmd_key_create(struct ctl *ctl)
{
	const char *name = ctl->argv[0];
	int64_t rate = ctl->rate != 0 ? ctl->rate : ctl->settings->rate_key;
	char key[sizeof(PREFIX) + DIGEST_TEXT] = PREFIX, hash[DIGEST_TEXT];
	const char *argv[] = { name, hash, ctl_int(ctl, rate) };
	const struct db_rows *rows;
	enum rc rc;

	if (!name_is_usable(name)) {
		ctl_say("\"%s\": a key's name is 1 to %d visible ASCII characters", name,
		    NAME_MAX_LENGTH);
		return EXIT_USAGE;
	}
	if ((rc = ctl_query(ctl, SQL_KEY_LIST, NULL, &rows)) != RC_OK)
		return ctl_failed(rc);
	if (find_in_force(rows, name) >= 0)
		return say_name_taken(name);
	if (digest_random(key + strlen(PREFIX)) != RC_OK) {
		ctl_say("the system has no random bytes to give");
		return EXIT_SYSTEM;
	}
	digest_sha256(key, strlen(key), hash);
	rc = ctl_query(ctl, SQL_KEY_CREATE, argv, &rows);
	if (rc == RC_CONFLICT)
		return say_name_taken(name);
	return rc == RC_OK ? print_new(ctl, db_text(rows, 0, 0), name, rate, key) : ctl_failed(rc);
}

static int
print_keys(struct ctl *ctl, const struct db_rows *keys)
{
	static const struct column columns[] = { { "ID", true }, { "NAME", false },
		{ "RATE", true }, { "CREATED", false }, { "LAST USED", false },
		{ "REVOKED", false } };
	struct table *t = table_new(ctl->arena, 6, columns);
	char text[FORMAT_TEXT];

	for (int i = 0; i < keys->n; i++) {
		table_cell(t, "%s", db_text(keys, i, ID));
		table_cell(t, "%s", db_text(keys, i, NAME));
		table_cell(t, "%s/s", db_text(keys, i, RATE));
		table_cell(t, "%s", format_time(db_int(keys, i, CREATED_AT), text));
		table_cell(t, "%s", format_time(db_int(keys, i, LAST_USED_AT), text));
		table_cell(t, "%s", format_time(db_int(keys, i, REVOKED_AT), text));
	}
	return table_print(t);
}

static void
put_time(struct jsonw *w, const char *name, const struct db_rows *keys, int i, int column)
{
	if (db_text(keys, i, column) == NULL)
		jsonw_string(w, name, NULL);
	else
		jsonw_time(w, name, db_int(keys, i, column));
}

static int
put_keys(const struct db_rows *keys)
{
	struct buf out = BUF_INIT(CTL_OUTPUT_MAX);
	struct jsonw w = JSONW_INIT(&out);

	jsonw_object(&w, NULL);
	jsonw_array(&w, "items");
	for (int i = 0; i < keys->n; i++) {
		jsonw_object(&w, NULL);
		jsonw_int(&w, "id", db_int(keys, i, ID));
		jsonw_string(&w, "name", db_text(keys, i, NAME));
		jsonw_int(&w, "rate", db_int(keys, i, RATE));
		put_time(&w, "created_at", keys, i, CREATED_AT);
		put_time(&w, "last_used_at", keys, i, LAST_USED_AT);
		put_time(&w, "revoked_at", keys, i, REVOKED_AT);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	return ctl_print(&out);
}

int
cmd_key_list(struct ctl *ctl)
{
	const struct db_rows *keys;
	enum rc rc = ctl_query(ctl, SQL_KEY_LIST, NULL, &keys);

	if (rc != RC_OK)
		return ctl_failed(rc);
	return (ctl->options & OPT_JSON) != 0 ? put_keys(keys) : print_keys(ctl, keys);
}

/* "no key in force is called x; there are: a, b" */
static int
say_no_such_key(struct ctl *ctl, const char *name)
{
	struct buf names = BUF_INIT(4096);
	const struct db_rows *keys;

	if (ctl_query(ctl, SQL_KEY_LIST, NULL, &keys) == RC_OK)
		for (int i = 0; i < keys->n; i++)
			if (is_in_force(keys, i))
				buf_printf(&names, "%s%s",
				    names.len > 0 ? ", " : "; there are: ", db_text(keys, i, NAME));
	ctl_say("no key in force is called \"%s\"%s", name,
	    buf_ok(&names) && names.p != NULL ? names.p : "");
	buf_free(&names);
	return EXIT_USAGE;
}

/* Make Redis say that there is no such key, as weather.fcgi does of one that it did not find. Deleting what it
 * remembers would not do: a replica that is behind may still have the key in force. */
static enum rc
forget_key(struct ctl *ctl, const char *hash)
{
	const struct cache_item none = { .key = arena_printf(ctl->arena, "apikey:%s", hash),
		.data = "0",
		.len = 1,
		.ttl = KEY_TTL };
	struct cache *cache = cache_open(ctl->settings);
	enum rc rc = RC_NOMEM;

	if (cache != NULL && none.key != NULL)
		rc = cache_set(cache, deadline_in(CACHE_MS), 1, &none);
	cache_close(cache);
	return rc;
}

int
cmd_key_revoke(struct ctl *ctl)
{
	const char *name = ctl->argv[0];
	struct buf out = BUF_INIT(CTL_OUTPUT_MAX);
	struct jsonw w = JSONW_INIT(&out);
	const struct db_rows *rows;
	enum rc rc = ctl_query(ctl, SQL_KEY_REVOKE, &name, &rows);

	if (rc != RC_OK)
		return ctl_failed(rc);
	if (rows->n == 0)
		return say_no_such_key(ctl, name);
	if (forget_key(ctl, db_text(rows, 0, 1)) != RC_OK)
		ctl_say("Redis is away: the key ends within a minute");
	if ((ctl->options & OPT_JSON) == 0) {
		printf("%s: revoked\n", name);
		return ctl_written();
	}
	jsonw_object(&w, NULL);
	jsonw_int(&w, "id", db_int(rows, 0, 0));
	jsonw_string(&w, "name", name);
	jsonw_end(&w);
	return ctl_print(&out);
}
