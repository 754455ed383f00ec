/* SPDX-License-Identifier: ISC
 *
 * One statement a batch, its arguments arrays in PostgreSQL's text form: {1,2,NULL}.
 */
#include "store.h"

#include "base/buf.h"

#include <math.h>

#define STORE_MS 30000
#define ARRAY_MAX 65536

/* The arguments of weather_upsert, in its order. */
enum {
	ARG_CITY_ID,
	ARG_OBSERVED_AT,
	ARG_COLLECTED_AT,
	ARG_FIRST_VALUE,
	ARG_IS_DAY = ARG_FIRST_VALUE + Q_CLOUD_COVER,
	ARG_SOURCE = ARG_FIRST_VALUE + Q__MAX + 1,
	ARG__MAX
};

static void
add_real(struct buf *b, double v, int decimals)
{
	if (isnan(v))
		buf_adds(b, "NULL");
	else
		buf_printf(b, "%.*f", decimals, v);
}

/* What argument arg has for one city. */
static void
add_element(struct buf *b, int arg, const char *id, const struct current *c)
{
	int q = arg - ARG_FIRST_VALUE - (arg > ARG_IS_DAY);

	if (arg == ARG_CITY_ID)
		buf_adds(b, id);
	else if (arg == ARG_OBSERVED_AT)
		buf_printf(b, "%lld", (long long)c->observed_at);
	else if (arg == ARG_IS_DAY)
		buf_addc(b, c->is_day ? 't' : 'f');
	else
		add_real(b, c->value[q], quantities[q].decimals);
}

/* Argument arg as an array over all cities, in the arena. */
static const char *
make_array(struct arena *a, int arg, int n, const char *const ids[], const struct current fresh[])
{
	struct buf b = BUF_INIT(ARRAY_MAX);

	for (int i = 0; i < n; i++) {
		buf_addc(&b, i == 0 ? '{' : ',');
		add_element(&b, arg, ids[i], &fresh[i]);
	}
	buf_addc(&b, '}');
	return buf_take(&b, a);
}

static enum rc
store(struct run *r, struct arena *a, enum sql statement, int n, const char *const ids[],
    const struct current fresh[], const struct db_rows **rows)
{
	const char *argv[ARG__MAX];
	enum rc rc = RC_OK;

	for (int arg = 0; arg < ARG__MAX && rc == RC_OK; arg++) {
		if (arg == ARG_COLLECTED_AT)
			argv[arg] = run_time_text(a, fresh[0].collected_at);
		else if (arg == ARG_SOURCE)
			argv[arg] = fresh[0].source;
		else
			argv[arg] = make_array(a, arg, n, ids, fresh);
		rc = argv[arg] != NULL ? RC_OK : RC_NOMEM;
	}
	return rc == RC_OK ? run_query(r, a, STORE_MS, statement, argv, rows) : rc;
}

enum rc
store_batch(
    struct run *r, struct arena *a, int n, const char *const ids[], const struct current fresh[])
{
	const struct db_rows *rows;

	return store(r, a, SQL_WEATHER_UPSERT, n, ids, fresh, &rows);
}

enum rc
store_past(struct run *r, struct arena *a, int n, const char *const ids[],
    const struct current past[], int64_t *stored)
{
	const struct db_rows *rows;
	enum rc rc = store(r, a, SQL_WEATHER_BACKFILL, n, ids, past, &rows);

	*stored = rc == RC_OK ? db_int(rows, 0, 0) : 0;
	return rc;
}

/* The arguments of forecast_upsert, in its order. */
enum {
	FORECAST_CITY_ID,
	FORECAST_COLLECTED_AT,
	FORECAST_UTC_OFFSET,
	FORECAST_SOURCE,
	FORECAST_HOURLY_FROM,
	FORECAST_DAILY_FROM,
	FORECAST_HOURLY,
	FORECAST_DAILY = FORECAST_HOURLY + H__MAX,
	FORECAST__MAX = FORECAST_DAILY + D__MAX
};

static const char *
make_series(struct arena *a, const double v[], int n, int decimals)
{
	struct buf b = BUF_INIT(ARRAY_MAX);

	for (int i = 0; i < n; i++) {
		buf_addc(&b, i == 0 ? '{' : ',');
		add_real(&b, v[i], decimals);
	}
	buf_addc(&b, '}');
	return buf_take(&b, a);
}

enum rc
store_forecast(struct run *r, struct arena *a, const char *id, const struct forecast *f)
{
	const char *argv[FORECAST__MAX] = { [FORECAST_CITY_ID] = id,
		[FORECAST_COLLECTED_AT] = run_time_text(a, f->collected_at),
		[FORECAST_UTC_OFFSET] = run_time_text(a, f->utc_offset),
		[FORECAST_SOURCE] = f->source,
		[FORECAST_HOURLY_FROM] = run_time_text(a, f->hourly_from),
		[FORECAST_DAILY_FROM] = run_time_text(a, f->daily_from) };
	const struct db_rows *rows;

	for (int q = 0; q < H__MAX; q++)
		argv[FORECAST_HOURLY + q] = make_series(
		    a, f->hourly[q], f->hours, hourly_quantities[q].decimals);
	for (int q = 0; q < D__MAX; q++)
		argv[FORECAST_DAILY + q] = make_series(
		    a, f->daily[q], f->days, daily_quantities[q].decimals);
	for (int i = 0; i < FORECAST__MAX; i++)
		if (argv[i] == NULL)
			return RC_NOMEM;
	return run_query(r, a, STORE_MS, SQL_FORECAST_UPSERT, argv, &rows);
}
