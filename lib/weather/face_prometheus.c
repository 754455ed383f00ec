/* SPDX-License-Identifier: ISC
 *
 * Prometheus's text format 0.0.4. A metric's name is made of the quantity's and of its unit, as is the custom there:
 * cuaca_weather_wind_speed_kilometers_per_hour. Values are metric, as they are stored.
 */
#include "weather/face.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ATTRIBUTION "# Weather data by Open-Meteo.com, https://open-meteo.com/, CC BY 4.0\n"

/* What a name ends with for a unit of the upstream. */
static const struct {
	const char *unit, *suffix;
} suffixes[] = {
	{ "°C", "_celsius" },
	{ "%", "_percent" },
	{ "mm", "_millimeters" },
	{ "hPa", "_hectopascals" },
	{ "km/h", "_kilometers_per_hour" },
	{ "°", "_degrees" },
	{ "unixtime", "_timestamp_seconds" },
	{ "wmo code", "" },
};

static const char *
suffix_of(const struct quantity_info *info)
{
	size_t i = 0;

	while (strcmp(suffixes[i].unit, info->upstream_unit) != 0)
		i++;
	return suffixes[i].suffix;
}

static void
put_value(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_addc(b, '\\');
		buf_addc(b, *s);
	}
}

static void
put_head(struct buf *b, const char *metric, const char *help)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n", metric, help, metric);
}

/* The name and its labels, day only where it is one, up to the value. */
static void
put_sample(struct buf *b, const char *metric, const struct city *c, const char *source, int day)
{
	buf_printf(b, "%s{city=\"%s\",name=\"", metric, c->slug);
	put_value(b, c->name);
	buf_printf(b, "\",country=\"%s\",source=\"%s\"", c->country, source);
	if (day >= 0)
		buf_printf(b, ",day=\"%d\"", day);
	buf_adds(b, "} ");
}

static void
put_current(struct buf *b, int q, int n, const struct current list[])
{
	const struct quantity_info *info = &quantities[q];
	char metric[96], help[96];

	snprintf(metric, sizeof(metric), "cuaca_weather_%s%s",
	    q == Q_WEATHER_CODE ? "code" : info->name, suffix_of(info));
	snprintf(help, sizeof(help), "%s, %s", info->name, info->upstream_unit);
	put_head(b, metric, help);
	for (int i = 0; i < n; i++) {
		if (!isfinite(list[i].value[q]))
			continue;
		put_sample(b, metric, &list[i].city, list[i].source, -1);
		quantity_text(b, info, list[i].value[q], UNITS_METRIC);
		buf_addc(b, '\n');
	}
}

/* What is not a quantity. */
enum fact { IS_DAY, OBSERVED, COLLECTED, STALE, FACT__MAX };

static const struct {
	const char *metric, *help;
} facts[FACT__MAX] = {
	[IS_DAY] = { "cuaca_weather_is_day", "whether the sun is up" },
	[OBSERVED] = { "cuaca_weather_observed_timestamp_seconds", "what time the values are for" },
	[COLLECTED] = { "cuaca_weather_collected_timestamp_seconds", "when they were collected" },
	[STALE] = { "cuaca_weather_stale", "whether an update is overdue" },
};

static int64_t
fact_of(enum fact f, const struct current *c, const struct viewer *v)
{
	switch (f) {
	case IS_DAY: return c->is_day;
	case OBSERVED: return c->observed_at;
	case COLLECTED: return c->collected_at;
	default: return current_is_stale(c, v->settings, v->now);
	}
}

void
face_prometheus_current(struct buf *b, int n, const struct current list[], const struct viewer *v)
{
	buf_adds(b, ATTRIBUTION);
	for (int q = 0; q < Q__MAX; q++)
		put_current(b, q, n, list);
	for (enum fact f = 0; f < FACT__MAX; f++) {
		put_head(b, facts[f].metric, facts[f].help);
		for (int i = 0; i < n; i++) {
			put_sample(b, facts[f].metric, &list[i].city, list[i].source, -1);
			buf_printf(b, "%" PRId64 "\n", fact_of(f, &list[i], v));
		}
	}
}

void
face_prometheus_forecast(struct buf *b, const struct forecast *f, int days, const struct viewer *v)
{
	struct forecast_span span = forecast_span(f, v->now, days);

	buf_adds(b, ATTRIBUTION);
	for (int q = 0; q < D__MAX; q++) {
		const struct quantity_info *info = &daily_quantities[q];
		char metric[96], help[96];

		snprintf(
		    metric, sizeof(metric), "cuaca_forecast_%s%s", info->name, suffix_of(info));
		snprintf(help, sizeof(help), "%s, %s", info->name, info->upstream_unit);
		put_head(b, metric, help);
		for (int i = span.first; i < span.last; i++) {
			if (!isfinite(f->daily[q][i]))
				continue;
			put_sample(b, metric, &f->city, f->source, i - span.first);
			quantity_text(b, info, f->daily[q][i], UNITS_METRIC);
			buf_addc(b, '\n');
		}
	}
	put_head(b, "cuaca_forecast_collected_timestamp_seconds", "when it was collected");
	put_sample(b, "cuaca_forecast_collected_timestamp_seconds", &f->city, f->source, -1);
	buf_printf(b, "%" PRId64 "\n", f->collected_at);
}
