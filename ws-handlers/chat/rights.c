/* SPDX-License-Identifier: ISC
 *
 * Reading the mirror, and the rules.
 */
#include "rights.h"

#include "base/clock.h"
#include "conn.h"

#include <stdlib.h>

#define USER_BYTES 1048576 /* of a user's state in memory */
#define SEEN_S 2592000 /* that a name is remembered: 30 days */
#define GROUPS_AT_ONCE 100

static const struct verdict may = { .yes = true };

static struct verdict
no(enum fault f, const char *why)
{
	return (struct verdict){ false, f, why };
}

/* Parse a state that has changed, into memory of its own. data NULL: PostgreSQL does not know the user. */
static enum rc
replace(struct rights *r, const struct cache_value *v)
{
	const char *data = v->data != NULL ? v->data : "";
	struct arena *memory = arena_new(USER_BYTES);
	struct user_state user = state_stranger;
	enum rc rc = RC_OK;
	const char *text;

	if (memory == NULL || (text = arena_strdup(memory, data)) == NULL)
		rc = RC_NOMEM;
	else if (v->data != NULL)
		rc = state_read_user(memory, v->data, v->len, &user);
	if (rc != RC_OK) {
		arena_free(memory);
		return rc;
	}
	*r = (struct rights){ memory, user, text, true };
	return RC_OK;
}

enum rc
rights_read(struct conn *c, struct rights *old, bool *changed)
{
	const char *keys[] = { STATE_MARKER,
		arena_printf(c->arena, STATE_USER "%s", c->token.sub) };
	struct cache_value v[2];
	enum rc rc;

	*changed = false;
	if (keys[1] == NULL)
		return RC_NOMEM;
	rc = cache_get(c->cache, conn_patience(c), c->arena, 2, keys, v);
	if (rc != RC_OK)
		return rc;
	if (v[0].data == NULL && v[1].data == NULL)
		return RC_BUSY;
	if (c->rights.told && strcmp(c->rights.text, v[1].data != NULL ? v[1].data : "") == 0)
		return RC_OK;
	*old = c->rights;
	rc = replace(&c->rights, &v[1]);
	*changed = rc == RC_OK;
	return rc;
}

const char *
rights_ended(const struct conn *c)
{
	const struct user_state *u = &c->rights.user;

	if (state_revoked(u, c->token.jti, c->token.iat))
		return "the token has been revoked";
	return state_banned(u, STATE_SITE, clock_now()) ? "banned from this site" : NULL;
}

static enum rc
read_some(struct conn *c, int n, const char *const rooms[], struct group_state groups[])
{
	const char *keys[GROUPS_AT_ONCE + 1] = { STATE_MARKER };
	struct cache_value v[GROUPS_AT_ONCE + 1];
	enum rc rc;

	for (int i = 0; i < n; i++)
		if ((keys[i + 1] = arena_printf(
			 c->arena, STATE_GROUP "%s", rooms[i] + strlen("group."))) == NULL)
			return RC_NOMEM;
	rc = cache_get(c->cache, conn_patience(c), c->arena, n + 1, keys, v);
	if (rc == RC_OK && v[0].data == NULL)
		rc = RC_BUSY;
	for (int i = 0; i < n && rc == RC_OK; i++) {
		groups[i] = (struct group_state){ 0 };
		if (v[i + 1].data != NULL)
			rc = state_read_group(c->arena, v[i + 1].data, v[i + 1].len, &groups[i]);
	}
	return rc;
}

enum rc
rights_groups(struct conn *c, int n, const char *const rooms[], struct group_state groups[])
{
	enum rc rc = RC_OK;

	for (int i = 0; i < n && rc == RC_OK; i += GROUPS_AT_ONCE)
		rc = read_some(
		    c, n - i < GROUPS_AT_ONCE ? n - i : GROUPS_AT_ONCE, rooms + i, groups + i);
	return rc;
}

struct verdict
rights_enter(const struct conn *c, const struct room *r, const struct group_state *g)
{
	const struct user_state *u = &c->rights.user;

	if (state_banned(u, r->text, clock_now()))
		return no(FAULT_FORBIDDEN, "banned from this room");
	if (r->kind != ROOM_GROUP)
		return may;
	if (g->owner == NULL)
		return no(FAULT_NO_SUCH_ROOM, "there is no such group");
	if (g->public || u->admin || state_in_group(u, r->name))
		return may;
	return no(FAULT_FORBIDDEN, "this group is for its members");
}

struct verdict
rights_enter_now(struct conn *c, const struct room *r)
{
	const char *rooms[] = { r->text };
	struct group_state g = { 0 };

	if (r->kind == ROOM_GROUP && (!c->rights.told || rights_groups(c, 1, rooms, &g) != RC_OK))
		return no(FAULT_UNAVAILABLE, "groups cannot be looked up at the moment");
	return rights_enter(c, r, &g);
}

/* Whoever has an account has void_before: when it was made, or later. */
void
rights_leave_name(struct conn *c)
{
	const struct cache_item item = {
		.key = arena_printf(c->arena, STATE_SEEN "%s", c->token.sub),
		.data = "1",
		.len = 1,
		.ttl = SEEN_S,
	};

	if (c->rights.told && c->rights.user.void_before == 0 && item.key != NULL)
		cache_set(c->cache, conn_patience(c), 1, &item);
}

bool
rights_exists(struct conn *c, const char *user)
{
	const char *keys[] = { STATE_MARKER, arena_printf(c->arena, STATE_USER "%s", user),
		arena_printf(c->arena, STATE_SEEN "%s", user) };
	struct cache_value v[3];

	if (keys[1] == NULL || keys[2] == NULL ||
	    cache_get(c->cache, conn_patience(c), c->arena, 3, keys, v) != RC_OK)
		return true;
	return v[0].data == NULL || v[1].data != NULL || v[2].data != NULL;
}

bool
rights_group_exists(struct conn *c, const struct room *r)
{
	const char *rooms[] = { r->text };
	struct group_state g;

	return rights_groups(c, 1, rooms, &g) != RC_OK || g.owner != NULL;
}

static struct verdict
speak_to_all(const struct conn *c)
{
	int64_t who = c->settings->chat_speak;

	if (who == SPEAK_ADMINS && !c->rights.user.admin)
		return no(FAULT_FORBIDDEN, "only admins write to everybody here");
	if (who == SPEAK_USERS && (c->token.guest || c->rights.user.guest))
		return no(FAULT_FORBIDDEN, "guests do not write to everybody here");
	return may;
}

struct verdict
rights_speak(struct conn *c, const struct room *r)
{
	const struct user_state *u = &c->rights.user;

	if (state_muted(u, r->text, clock_now()))
		return no(FAULT_MUTED, "you may not write here at the moment");
	if (state_banned(u, r->text, clock_now()))
		return no(FAULT_FORBIDDEN, "banned from this room");
	if (r->kind == ROOM_PRIVATE && !rights_exists(c, room_partner(r, c->token.sub)))
		return no(FAULT_NO_SUCH_USER, "there is nobody of this name");
	return r->kind == ROOM_BROADCAST ? speak_to_all(c) : may;
}

bool
rights_moderate(const struct conn *c, const struct room *r)
{
	const struct user_state *u = &c->rights.user;

	return u->admin || (r != NULL && r->kind == ROOM_GROUP && state_owns(u, r->name));
}
