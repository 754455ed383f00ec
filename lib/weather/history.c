/* SPDX-License-Identifier: ISC
 *
 * Rows of the history into JSON and CSV.
 */
#include "weather/history.h"

#include "weather/csv.h"
#include "weather/current.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const names[INTERVAL__MAX] = { "raw", "hour", "day" };

/* What hours and days are summed up of, in the order of their columns; each has three, and the precipitation's sum
 * stands behind them all. */
static const enum quantity summed_up[] = { Q_TEMPERATURE, Q_APPARENT_TEMPERATURE,
	Q_RELATIVE_HUMIDITY, Q_CLOUD_COVER, Q_PRESSURE_MSL, Q_WIND_SPEED, Q_WIND_GUSTS };
static const char *const statistics[] = { "min", "max", "mean" };

enum { MEAN = COUNT(statistics) - 1 };

/* Columns of history_raw, and of history_hour and history_day. */
enum {
	RAW_FIRST_VALUE = 1,
	RAW_IS_DAY = RAW_FIRST_VALUE + Q_CLOUD_COVER,
	RAW_SOURCE = RAW_FIRST_VALUE + Q__MAX + 1,
	OBSERVATIONS = 1,
	FIRST_STATISTIC,
	PRECIPITATION_SUM = FIRST_STATISTIC + COUNT(summed_up) * COUNT(statistics)
};

char *
history_page1_key(struct arena *a, const char *slug)
{
	return arena_printf(a, "weather:%s:history:page1", slug);
}

int64_t
history_time(const struct db_rows *rows, int row)
{
	return db_int(rows, row, 0);
}

static double
raw_value(const struct db_rows *rows, int row, int q)
{
	return db_num(rows, row, RAW_FIRST_VALUE + q + (q >= Q_CLOUD_COVER));
}

static double
statistic(const struct db_rows *rows, int row, size_t i, size_t s)
{
	return db_num(rows, row, FIRST_STATISTIC + (int)(i * COUNT(statistics) + s));
}

/* How a statistic of q is shown: a mean of whole numbers isn't one. */
static struct quantity_info
shown_as(enum quantity q, size_t s)
{
	struct quantity_info info = quantities[q];

	if (s == MEAN && info.decimals == 0)
		info.decimals = 1;
	return info;
}

static void
put_raw(struct jsonw *w, const struct db_rows *rows, int row, const struct present *p)
{
	double value[Q__MAX];

	for (int q = 0; q < Q__MAX; q++)
		value[q] = raw_value(rows, row, q);
	jsonw_object(w, NULL);
	jsonw_time(w, "observed_at", history_time(rows, row));
	current_json_values(w, value, db_bool(rows, row, RAW_IS_DAY), p);
	jsonw_string(w, "source", db_text(rows, row, RAW_SOURCE));
	jsonw_end(w);
}

static void
put_summary(struct jsonw *w, const struct db_rows *rows, int row, const struct present *p)
{
	struct quantity_info sum = quantities[Q_PRECIPITATION];

	jsonw_object(w, NULL);
	jsonw_time(w, "time", history_time(rows, row));
	jsonw_int(w, "observations", db_int(rows, row, OBSERVATIONS));
	for (size_t i = 0; i < COUNT(summed_up); i++) {
		jsonw_object(w, quantities[summed_up[i]].name);
		for (size_t s = 0; s < COUNT(statistics); s++) {
			struct quantity_info info = shown_as(summed_up[i], s);

			info.name = statistics[s];
			quantity_json(w, &info, statistic(rows, row, i, s), p->units);
		}
		jsonw_end(w);
	}
	jsonw_object(w, sum.name);
	sum.name = "sum";
	quantity_json(w, &sum, db_num(rows, row, PRECIPITATION_SUM), p->units);
	jsonw_end(w);
	jsonw_end(w);
}

static void
put_units(struct jsonw *w, enum interval interval, enum units units)
{
	if (interval == INTERVAL_RAW) {
		quantity_json_units(w, "units", quantities, Q__MAX, units);
		return;
	}
	jsonw_object(w, "units");
	for (size_t i = 0; i < COUNT(summed_up); i++)
		jsonw_string(w, quantities[summed_up[i]].name,
		    quantity_unit(&quantities[summed_up[i]], units));
	jsonw_string(w, quantities[Q_PRECIPITATION].name,
	    quantity_unit(&quantities[Q_PRECIPITATION], units));
	jsonw_end(w);
}

void
history_json(struct jsonw *w, const struct history *h, const struct present *p)
{
	jsonw_object(w, NULL);
	city_json_brief(w, "city", &h->city);
	jsonw_string(w, "interval", names[h->interval]);
	put_units(w, h->interval, p->units);
	jsonw_array(w, "items");
	for (int i = 0; i < h->n; i++) {
		if (h->interval == INTERVAL_RAW)
			put_raw(w, h->rows, i, p);
		else
			put_summary(w, h->rows, i, p);
	}
	jsonw_end(w);
	jsonw_string(w, "next", h->next);
	quantity_json_attribution(w);
	jsonw_end(w);
}

static void
head_of_raw(struct csvw *w, enum units units)
{
	csv_text(w, "observed_at");
	for (int q = 0; q < Q__MAX; q++) {
		csv_head(w, &quantities[q], "", units);
		if (q != Q_WEATHER_CODE)
			continue;
		csv_text(w, "weather_desc");
		csv_text(w, "is_day");
	}
	csv_text(w, "source");
	csv_end(w);
}

static void
line_of_raw(struct csvw *w, const struct db_rows *rows, int row, const struct present *p)
{
	csv_time(w, history_time(rows, row));
	for (int q = 0; q < Q__MAX; q++) {
		csv_quantity(w, &quantities[q], raw_value(rows, row, q), p->units);
		if (q != Q_WEATHER_CODE)
			continue;
		csv_desc(w, raw_value(rows, row, q), p->lang);
		csv_bool(w, db_bool(rows, row, RAW_IS_DAY));
	}
	csv_text(w, db_text(rows, row, RAW_SOURCE));
	csv_end(w);
}

static void
head_of_summary(struct csvw *w, enum units units)
{
	static const char *const suffixes[COUNT(statistics)] = { "_min", "_max", "_mean" };

	csv_text(w, "time");
	csv_text(w, "observations");
	for (size_t i = 0; i < COUNT(summed_up); i++)
		for (size_t s = 0; s < COUNT(statistics); s++)
			csv_head(w, &quantities[summed_up[i]], suffixes[s], units);
	csv_head(w, &quantities[Q_PRECIPITATION], "_sum", units);
	csv_end(w);
}

static void
line_of_summary(struct csvw *w, const struct db_rows *rows, int row, const struct present *p)
{
	csv_time(w, history_time(rows, row));
	csv_int(w, db_int(rows, row, OBSERVATIONS));
	for (size_t i = 0; i < COUNT(summed_up); i++)
		for (size_t s = 0; s < COUNT(statistics); s++) {
			struct quantity_info info = shown_as(summed_up[i], s);

			csv_quantity(w, &info, statistic(rows, row, i, s), p->units);
		}
	csv_quantity(
	    w, &quantities[Q_PRECIPITATION], db_num(rows, row, PRECIPITATION_SUM), p->units);
	csv_end(w);
}

void
history_csv(struct buf *b, const struct history *h, const struct present *p)
{
	struct csvw w = CSVW_INIT(b);

	if (h->interval == INTERVAL_RAW)
		head_of_raw(&w, p->units);
	else
		head_of_summary(&w, p->units);
	for (int i = 0; i < h->n; i++) {
		if (h->interval == INTERVAL_RAW)
			line_of_raw(&w, h->rows, i, p);
		else
			line_of_summary(&w, h->rows, i, p);
	}
}
