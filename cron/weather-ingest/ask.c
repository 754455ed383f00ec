/* SPDX-License-Identifier: ISC
 *
 * What Open-Meteo is asked, as it wants to be asked.
 */
#include "ask.h"

#include "base/buf.h"
#include "drivers/fetch.h"
#include "weather/forecast.h"

#include <stdio.h>
#include <string.h>

#define LIST_MAX 65536

static void
add_comma(struct buf *b)
{
	if (b->len > 0)
		buf_addc(b, ',');
}

/* Five decimals are a metre; zeros at the end only make the URL longer. */
static void
add_degrees(struct buf *b, double v)
{
	char text[32];
	size_t len = (size_t)snprintf(text, sizeof(text), "%.5f", v);

	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	add_comma(b);
	buf_add(b, text, len);
}

static const char *
names(struct arena *a, const struct quantity_info infos[], int n)
{
	struct buf b = BUF_INIT(LIST_MAX);

	for (int q = 0; q < n; q++) {
		add_comma(&b);
		buf_adds(&b, infos[q].upstream);
	}
	return buf_take(&b, a);
}

static const char *
latitudes(struct arena *a, const struct batch *b)
{
	struct buf list = BUF_INIT(LIST_MAX);

	for (int i = 0; i < b->n; i++)
		add_degrees(&list, b->places[i]->city.latitude);
	return buf_take(&list, a);
}

static const char *
longitudes(struct arena *a, const struct batch *b)
{
	struct buf list = BUF_INIT(LIST_MAX);

	for (int i = 0; i < b->n; i++)
		add_degrees(&list, b->places[i]->city.longitude);
	return buf_take(&list, a);
}

/* Ours, not what the upstream would think: the API cuts days by them. */
static const char *
timezones(struct arena *a, const struct batch *b)
{
	struct buf list = BUF_INIT(LIST_MAX);

	for (int i = 0; i < b->n; i++) {
		add_comma(&list);
		buf_adds(&list, b->places[i]->city.timezone);
	}
	return buf_take(&list, a);
}

static const char *
key_name(const char *key)
{
	return key != NULL && key[0] != '\0' ? "apikey" : NULL;
}

static const char *
make_url(struct arena *a, const char *base, const char *path, const struct fetch_param params[])
{
	for (const struct fetch_param *p = params; p->name != NULL; p++)
		if (p->value == NULL)
			return NULL;
	return fetch_url(a, base, path, params);
}

const char *
ask_url(struct arena *a, const struct settings *s, const struct batch *b, const char *key)
{
	const struct fetch_param current[] = {
		{ "latitude", latitudes(a, b) },
		{ "longitude", longitudes(a, b) },
		{ "current", names(a, quantities, Q__MAX) },
		{ "timeformat", "unixtime" },
		{ "timezone", "GMT" },
		{ key_name(key), key },
		{ NULL, NULL },
	};
	const struct fetch_param forecast[] = {
		{ "latitude", current[0].value },
		{ "longitude", current[1].value },
		{ "hourly", names(a, hourly_quantities, H__MAX) },
		{ "daily", names(a, daily_quantities, D__MAX) },
		{ "timeformat", "unixtime" },
		{ "timezone", timezones(a, b) },
		{ "past_days", arena_printf(a, "%d", FORECAST_PAST) },
		{ "forecast_days", arena_printf(a, "%d", FORECAST_STORED - FORECAST_PAST) },
		{ key_name(key), key },
		{ NULL, NULL },
	};

	return make_url(
	    a, s->open_meteo_url, "/v1/forecast", b->ask == ASK_FORECAST ? forecast : current);
}

/* A day of the UTC calendar. */
static const char *
date(struct arena *a, int64_t t)
{
	char text[CLOCK_TEXT];

	return arena_strndup(a, clock_format(t, text), 10);
}

const char *
ask_past_url(struct arena *a, const struct settings *s, const struct place *pl, int64_t from,
    int64_t last, const char *key)
{
	const struct batch one = { .places = &pl, .n = 1 };
	const struct fetch_param params[] = {
		{ "latitude", latitudes(a, &one) },
		{ "longitude", longitudes(a, &one) },
		{ "start_date", date(a, from) },
		{ "end_date", date(a, last) },
		{ "hourly", names(a, quantities, Q__MAX) },
		{ "timeformat", "unixtime" },
		{ "timezone", "GMT" },
		{ key_name(key), key },
		{ NULL, NULL },
	};

	return make_url(a, s->open_meteo_archive_url, "/v1/archive", params);
}
