/* SPDX-License-Identifier: ISC
 *
 * Where the sun stands, so that "is it day?" costs no variable of the upstream's quota.
 */
#ifndef CUACA_SUN_H
#define CUACA_SUN_H

#include <stdbool.h>
#include <stdint.h>

/* The sun's elevation in degrees at UNIX time t, refraction left out; good to 0.05 degrees from 1950 to 2050.
 * Low-precision formulas of the Astronomical Almanac, section C. */
double sun_elevation(int64_t t, double latitude, double longitude);

/* Whether the sun is up: its upper edge, with mean refraction, is above the horizon (-0.833 degrees). */
bool sun_is_up(int64_t t, double latitude, double longitude);

#endif
