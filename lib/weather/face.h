/* SPDX-License-Identifier: ISC
 *
 * The other faces of current weather and forecasts: a line to read, CSV, and Prometheus's text format. All of them
 * are made of the same structures as the JSON.
 */
#ifndef CUACA_FACE_H
#define CUACA_FACE_H

#include "weather/current.h"
#include "weather/forecast.h"

enum format { FORMAT_JSON, FORMAT_TEXT, FORMAT_CSV, FORMAT_PROMETHEUS, FORMAT__MAX };

/* The Content-Type. Static. */
const char *face_type(enum format f);

/* What a face is made for. */
struct viewer {
	const struct settings *settings;
	int64_t now; /* UNIX seconds */
	struct present present; /* Prometheus is metric and English always */
};

/* "Jakarta: 27.4 °C (feels like 31.9 °C), Overcast, humidity 84 %, wind 6.1 km/h from SSW" and a line feed; what is
 * not known is left out. distance_km may be NAN. */
void face_text_current(
    struct buf *b, const struct current *c, double distance_km, const struct viewer *v);

/* A line for each city, the columns named in the first. */
void face_csv_current(
    struct buf *b, int n, const struct current list[], double distance_km, const struct viewer *v);

/* A gauge for each quantity, a sample for each city: cuaca_weather_temperature_celsius{city="jakarta",…}. */
void face_prometheus_current(
    struct buf *b, int n, const struct current list[], const struct viewer *v);

/* One line: each day's weather, least and most temperature, precipitation, wind. */
void face_text_forecast(struct buf *b, const struct forecast *f, int days, const struct viewer *v);

/* A line for each hour. */
void face_csv_forecast(struct buf *b, const struct forecast *f, int days, const struct viewer *v);

/* A gauge for each daily quantity, a sample for each day: cuaca_forecast_temperature_max_celsius{…,day="0"}, where
 * 0 is today. */
void face_prometheus_forecast(
    struct buf *b, const struct forecast *f, int days, const struct viewer *v);

#endif
