/* SPDX-License-Identifier: ISC
 *
 * The table of units.
 */
#include "weather/units.h"

#include <stddef.h>

static const struct {
	const char *name;
	double factor, offset; /* from metric: v * factor + offset */
	int decimals; /* -1: as metric */
} table[DIM__MAX][UNITS__MAX] = {
	[DIM_NONE] = { { NULL, 1, 0, -1 }, { NULL, 1, 0, -1 } },
	[DIM_TEMPERATURE] = { { "°C", 1, 0, -1 }, { "°F", 1.8, 32, 1 } },
	[DIM_SPEED] = { { "km/h", 1, 0, -1 }, { "mph", 1 / 1.609344, 0, 1 } },
	[DIM_LENGTH] = { { "mm", 1, 0, -1 }, { "inch", 1 / 25.4, 0, 3 } },
};

double
units_convert(enum dimension dim, enum units units, double v)
{
	return v * table[dim][units].factor + table[dim][units].offset;
}

const char *
units_name(enum dimension dim, enum units units)
{
	return table[dim][units].name;
}

int
units_decimals(enum dimension dim, enum units units, int metric)
{
	return table[dim][units].decimals < 0 ? metric : table[dim][units].decimals;
}
