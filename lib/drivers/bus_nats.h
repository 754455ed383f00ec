/* SPDX-License-Identifier: ISC
 *
 * What the drivers of NATS share: bus, stream and live. For their .c files only.
 */
#ifndef CUACA_BUS_NATS_H
#define CUACA_BUS_NATS_H

#include "base/settings.h"

#include <nats/nats.h>
#include <stdint.h>

/* Options for a connection as the settings have it: servers, token, time-out, no reconnecting by the library. On
 * NATS_OK natsOptions_Destroy() them; otherwise there are none. */
natsStatus bus_options(const struct settings *s, const char *name, natsOptions **out);

/* A header of m that is a number; 0: it has none. */
uint64_t bus_header_number(natsMsg *m, const char *key);

/* The status that NATS itself gives in place of data: 404, 408, 503; 0: none. */
int bus_status(natsMsg *m);

#endif
