/* SPDX-License-Identifier: ISC
 *
 * Series must be whole: as long as their times, which follow each other without a gap. One value that cannot be
 * refuses the place, since nobody could say which of the others to believe.
 */
#include "series.h"

#include "answer.h"

#include <cjson/cJSON.h>
#include <math.h>

#define HOUR 3600
#define DAY 86400
#define CLOCK_SLACK 300 /* seconds our clock and the upstream's may differ */
#define OFFSET_MAX 50400 /* UTC+14 */
#define YEAR_10000 253402300800.0

/* A block of an answer, and what must be in it. */
struct block {
	const char *name, *units;
	const struct quantity_info *infos;
	int quantities;
	int64_t step;
	int n; /* how many times */
};

static const struct block hourly = { "hourly", "hourly_units", hourly_quantities, H__MAX, HOUR,
	FORECAST_STORED * 24 };
static const struct block daily = { "daily", "daily_units", daily_quantities, D__MAX, DAY,
	FORECAST_STORED };

static enum refusal
check_units(const cJSON *units, const struct block *b, char detail[CHECK_DETAIL])
{
	enum refusal why = answer_unit(units, "time", "unixtime", detail);

	for (int q = 0; q < b->quantities && why == REFUSAL_NONE; q++)
		why = answer_unit(units, b->infos[q].upstream, b->infos[q].upstream_unit, detail);
	return why;
}

/* The array called name, which must have as many elements as the block has times. */
static enum refusal
find_series(const cJSON *block, const struct block *b, const char *name, const cJSON **out,
    char detail[CHECK_DETAIL])
{
	*out = answer_member(block, name);
	if (*out == NULL)
		return answer_refuse(
		    detail, REFUSAL_MISSING, "no %s of %s, or several", b->name, name);
	if (!cJSON_IsArray(*out) || cJSON_GetArraySize(*out) != b->n)
		return answer_refuse(detail, REFUSAL_SERIES, "%s of %s: %d values instead of %d",
		    b->name, name, cJSON_GetArraySize(*out), b->n);
	return REFUSAL_NONE;
}

static enum refusal
check_times(const cJSON *block, const struct block *b, int64_t *from, char detail[CHECK_DETAIL])
{
	const cJSON *times, *t;
	enum refusal why = find_series(block, b, "time", &times, detail);
	int64_t expected;

	if (why != REFUSAL_NONE)
		return why;
	t = times->child;
	if (!cJSON_IsNumber(t) || t->valuedouble < 0 || t->valuedouble >= YEAR_10000 ||
	    t->valuedouble != floor(t->valuedouble))
		return answer_refuse(detail, REFUSAL_TIME, "%s: no usable time", b->name);
	*from = expected = (int64_t)t->valuedouble;
	for (; t != NULL; t = t->next, expected += b->step)
		if (!cJSON_IsNumber(t) || t->valuedouble != (double)expected)
			return answer_refuse(
			    detail, REFUSAL_SERIES, "%s: times are not in step", b->name);
	return REFUSAL_NONE;
}

static enum refusal
read_values(const cJSON *series, const struct quantity_info *info, double *column,
    char detail[CHECK_DETAIL])
{
	enum refusal why = REFUSAL_NONE;
	const cJSON *v;

	for (v = series->child; v != NULL && why == REFUSAL_NONE; v = v->next)
		why = answer_number(v, info, column++, detail);
	return why;
}

/* All of a block: from is its first time, columns its values. */
static enum refusal
read_block(const cJSON *e, const struct block *b, struct arena *a, int64_t *from, double *columns[],
    char detail[CHECK_DETAIL])
{
	const cJSON *block = answer_member(e, b->name), *units = answer_member(e, b->units),
		    *series;
	enum refusal why;

	if (!cJSON_IsObject(block) || !cJSON_IsObject(units))
		return answer_refuse(detail, REFUSAL_MISSING, "no %s, or no %s", b->name, b->units);
	if ((why = check_units(units, b, detail)) == REFUSAL_NONE)
		why = check_times(block, b, from, detail);
	for (int q = 0; q < b->quantities && why == REFUSAL_NONE; q++) {
		if ((columns[q] = arena_alloc(a, (size_t)b->n * sizeof(double))) == NULL)
			return answer_refuse(detail, REFUSAL_NO_MEMORY, "%s", b->name);
		why = find_series(block, b, b->infos[q].upstream, &series, detail);
		if (why == REFUSAL_NONE)
			why = read_values(series, &b->infos[q], columns[q], detail);
	}
	return why;
}

static bool
all_null(const double *column, int n)
{
	for (int i = 0; i < n; i++)
		if (!isnan(column[i]))
			return false;
	return true;
}

/* The days are those of the place, and today is where it should be among them. */
static enum refusal
check_days(const struct forecast *f, int64_t now, char detail[CHECK_DETAIL])
{
	int64_t today = f->daily_from + (int64_t)FORECAST_PAST * DAY;

	if ((f->daily_from + f->utc_offset) % DAY != 0 || f->hourly_from != f->daily_from)
		return answer_refuse(detail, REFUSAL_TIME, "days do not begin at midnight");
	if (now < today - CLOCK_SLACK)
		return answer_refuse(
		    detail, REFUSAL_FUTURE, "%lld s ahead", (long long)(today - now));
	if (now >= today + DAY + CLOCK_SLACK)
		return answer_refuse(detail, REFUSAL_OLD, "%lld s ago", (long long)(now - today));
	return REFUSAL_NONE;
}

static enum refusal
check_warmth(const struct forecast *f, char detail[CHECK_DETAIL])
{
	bool any = false;

	for (int q = 0; q < H__MAX; q++)
		any = any || !all_null(f->hourly[q], f->hours);
	if (!any)
		return answer_refuse(detail, REFUSAL_ALL_NULL, "every hourly value is null");
	if (all_null(f->hourly[H_TEMPERATURE], f->hours) ||
	    all_null(f->daily[D_TEMPERATURE_MAX], f->days))
		return answer_refuse(detail, REFUSAL_NO_TEMPERATURE, "the temperatures are null");
	return REFUSAL_NONE;
}

static enum refusal
check_outlook(
    const cJSON *e, const struct asked *asked, int64_t now, struct arena *a, struct outlook *out)
{
	struct forecast *f = &out->forecast;
	char *detail = out->detail;
	enum refusal why = answer_place(e, asked, detail);
	int64_t offset;

	if (why != REFUSAL_NONE)
		return why;
	if (!answer_whole(e, "utc_offset_seconds", -OFFSET_MAX, OFFSET_MAX, &offset))
		return answer_refuse(detail, REFUSAL_TIME, "no usable utc_offset_seconds");
	if (asked->utc_offset != ASKED_ANY_OFFSET && offset != asked->utc_offset)
		return answer_refuse(detail, REFUSAL_TIME, "UTC offset %lld s instead of %d",
		    (long long)offset, asked->utc_offset);
	*f = (struct forecast){ .utc_offset = (int)offset, .hours = hourly.n, .days = daily.n };
	if ((why = read_block(e, &hourly, a, &f->hourly_from, f->hourly, detail)) != REFUSAL_NONE ||
	    (why = read_block(e, &daily, a, &f->daily_from, f->daily, detail)) != REFUSAL_NONE ||
	    (why = check_days(f, now, detail)) != REFUSAL_NONE)
		return why;
	return check_warmth(f, detail);
}

enum refusal
check_forecasts(const char *body, size_t len, const struct asked asked[], int n, int64_t now,
    struct arena *a, struct outlook out[], char detail[CHECK_DETAIL])
{
	const cJSON *e;
	cJSON *root;
	enum refusal why = answer_open(body, len, n, &root, detail);

	if (why != REFUSAL_NONE)
		return why;
	e = n == 1 ? root : root->child;
	for (int i = 0; i < n; i++, e = e->next)
		out[i].refusal = check_outlook(e, &asked[i], now, a, &out[i]);
	cJSON_Delete(root);
	return REFUSAL_NONE;
}

enum refusal
check_past(const char *body, size_t len, const struct asked *asked, int64_t from, int64_t to,
    struct arena *a, struct past *out, char detail[CHECK_DETAIL])
{
	const struct block b = { "hourly", "hourly_units", quantities, Q__MAX, HOUR,
		(int)((to - from) / HOUR) };
	cJSON *root;
	enum refusal why = answer_open(body, len, 1, &root, detail);

	if (why != REFUSAL_NONE)
		return why;
	out->hours = b.n;
	if ((out->refusal = answer_place(root, asked, out->detail)) == REFUSAL_NONE)
		out->refusal = read_block(root, &b, a, &out->from, out->value, out->detail);
	if (out->refusal == REFUSAL_NONE && out->from != from)
		out->refusal = answer_refuse(out->detail, REFUSAL_TIME, "hours of %lld, not %lld",
		    (long long)out->from, (long long)from);
	cJSON_Delete(root);
	return REFUSAL_NONE;
}
