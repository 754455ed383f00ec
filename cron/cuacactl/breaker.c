/* SPDX-License-Identifier: ISC
 *
 * No record means that nothing has ever gone wrong, or not for long: closed.
 */
#include "breaker.h"

#include "base/str.h"
#include "drivers/cache.h"

#include <stdio.h>
#include <string.h>

#define KEY "breaker:open-meteo"
#define FILE_NAME "breaker-open-meteo"
#define PATIENCE_MS 2000

enum { STATE, UNTIL, REASON, FIELDS };

static const char *const fields[FIELDS] = { "state", "until", "reason" };

static bool
read_redis(struct ctl *ctl, const char *texts[FIELDS])
{
	struct cache *cache = cache_open(ctl->settings);
	struct cache_value values[FIELDS];
	enum rc rc = cache == NULL ? RC_NOMEM
				   : cache_hash_get(cache, deadline_in(PATIENCE_MS), ctl->arena,
					 KEY, FIELDS, fields, values);

	cache_close(cache);
	for (int i = 0; i < FIELDS && rc == RC_OK; i++)
		texts[i] = values[i].data;
	return rc == RC_OK;
}

/* Lines of name=value. False without such a file. */
static bool
read_file(struct ctl *ctl, const char *texts[FIELDS])
{
	const char *dir = ctl->settings->state_dir;
	char path[SETTING_TEXT + sizeof("/" FILE_NAME)], line[256];
	FILE *fp;

	snprintf(path, sizeof(path), "%s/" FILE_NAME, dir);
	if (dir[0] == '\0' || (fp = fopen(path, "re")) == NULL)
		return false;
	while (fgets(line, sizeof(line), fp) != NULL) {
		char *value = strchr(line, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		value[strcspn(value, "\n")] = '\0';
		for (int i = 0; i < FIELDS; i++)
			if (strcmp(line, fields[i]) == 0)
				texts[i] = arena_strdup(ctl->arena, value);
	}
	fclose(fp);
	return true;
}

struct breaker_view
breaker_look(struct ctl *ctl)
{
	const char *texts[FIELDS] = { NULL };
	struct breaker_view view = { .state = "unknown" };

	if (!read_redis(ctl, texts) && !read_file(ctl, texts))
		return view;
	view.state = texts[STATE] != NULL ? texts[STATE] : "closed";
	if (texts[REASON] != NULL && texts[REASON][0] != '\0')
		view.reason = texts[REASON];
	if (strcmp(view.state, "open") == 0 && texts[UNTIL] != NULL)
		(void)str_to_int(texts[UNTIL], &view.until);
	return view;
}
