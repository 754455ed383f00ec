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
	const char *text;

	for (int i = 0; i < n; i++) {
		buf_addc(&b, i == 0 ? '{' : ',');
		add_element(&b, arg, ids[i], &fresh[i]);
	}
	buf_addc(&b, '}');
	text = buf_ok(&b) ? arena_strndup(a, b.p, b.len) : NULL;
	buf_free(&b);
	return text;
}

enum rc
store_batch(const struct run *r, struct db *db, struct arena *a, int n, const char *const ids[],
    const struct current fresh[])
{
	const struct db_rows *rows;
	const char *argv[ARG__MAX];
	enum rc rc = RC_OK;

	for (int arg = 0; arg < ARG__MAX && rc == RC_OK; arg++) {
		if (arg == ARG_COLLECTED_AT)
			argv[arg] = arena_printf(a, "%lld", (long long)fresh[0].collected_at);
		else if (arg == ARG_SOURCE)
			argv[arg] = fresh[0].source;
		else
			argv[arg] = make_array(a, arg, n, ids, fresh);
		rc = argv[arg] != NULL ? RC_OK : RC_NOMEM;
	}
	if (rc == RC_OK)
		rc = db_query(db, run_within(r, STORE_MS), a, SQL_WEATHER_UPSERT, argv, &rows);
	return rc;
}
