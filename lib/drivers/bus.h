/* SPDX-License-Identifier: ISC
 *
 * NATS, for publishing.
 */
#ifndef CUACA_BUS_H
#define CUACA_BUS_H

#include "base/rc.h"
#include "base/settings.h"

#include <stddef.h>

struct bus;

/* Nothing is connected yet; a lost connection is opened anew by the next call. name is what NATS shows of
 * us. s must outlive the result. NULL without memory. bus_close() it. */
struct bus *bus_open(const struct settings *s, const char *name);
void bus_close(struct bus *b);

/* Queue one message. RC_DOWN without a connection; the cause is logged here. */
enum rc bus_publish(struct bus *b, const char *subject, const void *data, size_t len);

/* Wait until the server has everything published so far, nats_timeout milliseconds at most. With nothing
 * published it tells whether NATS is well. */
enum rc bus_flush(struct bus *b);

/* How many connections there have been so far. As long as it is the same number it is the same server, which was not
 * started anew. */
unsigned bus_generation(struct bus *b);

#endif
