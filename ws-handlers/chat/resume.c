/* SPDX-License-Identifier: ISC
 *
 * Groups that cannot be looked up, Redis being away, are remembered and resumed later.
 */
#include "resume.h"

#include "base/str.h"
#include "chat/member.h"
#include "conn.h"
#include "rooms.h"

#define RESUME_MAX (CHAT_ROOMS_MAX + 2) /* entries: groups, "broadcast", "private" */

int64_t
resume_epoch(const cJSON *o)
{
	const char *text = member_text(o, "epoch");
	int64_t epoch;

	return text != NULL && str_to_int(text, &epoch) && epoch > 0 ? epoch : -1;
}

static bool
entry_ok(const cJSON *entry)
{
	const char *name = member_text(entry, "room");
	const cJSON *seq = cJSON_GetObjectItemCaseSensitive(entry, "seq");
	const cJSON *epoch = cJSON_GetObjectItemCaseSensitive(entry, "epoch");
	struct room r;

	return name != NULL &&
	       (strcmp(name, CHANNEL_PRIVATE) == 0 ||
		   (room_parse(name, &r) && r.kind != ROOM_PRIVATE)) &&
	       (seq == NULL || member_whole_value(seq) >= 0) &&
	       (epoch == NULL || cJSON_IsString(epoch)) && (seq == NULL) == (epoch == NULL);
}

bool
resume_check(struct conn *c, const cJSON *o, const char *id)
{
	const cJSON *resume = cJSON_GetObjectItemCaseSensitive(o, "resume"), *entry;
	bool ok = resume == NULL ||
		  (cJSON_IsArray(resume) && cJSON_GetArraySize(resume) <= RESUME_MAX);

	cJSON_ArrayForEach(entry, resume)
	{
		ok = ok && entry_ok(entry);
	}
	if (!ok)
		say_error(c, id, FAULT_BAD_FIELD, -1,
		    "resume: must be an array of at most %d {\"room\",\"epoch\",\"seq\"}; all "
		    "private "
		    "conversations are one, \"" CHANNEL_PRIVATE "\"",
		    RESUME_MAX);
	return ok;
}

/* Open a group that is to be resumed, if that may be. False: it cannot be looked up now. */
static bool
resume_group(struct conn *c, const char *name, enum channel_tell tell)
{
	struct verdict v;
	struct room r;

	if (!room_parse(name, &r) || r.kind != ROOM_GROUP ||
	    rooms_count(c) >= c->settings->chat_rooms)
		return true;
	v = rights_enter_now(c, &r);
	if (v.yes)
		rooms_open(c, r.kind, name, tell);
	else if (v.fault != FAULT_UNAVAILABLE && tell == TELL_JOINED)
		rooms_refuse(c, &r, &v);
	return v.yes || v.fault != FAULT_UNAVAILABLE;
}

/* Resume one room, which may be open as one of the user's own; or remember that it is to be. */
static void
resume(struct conn *c, const cJSON *entry, enum channel_tell tell)
{
	const char *name = member_text(entry, "room");
	int64_t seq = member_whole(entry, "seq");
	struct channel *ch = channel_find(c, name);

	if (ch == NULL && !resume_group(c, name, tell)) {
		if (c->unresumed == NULL)
			c->unresumed = cJSON_CreateArray();
		cJSON_AddItemToArray(c->unresumed, cJSON_Duplicate(entry, true));
	}
	if (ch == NULL)
		ch = channel_find(c, name);
	if (ch != NULL && seq >= 0)
		channel_set_position(ch, resume_epoch(entry), (uint64_t)seq);
}

void
resume_begin(struct conn *c, const cJSON *o)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(o, "resume"))
	{
		resume(c, entry, TELL_CONNECTED);
	}
}

bool
resume_unknown(const struct conn *c)
{
	return !c->rights.told || c->unresumed != NULL;
}

void
resume_rest(struct conn *c)
{
	cJSON *rest = c->unresumed;
	const cJSON *entry;

	c->unresumed = NULL;
	cJSON_ArrayForEach(entry, rest)
	{
		const struct channel *ch = channel_find(c, member_text(entry, "room"));

		if (ch == NULL || (ch->fresh && !ch->asked))
			resume(c, entry, TELL_JOINED);
	}
	cJSON_Delete(rest);
}
