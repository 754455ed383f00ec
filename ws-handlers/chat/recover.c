/* SPDX-License-Identifier: ISC
 *
 * Look, walk and top.
 */
#include "recover.h"

#include "base/clock.h"
#include "base/str.h"
#include "chat/member.h"
#include "conn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_SUBJECT "$JS.API.STREAM.INFO.CHAT"
#define EPOCH "epoch " /* begins the stream's description */
#define ANSWER_MS 2000 /* for one step */
#define RETRY_MS 200
#define RETRY_MAX_MS 3200
#define TRIES_MAX 10 /* to find one that was heard of, and then is not in the log */
#define REQUEST_SIZE (FILTER_SIZE + 64)

void
recover_stop(struct conn *c, struct channel *ch)
{
	ask_forget(c, ch);
	for (struct side *s = ch->sides; s < ch->sides + ch->nsides; s++) {
		ask_forget(c, s);
		free(s->found);
		s->found = NULL;
		s->asking = false;
	}
	ch->retry_at = 0;
}

void
recover_epoch(struct jsonw *w, const struct conn *c)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, c->log.epoch);
	jsonw_string(w, "epoch", text);
}

/* The top of a channel */

static void
be_ready(struct channel *ch)
{
	ch->state = CHANNEL_READY;
	ch->tries = 0;
	ch->retry_at = 0;
}

/* The channel goes on from its newest, at position top, or from wherever the log is, where it has none. */
static void
start_at(struct conn *c, struct channel *ch, uint64_t top)
{
	ch->epoch = c->log.epoch;
	ch->pos = top > ch->goal ? top : ch->goal;
	ch->top = ch->told = top > 0 ? top : ch->goal;
	be_ready(ch);
}

static void
top_done(struct conn *c, void *arg, const struct live_msg *m)
{
	struct channel *ch = arg;

	if (m == NULL || (m->status != 0 && m->status != 404))
		ch->retry_at = clock_mono_ms() + RETRY_MS;
	else
		start_at(c, ch, m->status == 0 ? m->seq : 0);
}

static void
ask_top(struct conn *c, struct channel *ch)
{
	char request[REQUEST_SIZE];
	int len = snprintf(
	    request, sizeof(request), "{\"last_by_subj\":\"%s\"}", ch->sides[0].filter);

	ask_send(c, RECOVER_GET, NULL, request, (size_t)len, ANSWER_MS, top_done, ch);
}

/* What was missed is not wanted, too much, or gone: go on from the newest. The client is told, unless it
 * is still to be told that it has joined. */
static void
give_up(struct conn *c, struct channel *ch)
{
	recover_stop(c, ch);
	channel_drop_held(c, ch);
	ch->epoch = 0;
	ch->recovered = false;
	ch->goal = c->log.last;
	ch->pos = ch->noted = 0;
	if (ch->tell == TELL_NOBODY)
		ch->tell = TELL_JOINED;
	ch->state = CHANNEL_TOP;
	if (ch->kind == ROOM_PRIVATE)
		start_at(c, ch, 0);
	else
		ask_top(c, ch);
}

/* The walk */

/* How far a side has to be clear: what was heard of, the last position when the walk began, what the other has. */
static uint64_t
goal_of(const struct channel *ch)
{
	uint64_t goal = ch->noted > ch->goal ? ch->noted : ch->goal;

	for (const struct side *s = ch->sides; s < ch->sides + ch->nsides; s++)
		if (s->found != NULL && s->found->seq > goal)
			goal = s->found->seq;
	return goal;
}

static bool
wants_more(const struct channel *ch, const struct side *s)
{
	return s->found == NULL && (!s->proven || s->clear < goal_of(ch));
}

static void walk_on(struct conn *c, struct channel *ch);

/* The next one of a side has come. */
static void
find(struct conn *c, struct side *s, const struct live_msg *m)
{
	struct channel *ch = s->channel;
	uint64_t prev = m->seq == ch->noted ? ch->noted_prev : 0;

	if (ch->kind != ROOM_PRIVATE)
		prev = ch->top;
	if (m->seq > c->log.last)
		c->log.last = m->seq;
	s->clear = m->seq - 1;
	s->found = channel_line(c, m, prev);
}

static void
next_done(struct conn *c, void *arg, const struct live_msg *m)
{
	struct side *s = arg;

	s->asking = false;
	if (m == NULL || (m->status != 0 && m->status != 404)) {
		s->channel->retry_at = clock_mono_ms() + RETRY_MS;
		return;
	}
	s->proven = true;
	if (m->status == 0 && m->seq > s->clear) /* else it has come live meanwhile */
		find(c, s, m);
	else if (m->status == 404 && s->known > s->clear)
		s->clear = s->known;
	walk_on(c, s->channel);
}

static void
ask_next(struct conn *c, struct side *s)
{
	char request[REQUEST_SIZE];
	int len = snprintf(request, sizeof(request),
	    "{\"seq\":%" PRIu64 ",\"next_by_subj\":\"%s\"}", s->clear + 1, s->filter);

	s->asking = true;
	s->known = c->log.last;
	ask_send(c, RECOVER_GET, NULL, request, (size_t)len, ANSWER_MS, next_done, s);
}

/* The side that has the next one of the whole channel: none of the others can have one before it. NULL: that is not
 * known yet. */
static struct side *
next_side(struct channel *ch)
{
	struct side *next = NULL;

	for (struct side *s = ch->sides; s < ch->sides + ch->nsides; s++)
		if (s->found != NULL && (next == NULL || s->found->seq < next->found->seq))
			next = s;
	for (struct side *s = ch->sides; next != NULL && s < ch->sides + ch->nsides; s++)
		if (s->found == NULL && s->clear < next->found->seq)
			return NULL;
	return next;
}

/* Take the next one. False: there are too many. */
static bool
take(struct conn *c, struct channel *ch, struct side *s)
{
	if (!channel_hold(c, ch, s->found))
		return false;
	s->clear = s->found->seq;
	s->found = NULL;
	return true;
}

/* Everything up to the goal is taken. One that was heard of and is not there may be so because the server that was
 * asked is a moment behind. */
static void
end_walk(struct conn *c, struct channel *ch)
{
	if (ch->noted > ch->top && ch->tries++ < TRIES_MAX) {
		ch->retry_at = clock_mono_ms() + RETRY_MS;
		return;
	}
	if (ch->noted > ch->top) {
		give_up(c, ch);
		return;
	}
	ch->pos = ch->sides[0].clear;
	if (ch->sides[ch->nsides - 1].clear < ch->pos)
		ch->pos = ch->sides[ch->nsides - 1].clear;
	be_ready(ch);
}

static void
walk_on(struct conn *c, struct channel *ch)
{
	struct side *s;
	bool done = true;

	while ((s = next_side(ch)) != NULL)
		if (!take(c, ch, s)) {
			give_up(c, ch);
			return;
		}
	ch->sides[0].clear = channel_splice(c, ch, ch->sides[0].clear);
	for (s = ch->sides; s < ch->sides + ch->nsides; s++) {
		if (!s->asking && wants_more(ch, s))
			ask_next(c, s);
		done = done && !s->asking;
	}
	if (done)
		end_walk(c, ch);
}

void
recover_walk(struct conn *c, struct channel *ch)
{
	ch->state = CHANNEL_WALK;
	ch->retry_at = 0;
	ch->goal = c->log.last;
	for (struct side *s = ch->sides; s < ch->sides + ch->nsides; s++) {
		s->clear = ch->pos;
		s->proven = false;
	}
	walk_on(c, ch);
}

/* What is held back already counts as taken. */
static void
walk_again(struct conn *c, struct channel *ch)
{
	if (ch->top > ch->pos)
		ch->pos = ch->top;
	recover_walk(c, ch);
}

/* The look */

/* Can the channel's position still be used? */
static void
go_on(struct conn *c, struct channel *ch)
{
	const struct log_seen *log = &c->log;

	if (ch->epoch == log->epoch && ch->pos <= log->last && ch->pos + 1 >= log->first)
		recover_walk(c, ch);
	else
		give_up(c, ch);
}

/* The log has been looked at: for the channels that waited for it, and those that are in another epoch. */
static void
seen(struct conn *c)
{
	bool again = false;

	for (struct channel *ch = c->channels; ch != NULL; ch = ch->next) {
		bool waits = ch->state == CHANNEL_LOOK;

		if (waits && ch->since >= c->log.looks)
			again = true;
		else if (waits || (ch->epoch != 0 && ch->epoch != c->log.epoch))
			go_on(c, ch);
	}
	if (again)
		recover_look(c);
}

/* What the answer says of the stream. False: there is no stream, or it is none of ours. */
static bool
read_info(struct conn *c, const char *data, size_t len)
{
	cJSON *info = cJSON_ParseWithLength(data, len);
	const cJSON *config = cJSON_GetObjectItemCaseSensitive(info, "config");
	const cJSON *state = cJSON_GetObjectItemCaseSensitive(info, "state");
	const char *text = member_text(config, "description");
	int64_t epoch = 0;
	int64_t first = member_whole(state, "first_seq"), last = member_whole(state, "last_seq");
	bool ok = text != NULL && strncmp(text, EPOCH, strlen(EPOCH)) == 0 &&
		  str_to_int(text + strlen(EPOCH), &epoch) && epoch > 0 && first >= 0 && last >= 0;

	if (ok) {
		c->log.first = (uint64_t)first;
		if (epoch != c->log.epoch || (uint64_t)last > c->log.last)
			c->log.last = (uint64_t)last;
		c->log.epoch = epoch;
	}
	cJSON_Delete(info);
	return ok;
}

/* When to look again after a failure, each time later, and at a moment of our own: all handlers have failed. */
static int64_t
next_look(struct log_seen *log)
{
	uint32_t most = RETRY_MS << log->failures;

	if (most < RETRY_MAX_MS)
		log->failures++;
	return clock_mono_ms() + most / 2 + arc4random_uniform(most / 2);
}

static void
look_done(struct conn *c, void *arg, const struct live_msg *m)
{
	(void)arg;
	c->log.looking = false;
	if (m != NULL && m->status == 0 && read_info(c, m->data, m->len)) {
		c->log.failures = 0;
		seen(c);
	} else {
		c->log.retry_at = next_look(&c->log);
	}
}

void
recover_look(struct conn *c)
{
	if (c->log.looking)
		return;
	c->log.looking = true;
	c->log.retry_at = 0;
	c->log.looks++;
	ask_send(c, LOOK_SUBJECT, NULL, "", 0, ANSWER_MS, look_done, &c->log);
}

void
recover_doubt(struct conn *c)
{
	for (struct channel *ch = c->channels; ch != NULL; ch = ch->next) {
		recover_stop(c, ch);
		if (ch->top > ch->pos) /* held back already */
			ch->pos = ch->top;
		ch->state = CHANNEL_LOOK;
		ch->since = c->log.looks;
	}
	recover_look(c);
}

bool
recover_busy(const struct conn *c)
{
	const struct channel *ch = c->channels;

	while (ch != NULL && ch->state == CHANNEL_LIVE)
		ch = ch->next;
	return ch != NULL;
}

void
recover_retry(struct conn *c, int64_t now)
{
	if (!live_up(c->live)) /* with the next connection everything begins anew */
		return;
	if (c->log.retry_at != 0 && c->log.retry_at <= now)
		recover_look(c);
	for (struct channel *ch = c->channels; ch != NULL; ch = ch->next) {
		if (ch->retry_at == 0 || ch->retry_at > now)
			continue;
		ch->retry_at = 0;
		if (ch->state == CHANNEL_WALK)
			walk_again(c, ch);
		else if (ch->state == CHANNEL_TOP)
			ask_top(c, ch);
	}
}

int64_t
recover_due(const struct conn *c)
{
	int64_t due = c->log.retry_at != 0 ? c->log.retry_at : INT64_MAX;

	if (!live_up(c->live))
		return INT64_MAX;
	for (const struct channel *ch = c->channels; ch != NULL; ch = ch->next)
		if (ch->retry_at != 0 && ch->retry_at < due)
			due = ch->retry_at;
	return due;
}
