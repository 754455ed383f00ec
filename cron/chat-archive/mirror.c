/* SPDX-License-Identifier: ISC
 *
 * Every archiver does this, whoever's turn it is to archive: it may be done twice.
 */
#include "mirror.h"

#include "base/log.h"
#include "chat/mirror.h"
#include "chat/state.h"

#define LOOK_MS 1000
#define AWAY_MS 5000 /* until the next try after a failure */
#define TOUCHED_MS 60000
#define SOON_MS 5000
#define OVERLAP_S 180 /* further back than the last time: a change may be long in coming */

static enum rc
find_marker(struct archive *ar, bool *there)
{
	const char *key = STATE_MARKER;
	struct cache_value marker;
	enum rc rc;

	arena_reset(ar->memory);
	rc = cache_get(ar->cache, deadline_in(LOOK_MS), ar->memory, 1, &key, &marker);
	*there = rc == RC_OK && marker.data != NULL;
	return rc;
}

static enum rc
make_anew(struct archive *ar)
{
	int64_t began = clock_mono_ms();
	enum rc rc = mirror_all(ar->db, ar->cache, ar->bus);

	if (rc != RC_OK)
		return rc;
	ar->copied_at = began;
	ar->touched_at = began + TOUCHED_MS;
	ar->tally.mirrored++;
	log_event(LOG_LEVEL_INFO, "the mirror was made anew",
	    LOG_WITH(log_i("milliseconds", clock_mono_ms() - began)));
	return RC_OK;
}

/* Copy what was changed since the last time that could be done; all at first. */
static enum rc
copy_touched(struct archive *ar)
{
	int64_t now = clock_mono_ms();
	int64_t within = ar->copied_at > 0 ? (now - ar->copied_at) / 1000 + OVERLAP_S : 0;
	enum rc rc = mirror_touched(ar->db, ar->cache, ar->bus, within);

	if (rc != RC_OK)
		return rc;
	ar->copied_at = now;
	ar->touched_at = now + TOUCHED_MS;
	return RC_OK;
}

void
mirror_soon(struct archive *ar)
{
	int64_t at = clock_mono_ms() + SOON_MS;

	if (ar->touched_at > at)
		ar->touched_at = at;
}

void
mirror_keep(struct archive *ar)
{
	int64_t now = clock_mono_ms();
	bool there;
	enum rc rc;

	if (now < ar->mirror_at)
		return;
	rc = find_marker(ar, &there);
	if (rc == RC_OK && !there)
		rc = make_anew(ar);
	else if (rc == RC_OK && now >= ar->touched_at)
		rc = copy_touched(ar);
	ar->mirror_at = clock_mono_ms() + (rc == RC_OK ? LOOK_MS : AWAY_MS);
}
