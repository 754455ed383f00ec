/* SPDX-License-Identifier: ISC
 *
 * A list, the newest first; there are never many.
 */
#include "ask.h"

#include "base/clock.h"
#include "conn.h"

#include <stdlib.h>

void
ask_send(struct conn *c, const char *subject, const char *msg_id, const char *data, size_t len,
    int64_t ms, ask_done *done, void *arg)
{
	struct ask *a = conn_alloc(sizeof(*a));

	if (++c->asked == 0) /* stands for no request */
		c->asked = 1;
	*a = (struct ask){ c->asks, c->asked, clock_mono_ms() + ms, done, arg };
	c->asks = a;
	if (live_request(c->live, subject, msg_id, data, len, a->number) != RC_OK)
		a->until = 0;
}

/* Take *at out of the list and call done. The list may be another one afterwards. */
static void
finish(struct conn *c, struct ask **at, const struct live_msg *m)
{
	struct ask a = **at;

	free(*at);
	*at = a.next;
	a.done(c, a.arg, m);
}

void
ask_answer(struct conn *c, const struct live_msg *m)
{
	for (struct ask **at = &c->asks; *at != NULL; at = &(*at)->next)
		if ((*at)->number == m->request) {
			finish(c, at, m);
			return;
		}
}

/* The first that is too late, of those up to this number; NULL: none is. */
static struct ask **
find_late(struct conn *c, int64_t now, uint32_t last)
{
	struct ask **at = &c->asks;

	while (*at != NULL && ((*at)->until > now || (*at)->number > last))
		at = &(*at)->next;
	return *at != NULL ? at : NULL;
}

void
ask_expire(struct conn *c, int64_t now)
{
	uint32_t last = c->asked; /* a done() that asks again is not asked in the same breath */
	struct ask **at;

	while ((at = find_late(c, now, last)) != NULL)
		finish(c, at, NULL);
}

void
ask_lost(struct conn *c)
{
	for (struct ask *a = c->asks; a != NULL; a = a->next)
		a->until = 0;
}

void
ask_forget(struct conn *c, const void *arg)
{
	for (struct ask **at = &c->asks; *at != NULL;) {
		struct ask *a = *at;

		if (a->arg != arg) {
			at = &a->next;
			continue;
		}
		*at = a->next;
		free(a);
	}
}

int64_t
ask_due(const struct conn *c)
{
	int64_t due = INT64_MAX;

	for (const struct ask *a = c->asks; a != NULL; a = a->next)
		if (a->until < due)
			due = a->until;
	return due;
}
