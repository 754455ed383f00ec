/* SPDX-License-Identifier: ISC
 *
 * Which of our languages a client would rather read.
 */
#ifndef CUACA_LANG_H
#define CUACA_LANG_H

#include "weather/wmo.h"

/* The language for an Accept-Language header (RFC 9110, section 12.5.4), NULL where there is none: the one with the
 * greatest weight, the first of equals, English where neither is named. */
enum lang lang_accepted(const char *header);

#endif
