/* SPDX-License-Identifier: ISC
 *
 * Events as JSON: one shape in the log, one for clients.
 */
#include "chat/event.h"

#include "base/jsonw.h"
#include "base/utf8.h"
#include "chat/member.h"

#include <string.h>

static const char *const names[EVENT__MAX] = { "message", "edit", "delete", "mute", "unmute", "ban",
	"unban" };

const char *
event_kind_name(enum event_kind kind)
{
	return names[kind];
}

static bool
has_body(enum event_kind kind)
{
	return kind == EVENT_MESSAGE || kind == EVENT_EDIT;
}

static bool
has_target(enum event_kind kind)
{
	return kind == EVENT_EDIT || kind == EVENT_DELETE;
}

static bool
is_sanction(enum event_kind kind)
{
	return kind >= EVENT_MUTE;
}

static bool
has_end(enum event_kind kind)
{
	return kind == EVENT_MUTE || kind == EVENT_BAN;
}

void
event_write(struct buf *out, const struct event *e)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_object(&w, NULL);
	jsonw_string(&w, "kind", names[e->kind]);
	jsonw_string(&w, "from", e->from);
	if (has_body(e->kind))
		jsonw_string(&w, "body", e->body);
	if (has_target(e->kind))
		jsonw_int(&w, "target", (int64_t)e->target);
	if (is_sanction(e->kind)) {
		jsonw_string(&w, "user", e->user);
		jsonw_bool(&w, "site", e->site);
	}
	if (has_end(e->kind))
		jsonw_int(&w, "until", e->until);
	jsonw_string(&w, "mid", e->mid);
	jsonw_int(&w, "sent_at", e->sent_at);
	jsonw_end(&w);
}

static bool
kind_of(const char *name, enum event_kind *kind)
{
	for (int i = 0; i < EVENT__MAX; i++)
		if (strcmp(name, names[i]) == 0) {
			*kind = (enum event_kind)i;
			return true;
		}
	return false;
}

/* The members that the kind needs, still in the tree. */
static bool
read_members(const cJSON *o, struct event *e)
{
	const char *kind = member_text(o, "kind");
	int64_t target = member_whole(o, "target");

	if (kind == NULL || !kind_of(kind, &e->kind))
		return false;
	e->from = member_text(o, "from");
	e->mid = member_text(o, "mid");
	e->sent_at = member_whole(o, "sent_at");
	e->body = has_body(e->kind) ? member_text(o, "body") : NULL;
	e->target = has_target(e->kind) && target > 0 ? (uint64_t)target : 0;
	e->user = is_sanction(e->kind) ? member_text(o, "user") : NULL;
	e->until = has_end(e->kind) ? member_whole(o, "until") : 0;
	e->site = member_true(o, "site");
	return e->from != NULL && e->mid != NULL && e->sent_at >= 0 && e->until >= 0 &&
	       (!has_body(e->kind) || e->body != NULL) &&
	       (!has_target(e->kind) || e->target != 0) &&
	       (!is_sanction(e->kind) || e->user != NULL);
}

/* Copy a text of the tree into the arena; NULL stays NULL. */
static bool
keep(struct arena *a, const char **text)
{
	return *text == NULL || (*text = arena_strdup(a, *text)) != NULL;
}

enum rc
event_read(struct arena *a, const char *data, size_t len, struct event *out)
{
	cJSON *o = cJSON_ParseWithLength(data, len);
	struct event e = { 0 };
	enum rc rc = RC_INVALID;

	if (cJSON_IsObject(o) && read_members(o, &e))
		rc = keep(a, &e.from) && keep(a, &e.mid) && keep(a, &e.body) && keep(a, &e.user)
			 ? RC_OK
			 : RC_NOMEM;
	cJSON_Delete(o);
	if (rc == RC_OK)
		*out = e;
	return rc;
}

void
event_push(struct buf *out, const char *room, uint64_t seq, uint64_t prev, const struct event *e)
{
	struct jsonw w = JSONW_INIT(out);

	jsonw_object(&w, NULL);
	jsonw_string(&w, "type", names[e->kind]);
	jsonw_string(&w, "room", room);
	jsonw_int(&w, "seq", (int64_t)seq);
	jsonw_int(&w, "prev", (int64_t)prev);
	jsonw_string(&w, "from", e->from);
	if (has_body(e->kind))
		jsonw_string(&w, "body", e->body);
	if (has_target(e->kind))
		jsonw_int(&w, "target", (int64_t)e->target);
	if (is_sanction(e->kind)) {
		jsonw_string(&w, "user", e->user);
		jsonw_bool(&w, "site", e->site);
	}
	if (has_end(e->kind) && e->until == 0)
		jsonw_string(&w, "until", NULL);
	else if (has_end(e->kind))
		jsonw_time(&w, "until", e->until);
	jsonw_string(&w, "mid", e->mid);
	jsonw_time_ms(&w, "sent_at", e->sent_at);
	jsonw_end(&w);
}

const char *
event_body_fault(const char *body)
{
	size_t len = strlen(body);

	if (!utf8_valid(body, len))
		return "is not UTF-8";
	if (len == 0 || utf8_length(body, len) > BODY_MAX_CHARS)
		return "must be 1 to 4000 characters long";
	for (const char *c = body; *c != '\0'; c++)
		if (utf8_control(c) > 0 && *c != '\n' && *c != '\t')
			return "holds a control character";
	return NULL;
}

bool
event_mid_ok(const char *mid)
{
	size_t len = strlen(mid);

	for (size_t i = 0; i < len; i++)
		if (mid[i] <= ' ' || mid[i] > '~')
			return false;
	return len > 0 && len < MID_SIZE;
}
