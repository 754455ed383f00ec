/* SPDX-License-Identifier: ISC
 *
 * Open-Meteo's variables, its units, factors and decimals, over what we store.
 */
#include "compat.h"

#include "weather/sun.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR 3600
#define DAY 86400

/* The factors are Open-Meteo's own, from m/s. The first is the default. */
static const struct compat_unit units[DIM__MAX][5] = {
	[DIM_TEMPERATURE] = { { "celsius", "°C", 1, 0, 1 }, { "fahrenheit", "°F", 1.8, 32, 1 } },
	[DIM_SPEED] = { { "kmh", "km/h", 1, 0, 1 }, { "ms", "m/s", 1 / 3.6, 0, 2 },
	    { "mph", "mp/h", 2.237 / 3.6, 0, 1 }, { "kn", "kn", 1.94384 / 3.6, 0, 1 } },
	[DIM_LENGTH] = { { "mm", "mm", 1, 0, 2 }, { "inch", "inch", 1 / 25.4, 0, 3 } },
};

/* How names began before and begin now; Open-Meteo takes both and repeats the one it was given. */
static const char *const renamed[][2] = { { "windspeed_", "wind_speed_" },
	{ "winddirection_", "wind_direction_" }, { "windgusts_", "wind_gusts_" },
	{ "relativehumidity_", "relative_humidity_" }, { "weathercode", "weather_code" },
	{ "cloudcover", "cloud_cover" } };

static const struct quantity_info *const tables[COMPAT_BLOCKS] = { quantities, hourly_quantities,
	daily_quantities };
static const int sizes[COMPAT_BLOCKS] = { Q__MAX, H__MAX, D__MAX };

const struct compat_columns *
compat_current_weather(void)
{
	static struct compat_column list[] = { { "temperature", Q_TEMPERATURE },
		{ "windspeed", Q_WIND_SPEED }, { "winddirection", Q_WIND_DIRECTION },
		{ "is_day", COMPAT_IS_DAY }, { "weathercode", Q_WEATHER_CODE } };
	static const struct compat_columns columns = { sizeof(list) / sizeof(list[0]), list };

	return &columns;
}

const struct compat_unit *
compat_unit_find(enum dimension dim, const char *choice)
{
	const struct compat_unit *u = units[dim];

	while (choice != NULL && u->choice != NULL && strcmp(u->choice, choice) != 0)
		u++;
	return u->choice != NULL ? u : NULL;
}

/* Whether name is the present name, or what it was before. */
static bool
same_name(const char *name, const char *present)
{
	if (strcmp(name, present) == 0)
		return true;
	for (size_t i = 0; i < sizeof(renamed) / sizeof(renamed[0]); i++) {
		size_t before = strlen(renamed[i][0]), now = strlen(renamed[i][1]);

		if (strncmp(name, renamed[i][0], before) == 0)
			return strncmp(present, renamed[i][1], now) == 0 &&
			       strcmp(name + before, present + now) == 0;
	}
	return false;
}

bool
compat_column_find(enum compat_block block, const char *name, struct compat_column *c)
{
	*c = (struct compat_column){ .name = name };
	for (; c->id < sizes[block]; c->id++)
		if (same_name(name, tables[block][c->id].upstream))
			return true;
	c->id = block == COMPAT_DAILY ? COMPAT_DAYLIGHT : COMPAT_IS_DAY;
	return strcmp(name, block == COMPAT_DAILY ? "daylight_duration" : "is_day") == 0;
}

bool
compat_is_time(enum compat_block block, int id)
{
	return block == COMPAT_DAILY && (id == D_SUNRISE || id == D_SUNSET);
}

const char *
compat_column_unit(
    const struct compat_query *q, enum compat_block block, const struct compat_column *c)
{
	const struct quantity_info *info;

	if (c->id < 0)
		return c->id == COMPAT_DAYLIGHT ? "s" : "";
	if (compat_is_time(block, c->id))
		return q->unixtime ? "unixtime" : "iso8601";
	info = &tables[block][c->id];
	return info->dimension == DIM_NONE ? info->upstream_unit : q->units[info->dimension]->name;
}

void
compat_put_value(struct jsonw *w, const struct compat_query *q, enum compat_block block,
    const struct compat_column *c, double v)
{
	const struct quantity_info *info = c->id >= 0 ? &tables[block][c->id] : NULL;
	int decimals = info != NULL ? info->decimals : c->id == COMPAT_DAYLIGHT ? 2 : 0;
	const char *name = block == COMPAT_CURRENT ? c->name : NULL;
	char text[64];

	if (info != NULL && info->dimension != DIM_NONE) {
		const struct compat_unit *u = q->units[info->dimension];

		v = v * u->factor + u->offset;
		decimals = u->decimals;
	}
	if (isfinite(v))
		jsonw_raw(w, name, text, (size_t)snprintf(text, sizeof(text), "%.*f", decimals, v));
	else
		jsonw_string(w, name, NULL);
}

double
compat_now(const struct compat_place *p, int id)
{
	return id == COMPAT_IS_DAY ? p->current->is_day : p->current->value[id];
}

/* Open-Meteo's hours are whole hours of UTC. Where a zone is half an hour off, it shows each under the local hour
 * that is nearest to zero: those are the minutes to take off a shown time again. */
static int
shift(int offset)
{
	return offset % HOUR;
}

double
compat_hour(const struct compat_place *p, int id, int64_t t, int offset)
{
	const struct forecast *f = p->forecast;
	int64_t i = t + shift(offset) - (f->hourly_from + shift(f->utc_offset));

	if (id == COMPAT_IS_DAY)
		return sun_is_up(t, f->city.latitude, f->city.longitude);
	return i >= 0 && (i /= HOUR) < f->hours ? f->hourly[id][i] : NAN;
}

/* Where the sun doesn't rise or set there may be a 0. */
static double
sun_time(const struct forecast *f, int id, int64_t i)
{
	return f->daily[id][i] > 0 ? f->daily[id][i] : NAN;
}

double
compat_day(const struct compat_place *p, int id, int64_t day)
{
	const struct forecast *f = p->forecast;
	int64_t i = day - (f->daily_from + f->utc_offset);

	if (i < 0 || (i /= DAY) >= f->days)
		return NAN;
	if (id == COMPAT_DAYLIGHT)
		return sun_time(f, D_SUNSET, i) - sun_time(f, D_SUNRISE, i);
	return compat_is_time(COMPAT_DAILY, id) ? sun_time(f, id, i) : f->daily[id][i];
}

char *
compat_float(float v, char text[COMPAT_FLOAT])
{
	int digits = 1;

	do
		snprintf(text, COMPAT_FLOAT, "%.*g", digits, (double)v);
	while (digits++ < 9 && strtof(text, NULL) != v);
	if (text[strcspn(text, ".en")] == '\0')
		snprintf(text, COMPAT_FLOAT, "%.1f", (double)v);
	return text;
}
