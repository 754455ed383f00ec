/* SPDX-License-Identifier: ISC
 *
 * Numbers of the weather into JSON.
 */
#include "weather/quantity.h"

#include <math.h>

const struct present present_default = { UNITS_METRIC, LANG_EN };

const char quantity_link[] =
    "<https://open-meteo.com/>; rel=\"author\"; title=\"Weather data by Open-Meteo.com\", "
    "<https://creativecommons.org/licenses/by/4.0/>; rel=\"license\"";

static int
decimals_of(const struct quantity_info *info, enum units units)
{
	return units_decimals(info->dimension, units, info->decimals);
}

double
quantity_shown(const struct quantity_info *info, double v, enum units units)
{
	double scale = pow(10, decimals_of(info, units));

	return round(units_convert(info->dimension, units, v) * scale) / scale + 0.0;
}

const char *
quantity_unit(const struct quantity_info *info, enum units units)
{
	return info->dimension == DIM_NONE ? info->unit : units_name(info->dimension, units);
}

void
quantity_json(struct jsonw *w, const struct quantity_info *info, double v, enum units units)
{
	int decimals = decimals_of(info, units);
	double shown = quantity_shown(info, v, units);

	if (decimals == 0 && isfinite(shown))
		jsonw_int(w, info->name, (int64_t)shown);
	else
		jsonw_num(w, info->name, shown, decimals);
}

void
quantity_text(struct buf *b, const struct quantity_info *info, double v, enum units units)
{
	struct quantity_info nameless = *info;
	struct jsonw w = JSONW_INIT(b);

	nameless.name = NULL;
	if (isfinite(v))
		quantity_json(&w, &nameless, v, units);
}

void
quantity_json_desc(struct jsonw *w, double code, enum lang lang)
{
	jsonw_string(w, "weather_desc", isfinite(code) ? wmo_text((int)code, lang) : NULL);
}

void
quantity_json_units(
    struct jsonw *w, const char *name, const struct quantity_info infos[], int n, enum units units)
{
	jsonw_object(w, name);
	for (int i = 0; i < n; i++) {
		const char *unit = quantity_unit(&infos[i], units);

		if (unit != NULL)
			jsonw_string(w, infos[i].name, unit);
	}
	jsonw_end(w);
}

/* The words Open-Meteo's licence, CC BY 4.0, asks for. */
void
quantity_json_attribution(struct jsonw *w)
{
	jsonw_object(w, "attribution");
	jsonw_string(w, "text", "Weather data by Open-Meteo.com");
	jsonw_string(w, "url", "https://open-meteo.com/");
	jsonw_string(w, "licence", "CC BY 4.0");
	jsonw_end(w);
}

void
quantity_json_origin(
    struct jsonw *w, int64_t collected_at, int64_t next_update_at, bool stale, const char *source)
{
	jsonw_time(w, "collected_at", collected_at);
	jsonw_time(w, "next_update_at", next_update_at);
	jsonw_bool(w, "stale", stale);
	jsonw_string(w, "source", source);
	quantity_json_attribution(w);
}
