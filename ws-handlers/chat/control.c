/* SPDX-License-Identifier: ISC
 *
 * The subjects, and the operations.
 */
#include "control.h"

#include "chat/member.h"
#include "conn.h"
#include "others.h"
#include "recover.h"
#include "rooms.h"
#include "session.h"

/* Out of a room, or out altogether. */
static void
kick(struct conn *c, const char *room, const char *reason)
{
	bool in = c->stage == STAGE_CONNECTED;
	struct channel *ch = room != NULL && in ? channel_find(c, room) : NULL;

	if (ch != NULL && ch->kind != ROOM_PRIVATE)
		rooms_drop(c, ch, "removed");
	else if (room == NULL)
		say_bye(c, BYE_UNAUTHORIZED, -1, reason != NULL ? reason : "sent away by an admin");
}

/* Until it is connected a client is in no room, and its rights are read again when it is. */
static void
do_op(struct conn *c, const cJSON *o)
{
	const char *op = member_text(o, "op"), *conn_id = member_text(o, "conn");

	if (op == NULL)
		return;
	if (strcmp(op, "recheck") == 0 && c->stage == STAGE_CONNECTED)
		session_recheck(c);
	else if (strcmp(op, "kick") == 0)
		kick(c, member_text(o, "room"), member_text(o, "reason"));
	else if (strcmp(op, "epoch") == 0)
		recover_doubt(c);
	else if (strcmp(op, "replace") == 0 && conn_id != NULL && strcmp(conn_id, c->id) == 0)
		say_bye(c, BYE_REPLACED, -1, "the client has another connection");
}

static void
take_op(struct conn *c, const struct live_msg *m)
{
	cJSON *o = cJSON_ParseWithLength(m->data, m->len);

	do_op(c, o);
	cJSON_Delete(o);
}

void
control_take(struct conn *c, const struct live_msg *m)
{
	static const struct {
		const char *prefix;
		void (*take)(struct conn *c, const struct live_msg *m);
	} takers[] = {
		{ ROOM_OUT, channel_take },
		{ ROOM_LIVE, others_take },
		{ "ctl.chat.", take_op },
		{ "weather.updated.", watch_take },
	};

	if (m->request != 0) {
		ask_answer(c, m);
		return;
	}
	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		if (strncmp(m->subject, takers[i].prefix, strlen(takers[i].prefix)) == 0) {
			takers[i].take(c, m); /* m may be gone: it was of a room that is left */
			return;
		}
}
