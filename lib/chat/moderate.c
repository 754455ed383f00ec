/* SPDX-License-Identifier: ISC
 *
 * A sanction's way: PostgreSQL, the mirror in Redis, the log.
 */
#include "chat/moderate.h"

#include "base/str.h"
#include "chat/mirror.h"
#include "chat/state.h"
#include "drivers/stream.h"

/* Have PostgreSQL note it, by a statement whose one column says whether it did. */
static enum rc
note(const struct moderate_peers *p, struct deadline d, struct arena *a, const struct room *room,
    const struct event *e, const char *reason)
{
	const char *place = e->site ? STATE_SITE : room->text;
	const char *kind = e->kind == EVENT_MUTE || e->kind == EVENT_UNMUTE ? "mute" : "ban";
	char at[STR_INT], until[STR_INT];
	const char *const set[] = { e->user, place, kind, str_from_int(e->until, until), reason,
		e->from, str_from_int(e->sent_at, at) };
	const char *const lift[] = { e->user, place, kind, e->from, at };
	bool lifts = e->kind == EVENT_UNMUTE || e->kind == EVENT_UNBAN;
	const struct db_rows *rows;
	enum rc rc;

	rc = db_query(
	    p->db, d, a, lifts ? SQL_SANCTION_LIFT : SQL_SANCTION_SET, lifts ? lift : set, &rows);
	if (rc != RC_OK)
		return rc;
	return db_bool(rows, 0, 0) ? RC_OK : RC_CONFLICT;
}

/* Say it in the room's log. */
static enum rc
publish(struct bus *bus, struct arena *a, const struct room *room, const struct event *e)
{
	const char *subject = arena_printf(a, ROOM_LOG "%s", room->text);
	const char *id = arena_printf(a, "%s/%s/%s", e->from, room->text, e->mid);
	struct buf out = BUF_INIT(4096);
	enum rc rc = RC_NOMEM;
	bool duplicate;
	uint64_t seq;

	event_write(&out, e);
	if (subject != NULL && id != NULL && buf_ok(&out))
		rc = stream_publish(bus, subject, id, out.p, out.len, &seq, &duplicate);
	buf_free(&out);
	return rc;
}

enum rc
moderate(const struct moderate_peers *p, struct deadline d, struct arena *a,
    const struct room *room, struct event *e, const char *reason)
{
	enum rc rc;

	e->sent_at = clock_now_ms();
	rc = note(p, d, a, room, e, reason);
	if (rc != RC_OK)
		return rc;
	(void)mirror_user(p->db, p->cache, p->bus, d, a, e->user);
	return publish(p->bus, a, room, e);
}
