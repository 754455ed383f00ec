/* SPDX-License-Identifier: ISC
 *
 * What the drivers of NATS share: bus, stream and live. For their .c files only.
 */
#ifndef CUACA_BUS_NATS_H
#define CUACA_BUS_NATS_H

#include "base/settings.h"
#include "drivers/bus.h"

#include <nats/nats.h>
#include <pthread.h>
#include <stdint.h>

struct bus {
	const struct settings *settings;
	const char *name;
	pthread_mutex_t lock;
	int64_t not_before; /* on clock_mono_ms(): when to try again */
	unsigned generation; /* connections so far */
	natsConnection *nc;

	/* stream.c's, of this connection; NULL until they are needed */
	jsCtx *js;
	natsSubscription *pulled; /* where the log's consumer is answered */
	natsInbox *inbox; /* its subject */
};

/* Options for a connection as the settings have it: servers, token, time-out, no reconnecting by the library. On
 * NATS_OK natsOptions_Destroy() them; otherwise there are none. */
natsStatus bus_options(const struct settings *s, const char *name, natsOptions **out);

/* Have the bus, connected, to oneself: on RC_OK bus_give() it. */
enum rc bus_take(struct bus *b);

/* Give it back, and say what became of what was done with it: a failure is logged but for NATS_NOT_FOUND, and a server
 * that did not answer loses the connection. */
enum rc bus_give(struct bus *b, const char *what, natsStatus st);

/* A header of m that is a number; 0: it has none. */
uint64_t bus_header_number(natsMsg *m, const char *key);

/* The status that NATS itself gives in place of data: 404, 408, 503; 0: none. */
int bus_status(natsMsg *m);

#endif
