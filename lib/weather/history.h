/* SPDX-License-Identifier: ISC
 *
 * The history of a city: single observations, or hours and days with least, most and mean.
 */
#ifndef CUACA_HISTORY_H
#define CUACA_HISTORY_H

#include "base/arena.h"

/* "weather:<slug>:history:page1", in the arena; NULL without memory. */
char *history_page1_key(struct arena *a, const char *slug);

#endif
