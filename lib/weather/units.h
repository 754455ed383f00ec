/* SPDX-License-Identifier: ISC
 *
 * Metric and imperial units. Values are stored as Open-Meteo's defaults have them and converted on the way out.
 */
#ifndef CUACA_UNITS_H
#define CUACA_UNITS_H

enum units { UNITS_METRIC, UNITS_IMPERIAL, UNITS__MAX };

/* What kind of number a quantity is, as far as units matter. */
enum dimension {
	DIM_NONE, /* the same in all units */
	DIM_TEMPERATURE, /* °C, °F */
	DIM_SPEED, /* km/h, mph */
	DIM_LENGTH, /* mm, inch */
	DIM__MAX
};

/* v of the metric unit in the other units; NAN stays NAN. Factors are exact: NIST Special Publication 811. */
double units_convert(enum dimension dim, enum units units, double v);

/* "°F"; NULL where the dimension is DIM_NONE. Static. */
const char *units_name(enum dimension dim, enum units units);

/* How many decimals Open-Meteo gives a value in these units when it gives metric decimals in metric ones. */
int units_decimals(enum dimension dim, enum units units, int metric);

#endif
