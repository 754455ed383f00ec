/* SPDX-License-Identifier: ISC
 *
 * The query string of /v1/forecast as Open-Meteo reads it, not as the rest of this program does: names it doesn't
 * know are passed over, a list may come in one parameter or in several ("a=1,2", "a=1&a=2", "a[]=1&a[]=2"), of
 * anything else the last one counts. The checks stand in Open-Meteo's order, so that the same mistake is named.
 */
#include "compat.h"

#include "base/str.h"
#include "web/request.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX 64 /* different names in a request */
#define LIMIT 1000000 /* of whole numbers; Open-Meteo names its own, lower ones */
#define COLUMNS_MAX 64 /* variables in a block: all of them in both spellings, and more */

/* What changes the meaning of an answer and cannot be had from our store. */
static const char *const refused[] = { "minutely_15", "six_hourly", "weekly", "monthly",
	"start_hour", "end_hour", "start_minutely_15", "end_minutely_15", "past_minutely_15",
	"forecast_minutely_15", "initial_hours", "initial_minutely_15", "bounding_box",
	"location_id", "length_unit", "run" };

/* The type's name in Open-Meteo's source, which its messages show. */
#define HOURLY_TYPE \
	"SurfacePressureAndHeightVariable<VariableAndPreviousDay, " \
	"VariableOrSpread<ForecastPressureVariable>, ForecastHeightVariable>"

struct pair {
	const char *name, *list, *last;
};

struct compat_params {
	int n;
	struct pair pairs[PAIRS_MAX];
};

static const char no_memory[] = "The service is out of memory";

static struct pair *
find(const struct compat_params *p, const char *name)
{
	for (int i = 0; i < p->n; i++)
		if (strcmp(p->pairs[i].name, name) == 0)
			return (struct pair *)&p->pairs[i];
	return NULL;
}

const char *
compat_param(const struct compat_params *p, const char *name)
{
	const struct pair *pair = find(p, name);

	return pair != NULL ? pair->last : NULL;
}

/* All values of a list, separated by commas; "" where it is not given. */
static const char *
list_of(const struct compat_params *p, const char *name)
{
	const struct pair *pair = find(p, name);

	return pair != NULL ? pair->list : "";
}

static const char *
corrupted(struct arena *a, const char *path, const char *type, const char *value)
{
	const char *s = arena_printf(a,
	    "Data corrupted at path '%s'. Cannot initialize %s from invalid String value %s.", path,
	    type, value);

	return s != NULL ? s : no_memory;
}

/* ---- Into names and values ---- */

static const char *
take_pair(struct arena *a, struct compat_params *p, char *name, const char *value)
{
	size_t len = strlen(name);
	struct pair *pair;

	if (len > 2 && strcmp(name + len - 2, "[]") == 0)
		name[len - 2] = '\0';
	if ((pair = find(p, name)) == NULL) {
		if (p->n == PAIRS_MAX)
			return "Too many parameters";
		p->pairs[p->n++] = (struct pair){ name, value, value };
		return NULL;
	}
	pair->last = value;
	pair->list = arena_printf(a, "%s,%s", pair->list, value);
	return pair->list != NULL ? NULL : no_memory;
}

static const char *
split(struct arena *a, const char *text, struct compat_params *p)
{
	const char *no = NULL;

	for (; *text != '\0' && no == NULL; text += *text == '&') {
		size_t len = strcspn(text, "&"), name_len = strcspn(text, "=&");
		size_t skip = name_len < len ? name_len + 1 : len;
		char *name = request_decode(a, text, name_len, true);
		char *value = request_decode(a, text + skip, len - skip, true);

		if (name == NULL || value == NULL)
			no = "The query has a broken escape or is not UTF-8";
		else if (len > 0)
			no = take_pair(a, p, name, value);
		text += len;
	}
	return no;
}

/* ---- Values ---- */

const char *
compat_param_int(struct arena *a, const struct compat_params *p, const char *name, int *out)
{
	const char *text = compat_param(p, name);
	int64_t v;

	if (text == NULL)
		return NULL;
	if (!str_to_int(text, &v) || v < -LIMIT || v > LIMIT)
		return corrupted(a, name, "Int", text);
	*out = (int)v;
	return NULL;
}

/* Which of the choices, up to a NULL, is given; the first where none is. */
static const char *
read_choice(struct arena *a, const struct compat_params *p, const char *name, const char *type,
    const char *const choices[], int *out)
{
	const char *text = compat_param(p, name);

	*out = 0;
	if (text == NULL)
		return NULL;
	for (; choices[*out] != NULL; ++*out)
		if (strcmp(choices[*out], text) == 0)
			return NULL;
	return corrupted(a, name, type, text);
}

static const char *
read_unit(struct arena *a, const struct compat_params *p, const char *name, const char *type,
    const struct compat_unit **unit, enum dimension dim)
{
	const char *text = compat_param(p, name);

	*unit = compat_unit_find(dim, text);
	return *unit != NULL ? NULL : corrupted(a, name, type, text);
}

static const char *
read_columns(struct arena *a, const struct compat_params *p, const char *name,
    enum compat_block block, struct compat_columns *columns)
{
	const char *text = list_of(p, name), *item;
	char *rest = arena_strdup(a, text);

	if (text[0] == '\0')
		return NULL;
	columns->list = arena_alloc(a, COLUMNS_MAX * sizeof(*columns->list));
	if (columns->list == NULL || rest == NULL)
		return no_memory;
	while ((item = strsep(&rest, ",")) != NULL) {
		if (item[0] == '\0')
			continue;
		if (columns->n == COLUMNS_MAX)
			return "Your API call requests too much data. Please reduce the number of "
			       "variables, locations and/or weather models.";
		if (!compat_column_find(block, item, &columns->list[columns->n++]))
			return corrupted(a, "",
			    block == COMPAT_DAILY ? "ForecastVariableDaily" : HOURLY_TYPE, text);
	}
	return NULL;
}

/* A list of numbers; *n says how many. */
static const char *
read_numbers(struct arena *a, const struct compat_params *p, const char *name, float **out, int *n)
{
	const char *text = list_of(p, name), *item;
	char *rest = arena_strdup(a, text), *end;
	size_t max = 1;

	for (const char *c = text; *c != '\0'; c++)
		max += *c == ',';
	if (rest == NULL || (*out = arena_alloc(a, max * sizeof(**out))) == NULL)
		return no_memory;
	for (*n = 0; (item = strsep(&rest, ",")) != NULL;) {
		if (item[0] == '\0')
			continue;
		(*out)[*n] = strtof(item, &end);
		if (*end != '\0' ||
		    (item[strspn(item, "+-.0123456789eE")] != '\0' && strcmp(item, "nan") != 0))
			return corrupted(a, "", "Float", text);
		++*n;
	}
	return NULL;
}

/* ---- Places ---- */

static const char *
check_range(struct arena *a, const char *what, float v, float limit)
{
	char text[COMPAT_FLOAT];

	if (v >= -limit && v <= limit)
		return NULL;
	return arena_printf(a, "%s must be in range of -%.0f to %.0f°. Given: %s.", what,
	    (double)limit, (double)limit, compat_float(v, text));
}

static const char *
read_zones(struct arena *a, const struct compat_params *p, int64_t now, struct compat_query *q)
{
	const char *text = list_of(p, "timezone"), *item, *no;
	char *rest = arena_strdup(a, text[0] != '\0' ? text : "GMT");
	struct compat_zone zone = { 0 };
	int n = 0;

	while (rest != NULL && (item = strsep(&rest, ",")) != NULL) {
		if ((no = compat_zone_read(item, now, &zone)) != NULL)
			return no;
		if (n < q->n)
			q->places[n].zone = zone;
		n++;
	}
	if (n != 1 && n != q->n)
		return "Parameter 'timezone' and coordinates must have the same number of elements";
	for (int i = n; i < q->n; i++)
		q->places[i].zone = zone;
	return NULL;
}

static const char *
read_places(struct arena *a, const struct compat_params *p, int64_t now, struct compat_query *q)
{
	float *lat, *lon, *elevation;
	int lons, elevations;
	const char *no;

	if ((no = read_numbers(a, p, "latitude", &lat, &q->n)) != NULL ||
	    (no = read_numbers(a, p, "longitude", &lon, &lons)) != NULL ||
	    (no = read_numbers(a, p, "elevation", &elevation, &elevations)) != NULL)
		return no;
	if (q->n != lons)
		return "Parameter 'latitude' and 'longitude' must have the same number of elements";
	if (q->n == 0)
		return "Parameter 'latitude' and 'longitude' must not be empty";
	if (elevations != 0 && elevations != q->n)
		return "Parameter 'elevation' must have the same number of elements as coordinates";
	if (q->n > COMPAT_PLACES_MAX)
		return arena_printf(
		    a, "Only up to %d locations can be requested at once", COMPAT_PLACES_MAX);
	if ((q->places = arena_alloc(a, (size_t)q->n * sizeof(*q->places))) == NULL)
		return no_memory;
	for (int i = 0; i < q->n; i++) {
		if ((no = check_range(a, "Latitude", lat[i], 90)) != NULL)
			return no;
		q->places[i].latitude = lat[i];
		q->places[i].elevation = elevations != 0 ? elevation[i] : NAN;
	}
	for (int i = 0; i < q->n; i++) {
		if ((no = check_range(a, "Longitude", lon[i], 180)) != NULL)
			return no;
		q->places[i].longitude = lon[i];
	}
	return read_zones(a, p, now, q);
}

/* ---- All of it ---- */

static const char *
read_choices(struct arena *a, const struct compat_params *p, struct compat_query *q)
{
	static const char *const formats[] = { "iso8601", "unixtime", NULL },
				 *const selections[] = { "land", "sea", "nearest", NULL },
				 *const models[] = { "best_match", NULL },
				 *const resolutions[] = { "hourly", "hourly_1", NULL },
				 *const encodings[] = { "json", NULL },
				 *const flags[] = { "false", "true", NULL };
	const char *wind = compat_param(p, "windspeed_unit") != NULL ? "windspeed_unit"
								     : "wind_speed_unit";
	const char *no;
	int i;

	if ((no = read_choice(a, p, "timeformat", "Timeformat", formats, &i)) != NULL)
		return no;
	q->unixtime = i == 1;
	if ((no = read_unit(a, p, "precipitation_unit", "PrecipitationUnit", &q->units[DIM_LENGTH],
		 DIM_LENGTH)) != NULL ||
	    (no = read_unit(a, p, "temperature_unit", "TemperatureUnit", &q->units[DIM_TEMPERATURE],
		 DIM_TEMPERATURE)) != NULL ||
	    (no = read_unit(a, p, wind, "WindspeedUnit", &q->units[DIM_SPEED], DIM_SPEED)) !=
		NULL ||
	    (no = read_choice(a, p, "cell_selection", "GridSelectionMode", selections, &i)) !=
		NULL ||
	    (no = read_choice(a, p, "models", "MultiDomains", models, &i)) != NULL ||
	    (no = read_choice(
		 a, p, "temporal_resolution", "ApiTemporalResolution", resolutions, &i)) != NULL ||
	    (no = read_choice(a, p, "format", "ForecastResultFormat", encodings, &i)) != NULL)
		return no;
	if ((no = read_choice(a, p, "current_weather", "Bool", flags, &i)) != NULL)
		return no;
	if ((q->current_weather = i == 1))
		q->columns[COMPAT_CURRENT] = *compat_current_weather();
	return NULL;
}

const char *
compat_query_read(struct arena *a, const char *text, int64_t now, struct compat_query *q)
{
	struct compat_params *p = arena_alloc(a, sizeof(*p));
	const char *no;

	*q = (struct compat_query){ 0 };
	if (p == NULL)
		return no_memory;
	if ((no = split(a, text, p)) != NULL)
		return no;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (list_of(p, refused[i])[0] != '\0')
			return arena_printf(a, "Parameter '%s' must not be set", refused[i]);
	if ((no = read_columns(a, p, "hourly", COMPAT_HOURLY, &q->columns[COMPAT_HOURLY])) !=
		NULL ||
	    (no = read_columns(a, p, "daily", COMPAT_DAILY, &q->columns[COMPAT_DAILY])) != NULL ||
	    (no = read_columns(a, p, "current", COMPAT_CURRENT, &q->columns[COMPAT_CURRENT])) !=
		NULL ||
	    (no = read_choices(a, p, q)) != NULL ||
	    (no = compat_days_read(a, p, now, &q->days)) != NULL)
		return no;
	return read_places(a, p, now, q);
}
