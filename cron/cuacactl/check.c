/* SPDX-License-Identifier: ISC
 *
 * cuacactl check: the settings, which were right or we were not here, and whether what they name can be
 * reached.
 */
#include "base/clock.h"
#include "base/jsonw.h"
#include "commands.h"
#include "drivers/bus.h"
#include "drivers/cache.h"
#include "table.h"

#include <inttypes.h>

#define PATIENCE_MS 5000

struct peer {
	const char *name;
	enum rc (*ask)(
	    struct ctl *ctl, const char **detail); /* detail: what else there is to say */
	enum rc rc;
	int64_t ms;
	const char *detail;
};

static enum rc
query(struct ctl *ctl, enum sql id, const char *const argv[], const struct db_rows **rows)
{
	return db_query(ctl->db, deadline_in(PATIENCE_MS), ctl->arena, id, argv, rows);
}

/* Replicas, or the primary where there are none. */
static enum rc
ask_for_reading(struct ctl *ctl, const char **detail)
{
	const struct db_rows *rows;
	enum rc rc = query(ctl, SQL_READY, NULL, &rows);

	if (rc == RC_OK)
		*detail = db_text(rows, 0, 0);
	return rc;
}

static bool
has_replicas(const struct ctl *ctl)
{
	return ctl->settings->postgresql_read[0] != '\0';
}

/* A statement that never goes to a replica. */
static enum rc
ask_primary(struct ctl *ctl, const char **detail)
{
	const char *argv[] = { "open-meteo", ctl_int(ctl, ctl->now) };
	const struct db_rows *rows;

	return has_replicas(ctl) ? query(ctl, SQL_QUOTA_SUMS, argv, &rows)
				 : ask_for_reading(ctl, detail);
}

static enum rc
ask_redis(struct ctl *ctl, const char **detail)
{
	struct cache *cache = cache_open(ctl->settings);
	enum rc rc = cache != NULL ? cache_ping(cache, deadline_in(PATIENCE_MS)) : RC_NOMEM;

	(void)detail;
	cache_close(cache);
	return rc;
}

static enum rc
ask_nats(struct ctl *ctl, const char **detail)
{
	struct bus *bus = bus_open(ctl->settings, "cuacactl");
	enum rc rc = bus != NULL ? bus_flush(bus) : RC_NOMEM;

	(void)detail;
	bus_close(bus);
	return rc;
}

/* A server that answers, but not with what was asked for, is up. */
static const char *
state_of(const struct peer *p)
{
	switch (p->rc) {
	case RC_OK: return "up";
	case RC_DOWN:
	case RC_BUSY:
	case RC_NOMEM: return "down";
	case RC_DENIED: return "denied";
	default: return "unusable";
	}
}

static int
put_peers(const struct ctl *ctl, const struct peer peers[], int n)
{
	struct buf out = BUF_INIT(CTL_OUTPUT_MAX);
	struct jsonw w = JSONW_INIT(&out);

	jsonw_object(&w, NULL);
	jsonw_object(&w, "settings");
	jsonw_string(&w, "file", ctl->settings->file);
	jsonw_string(&w, "status", "fine");
	jsonw_end(&w);
	jsonw_object(&w, "dependencies");
	for (int i = 0; i < n; i++) {
		jsonw_object(&w, peers[i].name);
		jsonw_string(&w, "status", state_of(&peers[i]));
		jsonw_int(&w, "latency_ms", peers[i].ms);
		if (peers[i].detail != NULL)
			jsonw_string(&w, "schema", peers[i].detail);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	return ctl_print(&out);
}

static int
print_peers(const struct ctl *ctl, const struct peer peers[], int n)
{
	static const struct column columns[] = { { .title = NULL }, { .title = NULL } };
	struct table *t = table_new(ctl->arena, 2, columns);

	table_cell(t, "settings");
	if (ctl->settings->file != NULL)
		table_cell(t, "fine: %s, and the environment", ctl->settings->file);
	else
		table_cell(t, "fine: no file (-c), the environment and the defaults");
	for (int i = 0; i < n; i++) {
		const struct peer *p = &peers[i];

		table_cell(t, "%s", p->name);
		if (p->rc != RC_OK)
			table_cell(t, "%s", state_of(p));
		else
			table_cell(t, "up, %" PRId64 " ms%s%s", p->ms,
			    p->detail != NULL ? ", schema " : "",
			    p->detail != NULL ? p->detail : "");
	}
	return table_print(t);
}

static void
ask(struct ctl *ctl, struct peer *p)
{
	int64_t start = clock_mono_ms();

	p->rc = p->ask(ctl, &p->detail);
	p->ms = clock_mono_ms() - start;
}

int
cmd_check(struct ctl *ctl)
{
	struct peer peers[4] = { { .name = "redis", .ask = ask_redis },
		{ .name = "nats", .ask = ask_nats }, { .name = "postgresql", .ask = ask_primary },
		{ .name = "postgresql_read", .ask = ask_for_reading } };
	int n = has_replicas(ctl) ? 4 : 3;
	bool all_up = true;
	int code;

	for (int i = 0; i < n; i++) {
		ask(ctl, &peers[i]);
		all_up = all_up && peers[i].rc == RC_OK;
	}
	code = (ctl->options & OPT_JSON) != 0 ? put_peers(ctl, peers, n)
					      : print_peers(ctl, peers, n);
	return code == EXIT_DONE && !all_up ? EXIT_PEER : code;
}
