/* SPDX-License-Identifier: ISC
 *
 * The list of channels, the fast way of a message through one, and the way out of what was held back.
 */
#include "channel.h"

#include "base/log.h"
#include "base/str.h"
#include "chat/event.h"
#include "conn.h"
#include "recover.h"

#include <stdio.h>
#include <stdlib.h>

#define MISSED_MAX 300 /* messages of a channel, and bytes, that are made up for */
#define MISSED_BYTES 524288
#define EVENT_BYTES 131072 /* of one event as a line; a body has 4,000 characters */

struct channel *
channel_find(struct conn *c, const char *name)
{
	for (struct channel *ch = c->channels; ch != NULL; ch = ch->next)
		if (strcmp(ch->room, name) == 0)
			return ch;
	return NULL;
}

struct channel *
channel_of(struct conn *c, const struct room *r)
{
	return channel_find(c, r->kind == ROOM_PRIVATE ? CHANNEL_PRIVATE : r->text);
}

/* Subscriptions: "*.group.x" is chat.group.x and live.group.x at once. */

struct subjects {
	char text[3][FILTER_SIZE + 16];
	int n;
};

static void
add_subject(struct subjects *s, const char *prefix, const char *rest)
{
	snprintf(s->text[s->n], sizeof(s->text[0]), "%s%s", prefix, rest);
	s->n++;
}

static struct subjects
subjects_of(const struct channel *ch)
{
	struct subjects s = { .n = 0 };

	for (int i = 0; i < ch->nsides; i++)
		add_subject(&s, "*.", ch->sides[i].filter + strlen(ROOM_LOG));
	if (ch->kind == ROOM_GROUP)
		add_subject(&s, "ctl.chat.room.", ch->room);
	return s;
}

/* The subject of a room's log, a name before and a name behind. */
static void
add_side(struct channel *ch, const char *before, const char *name, const char *behind)
{
	struct side *s = &ch->sides[ch->nsides++];

	snprintf(s->filter, sizeof(s->filter), ROOM_LOG "%s%s%s", before, name, behind);
	s->channel = ch;
}

static void
add_sides(const struct conn *c, struct channel *ch)
{
	if (ch->kind != ROOM_PRIVATE) {
		add_side(ch, "", ch->room, "");
		return;
	}
	add_side(ch, "private.", c->token.sub, ".*");
	add_side(ch, "private.*.", c->token.sub, "");
}

struct channel *
channel_open(struct conn *c, enum room_kind kind, const char *name)
{
	struct channel *ch = conn_alloc(sizeof(*ch));
	struct subjects s;

	ch->kind = kind;
	ch->fresh = true;
	ch->missed.last = &ch->missed.first;
	ch->tail.last = &ch->tail.first;
	ch->since = c->log.looks;
	str_copy(ch->room, name, sizeof(ch->room));
	add_sides(c, ch);
	ch->next = c->channels;
	c->channels = ch;
	s = subjects_of(ch);
	for (int i = 0; i < s.n; i++)
		if (live_subscribe(c->live, s.text[i]) != RC_OK)
			log_die(EXIT_SYSTEM, "no memory", NULL);
	return ch;
}

void
channel_set_position(struct channel *ch, int64_t epoch, uint64_t pos)
{
	ch->epoch = epoch;
	ch->pos = ch->top = ch->told = pos;
	ch->noted = 0;
	ch->recovered = ch->asked = true;
}

/* What is held back */

static void
append(struct conn *c, struct held_list *l, struct held *h)
{
	h->next = NULL;
	*l->last = h;
	l->last = &h->next;
	l->n += h->len > 0;
	l->bytes += h->len;
	c->held += h->len;
}

static struct held *
shift(struct conn *c, struct held_list *l)
{
	struct held *h = l->first;

	l->first = h->next;
	if (l->first == NULL)
		l->last = &l->first;
	l->n -= h->len > 0;
	l->bytes -= h->len;
	c->held -= h->len;
	return h;
}

static void
drop(struct conn *c, struct held_list *l)
{
	while (l->first != NULL)
		free(shift(c, l));
}

/* Whether a list may hold one more, of len bytes. */
static bool
has_room(const struct conn *c, const struct held_list *l, size_t len)
{
	size_t most = (size_t)c->settings->ws_queue;

	return len == 0 || (l->n < MISSED_MAX && l->bytes + len <= MISSED_BYTES &&
			       c->held + len <= (most > MISSED_BYTES ? most : MISSED_BYTES));
}

void
channel_drop_held(struct conn *c, struct channel *ch)
{
	drop(c, &ch->missed);
	drop(c, &ch->tail);
}

bool
channel_hold(struct conn *c, struct channel *ch, struct held *h)
{
	if (!has_room(c, &ch->missed, h->len))
		return false;
	append(c, &ch->missed, h);
	ch->top = h->seq;
	return true;
}

uint64_t
channel_splice(struct conn *c, struct channel *ch, uint64_t pos)
{
	if (ch->tail.first == NULL || ch->tail_prev > pos)
		return pos;
	while (ch->tail.first != NULL) {
		struct held *h = shift(c, &ch->tail);

		if (h->seq > pos && channel_hold(c, ch, h)) {
			pos = h->seq;
			continue;
		}
		if (h->seq > pos)
			drop(c, &ch->tail);
		free(h);
	}
	return pos;
}

/* A message that came while others before it may be missing: a tail has no gap, or begins anew behind it. */
static void
keep(struct conn *c, struct channel *ch, const struct live_msg *m)
{
	struct held *h = channel_line(c, m, m->prev);

	if (m->prev != ch->tail_seq || !has_room(c, &ch->tail, h->len))
		drop(c, &ch->tail);
	if (ch->tail.first == NULL)
		ch->tail_prev = m->prev;
	ch->tail_seq = m->seq;
	append(c, &ch->tail, h);
}

void
channel_close(struct conn *c, struct channel *ch)
{
	const struct subjects s = subjects_of(ch);
	struct channel **at = &c->channels;

	for (int i = 0; i < s.n; i++)
		live_unsubscribe(c->live, s.text[i]);
	recover_stop(c, ch);
	channel_drop_held(c, ch);
	while (*at != ch)
		at = &(*at)->next;
	*at = ch->next;
	free(ch->join_id);
	free(ch);
}

/* A guest may bear the name of somebody who was here before, and does not get letters to that one. */
static bool
is_for_us(const struct conn *c, const struct room *r, const struct event *e)
{
	return r->kind != ROOM_PRIVATE || token_had_name(&c->token, e->sent_at);
}

/* False: it is no event, or not for this client. */
static bool
write_line(struct conn *c, const struct live_msg *m, uint64_t prev, struct buf *b)
{
	struct event e;
	struct room r;

	if (!room_of_subject(m->subject, &r) ||
	    event_read(c->arena, m->data, m->len, &e) != RC_OK || !is_for_us(c, &r, &e))
		return false;
	event_push(b, r.text, m->seq, prev, &e);
	return buf_ok(b);
}

struct held *
channel_line(struct conn *c, const struct live_msg *m, uint64_t prev)
{
	struct buf b = BUF_INIT(EVENT_BYTES);
	size_t len = write_line(c, m, prev, &b) ? b.len : 0;
	struct held *h = conn_alloc(sizeof(*h) + len);

	*h = (struct held){ .seq = m->seq, .len = len };
	if (len > 0)
		memcpy(h->line, b.p, len);
	buf_free(&b);
	return h;
}

static void
hand_on(struct conn *c, struct channel *ch, struct held *h)
{
	if (h->len > 0) {
		outbox_add(&c->out, h->line, h->len);
		ch->told = h->seq;
		c->count.delivered++;
	}
	free(h);
}

/* The next one of its room: nothing is missing before it. */
static void
hand_on_live(struct conn *c, struct channel *ch, const struct live_msg *m)
{
	ch->pos = ch->top = m->seq;
	hand_on(c, ch, channel_line(c, m, m->prev < ch->told ? m->prev : ch->told));
}

void
channel_take(struct conn *c, const struct live_msg *m)
{
	struct channel *ch;
	struct room r;

	if (m->seq == 0 || !room_of_subject(m->subject, &r) || (ch = channel_of(c, &r)) == NULL)
		return;
	if (m->seq > c->log.last)
		c->log.last = m->seq;
	if (m->seq <= ch->pos || m->seq <= ch->noted)
		return;
	ch->noted = m->seq;
	ch->noted_prev = m->prev;
	if (ch->state == CHANNEL_LIVE && ch->kind != ROOM_PRIVATE && m->prev <= ch->pos) {
		hand_on_live(c, ch, m);
		return;
	}
	if (ch->kind != ROOM_PRIVATE)
		keep(c, ch, m);
	if (ch->state == CHANNEL_LIVE)
		recover_walk(c, ch);
}

bool
channel_may_hand_on(const struct conn *c, const struct channel *ch)
{
	const struct held *h = ch->missed.first;

	return h == NULL || outbox_waiting(&c->out) + h->len < (size_t)c->settings->ws_queue / 2;
}

void
channel_hand_on(struct conn *c, struct channel *ch)
{
	ch->pos = channel_splice(c, ch, ch->pos);
	while (ch->missed.first != NULL && channel_may_hand_on(c, ch))
		hand_on(c, ch, shift(c, &ch->missed));
	if (ch->missed.first != NULL)
		return;
	ch->state = CHANNEL_LIVE;
	ch->fresh = false;
	if (ch->noted > ch->pos)
		recover_walk(c, ch);
}
