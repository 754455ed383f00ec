/* SPDX-License-Identifier: ISC
 *
 * The current-weather body. Ranges are wider than any record on Earth and narrower than nonsense; the CHECKs of
 * the table weather_data allow all that they allow.
 */
#include "weather/current.h"

#include "base/clock.h"
#include "weather/schedule.h"
#include "weather/wmo.h"

#include <math.h>
#include <string.h>

#define TTL_MAX 600

const struct quantity_info quantities[Q__MAX] = {
	[Q_TEMPERATURE] = { "temperature", "temperature_2m", "°C", "°C", -100, 70, 1 },
	[Q_APPARENT_TEMPERATURE] = { "apparent_temperature", "apparent_temperature", "°C", "°C",
	    -120, 100, 1 },
	[Q_RELATIVE_HUMIDITY] = { "relative_humidity", "relative_humidity_2m", "%", "%", 0, 100,
	    0 },
	[Q_PRECIPITATION] = { "precipitation", "precipitation", "mm", "mm", 0, 500, 2 },
	[Q_WEATHER_CODE] = { "weather_code", "weather_code", NULL, "wmo code", 0, 99, 0 },
	[Q_CLOUD_COVER] = { "cloud_cover", "cloud_cover", "%", "%", 0, 100, 0 },
	[Q_PRESSURE_MSL] = { "pressure_msl", "pressure_msl", "hPa", "hPa", 850, 1100, 1 },
	[Q_WIND_SPEED] = { "wind_speed", "wind_speed_10m", "km/h", "km/h", 0, 500, 1 },
	[Q_WIND_DIRECTION] = { "wind_direction", "wind_direction_10m", "°", "°", 0, 360, 0 },
	[Q_WIND_GUSTS] = { "wind_gusts", "wind_gusts_10m", "km/h", "km/h", 0, 600, 1 },
};

/* Columns of weather_current after the city's: two times, the quantities with is_day among them, the source. */
enum {
	COL_OBSERVED_AT = CITY_COLUMNS,
	COL_COLLECTED_AT,
	COL_FIRST_VALUE,
	COL_IS_DAY = COL_FIRST_VALUE + Q_CLOUD_COVER,
	COL_SOURCE = COL_FIRST_VALUE + Q__MAX + 1
};

bool
current_from_row(const struct db_rows *rows, int row, struct current *c)
{
	*c = (struct current){ 0 };
	city_from_row(rows, row, 0, &c->city);
	if (db_text(rows, row, COL_OBSERVED_AT) == NULL)
		return false;
	c->observed_at = db_int(rows, row, COL_OBSERVED_AT);
	c->collected_at = db_int(rows, row, COL_COLLECTED_AT);
	for (int q = 0; q < Q__MAX; q++)
		c->value[q] = db_num(rows, row, COL_FIRST_VALUE + q + (q >= Q_CLOUD_COVER));
	c->is_day = db_bool(rows, row, COL_IS_DAY);
	c->source = db_text(rows, row, COL_SOURCE);
	return true;
}

char *
current_key(struct arena *a, const char *slug)
{
	return arena_printf(a, "weather:%s:current", slug);
}

static void
put_quantity(struct jsonw *w, enum quantity q, double v)
{
	const struct quantity_info *info = &quantities[q];

	if (info->decimals == 0 && isfinite(v))
		jsonw_int(w, info->name, (int64_t)lround(v));
	else
		jsonw_num(w, info->name, v, info->decimals);
}

static void
put_weather(struct jsonw *w, const struct current *c)
{
	double code = c->value[Q_WEATHER_CODE];

	jsonw_object(w, "current");
	jsonw_time(w, "observed_at", c->observed_at);
	for (int q = 0; q < Q__MAX; q++) {
		put_quantity(w, (enum quantity)q, c->value[q]);
		if (q != Q_WEATHER_CODE)
			continue;
		jsonw_string(w, "weather_desc", isfinite(code) ? wmo_text((int)code) : NULL);
		jsonw_bool(w, "is_day", c->is_day);
	}
	jsonw_end(w);
}

static void
put_units(struct jsonw *w)
{
	jsonw_object(w, "units");
	for (int q = 0; q < Q__MAX; q++)
		if (quantities[q].unit != NULL)
			jsonw_string(w, quantities[q].name, quantities[q].unit);
	jsonw_end(w);
}

/* The words Open-Meteo's licence, CC BY 4.0, asks for. */
static void
put_attribution(struct jsonw *w)
{
	jsonw_object(w, "attribution");
	jsonw_string(w, "text", "Weather data by Open-Meteo.com");
	jsonw_string(w, "url", "https://open-meteo.com/");
	jsonw_string(w, "licence", "CC BY 4.0");
	jsonw_end(w);
}

static int64_t
max_time(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void
current_json(struct jsonw *w, const struct current *c, const struct settings *s, int64_t now)
{
	jsonw_object(w, NULL);
	city_json_brief(w, "city", &c->city);
	put_weather(w, c);
	put_units(w);
	jsonw_time(w, "collected_at", c->collected_at);
	jsonw_time(w, "next_update_at", schedule_next(s, max_time(c->collected_at, now)));
	jsonw_bool(w, "stale", now >= schedule_stale_at(s, c->collected_at));
	jsonw_string(w, "source", c->source);
	put_attribution(w);
	jsonw_end(w);
}

static bool
find_time(const char *body, size_t len, const char *member, int64_t *unix_s)
{
	const char *at = memmem(body, len, member, strlen(member));
	char text[CLOCK_TEXT];

	if (at == NULL || (at += strlen(member)) + 20 > body + len)
		return false;
	memcpy(text, at, 20);
	text[20] = '\0';
	return clock_parse(text, unix_s);
}

bool
current_times(const char *body, size_t len, int64_t *collected_at, int64_t *next_update_at)
{
	return find_time(body, len, "\"collected_at\":\"", collected_at) &&
	       find_time(body, len, "\"next_update_at\":\"", next_update_at);
}

int64_t
current_ttl(const struct current *c, const struct settings *s, int64_t now)
{
	int64_t stale_at = schedule_stale_at(s, c->collected_at);
	int64_t ttl = schedule_next(s, max_time(c->collected_at, now)) - now;

	if (stale_at > now && stale_at - now < ttl)
		ttl = stale_at - now;
	return ttl < 1 ? 1 : ttl > TTL_MAX ? TTL_MAX : ttl;
}
