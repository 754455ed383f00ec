/* SPDX-License-Identifier: ISC
 *
 * Cities out of rows and into JSON.
 */
#include "weather/city.h"

#include "weather/read.h"

#include <math.h>

void
city_from_row(const struct db_rows *rows, int row, int first, struct city *c)
{
	*c = (struct city){
		.slug = db_text(rows, row, first),
		.name = db_text(rows, row, first + 1),
		.country = db_text(rows, row, first + 2),
		.admin1 = db_text(rows, row, first + 3),
		.latitude = db_num(rows, row, first + 4),
		.longitude = db_num(rows, row, first + 5),
		.timezone = db_text(rows, row, first + 6),
		.population = db_int(rows, row, first + 7),
		.tracked = db_bool(rows, row, first + 8),
	};
}

static void
put_place(struct jsonw *w, const struct city *c)
{
	jsonw_num(w, "latitude", c->latitude, 5);
	jsonw_num(w, "longitude", c->longitude, 5);
	jsonw_string(w, "timezone", c->timezone);
}

void
city_json(struct jsonw *w, const char *name, const struct city *c, double distance_km)
{
	jsonw_object(w, name);
	jsonw_string(w, "slug", c->slug);
	jsonw_string(w, "name", c->name);
	jsonw_string(w, "country", c->country);
	jsonw_string(w, "admin1", c->admin1);
	put_place(w, c);
	jsonw_int(w, "population", c->population);
	jsonw_bool(w, "tracked", c->tracked);
	if (!isnan(distance_km))
		jsonw_num(w, "distance_km", distance_km, 1);
	jsonw_end(w);
}

void
city_json_brief(struct jsonw *w, const char *name, const struct city *c)
{
	jsonw_object(w, name);
	jsonw_string(w, "slug", c->slug);
	jsonw_string(w, "name", c->name);
	jsonw_string(w, "country", c->country);
	put_place(w, c);
	jsonw_end(w);
}

bool
city_from_json(struct arena *a, const cJSON *object, struct city *c)
{
	*c = (struct city){
		.slug = read_json_text(a, object, "slug"),
		.name = read_json_text(a, object, "name"),
		.country = read_json_text(a, object, "country"),
		.latitude = read_json_number(object, "latitude"),
		.longitude = read_json_number(object, "longitude"),
		.timezone = read_json_text(a, object, "timezone"),
	};
	return c->slug != NULL && c->name != NULL && c->country != NULL && c->timezone != NULL &&
	       !isnan(c->latitude) && !isnan(c->longitude);
}
