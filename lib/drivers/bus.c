/* SPDX-License-Identifier: ISC
 *
 * The library's own reconnecting is off: a connection that is lost stays lost, and the next call opens another, at
 * most one a second.
 */
#include "drivers/bus.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/bus_nats.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 1000
#define SERVERS_MAX 16

struct bus *
bus_open(const struct settings *s, const char *name)
{
	struct bus *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->settings = s;
	b->name = name;
	pthread_mutex_init(&b->lock, NULL);
	return b;
}

/* The connection is closed first: a message that comes for a subscription just destroyed may end the process. */
static void
hang_up(struct bus *b)
{
	natsConnection_Close(b->nc);
	natsSubscription_Destroy(b->pulled);
	natsInbox_Destroy(b->inbox);
	jsCtx_Destroy(b->js);
	natsConnection_Destroy(b->nc);
	b->pulled = NULL;
	b->inbox = NULL;
	b->js = NULL;
	b->nc = NULL;
}

void
bus_close(struct bus *b)
{
	if (b == NULL)
		return;
	hang_up(b);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

/* urls are separated by commas. */
static natsStatus
set_servers(natsOptions *o, const char *urls)
{
	const char *servers[SERVERS_MAX];
	char copy[SETTING_TEXT], *rest = copy, *url;
	int n = 0;

	str_copy(copy, urls, sizeof(copy));
	while (n < SERVERS_MAX && (url = strsep(&rest, ", ")) != NULL)
		if (url[0] != '\0')
			servers[n++] = url;
	return natsOptions_SetServers(o, servers, n);
}

natsStatus
bus_options(const struct settings *s, const char *name, natsOptions **out)
{
	natsStatus st = natsOptions_Create(out);

	if (st == NATS_OK)
		st = set_servers(*out, s->nats);
	if (st == NATS_OK)
		st = natsOptions_SetName(*out, name);
	if (st == NATS_OK)
		st = natsOptions_SetAllowReconnect(*out, false);
	if (st == NATS_OK)
		st = natsOptions_SetTimeout(*out, s->nats_timeout);
	if (st == NATS_OK && s->nats_token[0] != '\0')
		st = natsOptions_SetToken(*out, s->nats_token);
	if (st != NATS_OK) {
		natsOptions_Destroy(*out);
		*out = NULL;
	}
	return st;
}

uint64_t
bus_header_number(natsMsg *m, const char *key)
{
	const char *text;
	int64_t v;

	return natsMsgHeader_Get(m, key, &text) == NATS_OK && str_to_int(text, &v) && v > 0
		   ? (uint64_t)v
		   : 0;
}

int
bus_status(natsMsg *m)
{
	return (int)bus_header_number(m, "Status");
}

/* Have a connection, the lock being held. */
static enum rc
connect_once(struct bus *b)
{
	natsOptions *o = NULL;
	natsStatus st;

	if (b->nc != NULL && !natsConnection_IsClosed(b->nc))
		return RC_OK;
	if (clock_mono_ms() < b->not_before)
		return RC_DOWN;
	hang_up(b);
	st = bus_options(b->settings, b->name, &o);
	if (st == NATS_OK)
		st = natsConnection_Connect(&b->nc, o);
	natsOptions_Destroy(o);
	if (st == NATS_OK) {
		b->generation++;
		return RC_OK;
	}
	b->not_before = clock_mono_ms() + RETRY_MS;
	log_event(LOG_LEVEL_WARN, "nats: cannot connect",
	    LOG_WITH(log_s("reason", natsStatus_GetText(st))));
	return RC_DOWN;
}

enum rc
bus_take(struct bus *b)
{
	enum rc rc;

	pthread_mutex_lock(&b->lock);
	if ((rc = connect_once(b)) != RC_OK)
		pthread_mutex_unlock(&b->lock);
	return rc;
}

static enum rc
status_rc(natsStatus st)
{
	switch (st) {
	case NATS_OK: return RC_OK;
	case NATS_NOT_FOUND: return RC_NOTFOUND;
	case NATS_NO_MEMORY: return RC_NOMEM;
	case NATS_INVALID_SUBJECT:
	case NATS_MAX_PAYLOAD: return RC_INVALID;
	default: return RC_DOWN;
	}
}

enum rc
bus_give(struct bus *b, const char *what, natsStatus st)
{
	const char *detail = nats_GetLastError(NULL);

	if (st == NATS_TIMEOUT) {
		hang_up(b);
		b->not_before = clock_mono_ms() + RETRY_MS;
	}
	pthread_mutex_unlock(&b->lock);
	if (st != NATS_OK && st != NATS_NOT_FOUND)
		log_event(LOG_LEVEL_WARN, "nats: failed",
		    LOG_WITH(log_s("what", what), log_s("reason", natsStatus_GetText(st)),
			log_s("detail", detail != NULL ? detail : "")));
	return status_rc(st);
}

enum rc
bus_publish(struct bus *b, const char *subject, const void *data, size_t len)
{
	enum rc rc = bus_take(b);

	return rc != RC_OK
		   ? rc
		   : bus_give(b, subject, natsConnection_Publish(b->nc, subject, data, (int)len));
}

enum rc
bus_flush(struct bus *b)
{
	enum rc rc = bus_take(b);

	return rc != RC_OK ? rc
			   : bus_give(b, "flush",
				 natsConnection_FlushTimeout(b->nc, b->settings->nats_timeout));
}

unsigned
bus_generation(struct bus *b)
{
	unsigned generation;

	pthread_mutex_lock(&b->lock);
	generation = b->generation;
	pthread_mutex_unlock(&b->lock);
	return generation;
}
