/* SPDX-License-Identifier: ISC
 *
 * The mirror, read.
 */
#include "chat/state.h"

#include "chat/member.h"

#include <string.h>

static const char *const no_names[] = { NULL };
static const struct sanction no_sanctions[] = { { 0 } };

const struct user_state state_stranger = {
	.groups = (const char **)no_names,
	.owns = (const char **)no_names,
	.revoked = (const char **)no_names,
	.bans = no_sanctions,
	.mutes = no_sanctions,
};

static const cJSON *
member(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

/* An array of texts; NULL without memory, and where it is anything else. */
static const char **
read_names(struct arena *a, const cJSON *array)
{
	const char **names = arena_alloc(
	    a, ((size_t)cJSON_GetArraySize(array) + 1) * sizeof(*names));
	const cJSON *item;
	int n = 0;

	if (names == NULL || !cJSON_IsArray(array))
		return NULL;
	cJSON_ArrayForEach(item, array)
	{
		const char *text = cJSON_GetStringValue(item);

		if (text == NULL || (names[n++] = arena_strdup(a, text)) == NULL)
			return NULL;
	}
	return names;
}

/* An object of rooms and when each sanction ends; NULL as above. */
static const struct sanction *
read_sanctions(struct arena *a, const cJSON *object)
{
	struct sanction *s = arena_alloc(a, ((size_t)cJSON_GetArraySize(object) + 1) * sizeof(*s));
	const cJSON *item;
	int n = 0;

	if (s == NULL || !cJSON_IsObject(object))
		return NULL;
	cJSON_ArrayForEach(item, object)
	{
		s[n].until = member_whole_value(item);
		if (s[n].until < 0 || (s[n++].room = arena_strdup(a, item->string)) == NULL)
			return NULL;
	}
	return s;
}

enum rc
state_read_user(struct arena *a, const char *json, size_t len, struct user_state *out)
{
	cJSON *o = cJSON_ParseWithLength(json, len);
	struct user_state u = {
		.guest = member_true(o, "guest"),
		.admin = member_true(o, "admin"),
		.void_before = member_whole(o, "void_before"),
		.groups = read_names(a, member(o, "groups")),
		.owns = read_names(a, member(o, "owns")),
		.revoked = read_names(a, member(o, "revoked")),
		.bans = read_sanctions(a, member(o, "bans")),
		.mutes = read_sanctions(a, member(o, "mutes")),
	};
	bool ok = u.groups != NULL && u.owns != NULL && u.revoked != NULL && u.bans != NULL &&
		  u.mutes != NULL && u.void_before >= 0;

	if (ok)
		*out = u;
	cJSON_Delete(o);
	return ok ? RC_OK : RC_INVALID;
}

enum rc
state_read_group(struct arena *a, const char *json, size_t len, struct group_state *out)
{
	cJSON *o = cJSON_ParseWithLength(json, len);
	const char *title = member_text(o, "title");
	const char *owner = member_text(o, "owner");
	struct group_state g = { .public = member_true(o, "public") };

	if (title != NULL && owner != NULL) {
		g.title = arena_strdup(a, title);
		g.owner = arena_strdup(a, owner);
	}
	cJSON_Delete(o);
	if (g.title == NULL || g.owner == NULL)
		return RC_INVALID;
	*out = g;
	return RC_OK;
}

static bool
holds(const char *const names[], const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static bool
applies(const struct user_state *u, const struct sanction *s, const char *room, int64_t now)
{
	for (; s->room != NULL; s++)
		if ((s->until == 0 || s->until > now) &&
		    (strcmp(s->room, STATE_SITE) == 0 || (!u->admin && strcmp(s->room, room) == 0)))
			return true;
	return false;
}

bool
state_in_group(const struct user_state *u, const char *group)
{
	return holds(u->groups, group);
}

bool
state_owns(const struct user_state *u, const char *group)
{
	return holds(u->owns, group);
}

bool
state_banned(const struct user_state *u, const char *room, int64_t now)
{
	return applies(u, u->bans, room, now);
}

bool
state_muted(const struct user_state *u, const char *room, int64_t now)
{
	return applies(u, u->mutes, room, now);
}

bool
state_revoked(const struct user_state *u, const char *jti, int64_t issued_at)
{
	return issued_at < u->void_before || holds(u->revoked, jti);
}
