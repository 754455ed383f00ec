/* SPDX-License-Identifier: ISC
 *
 * Questions go to Redis, news through NATS.
 */
#include "others.h"

#include "base/clock.h"
#include "chat/member.h"
#include "conn.h"
#include "presence.h"
#include "rooms.h"

#include <stdio.h>

#define WHO_MAX 1000 /* names */
#define TYPING_MS 1000 /* one notice in that time is passed on */

void
others_who(struct conn *c, const cJSON *o, const char *id)
{
	const char **users;
	int64_t members;
	struct jsonw w;
	struct room r;
	int n;

	if (rooms_take_joined(c, o, id, &r) == NULL)
		return;
	if (presence_who(c, &r, WHO_MAX, &members, &n, &users) != RC_OK) {
		say_error(c, id, FAULT_UNAVAILABLE, say_retry_ms(), "nobody knows at the moment");
		return;
	}
	w = say_begin(c, "who", id);
	jsonw_string(&w, "room", r.text);
	jsonw_int(&w, "members", members);
	jsonw_array(&w, "users");
	for (int i = 0; i < n; i++)
		jsonw_string(&w, NULL, users[i]);
	jsonw_end(&w);
	say_end(c, &w);
}

void
others_typing(struct conn *c, const cJSON *o, const char *id)
{
	char subject[ROOM_SUBJECT_SIZE];
	const char *text;
	struct room r;
	struct verdict v;
	int64_t now = clock_mono_ms();

	if (rooms_take_joined(c, o, id, &r) == NULL || now - c->typed_at < TYPING_MS)
		return;
	v = rights_speak(c, &r);
	if (!v.yes) {
		say_error(c, id, v.fault, -1, "%s", v.why);
		return;
	}
	text = arena_printf(c->arena, "{\"event\":\"typing\",\"user\":\"%s\"}", c->token.sub);
	if (text == NULL)
		return;
	c->typed_at = now;
	snprintf(subject, sizeof(subject), ROOM_LIVE "%s", r.text);
	live_publish(c->live, subject, text, strlen(text));
}

/* What others tell */

static void
say_presence(struct conn *c, const char *room, const char *event, const char *user, int64_t members)
{
	struct jsonw w = say_begin(c, "presence", NULL);

	jsonw_string(&w, "room", room);
	jsonw_string(&w, "user", user);
	jsonw_string(&w, "event", event);
	jsonw_int(&w, "members", members);
	say_end(c, &w);
}

static void
say_typing(struct conn *c, const char *room, const char *user)
{
	struct jsonw w = say_begin(c, "typing", NULL);

	jsonw_string(&w, "room", room);
	jsonw_string(&w, "user", user);
	say_end(c, &w);
}

void
others_take(struct conn *c, const struct live_msg *m)
{
	const char *room = m->subject + strlen(ROOM_LIVE), *event, *user;
	const struct channel *ch;
	struct room r;
	cJSON *o;

	if (!room_parse(room, &r) || (ch = channel_of(c, &r)) == NULL || ch->fresh)
		return;
	o = cJSON_ParseWithLength(m->data, m->len);
	event = member_text(o, "event");
	user = member_text(o, "user");
	if (event == NULL || user == NULL || strcmp(user, c->token.sub) == 0)
		; /* the user knows */
	else if (strcmp(event, "typing") == 0)
		say_typing(c, r.text, user);
	else
		say_presence(c, r.text, event, user, member_whole(o, "members"));
	cJSON_Delete(o);
}
