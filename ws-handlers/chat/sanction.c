/* SPDX-License-Identifier: ISC
 *
 * Read, change, and write if it is still what was read.
 */
#include "sanction.h"

#include "chat/member.h"
#include "conn.h"

#include <stdio.h>

#define TRIES 3
#define OP_RECHECK "{\"op\":\"recheck\"}"

/* The mirror's JSON of somebody of whom nothing is known. */
static const char stranger[] = "{\"guest\":false,\"admin\":false,\"void_before\":0,\"groups\":[],"
			       "\"owns\":[],\"bans\":{},\"mutes\":{},\"revoked\":[]}";

/* KEYS: the user's. ARGV: what was read, "" for nothing, and what to write. Returns whether it was written. */
static const char
    swap_script[] = "if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return { 0 } end "
		    "redis.call('SET', KEYS[1], ARGV[2]) "
		    "return { 1 }";

static bool
change(cJSON *user, const char *place, const struct event *e)
{
	bool mute = e->kind == EVENT_MUTE || e->kind == EVENT_UNMUTE;
	bool lift = e->kind == EVENT_UNMUTE || e->kind == EVENT_UNBAN;
	cJSON *set = cJSON_GetObjectItemCaseSensitive(user, mute ? "mutes" : "bans");

	if (!cJSON_IsObject(set))
		return false;
	cJSON_DeleteItemFromObjectCaseSensitive(set, place);
	return lift || cJSON_AddNumberToObject(set, place, (double)e->until) != NULL;
}

char *
sanction_merge(
    struct arena *a, const char *data, size_t len, const char *room, const struct event *e)
{
	cJSON *user = data != NULL ? cJSON_ParseWithLength(data, len) : cJSON_Parse(stranger);
	char *text = NULL, *out = NULL;

	if (change(user, e->site ? STATE_SITE : room, e))
		text = cJSON_PrintUnformatted(user);
	if (text != NULL)
		out = arena_strdup(a, text);
	cJSON_free(text);
	cJSON_Delete(user);
	return out;
}

/* One try. RC_CONFLICT: somebody else has written in between. */
static enum rc
write_once(struct conn *c, const char *key, const char *room, const struct event *e)
{
	struct cache_value v;
	const char *argv[3] = { key, "", NULL }, **out = NULL;
	int n = 0;
	enum rc rc = cache_get(c->cache, conn_patience(c), c->arena, 1, &key, &v);

	if (rc != RC_OK)
		return rc;
	if (v.data != NULL)
		argv[1] = v.data;
	argv[2] = sanction_merge(c->arena, v.data, v.len, room, e);
	if (argv[2] == NULL)
		return RC_INVALID;
	rc = cache_script(c->cache, conn_patience(c), c->arena, swap_script, 1, 3, argv, &n, &out);
	return rc == RC_OK && n == 1 && strcmp(out[0], "0") == 0 ? RC_CONFLICT : rc;
}

void
sanction_apply(struct conn *c, const char *room, const struct event *e)
{
	const char *key = arena_printf(c->arena, STATE_USER "%s", e->user);
	const char *subject = arena_printf(c->arena, "ctl.chat.user.%s", e->user);
	enum rc rc = RC_CONFLICT;

	if (key == NULL || subject == NULL)
		return;
	for (int i = 0; i < TRIES && rc == RC_CONFLICT; i++)
		rc = write_once(c, key, room, e);
	if (rc == RC_OK)
		live_publish(c->live, subject, OP_RECHECK, strlen(OP_RECHECK));
}
