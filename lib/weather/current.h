/* SPDX-License-Identifier: ISC
 *
 * The current weather of a city, and the answer body that the ingest writes ahead and the API copies out.
 */
#ifndef CUACA_CURRENT_H
#define CUACA_CURRENT_H

#include "base/settings.h"
#include "weather/city.h"
#include "weather/quantity.h"

/* The numbers of one observation, in the order of their columns. A missing one is NAN. */
enum quantity {
	Q_TEMPERATURE, /* degrees Celsius, 2 m above ground */
	Q_APPARENT_TEMPERATURE, /* degrees Celsius */
	Q_RELATIVE_HUMIDITY, /* percent, 2 m above ground */
	Q_PRECIPITATION, /* mm in the preceding 15 minutes */
	Q_WEATHER_CODE, /* WMO code table 4677 */
	Q_CLOUD_COVER, /* percent */
	Q_PRESSURE_MSL, /* hPa at mean sea level */
	Q_WIND_SPEED, /* km/h, 10 m above ground */
	Q_WIND_DIRECTION, /* degrees the wind comes from */
	Q_WIND_GUSTS, /* km/h, 10 m above ground */
	Q__MAX
};

/* One row per enum quantity. */
extern const struct quantity_info quantities[Q__MAX];

struct current {
	struct city city;
	int64_t observed_at; /* UNIX seconds; the model's time step */
	int64_t collected_at; /* UNIX seconds; when the ingest had it */
	int64_t due_at; /* UNIX seconds; the ingest that is to collect the city again */
	double value[Q__MAX];
	bool is_day; /* the sun is up at observed_at */
	const char *source; /* "open-meteo" or "simulator" */
};

/* A row of the query weather_current. False where the city has no observation yet; the city is filled then too. */
bool current_from_row(
    const struct db_rows *rows, int row, const struct settings *s, struct current *c);

/* The members of the object "current" but for observed_at. */
void current_json_values(
    struct jsonw *w, const double value[Q__MAX], bool is_day, const struct present *p);

/* "weather:<slug>:current", in the arena; NULL without memory. */
char *current_key(struct arena *a, const char *slug);

/* "weather:<slug>:last", the same body for who watches the city, which stays for days; as above. */
char *current_last_key(struct arena *a, const char *slug);

/* The whole answer for one city as it stands at UNIX time now: byte-stable until current_ttl() has passed. The
 * metric English one is the canonical body that Redis keeps; the others are made of it. */
void current_json(struct jsonw *w, const struct current *c, const struct settings *s, int64_t now,
    const struct present *p);

/* Whether the update that was due is overdue by stale_after. */
bool current_is_stale(const struct current *c, const struct settings *s, int64_t now);

/* Read a canonical body back. Text and all lives in the arena. RC_INVALID where it is none. due_at comes as the body
 * has it: a later one where it was overdue when the body was made, none where it was stale. */
enum rc current_parse(struct arena *a, const char *body, size_t len, struct current *c);

/* Read collected_at and next_update_at back from a body written by current_json(). False where it is none. */
bool current_times(const char *body, size_t len, int64_t *collected_at, int64_t *next_update_at);

/* Whether such a body says that it is stale. */
bool current_says_stale(const char *body, size_t len);

/* Read observed_at back from such a body, or the newest one of a page of the history. False where it has none. */
bool current_observed_at(const char *body, size_t len, int64_t *observed_at);

/* Seconds from now for which the body above stays right, 1 to 600: until the next ingest is due, or until it
 * turns stale. */
int64_t current_ttl(const struct current *c, const struct settings *s, int64_t now);

#endif
