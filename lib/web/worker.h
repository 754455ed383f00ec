/* SPDX-License-Identifier: ISC
 *
 * A FastCGI program: threads that serve one request after another until SIGTERM.
 */
#ifndef CUACA_WORKER_H
#define CUACA_WORKER_H

#include "base/settings.h"
#include "web/limit.h"
#include "web/route.h"

/* Serve the listening socket on descriptor 0 with settings->threads threads. Returns after SIGTERM, SIGINT or
 * SIGUSR1, when the requests in hand are answered (or request_timeout has passed). limiter may
 * be NULL. keeper guards the routes that are not for anyone; NULL: there are none, and what stands in Authorization
 * is an API key. app is handed to the handlers. RC_INVALID where descriptor 0 is no FastCGI socket. */
enum rc worker_serve(const struct settings *settings, const struct route routes[],
    const struct limiter *limiter, guard *keeper, void *app);

#endif
