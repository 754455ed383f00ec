/* SPDX-License-Identifier: ISC
 *
 * The table of requests.
 */
#include "commands.h"

#include "allow.h"
#include "base/utf8.h"
#include "chat/member.h"
#include "conn.h"
#include "others.h"
#include "publish.h"
#include "rooms.h"
#include "session.h"

#include <inttypes.h>

#define DEPTH_MAX 8
#define VALUES_MAX 1024
#define ID_CHARS_MAX 64
#define ID_BYTES_MAX 512

struct command {
	const char *type;
	void (*run)(struct conn *c, const cJSON *o, const char *id);
	enum stage stage; /* it is for; STAGE__MAX: for any */
	bool counted; /* against floods; messages have a limit of their own */
};

/* The loop has noted that the client is there. */
static void
pong(struct conn *c, const cJSON *o, const char *id)
{
	(void)c;
	(void)o;
	(void)id;
}

static const struct command commands[] = {
	{ "connect", session_connect, STAGE_NEW, true },
	{ "refresh", session_refresh, STAGE_CONNECTED, true },
	{ "pong", pong, STAGE__MAX, false },
	{ "join", rooms_join, STAGE_CONNECTED, true },
	{ "leave", rooms_leave, STAGE_CONNECTED, true },
	{ "who", others_who, STAGE_CONNECTED, true },
	{ "typing", others_typing, STAGE_CONNECTED, true },
	{ "message", publish_message, STAGE_CONNECTED, false },
	{ "edit", publish_edit, STAGE_CONNECTED, false },
	{ "delete", publish_delete, STAGE_CONNECTED, false },
	{ "mute", publish_sanction, STAGE_CONNECTED, false },
	{ "unmute", publish_sanction, STAGE_CONNECTED, false },
	{ "ban", publish_sanction, STAGE_CONNECTED, false },
	{ "unban", publish_sanction, STAGE_CONNECTED, false },
	{ "watch", watch_begin, STAGE_CONNECTED, true },
	{ "unwatch", watch_end, STAGE_CONNECTED, true },
};

/* Go from a text's first quote to its last. False: it holds a control character or \u0000. */
static bool
skip_text(const char *text, size_t len, size_t *at)
{
	for (++*at; *at < len && text[*at] != '"'; ++*at) {
		if ((unsigned char)text[*at] < ' ')
			return false;
		if (text[*at] != '\\')
			continue;
		if (len - *at >= 6 && memcmp(text + *at, "\\u0000", 6) == 0)
			return false;
		++*at;
	}
	return true;
}

bool
command_json_ok(const char *text, size_t len)
{
	int depth = 0, values = 1;

	for (size_t at = 0; at < len; at++) {
		char ch = text[at];

		if (ch == '"' && !skip_text(text, len, &at))
			return false;
		if (ch == '{' || ch == '[')
			depth++;
		else if (ch == '}' || ch == ']')
			depth--;
		else if (ch == ',')
			values++;
		if (depth > DEPTH_MAX || values > VALUES_MAX ||
		    ((unsigned char)ch < ' ' && ch != '\t' && ch != '\r'))
			return false;
	}
	return true;
}

/* The object that a line is; NULL: it is none. */
static cJSON *
parse(const char *text, size_t len)
{
	cJSON *o;
	const char *end;

	if (!utf8_valid(text, len) || !command_json_ok(text, len))
		return NULL;
	o = cJSON_ParseWithLengthOpts(text, len + 1, &end, true);
	if (cJSON_IsObject(o))
		return o;
	cJSON_Delete(o);
	return NULL;
}

/* JSON of the member "id" as it is to be repeated: a whole number or a short text; NULL in *json where there is none.
 * False: it is something else. */
static bool
read_id(struct conn *c, const cJSON *o, const char **json)
{
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(o, "id");
	const char *text = cJSON_GetStringValue(id);
	struct buf b = BUF_INIT(ID_BYTES_MAX);
	struct jsonw w = JSONW_INIT(&b);

	*json = NULL;
	if (id == NULL)
		return true;
	if (member_whole_value(id) >= 0)
		jsonw_int(&w, NULL, member_whole_value(id));
	else if (text != NULL && utf8_length(text, strlen(text)) <= ID_CHARS_MAX)
		jsonw_string(&w, NULL, text);
	if (b.len > 0 && buf_ok(&b))
		*json = arena_strndup(c->arena, b.p, b.len);
	buf_free(&b);
	return *json != NULL;
}

static const struct command *
find(const char *type)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].type, type) == 0)
			return &commands[i];
	return NULL;
}

static void
run(struct conn *c, const struct command *cmd, const cJSON *o, const char *id)
{
	int64_t wait_ms;

	if (cmd->stage == STAGE_NEW && c->stage != STAGE_NEW)
		say_error(c, id, FAULT_ALREADY_CONNECTED, -1, "connect comes once");
	else if (cmd->stage == STAGE_CONNECTED && c->stage != STAGE_CONNECTED)
		say_error(c, id, FAULT_NOT_CONNECTED, -1, "connect comes first");
	else if (cmd->counted && !allow_request(c, &wait_ms))
		say_error(c, id, FAULT_RATE_LIMITED, wait_ms, "too many requests");
	else
		cmd->run(c, o, id);
}

static void
find_and_run(struct conn *c, const cJSON *o, const char *id)
{
	const char *type = member_text(o, "type");
	const struct command *cmd = type != NULL ? find(type) : NULL;

	if (type == NULL)
		say_error(c, id, FAULT_BAD_FIELD, -1, "type: must be a text");
	else if (cmd == NULL)
		say_error(c, id, FAULT_UNKNOWN_TYPE, -1, "there is no such request");
	else
		run(c, cmd, o, id);
}

void
command_run(struct conn *c, const char *text, size_t len)
{
	cJSON *o = parse(text, len);
	const char *id;

	if (o == NULL)
		say_error(c, NULL, FAULT_BAD_JSON, -1, "a line must be a JSON object in UTF-8");
	else if (!read_id(c, o, &id))
		say_error(c, NULL, FAULT_BAD_FIELD, -1,
		    "id: must be a whole number or a text of at most 64 characters");
	else
		find_and_run(c, o, id);
	cJSON_Delete(o);
}
