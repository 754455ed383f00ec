/* SPDX-License-Identifier: ISC
 *
 * What is taken from Redis and cannot be stored is forgotten: a key that is in use comes back within a minute.
 */
#include "keys.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "drivers/cache.h"

#define KEY "apikeys:used"
#define QUERY_MS 10000
#define TAKE_MAX 1000 /* keys a run, the last used first; the rest waits for the next */
#define LIST_MAX 65536
#define YEAR_10000 253402300800.0

/* Redis is nobody's truth. */
static bool
is_usable(const struct cache_score *s, int64_t *id)
{
	return str_to_int(s->member, id) && *id > 0 && s->score >= 0 && s->score < YEAR_10000;
}

static void
put(struct buf *list, int64_t v)
{
	buf_printf(list, "%c%lld", list->len == 0 ? '{' : ',', (long long)v);
}

void
keys_collect(struct run *r, struct arena *a)
{
	struct buf ids = BUF_INIT(LIST_MAX), times = BUF_INIT(LIST_MAX);
	const struct cache_score *used;
	const struct db_rows *rows;
	int64_t id;
	int n, good = 0;

	if (cache_scores_take(r->cache, r->deadline, a, KEY, TAKE_MAX, &n, &used) != RC_OK)
		return;
	for (int i = 0; i < n; i++) {
		if (!is_usable(&used[i], &id))
			continue;
		put(&ids, id);
		put(&times, (int64_t)used[i].score);
		good++;
	}
	if (good == 0)
		return;
	buf_addc(&ids, '}');
	buf_addc(&times, '}');
	const char *argv[] = { buf_take(&ids, a), buf_take(&times, a) };

	if (argv[0] == NULL || argv[1] == NULL ||
	    run_query(r, a, QUERY_MS, SQL_KEYS_USED, argv, &rows) != RC_OK)
		log_event(LOG_LEVEL_WARN, "when keys were last used is forgotten",
		    LOG_WITH(log_i("keys", good)));
}
