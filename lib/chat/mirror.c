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
#define PAGE_BYTES ((size_t)16 * 1024 * 1024)

/* One of the two kinds of things that are mirrored. */
struct kind {
	enum sql one, touched;
	const char *key, *subject; /* + name */
};

static const struct kind user = { SQL_MIRROR_USER, SQL_MIRROR_USERS, STATE_USER, "ctl.chat.user." };
static const struct kind group = { SQL_MIRROR_GROUP, SQL_MIRROR_GROUPS, STATE_GROUP,
	"ctl.chat.room.group." };

static const char recheck[] = "{\"op\":\"recheck\"}";

static struct cache_item
item(struct arena *a, const struct kind *k, const char *name, const char *state)
{
	return (struct cache_item){ .key = arena_printf(a, "%s%s", k->key, name),
		.data = state,
		.len = state != NULL ? strlen(state) : 0 };
}

static enum rc
tell(struct bus *bus, struct arena *a, const struct kind *k, const char *name)
{
	const char *subject = arena_printf(a, "%s%s", k->subject, name);

	if (subject == NULL)
		return RC_NOMEM;
	return bus != NULL ? bus_publish(bus, subject, recheck, sizeof(recheck) - 1) : RC_OK;
}

/* The handlers are told even where Redis could not be: they ask again. */
static enum rc
copy_one(struct db *db, struct cache *cache, struct bus *bus, struct deadline d, struct arena *a,
    const struct kind *k, const char *name)
{
	const struct db_rows *rows;
	struct cache_item it;
	enum rc rc = db_query(db, d, a, k->one, &name, &rows), told;

	if (rc != RC_OK)
		return rc;
	it = item(a, k, name, db_text(rows, 0, 0));
	if (it.key == NULL)
		return RC_NOMEM;
	rc = cache_set(cache, d, 1, &it);
	told = tell(bus, a, k, name);
	return rc != RC_OK ? rc : told;
}

enum rc
mirror_user(struct db *db, struct cache *cache, struct bus *bus, struct deadline d, struct arena *a,
    const char *name)
{
	return copy_one(db, cache, bus, d, a, &user, name);
}

enum rc
mirror_group(struct db *db, struct cache *cache, struct bus *bus, struct deadline d,
    struct arena *a, const char *name)
{
	return copy_one(db, cache, bus, d, a, &group, name);
}

/* Copy the page after the name *after, which becomes the last one of it; "" after the last page. Handlers that cannot
 * be told look with their next ping. */
static enum rc
copy_page(struct db *db, struct cache *cache, struct bus *bus, struct arena *a,
    const struct kind *k, const char *within, char after[NAME_SIZE])
{
	const char *argv[] = { within, after, PAGE_TEXT };
	struct deadline d = deadline_in(PAGE_MS);
	struct cache_item items[PAGE];
	const struct db_rows *rows;
	enum rc rc = db_query(db, d, a, k->touched, argv, &rows), told = RC_OK;

	if (rc != RC_OK)
		return rc;
	for (int i = 0; i < rows->n; i++) {
		items[i] = item(a, k, db_text(rows, i, 0), db_text(rows, i, 1));
		if (items[i].key == NULL)
			return RC_NOMEM;
	}
	if (rows->n > 0 && (rc = cache_set(cache, d, rows->n, items)) != RC_OK)
		return rc;
	for (int i = 0; i < rows->n && told == RC_OK; i++)
		told = tell(bus, a, k, db_text(rows, i, 0));
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
		arena_reset(a);
		rc = copy_page(db, cache, bus, a, k, seconds, after);
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
