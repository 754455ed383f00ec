/* SPDX-License-Identifier: ISC
 *
 * The current-weather body. Ranges are wider than any record on Earth and narrower than nonsense; the CHECKs of
 * the table weather_data allow all that they allow.
 */
#include "weather/current.h"

#include "base/clock.h"
#include "weather/read.h"
#include "weather/schedule.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#define TTL_MAX 600

const struct quantity_info quantities[Q__MAX] = {
	[Q_TEMPERATURE] = { "temperature", "temperature_2m", "°C", "°C", DIM_TEMPERATURE, -100, 70,
	    1 },
	[Q_APPARENT_TEMPERATURE] = { "apparent_temperature", "apparent_temperature", "°C", "°C",
	    DIM_TEMPERATURE, -120, 100, 1 },
	[Q_RELATIVE_HUMIDITY] = { "relative_humidity", "relative_humidity_2m", "%", "%", DIM_NONE,
	    0, 100, 0 },
	[Q_PRECIPITATION] = { "precipitation", "precipitation", "mm", "mm", DIM_LENGTH, 0, 500, 2 },
	[Q_WEATHER_CODE] = { "weather_code", "weather_code", NULL, "wmo code", DIM_NONE, 0, 99, 0 },
	[Q_CLOUD_COVER] = { "cloud_cover", "cloud_cover", "%", "%", DIM_NONE, 0, 100, 0 },
	[Q_PRESSURE_MSL] = { "pressure_msl", "pressure_msl", "hPa", "hPa", DIM_NONE, 850, 1100, 1 },
	[Q_WIND_SPEED] = { "wind_speed", "wind_speed_10m", "km/h", "km/h", DIM_SPEED, 0, 500, 1 },
	[Q_WIND_DIRECTION] = { "wind_direction", "wind_direction_10m", "°", "°", DIM_NONE, 0, 360,
	    0 },
	[Q_WIND_GUSTS] = { "wind_gusts", "wind_gusts_10m", "km/h", "km/h", DIM_SPEED, 0, 600, 1 },
};

/* Columns of weather_current after the city's: two times, the quantities with is_day among them, the source, the pace.
 */
enum {
	COL_OBSERVED_AT = CITY_COLUMNS,
	COL_COLLECTED_AT,
	COL_FIRST_VALUE,
	COL_IS_DAY = COL_FIRST_VALUE + Q_CLOUD_COVER,
	COL_SOURCE = COL_FIRST_VALUE + Q__MAX + 1,
	COL_EVERY_RUNS
};

bool
current_from_row(const struct db_rows *rows, int row, const struct settings *s, struct current *c)
{
	*c = (struct current){ 0 };
	city_from_row(rows, row, 0, &c->city);
	if (db_text(rows, row, COL_OBSERVED_AT) == NULL)
		return false;
	c->observed_at = db_int(rows, row, COL_OBSERVED_AT);
	c->collected_at = db_int(rows, row, COL_COLLECTED_AT);
	c->due_at = schedule_due(s, c->collected_at, (int)db_int(rows, row, COL_EVERY_RUNS));
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

char *
current_last_key(struct arena *a, const char *slug)
{
	return arena_printf(a, "weather:%s:last", slug);
}

void
current_json_values(
    struct jsonw *w, const double value[Q__MAX], bool is_day, const struct present *p)
{
	for (int q = 0; q < Q__MAX; q++) {
		quantity_json(w, &quantities[q], value[q], p->units);
		if (q != Q_WEATHER_CODE)
			continue;
		quantity_json_desc(w, value[q], p->lang);
		jsonw_bool(w, "is_day", is_day);
	}
}

static int64_t
next_update(const struct current *c, const struct settings *s, int64_t now)
{
	return c->due_at > now ? c->due_at : schedule_next(s, now);
}

bool
current_is_stale(const struct current *c, const struct settings *s, int64_t now)
{
	return now >= c->due_at + s->stale_after;
}

void
current_json(struct jsonw *w, const struct current *c, const struct settings *s, int64_t now,
    const struct present *p)
{
	jsonw_object(w, NULL);
	city_json_brief(w, "city", &c->city);
	jsonw_object(w, "current");
	jsonw_time(w, "observed_at", c->observed_at);
	current_json_values(w, c->value, c->is_day, p);
	jsonw_end(w);
	quantity_json_units(w, "units", quantities, Q__MAX, p->units);
	quantity_json_origin(
	    w, c->collected_at, next_update(c, s, now), current_is_stale(c, s, now), c->source);
	jsonw_end(w);
}

static enum rc
read_current(struct arena *a, const cJSON *root, struct current *c)
{
	const cJSON *now = cJSON_GetObjectItemCaseSensitive(root, "current");

	*c = (struct current){ 0 };
	if (!city_from_json(a, cJSON_GetObjectItemCaseSensitive(root, "city"), &c->city) ||
	    !read_json_time(now, "observed_at", &c->observed_at) ||
	    !read_json_time(root, "collected_at", &c->collected_at) ||
	    !read_json_time(root, "next_update_at", &c->due_at) ||
	    (c->source = read_json_text(a, root, "source")) == NULL)
		return RC_INVALID;
	for (int q = 0; q < Q__MAX; q++)
		c->value[q] = read_json_number(now, quantities[q].name);
	c->is_day = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(now, "is_day"));
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "stale")))
		c->due_at = c->collected_at;
	return RC_OK;
}

enum rc
current_parse(struct arena *a, const char *body, size_t len, struct current *c)
{
	cJSON *root = cJSON_ParseWithLength(body, len);
	enum rc rc = root != NULL ? read_current(a, root, c) : RC_INVALID;

	cJSON_Delete(root);
	return rc;
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

bool
current_says_stale(const char *body, size_t len)
{
	static const char member[] = "\"stale\":true";

	return memmem(body, len, member, sizeof(member) - 1) != NULL;
}

bool
current_observed_at(const char *body, size_t len, int64_t *observed_at)
{
	return find_time(body, len, "\"observed_at\":\"", observed_at);
}

int64_t
current_ttl(const struct current *c, const struct settings *s, int64_t now)
{
	int64_t stale_at = c->due_at + s->stale_after, ttl = next_update(c, s, now) - now;

	if (stale_at > now && stale_at - now < ttl)
		ttl = stale_at - now;
	return ttl < 1 ? 1 : ttl > TTL_MAX ? TTL_MAX : ttl;
}
