/* SPDX-License-Identifier: ISC
 *
 * Solar position, low precision.
 */
#include "weather/sun.h"

#include <math.h>

#define RADIANS (3.14159265358979323846 / 180.0)
#define J2000_UNIX 946728000.0 /* 2000-01-01T12:00Z */

double
sun_elevation(int64_t t, double latitude, double longitude)
{
	double n = ((double)t - J2000_UNIX) / 86400.0; /* days since J2000.0 */
	double mean_longitude = 280.460 + 0.9856474 * n;
	double anomaly = (357.528 + 0.9856003 * n) * RADIANS;
	double ecliptic = (mean_longitude + 1.915 * sin(anomaly) + 0.020 * sin(2 * anomaly)) *
			  RADIANS;
	double obliquity = (23.439 - 0.0000004 * n) * RADIANS;
	double ascension = atan2(cos(obliquity) * sin(ecliptic), cos(ecliptic));
	double declination = asin(sin(obliquity) * sin(ecliptic));
	double sidereal = (280.46062 + 360.98564737 * n + longitude) *
			  RADIANS; /* local, as an angle */
	double hour_angle = sidereal - ascension;
	double lat = latitude * RADIANS;

	return asin(sin(lat) * sin(declination) + cos(lat) * cos(declination) * cos(hour_angle)) /
	       RADIANS;
}

bool
sun_is_up(int64_t t, double latitude, double longitude)
{
	return sun_elevation(t, latitude, longitude) > -0.833;
}
