/* SPDX-License-Identifier: ISC
 *
 * The library is told to use an event loop that is not there: its callbacks, which come from any thread, only note
 * what it waits for and wake poll(2). Subscriptions are synchronous, so that no thread delivers, and are drained
 * without waiting.
 *
 * Connections are made by a thread of ours that ends with it. The library's own would hold the connection's lock
 * while it waits for a server, and gives up for good on some errors.
 *
 * Not over TLS: with an event loop 3.4.1 then waits for the rest of a record where it should return.
 */
#include "drivers/live.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/bus_nats.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define IO_BYTES \
	4096 /* of the library's buffers, one each way; they grow where a message needs it */
#define QUEUE_MAX (1 << 20) /* bytes that the server has not taken */
#define PING_MS 20000 /* a server that leaves three unanswered is gone */
#define RETRY_MIN_MS 200
#define RETRY_MAX_MS 5000
#define CONNECT_MS 10000
#define HUNG_MS 40000
#define FLIGHT 1024 /* requests whose answer may be known to be 503 */

struct subscription {
	char *subject;
	natsSubscription *sub; /* NULL: not at the server */
};

struct live {
	const struct settings *settings;
	const char *name;
	atomic_int
	    owners; /* the caller, the connecting thread, and the library while it is attached */
	int wake_fd; /* eventfd */
	pthread_t loop; /* whose poll(2) need not be woken */

	/* set by callbacks and the connecting thread */
	atomic_int fd; /* the connection's socket; -1: none */
	atomic_bool writable_wanted, broken, closed;
	_Atomic(natsConnection *) made;
	atomic_int_fast64_t connecting_since; /* on clock_mono_ms(); 0: it is not */

	/* the loop's */
	pthread_t connector;
	bool connecting, unread; /* unread: there may be messages in the subscriptions */
	natsConnection *nc;
	unsigned generation;
	struct subscription *subs;
	size_t nsubs, room, cursor;
	natsMsg *msg; /* what live_next() gave last */
	char inbox[64]; /* "_INBOX.something." */
	uint32_t flight[FLIGHT];
	size_t flight_first, flight_n;
};

/* The connection */

static void
release(struct live *l)
{
	if (atomic_fetch_sub(&l->owners, 1) != 1)
		return;
	close(l->wake_fd);
	free(l);
}

static void
wake(struct live *l)
{
	const uint64_t one = 1;

	if (!pthread_equal(pthread_self(), l->loop) &&
	    write(l->wake_fd, &one, sizeof(one)) != sizeof(one))
		log_event(LOG_LEVEL_ERROR, "nats: the loop cannot be woken", NULL);
}

/* The callbacks of the library's event loop. It polls for reading from attach on, and always. */

static natsStatus
on_attach(void **data, void *loop, natsConnection *nc, natsSock fd)
{
	const struct linger none = { 0 };
	struct live *l = loop;

	(void)nc;
	/* The library asks for a reset instead of a close, which may overtake what was sent last. */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	atomic_fetch_add(&l->owners, 1);
	atomic_store(&l->writable_wanted, false);
	atomic_store(&l->fd, fd);
	*data = l;
	return NATS_OK;
}

static natsStatus
on_read(void *data, bool add)
{
	struct live *l = data;

	if (!add)
		atomic_store(&l->fd, -1);
	return NATS_OK;
}

static natsStatus
on_write(void *data, bool add)
{
	struct live *l = data;

	atomic_store(&l->writable_wanted, add);
	if (add)
		wake(l);
	return NATS_OK;
}

static natsStatus
on_detach(void *data)
{
	struct live *l = data;

	atomic_store(&l->fd, -1);
	atomic_store(&l->broken, true);
	wake(l);
	release(l);
	return NATS_OK;
}

/* The one place where the thread may be cancelled. */
static natsStatus
connect_bounded(struct live *l, natsOptions *o, natsConnection **nc)
{
	natsStatus st;

	atomic_store(&l->broken, false);
	atomic_store(&l->connecting_since, clock_mono_ms());
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	st = natsConnection_Connect(nc, o);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	atomic_store(&l->connecting_since, 0);
	return st;
}

static natsStatus
connect_once(struct live *l, natsConnection **nc)
{
	natsOptions *o = NULL;
	natsStatus st = bus_options(l->settings, l->name, &o);

	/* Where the time-out passes between two lines of the server, 3.4.1 spins until it gets more. */
	if (st == NATS_OK)
		st = natsOptions_SetTimeout(o, CONNECT_MS);
	if (st == NATS_OK)
		st = natsOptions_SetEventLoop(o, l, on_attach, on_read, on_write, on_detach);
	if (st == NATS_OK)
		st = natsOptions_SetSendAsap(o, true);
	if (st == NATS_OK)
		st = natsOptions_SetIOBufSize(o, IO_BYTES);
	if (st == NATS_OK)
		st = natsOptions_SetPingInterval(o, PING_MS);
	if (st == NATS_OK)
		st = connect_bounded(l, o, nc);
	natsOptions_Destroy(o);
	return st;
}

/* A thousand programs lose the same server at the same time: they return spread over a while. */
static void
pause_before(unsigned failures)
{
	uint32_t most = RETRY_MIN_MS << (failures < 5 ? failures : 5);

	if (most > RETRY_MAX_MS)
		most = RETRY_MAX_MS;
	poll(NULL, 0, (int)(RETRY_MIN_MS / 4 + arc4random_uniform(most)));
}

static void *
connect_forever(void *arg)
{
	struct live *l = arg;
	natsConnection *nc = NULL;
	natsStatus st = NATS_OK;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	for (unsigned failures = 0; !atomic_load(&l->closed); failures++) {
		if (l->generation > 0 || failures > 0)
			pause_before(failures);
		if ((st = connect_once(l, &nc)) == NATS_OK)
			break;
		if (failures == 0)
			log_event(LOG_LEVEL_WARN, "nats: cannot connect",
			    LOG_WITH(log_s("reason", natsStatus_GetText(st))));
	}
	atomic_store(&l->made, nc);
	wake(l);
	if (atomic_load(&l->closed)) /* whoever of us two takes it destroys it */
		natsConnection_Destroy(atomic_exchange(&l->made, NULL));
	release(l);
	return NULL;
}

/* RC_NOMEM without a thread. */
static enum rc
start_connecting(struct live *l)
{
	atomic_fetch_add(&l->owners, 1);
	l->connecting = pthread_create(&l->connector, NULL, connect_forever, l) == 0;
	if (!l->connecting)
		atomic_fetch_sub(&l->owners, 1);
	return l->connecting ? RC_OK : RC_NOMEM;
}

static enum rc
subscribe_now(struct live *l, struct subscription *s)
{
	natsStatus st = natsConnection_SubscribeSync(&s->sub, l->nc, s->subject);

	if (st == NATS_OK || st == NATS_CONNECTION_CLOSED)
		return RC_OK; /* closed: it is made with the next connection */
	return st == NATS_INVALID_SUBJECT ? RC_INVALID : RC_NOMEM;
}

static void
go_up(struct live *l, natsConnection *nc)
{
	l->nc = nc;
	l->generation++;
	l->flight_n = 0;
	for (size_t i = 0; i < l->nsubs; i++)
		subscribe_now(l, &l->subs[i]);
	if (l->generation > 1)
		log_event(LOG_LEVEL_INFO, "nats: connected again", NULL);
}

/* Messages that were not taken yet are dropped too: the new connection's number tells that there is a gap. */
static void
go_down(struct live *l)
{
	natsConnection_Destroy(l->nc); /* first, or it would unsubscribe them one by one */
	for (size_t i = 0; i < l->nsubs; i++) {
		natsSubscription_Destroy(l->subs[i].sub);
		l->subs[i].sub = NULL;
	}
	l->nc = NULL;
	l->unread = false;
}

/* Where the connecting thread spins in the library there is no other way out of it. What the library held is lost. */
static bool
cancel_hung(struct live *l)
{
	int64_t since = atomic_load(&l->connecting_since);

	if (since == 0 || clock_mono_ms() - since < HUNG_MS)
		return false;
	log_event(LOG_LEVEL_ERROR, "nats: connecting hangs, begun anew", NULL);
	pthread_cancel(l->connector);
	return true;
}

/* The connecting thread has ended, or is about to. */
static void
end_connecting(struct live *l)
{
	natsConnection *nc;
	void *end;

	pthread_join(l->connector, &end);
	l->connecting = false;
	if (end == PTHREAD_CANCELED)
		atomic_fetch_sub(&l->owners, 1);
	if ((nc = atomic_exchange(&l->made, NULL)) != NULL)
		go_up(l, nc);
}

/* What the callbacks and the connecting thread have left to be done. */
static void
settle(struct live *l)
{
	if (l->nc != NULL && atomic_load(&l->broken)) {
		log_event(LOG_LEVEL_WARN, "nats: connection lost", NULL);
		go_down(l);
	}
	if (l->connecting && (atomic_load(&l->made) != NULL || cancel_hung(l)))
		end_connecting(l);
	if (l->nc == NULL && !l->connecting && start_connecting(l) != RC_OK)
		log_event(LOG_LEVEL_ERROR, "nats: no thread to connect with", NULL);
}

static enum rc
make_inbox(struct live *l)
{
	natsInbox *inbox = NULL;
	char subject[sizeof(l->inbox) + 1];

	if (natsInbox_Create(&inbox) != NATS_OK)
		return RC_NOMEM;
	snprintf(l->inbox, sizeof(l->inbox), "%s.", inbox);
	natsInbox_Destroy(inbox);
	snprintf(subject, sizeof(subject), "%s*", l->inbox);
	return live_subscribe(l, subject);
}

enum rc
live_open(const struct settings *s, const char *name, struct live **out)
{
	struct live *l = calloc(1, sizeof(*l));
	enum rc rc;

	*out = NULL;
	if (l == NULL)
		return RC_NOMEM;
	l->settings = s;
	l->name = name;
	l->owners = 1;
	l->fd = -1;
	l->loop = pthread_self();
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rc = l->wake_fd != -1 ? make_inbox(l) : RC_NOMEM;
	if (rc == RC_OK)
		rc = start_connecting(l);
	if (rc == RC_OK)
		*out = l;
	else
		live_close(l);
	return rc;
}

/* Without its own flush, for which the library waits half a second. */
static void
send_the_rest(struct live *l)
{
	int fd = atomic_load(&l->fd);

	if (atomic_load(&l->writable_wanted))
		natsConnection_ProcessWriteEvent(l->nc);
	if (atomic_load(&l->writable_wanted) && fd != -1) {
		shutdown(fd, SHUT_RDWR);
		natsConnection_ProcessWriteEvent(l->nc);
	}
}

void
live_close(struct live *l)
{
	if (l == NULL)
		return;
	atomic_store(&l->closed, true);
	natsMsg_Destroy(l->msg);
	if (l->nc != NULL && !atomic_load(&l->broken))
		send_the_rest(l);
	if (l->connecting) {
		pthread_detach(l->connector);
		natsConnection_Destroy(atomic_exchange(&l->made, NULL));
	}
	go_down(l);
	for (size_t i = 0; i < l->nsubs; i++)
		free(l->subs[i].subject);
	free(l->subs);
	release(l);
}

void
live_poll(struct live *l, struct pollfd p[LIVE_FDS])
{
	int events = l->unread ? 0 : POLLIN;

	if (atomic_load(&l->writable_wanted))
		events |= POLLOUT;
	p[0] = (struct pollfd){ .fd = l->wake_fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = l->nc != NULL ? atomic_load(&l->fd) : -1,
		.events = (short)events };
}

void
live_step(struct live *l, const struct pollfd p[LIVE_FDS])
{
	uint64_t n;

	if (p[0].revents != 0 && read(l->wake_fd, &n, sizeof(n)) != sizeof(n))
		log_event(LOG_LEVEL_ERROR, "nats: the loop was woken by nobody", NULL);
	if (l->nc != NULL && (p[1].revents & POLLOUT) != 0)
		natsConnection_ProcessWriteEvent(l->nc);
	if (l->nc != NULL && (p[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
		natsConnection_ProcessReadEvent(l->nc);
		l->unread = true;
	}
	settle(l);
}

bool
live_up(const struct live *l)
{
	return l->nc != NULL;
}

unsigned
live_generation(const struct live *l)
{
	return l->generation;
}

/* Subscriptions: the first is the inbox. */

static struct subscription *
find(struct live *l, const char *subject)
{
	for (size_t i = 0; i < l->nsubs; i++)
		if (strcmp(l->subs[i].subject, subject) == 0)
			return &l->subs[i];
	return NULL;
}

static enum rc
make_room(struct live *l)
{
	size_t room = l->room > 0 ? l->room * 2 : 8;
	struct subscription *subs;

	if (l->nsubs < l->room)
		return RC_OK;
	if ((subs = realloc(l->subs, room * sizeof(*subs))) == NULL)
		return RC_NOMEM;
	l->subs = subs;
	l->room = room;
	return RC_OK;
}

enum rc
live_subscribe(struct live *l, const char *subject)
{
	struct subscription *s;
	enum rc rc = RC_OK;

	if (find(l, subject) != NULL)
		return RC_OK;
	if (make_room(l) != RC_OK)
		return RC_NOMEM;
	s = &l->subs[l->nsubs];
	*s = (struct subscription){ .subject = strdup(subject) };
	if (s->subject == NULL)
		return RC_NOMEM;
	if (l->nc != NULL)
		rc = subscribe_now(l, s);
	if (rc == RC_OK)
		l->nsubs++;
	else
		free(s->subject);
	return rc;
}

void
live_unsubscribe(struct live *l, const char *subject)
{
	struct subscription *s = find(l, subject);

	if (s == NULL)
		return;
	natsSubscription_Destroy(s->sub);
	free(s->subject);
	*s = l->subs[--l->nsubs];
}

/* Messages */

static void
flight_add(struct live *l, uint32_t request)
{
	if (l->flight_n == FLIGHT) {
		l->flight_first++;
		l->flight_n--;
	}
	l->flight[(l->flight_first + l->flight_n++) % FLIGHT] = request;
}

static uint32_t
flight_oldest(struct live *l)
{
	while (l->flight_n > 0) {
		uint32_t request = l->flight[l->flight_first++ % FLIGHT];

		l->flight_n--;
		if (request != 0)
			return request;
	}
	return 0;
}

static void
flight_end(struct live *l, uint32_t request)
{
	for (size_t i = 0; i < l->flight_n; i++) {
		uint32_t *r = &l->flight[(l->flight_first + i) % FLIGHT];

		if (*r == request)
			*r = 0;
	}
	while (l->flight_n > 0 && l->flight[l->flight_first % FLIGHT] == 0) {
		l->flight_first++;
		l->flight_n--;
	}
}

static void
fill(struct live *l, const struct subscription *s, struct live_msg *m)
{
	const char *subject = natsMsg_GetSubject(l->msg), *stored;

	*m = (struct live_msg){ .subject = subject,
		.data = natsMsg_GetData(l->msg),
		.len = (size_t)natsMsg_GetDataLength(l->msg),
		.seq = bus_header_number(l->msg, "Nats-Sequence"),
		.prev = bus_header_number(l->msg, "Nats-Last-Sequence") };
	if (s != l->subs)
		return;
	m->status = bus_status(l->msg);
	m->request = (uint32_t)strtoul(subject + strlen(l->inbox), NULL, 10);
	if (natsMsgHeader_Get(l->msg, "Nats-Subject", &stored) == NATS_OK)
		m->subject = stored;
	flight_end(l, m->request);
}

/* The library swallows a message "nobody answers" and with it the subject that says whose reply it is. The server
 * sends them in the order of the requests. */
static bool
take_from(struct live *l, const struct subscription *s, struct live_msg *m)
{
	natsStatus st;
	int pending = 0;

	while (natsSubscription_GetPending(s->sub, &pending, NULL) == NATS_OK && pending > 0) {
		st = natsSubscription_NextMsg(&l->msg, s->sub, 0);
		if (st == NATS_OK) {
			fill(l, s, m);
			return true;
		}
		if (st != NATS_NO_RESPONDERS)
			return false;
		*m = (struct live_msg){ .subject = "", .data = "", .status = 503 };
		if ((m->request = flight_oldest(l)) != 0)
			return true;
	}
	return false;
}

bool
live_next(struct live *l, struct live_msg *m)
{
	natsMsg_Destroy(l->msg);
	l->msg = NULL;
	for (size_t tried = 0; l->unread && tried < l->nsubs; tried++) {
		const struct subscription *s = &l->subs[l->cursor % l->nsubs];

		if (s->sub != NULL && take_from(l, s, m))
			return true;
		l->cursor = (l->cursor + 1) % l->nsubs;
	}
	l->unread = false;
	return false;
}

static enum rc
send_rc(natsStatus st)
{
	switch (st) {
	case NATS_OK: return RC_OK;
	case NATS_NO_MEMORY: return RC_NOMEM;
	case NATS_INVALID_SUBJECT:
	case NATS_MAX_PAYLOAD: return RC_INVALID;
	default: return RC_DOWN;
	}
}

static enum rc
may_send(const struct live *l)
{
	if (l->nc == NULL || atomic_load(&l->broken))
		return RC_DOWN;
	return natsConnection_Buffered(l->nc) > QUEUE_MAX ? RC_BUSY : RC_OK;
}

enum rc
live_publish(struct live *l, const char *subject, const void *data, size_t len)
{
	enum rc rc = may_send(l);

	return rc == RC_OK ? send_rc(natsConnection_Publish(l->nc, subject, data, (int)len)) : rc;
}

enum rc
live_request(struct live *l, const char *subject, const char *msg_id, const void *data, size_t len,
    uint32_t request)
{
	char reply[sizeof(l->inbox) + 12];
	natsMsg *m = NULL;
	natsStatus st;
	enum rc rc = may_send(l);

	if (rc != RC_OK)
		return rc;
	snprintf(reply, sizeof(reply), "%s%u", l->inbox, (unsigned)request);
	st = natsMsg_Create(&m, subject, reply, data, (int)len);
	if (st == NATS_OK && msg_id != NULL)
		st = natsMsgHeader_Set(m, "Nats-Msg-Id", msg_id);
	if (st == NATS_OK)
		st = natsConnection_PublishMsg(l->nc, m);
	natsMsg_Destroy(m);
	if (st == NATS_OK)
		flight_add(l, request);
	return send_rc(st);
}
