/* SPDX-License-Identifier: ISC
 *
 * The forecast body. A day is a local day of the fixed offset that the upstream used, as Open-Meteo counts them.
 */
#include "weather/forecast.h"

#include "base/str.h"
#include "weather/read.h"
#include "weather/schedule.h"
#include "weather/sun.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define DAY 86400
#define HOUR 3600
#define TTL 3600
#define YEAR_10000 253402300800.0
#define END 512 /* bytes; a canonical body has less from utc_offset_seconds on */

const struct quantity_info hourly_quantities[H__MAX] = {
	[H_TEMPERATURE] = { "temperature", "temperature_2m", "°C", "°C", DIM_TEMPERATURE, -100, 70,
	    1 },
	[H_APPARENT_TEMPERATURE] = { "apparent_temperature", "apparent_temperature", "°C", "°C",
	    DIM_TEMPERATURE, -120, 100, 1 },
	[H_RELATIVE_HUMIDITY] = { "relative_humidity", "relative_humidity_2m", "%", "%", DIM_NONE,
	    0, 100, 0 },
	[H_PRECIPITATION] = { "precipitation", "precipitation", "mm", "mm", DIM_LENGTH, 0, 1000,
	    2 },
	[H_PRECIPITATION_PROBABILITY] = { "precipitation_probability", "precipitation_probability",
	    "%", "%", DIM_NONE, 0, 100, 0 },
	[H_WEATHER_CODE] = { "weather_code", "weather_code", NULL, "wmo code", DIM_NONE, 0, 99, 0 },
	[H_CLOUD_COVER] = { "cloud_cover", "cloud_cover", "%", "%", DIM_NONE, 0, 100, 0 },
	[H_PRESSURE_MSL] = { "pressure_msl", "pressure_msl", "hPa", "hPa", DIM_NONE, 850, 1100, 1 },
	[H_WIND_SPEED] = { "wind_speed", "wind_speed_10m", "km/h", "km/h", DIM_SPEED, 0, 500, 1 },
	[H_WIND_DIRECTION] = { "wind_direction", "wind_direction_10m", "°", "°", DIM_NONE, 0, 360,
	    0 },
};

const struct quantity_info daily_quantities[D__MAX] = {
	[D_WEATHER_CODE] = { "weather_code", "weather_code", NULL, "wmo code", DIM_NONE, 0, 99, 0 },
	[D_TEMPERATURE_MAX] = { "temperature_max", "temperature_2m_max", "°C", "°C",
	    DIM_TEMPERATURE, -100, 70, 1 },
	[D_TEMPERATURE_MIN] = { "temperature_min", "temperature_2m_min", "°C", "°C",
	    DIM_TEMPERATURE, -100, 70, 1 },
	[D_SUNRISE] = { "sunrise", "sunrise", NULL, "unixtime", DIM_NONE, 0, YEAR_10000, 0 },
	[D_SUNSET] = { "sunset", "sunset", NULL, "unixtime", DIM_NONE, 0, YEAR_10000, 0 },
	[D_PRECIPITATION_SUM] = { "precipitation_sum", "precipitation_sum", "mm", "mm", DIM_LENGTH,
	    0, 3000, 2 },
	[D_PRECIPITATION_PROBABILITY_MAX] = { "precipitation_probability_max",
	    "precipitation_probability_max", "%", "%", DIM_NONE, 0, 100, 0 },
	[D_WIND_SPEED_MAX] = { "wind_speed_max", "wind_speed_10m_max", "km/h", "km/h", DIM_SPEED, 0,
	    500, 1 },
	[D_WIND_GUSTS_MAX] = { "wind_gusts_max", "wind_gusts_10m_max", "km/h", "km/h", DIM_SPEED, 0,
	    600, 1 },
	[D_WIND_DIRECTION_DOMINANT] = { "wind_direction_dominant", "wind_direction_10m_dominant",
	    "°", "°", DIM_NONE, 0, 360, 0 },
};

/* Columns of forecast_get after the city's. */
enum {
	COL_COLLECTED_AT = CITY_COLUMNS,
	COL_UTC_OFFSET,
	COL_SOURCE,
	COL_HOURLY_FROM,
	COL_DAILY_FROM,
	COL_HOURLY,
	COL_DAILY = COL_HOURLY + H__MAX
};

/* PostgreSQL's text of an array of numbers, "{1.5,NULL,3}". NULL where it is none or has not n of them; n of -1
 * takes up to max, and says how many. */
static double *
read_array(struct arena *a, const char *text, int max, int *n)
{
	size_t len = text != NULL ? strlen(text) : 0;
	double *v = arena_alloc(a, (size_t)max * sizeof(*v));
	char *rest = len > 2 && text[0] == '{' ? arena_strndup(a, text + 1, len - 2) : NULL;
	const char *item;
	int got = 0;

	while (v != NULL && (item = strsep(&rest, ",")) != NULL) {
		if (got == max)
			return NULL;
		v[got] = NAN;
		if (strcmp(item, "NULL") != 0 && !str_to_num(item, &v[got]))
			return NULL;
		got++;
	}
	if (got == 0 || (*n >= 0 && *n != got))
		return NULL;
	*n = got;
	return v;
}

static enum rc
read_arrays(struct arena *a, const struct db_rows *rows, int row, struct forecast *f)
{
	f->hours = f->days = -1;
	for (int q = 0; q < H__MAX; q++) {
		f->hourly[q] = read_array(
		    a, db_text(rows, row, COL_HOURLY + q), FORECAST_HOURS, &f->hours);
		if (f->hourly[q] == NULL)
			return RC_INVALID;
	}
	for (int q = 0; q < D__MAX; q++) {
		f->daily[q] = read_array(
		    a, db_text(rows, row, COL_DAILY + q), FORECAST_STORED, &f->days);
		if (f->daily[q] == NULL)
			return RC_INVALID;
	}
	return RC_OK;
}

enum rc
forecast_from_row(struct arena *a, const struct db_rows *rows, int row, struct forecast *f)
{
	*f = (struct forecast){ 0 };
	city_from_row(rows, row, 0, &f->city);
	if (db_text(rows, row, COL_COLLECTED_AT) == NULL)
		return RC_NOTFOUND;
	f->collected_at = db_int(rows, row, COL_COLLECTED_AT);
	f->utc_offset = (int)db_int(rows, row, COL_UTC_OFFSET);
	f->source = db_text(rows, row, COL_SOURCE);
	f->hourly_from = db_int(rows, row, COL_HOURLY_FROM);
	f->daily_from = db_int(rows, row, COL_DAILY_FROM);
	return read_arrays(a, rows, row, f);
}

char *
forecast_key(struct arena *a, const char *slug)
{
	return arena_printf(a, "weather:%s:forecast", slug);
}

static int64_t
hour_time(const struct forecast *f, int i)
{
	return f->hourly_from + (int64_t)i * HOUR;
}

bool
forecast_is_day(const struct forecast *f, int i)
{
	return sun_is_up(hour_time(f, i), f->city.latitude, f->city.longitude);
}

char *
forecast_date(const struct forecast *f, int i, char text[CLOCK_TEXT])
{
	clock_format(f->daily_from + (int64_t)i * DAY + f->utc_offset, text);
	text[10] = '\0';
	return text;
}

static void
put_hour(struct jsonw *w, const struct forecast *f, int i, const struct present *p)
{
	jsonw_object(w, NULL);
	jsonw_time(w, "time", hour_time(f, i));
	for (int q = 0; q < H__MAX; q++) {
		quantity_json(w, &hourly_quantities[q], f->hourly[q][i], p->units);
		if (q == H_WEATHER_CODE)
			quantity_json_desc(w, f->hourly[q][i], p->lang);
	}
	jsonw_bool(w, "is_day", forecast_is_day(f, i));
	jsonw_end(w);
}

static void
put_day_quantity(struct jsonw *w, int q, double v, const struct present *p)
{
	if (q != D_SUNRISE && q != D_SUNSET)
		quantity_json(w, &daily_quantities[q], v, p->units);
	else if (isfinite(v))
		jsonw_time(w, daily_quantities[q].name, (int64_t)v);
	else
		jsonw_string(w, daily_quantities[q].name, NULL);
	if (q == D_WEATHER_CODE)
		quantity_json_desc(w, v, p->lang);
}

static void
put_day(struct jsonw *w, const struct forecast *f, int i, const struct present *p)
{
	char date[CLOCK_TEXT];

	jsonw_object(w, NULL);
	jsonw_string(w, "date", forecast_date(f, i, date));
	for (int q = 0; q < D__MAX; q++)
		put_day_quantity(w, q, f->daily[q][i], p);
	jsonw_end(w);
}

static void
put_units(struct jsonw *w, const struct present *p)
{
	jsonw_object(w, "units");
	quantity_json_units(w, "hourly", hourly_quantities, H__MAX, p->units);
	quantity_json_units(w, "daily", daily_quantities, D__MAX, p->units);
	jsonw_end(w);
}

static struct forecast_span
span_of_days(const struct forecast *f, int first, int last)
{
	return (struct forecast_span){ first, last, f->daily_from + (int64_t)first * DAY,
		f->daily_from + (int64_t)last * DAY };
}

struct forecast_span
forecast_span(const struct forecast *f, int64_t now, int days)
{
	int64_t today = now > f->daily_from ? (now - f->daily_from) / DAY : 0;
	int first = today < f->days ? (int)today : f->days;

	return span_of_days(f, first, first + days < f->days ? first + days : f->days);
}

static int64_t
next_update(const struct settings *s, int64_t collected_at, int64_t now)
{
	int64_t due = schedule_forecast_next(s, collected_at);

	return due > now ? due : schedule_next(s, now);
}

static bool
is_stale(const struct settings *s, int64_t collected_at, int64_t now)
{
	return now >= schedule_forecast_stale_at(s, collected_at);
}

static void
put_span(struct jsonw *w, const struct forecast *f, const struct settings *s, int64_t now,
    struct forecast_span span, const struct present *p)
{
	jsonw_object(w, NULL);
	city_json_brief(w, "city", &f->city);
	jsonw_array(w, "hourly");
	for (int i = 0; i < f->hours; i++)
		if (hour_time(f, i) >= span.from && hour_time(f, i) < span.to)
			put_hour(w, f, i, p);
	jsonw_end(w);
	jsonw_array(w, "daily");
	for (int i = span.first; i < span.last; i++)
		put_day(w, f, i, p);
	jsonw_end(w);
	put_units(w, p);
	jsonw_int(w, "utc_offset_seconds", f->utc_offset);
	quantity_json_origin(w, f->collected_at, next_update(s, f->collected_at, now),
	    is_stale(s, f->collected_at, now), f->source);
	jsonw_end(w);
}

void
forecast_json(struct jsonw *w, const struct forecast *f, const struct settings *s, int64_t now,
    int days, const struct present *p)
{
	put_span(w, f, s, now, forecast_span(f, now, days), p);
}

void
forecast_json_all(struct jsonw *w, const struct forecast *f, const struct settings *s, int64_t now)
{
	put_span(w, f, s, now, span_of_days(f, 0, f->days), &present_default);
}

/* One array of objects back into columns: n of them from the time in the first. */
static enum rc
parse_items(struct arena *a, const cJSON *items, const struct quantity_info infos[], int quantities,
    double *columns[], int n)
{
	const cJSON *item = items->child;

	for (int q = 0; q < quantities; q++)
		if ((columns[q] = arena_alloc(a, (size_t)n * sizeof(double))) == NULL)
			return RC_NOMEM;
	for (int i = 0; i < n; i++, item = item->next)
		for (int q = 0; q < quantities; q++)
			columns[q][i] = read_json_number(item, infos[q].name);
	return RC_OK;
}

/* Sunrise and sunset stand as RFC 3339 in the body. */
static void
parse_sun(const cJSON *daily, struct forecast *f)
{
	const cJSON *item = daily->child;
	int64_t t;

	for (int i = 0; i < f->days; i++, item = item->next) {
		if (read_json_time(item, "sunrise", &t))
			f->daily[D_SUNRISE][i] = (double)t;
		if (read_json_time(item, "sunset", &t))
			f->daily[D_SUNSET][i] = (double)t;
	}
}

/* Local midnight of a date, as UNIX seconds. */
static bool
parse_midnight(const char *date, int utc_offset, int64_t *unix_s)
{
	char text[CLOCK_TEXT];

	if (snprintf(text, sizeof(text), "%sT00:00:00Z", date) >= (int)sizeof(text) ||
	    !clock_parse(text, unix_s))
		return false;
	*unix_s -= utc_offset;
	return true;
}

static bool
parse_first_day(struct arena *a, const cJSON *daily, struct forecast *f)
{
	const char *date = read_json_text(a, daily->child, "date");

	return date != NULL && parse_midnight(date, f->utc_offset, &f->daily_from);
}

static enum rc
parse_root(struct arena *a, const cJSON *root, struct forecast *f)
{
	const cJSON *hourly = cJSON_GetObjectItemCaseSensitive(root, "hourly");
	const cJSON *daily = cJSON_GetObjectItemCaseSensitive(root, "daily");
	enum rc rc;

	*f = (struct forecast){ 0 };
	f->utc_offset = (int)read_json_number(root, "utc_offset_seconds");
	f->hours = cJSON_GetArraySize(hourly);
	f->days = cJSON_GetArraySize(daily);
	if (f->hours < 1 || f->days < 1 ||
	    !city_from_json(a, cJSON_GetObjectItemCaseSensitive(root, "city"), &f->city) ||
	    !read_json_time(root, "collected_at", &f->collected_at) ||
	    (f->source = read_json_text(a, root, "source")) == NULL ||
	    !read_json_time(hourly->child, "time", &f->hourly_from) ||
	    !parse_first_day(a, daily, f))
		return RC_INVALID;
	rc = parse_items(a, hourly, hourly_quantities, H__MAX, f->hourly, f->hours);
	if (rc == RC_OK)
		rc = parse_items(a, daily, daily_quantities, D__MAX, f->daily, f->days);
	if (rc == RC_OK)
		parse_sun(daily, f);
	return rc;
}

enum rc
forecast_parse(struct arena *a, const char *body, size_t len, struct forecast *f)
{
	cJSON *root = cJSON_ParseWithLength(body, len);
	enum rc rc = root != NULL ? parse_root(a, root, f) : RC_INVALID;

	cJSON_Delete(root);
	return rc;
}

/* Part of a body. */
struct part {
	const char *p;
	size_t len;
};

/* The list that stands between begin and end. */
static bool
find_list(struct part body, const char *begin, const char *end, struct part *list)
{
	const char *from = memmem(body.p, body.len, begin, strlen(begin)), *to = NULL;

	if (from != NULL) {
		from += strlen(begin);
		to = memmem(from, (size_t)(body.p + body.len - from), end, strlen(end));
	}
	if (to == NULL)
		return false;
	*list = (struct part){ from, (size_t)(to - from) };
	return true;
}

/* Of a list of objects, those from the one that begins with first up to the one that begins with end, or to the end.
 */
static bool
cut_list(struct part *list, const char *first, const char *end)
{
	const char *from = memmem(list->p, list->len, first, strlen(first)), *to;

	if (from == NULL)
		return false;
	list->len -= (size_t)(from - list->p);
	list->p = from;
	if ((to = memmem(from, list->len, end, strlen(end))) != NULL)
		list->len = (size_t)(to - 1 - from);
	return true;
}

/* The hours from from to to, and their days. */
static bool
cut_days(struct part *hourly, struct part *daily, int utc_offset, int64_t from, int64_t to)
{
	static const char hour[] = "{\"time\":\"", day[] = "{\"date\":\"";
	char text[CLOCK_TEXT], hours[2][CLOCK_TEXT + sizeof(hour)],
	    days[2][CLOCK_TEXT + sizeof(day)];

	for (int i = 0; i < 2; i++) {
		int64_t t = i == 0 ? from : to;

		snprintf(hours[i], sizeof(hours[i]), "%s%s", hour, clock_format(t, text));
		snprintf(
		    days[i], sizeof(days[i]), "%s%.10s", day, clock_format(t + utc_offset, text));
	}
	return cut_list(hourly, hours[0], hours[1]) && cut_list(daily, days[0], days[1]);
}

/* The members at a body's end that change, those of now being the same. */
static bool
read_end(struct part body, const struct settings *s, int64_t now, int64_t *collected_at,
    int64_t *utc_offset)
{
	char end[END + 1] = "", offset[8], collected[21], next[21], stale[6], due[CLOCK_TEXT];
	const char *at;

	if (body.len < END)
		return false;
	memcpy(end, body.p + body.len - END, END);
	at = strstr(end, "\"utc_offset_seconds\":");
	if (at == NULL ||
	    sscanf(at,
		"\"utc_offset_seconds\":%7[-0-9],\"collected_at\":\"%20[^\"]\",\"next_update_at\":"
		"\"%20[^\"]\",\"stale\":%5[a-z],",
		offset, collected, next, stale) != 4 ||
	    !str_to_int(offset, utc_offset) || !clock_parse(collected, collected_at))
		return false;
	clock_format(next_update(s, *collected_at, now), due);
	return strcmp(next, due) == 0 &&
	       strcmp(stale, is_stale(s, *collected_at, now) ? "true" : "false") == 0;
}

/* Local midnight of the first of a list of days. */
static bool
read_first_day(struct part daily, int utc_offset, int64_t *unix_s)
{
	const size_t before = sizeof("{\"date\":\"") - 1;
	char date[11] = "";

	if (daily.len < before + sizeof(date))
		return false;
	memcpy(date, daily.p + before, sizeof(date) - 1);
	return parse_midnight(date, utc_offset, unix_s);
}

bool
forecast_cut(struct buf *out, const char *body, size_t len, const struct settings *s, int64_t now,
    int days, int64_t *collected_at, int64_t *today)
{
	const struct part all = { body, len };
	struct part hourly, daily, hours, dates;
	int64_t offset;

	if (!read_end(all, s, now, collected_at, &offset) ||
	    !find_list(all, "\"hourly\":[", "],\"daily\":[", &hourly) ||
	    !find_list(all, "\"daily\":[", "],\"units\":{", &daily) ||
	    !read_first_day(daily, (int)offset, today))
		return false;
	if (now > *today)
		*today += (now - *today) / DAY * DAY;
	hours = hourly;
	dates = daily;
	if (!cut_days(&hours, &dates, (int)offset, *today, *today + (int64_t)days * DAY))
		return false;
	buf_add(out, body, (size_t)(hourly.p - body));
	buf_add(out, hours.p, hours.len);
	buf_add(out, hourly.p + hourly.len, (size_t)(daily.p - hourly.p) - hourly.len);
	buf_add(out, dates.p, dates.len);
	buf_add(out, daily.p + daily.len, (size_t)(body + len - daily.p) - daily.len);
	return true;
}

int64_t
forecast_ttl(const struct forecast *f, const struct settings *s, int64_t now)
{
	int64_t due = schedule_forecast_next(s, f->collected_at), stale_at;

	stale_at = schedule_forecast_stale_at(s, f->collected_at);
	if (due > now && due - now < TTL)
		return due - now;
	return stale_at > now && stale_at - now < TTL ? stale_at - now : TTL;
}
