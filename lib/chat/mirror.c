/* SPDX-License-Identifier: ISC
 *
 * PostgreSQL makes the JSON; here it is carried over and the handlers are told. The statements are asked of the
 * primary, since a replica may not have heard of the change yet.
 */
#include "chat/mirror.h"

#include "base/str.h"
#include "chat/room.h"
#include "chat/state.h"

#include <string.h>

#define PAGE 200 /* users or groups copied at a time */
#define PAGE_TEXT "200"
#define PAGE_MS 10000 /* that a page may take */
#define PAGE_BYTES ((size_t)32 * 1024 * 1024)
#define TRIES_MAX 5 /* to write what nobody changes meanwhile */

/* One of the two kinds of things that are mirrored. */
struct kind {
	enum sql one, touched;
	const char *key, *subject; /* + name */
};

static const struct kind user = { SQL_MIRROR_USER, SQL_MIRROR_USERS, STATE_USER, "ctl.chat.user." };
static const struct kind group = { SQL_MIRROR_GROUP, SQL_MIRROR_GROUPS, STATE_GROUP,
	"ctl.chat.room.group." };

static const char recheck[] = "{\"op\":\"recheck\"}";

/* Where from, where to, and what. */
struct copier {
	struct db *db;
	struct cache *cache;
	struct bus *bus; /* NULL: nobody is told */
	struct deadline deadline;
	struct arena *arena;
	const struct kind *kind;
};

static enum rc
tell(const struct copier *c, const char *name)
{
	const char *subject = arena_printf(c->arena, "%s%s", c->kind->subject, name);

	if (subject == NULL)
		return RC_NOMEM;
	return c->bus != NULL ? bus_publish(c->bus, subject, recheck, sizeof(recheck) - 1) : RC_OK;
}

/* The states are the last column of rows; the names are the first, or there is one name. */
static enum rc
write_states(const struct copier *c, const struct db_rows *rows, const char *name)
{
	struct cache_item items[PAGE];

	for (int i = 0; i < rows->n; i++) {
		const char *state = db_text(rows, i, rows->columns - 1);

		items[i] = (struct cache_item){ .key = arena_printf(c->arena, "%s%s", c->kind->key,
						    name != NULL ? name : db_text(rows, i, 0)),
			.data = state,
			.len = state != NULL ? strlen(state) : 0 };
		if (items[i].key == NULL)
			return RC_NOMEM;
	}
	return rows->n > 0 ? cache_set(c->cache, c->deadline, rows->n, items) : RC_OK;
}

static bool
same(const struct db_rows *x, const struct db_rows *y)
{
	bool equal = x->n == y->n;

	for (int i = 0; i < x->n * x->columns && equal; i++)
		equal = x->values[i] == NULL || y->values[i] == NULL
			    ? x->values[i] == y->values[i]
			    : strcmp(x->values[i], y->values[i]) == 0;
	return equal;
}

/* Write what the statement says, until it says the same afterwards: two who copy at a time may have read one state
 * and the next, and the older would be the last to be written. */
static enum rc
write_newest(const struct copier *c, enum sql id, const char *const argv[], const char *name,
    const struct db_rows **rows)
{
	enum rc rc = db_query(c->db, c->deadline, c->arena, id, argv, rows);

	for (int tries = 0; rc == RC_OK && tries < TRIES_MAX; tries++) {
		const struct db_rows *written = *rows;

		if ((rc = write_states(c, written, name)) == RC_OK)
			rc = db_query(c->db, c->deadline, c->arena, id, argv, rows);
		if (rc == RC_OK && same(written, *rows))
			return RC_OK;
	}
	return rc;
}

/* The handlers are told even where Redis could not be: they ask again. */
static enum rc
copy_one(const struct copier *c, const char *name)
{
	const struct db_rows *rows;
	enum rc rc = write_newest(c, c->kind->one, &name, name, &rows), told = tell(c, name);

	return rc != RC_OK ? rc : told;
}

enum rc
mirror_user(struct db *db, struct cache *cache, struct bus *bus, struct deadline d, struct arena *a,
    const char *name)
{
	return copy_one(&(struct copier){ db, cache, bus, d, a, &user }, name);
}

enum rc
mirror_group(struct db *db, struct cache *cache, struct bus *bus, struct deadline d,
    struct arena *a, const char *name)
{
	return copy_one(&(struct copier){ db, cache, bus, d, a, &group }, name);
}

/* Copy the page after the name *after, which becomes the last one of it; "" after the last page. Handlers that cannot
 * be told look with their next ping. */
static enum rc
copy_page(const struct copier *c, const char *within, char after[NAME_SIZE])
{
	const char *argv[] = { within, after, PAGE_TEXT };
	const struct db_rows *rows;
	enum rc rc = write_newest(c, c->kind->touched, argv, NULL, &rows), told = RC_OK;

	if (rc != RC_OK)
		return rc;
	for (int i = 0; i < rows->n && told == RC_OK; i++)
		told = tell(c, db_text(rows, i, 0));
	str_copy(after, rows->n == PAGE ? db_text(rows, PAGE - 1, 0) : "", NAME_SIZE);
	return RC_OK;
}

static enum rc
copy_kind(struct db *db, struct cache *cache, struct bus *bus, struct arena *a,
    const struct kind *k, int64_t within)
{
	char seconds[STR_INT], after[NAME_SIZE] = "";
	enum rc rc;

	str_from_int(within, seconds);
	do {
		const struct copier c = { db, cache, bus, deadline_in(PAGE_MS), a, k };

		arena_reset(a);
		rc = copy_page(&c, seconds, after);
	} while (rc == RC_OK && after[0] != '\0');
	return rc;
}

enum rc
mirror_touched(struct db *db, struct cache *cache, struct bus *bus, int64_t within)
{
	struct arena *a = arena_new(PAGE_BYTES);
	enum rc rc = a != NULL ? RC_OK : RC_NOMEM;

	if (rc == RC_OK)
		rc = copy_kind(db, cache, bus, a, &group, within);
	if (rc == RC_OK)
		rc = copy_kind(db, cache, bus, a, &user, within);
	arena_free(a);
	return rc;
}

enum rc
mirror_all(struct db *db, struct cache *cache, struct bus *bus)
{
	char now[STR_INT];
	struct cache_item marker = { .key = STATE_MARKER, .data = now };
	enum rc rc = mirror_touched(db, cache, NULL, 0);

	if (rc != RC_OK)
		return rc;
	marker.len = strlen(str_from_int(clock_now(), now));
	if ((rc = cache_set(cache, deadline_in(PAGE_MS), 1, &marker)) != RC_OK)
		return rc;
	return bus_publish(bus, "ctl.chat.all", recheck, sizeof(recheck) - 1);
}
