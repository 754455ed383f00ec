/* SPDX-License-Identifier: ISC
 *
 * A line for people: a terminal, a status bar, a message.
 */
#include "weather/face.h"

#include <math.h>

static const struct {
	const char *feels_like, *humidity, *wind, *from, *calm, *away, *stale, *to, *precipitation,
	    *wind_to;
} words[LANG__MAX] = {
	[LANG_EN] = { "feels like", "humidity", "wind", "from", "calm", "away", "observed", "to",
	    "precipitation", "wind up to" },
	[LANG_ID] = { "terasa seperti", "kelembapan", "angin", "dari", "angin tenang", "jauhnya",
	    "diamati", "sampai", "curah hujan", "angin sampai" },
};

const char *
face_type(enum format f)
{
	static const char *const types[FORMAT__MAX] = {
		[FORMAT_JSON] = "application/json",
		[FORMAT_TEXT] = "text/plain; charset=utf-8",
		[FORMAT_CSV] = "text/csv; charset=utf-8; header=present",
		[FORMAT_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
	};

	return types[f];
}

/* "SSW" for 210 degrees. */
static const char *
compass(double degrees)
{
	static const char *const points[] = { "N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S",
		"SSW", "SW", "WSW", "W", "WNW", "NW", "NNW" };

	return points[(int)lround(degrees / 22.5) % 16];
}

/* Before, a number with its unit, after; nothing where there is no number. */
static void
put(struct buf *b, const char *before, const struct quantity_info *info, double v, enum units units,
    const char *after)
{
	if (!isfinite(v))
		return;
	buf_adds(b, before);
	quantity_text(b, info, v, units);
	buf_printf(b, " %s%s", quantity_unit(info, units), after);
}

static void
put_words(struct buf *b, const char *before, const char *word, const char *after)
{
	buf_adds(b, before);
	buf_adds(b, word);
	buf_adds(b, after);
}

/* What goes before the next part of the line: a blank at first, then a comma. */
static const char *
separator(bool *first)
{
	const char *s = *first ? " " : ", ";

	*first = false;
	return s;
}

static void
put_temperature(struct buf *b, const struct current *c, const struct present *p, bool *first)
{
	double temperature = c->value[Q_TEMPERATURE], feels = c->value[Q_APPARENT_TEMPERATURE];

	if (!isfinite(temperature))
		return;
	put(b, separator(first), &quantities[Q_TEMPERATURE], temperature, p->units, "");
	if (!isfinite(feels))
		return;
	put_words(b, " (", words[p->lang].feels_like, "");
	put(b, " ", &quantities[Q_APPARENT_TEMPERATURE], feels, p->units, ")");
}

static void
put_humidity(struct buf *b, const struct current *c, const struct present *p, bool *first)
{
	double humidity = c->value[Q_RELATIVE_HUMIDITY];

	if (!isfinite(humidity))
		return;
	put_words(b, separator(first), words[p->lang].humidity, "");
	put(b, " ", &quantities[Q_RELATIVE_HUMIDITY], humidity, p->units, "");
}

static void
put_wind(struct buf *b, const struct current *c, const struct present *p, bool *first)
{
	double speed = c->value[Q_WIND_SPEED], direction = c->value[Q_WIND_DIRECTION];

	if (!isfinite(speed))
		return;
	if (quantity_shown(&quantities[Q_WIND_SPEED], speed, p->units) == 0) {
		put_words(b, separator(first), words[p->lang].calm, "");
		return;
	}
	put_words(b, separator(first), words[p->lang].wind, "");
	put(b, " ", &quantities[Q_WIND_SPEED], speed, p->units, "");
	if (isfinite(direction))
		buf_printf(b, " %s %s", words[p->lang].from, compass(direction));
}

void
face_text_current(
    struct buf *b, const struct current *c, double distance_km, const struct viewer *v)
{
	const struct present *p = &v->present;
	char text[CLOCK_TEXT];
	bool first = true;

	buf_adds(b, c->city.name);
	if (isfinite(distance_km))
		buf_printf(b, ", %.1f km %s", distance_km, words[p->lang].away);
	buf_addc(b, ':');
	put_temperature(b, c, p, &first);
	if (isfinite(c->value[Q_WEATHER_CODE]))
		put_words(
		    b, separator(&first), wmo_text((int)c->value[Q_WEATHER_CODE], p->lang), "");
	put_humidity(b, c, p, &first);
	put_wind(b, c, p, &first);
	if (current_is_stale(c, v->settings, v->now))
		buf_printf(b, " (%s %s)", words[p->lang].stale, clock_format(c->observed_at, text));
	buf_addc(b, '\n');
}

/* The next part of a day: a comma, a word, a number; nothing where there is no number. */
static void
put_named(
    struct buf *b, const char *word, const struct quantity_info *info, double v, enum units units)
{
	if (!isfinite(v))
		return;
	put_words(b, ", ", word, "");
	put(b, " ", info, v, units, "");
}

static void
put_day(struct buf *b, const struct forecast *f, int i, const struct present *p)
{
	const struct quantity_info *q = daily_quantities;
	double least = f->daily[D_TEMPERATURE_MIN][i], most = f->daily[D_TEMPERATURE_MAX][i];
	double sum = f->daily[D_PRECIPITATION_SUM][i],
	       chance = f->daily[D_PRECIPITATION_PROBABILITY_MAX][i];
	char date[CLOCK_TEXT];

	put_words(b, " ", forecast_date(f, i, date), "");
	if (isfinite(f->daily[D_WEATHER_CODE][i]))
		put_words(b, " ", wmo_text((int)f->daily[D_WEATHER_CODE][i], p->lang), "");
	put(b, ", ", &q[D_TEMPERATURE_MIN], least, p->units, "");
	if (isfinite(most)) {
		put_words(b, isfinite(least) ? " " : ", ", words[p->lang].to, "");
		put(b, " ", &q[D_TEMPERATURE_MAX], most, p->units, "");
	}
	put_named(b, words[p->lang].precipitation, &q[D_PRECIPITATION_SUM], sum, p->units);
	if (isfinite(sum))
		put(b, " (", &q[D_PRECIPITATION_PROBABILITY_MAX], chance, p->units, ")");
	else
		put_named(b, words[p->lang].precipitation, &q[D_PRECIPITATION_PROBABILITY_MAX],
		    chance, p->units);
	put_named(b, words[p->lang].wind_to, &q[D_WIND_SPEED_MAX], f->daily[D_WIND_SPEED_MAX][i],
	    p->units);
}

void
face_text_forecast(struct buf *b, const struct forecast *f, int days, const struct viewer *v)
{
	struct forecast_span span = forecast_span(f, v->now, days);

	put_words(b, "", f->city.name, ":");
	for (int i = span.first; i < span.last; i++) {
		put_day(b, f, i, &v->present);
		if (i + 1 < span.last)
			buf_addc(b, ';');
	}
	buf_addc(b, '\n');
}
