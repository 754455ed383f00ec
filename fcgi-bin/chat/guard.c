/* SPDX-License-Identifier: ISC
 *
 * Who asks. What is known of the user comes from Redis, in the round trip that counts the request; PostgreSQL is
 * asked only where Redis cannot tell.
 */
#include "chat.h"

#include "web/limit.h"

#include <string.h>

static enum rc
deny(struct req *rq, const char *why)
{
	rq->denied = why;
	return RC_DENIED;
}

/* NULL where nothing is known: a stranger, whom his token alone vouches for. */
static enum rc
read_json(struct req *rq, const char *json, size_t len, struct user_state *out)
{
	*out = state_stranger;
	return json != NULL ? state_read_user(rq->arena, json, len, out) : RC_OK;
}

static enum rc
ask_postgresql(struct req *rq, const char *name, struct user_state *out)
{
	const struct chat_app *app = rq->app;
	const struct db_rows *rows;
	const char *json;
	enum rc rc = db_query(app->db, rq->deadline, rq->arena, SQL_MIRROR_USER, &name, &rows);

	if (rc != RC_OK)
		return rc;
	json = db_text(rows, 0, 0);
	return read_json(rq, json, json != NULL ? strlen(json) : 0, out);
}

static enum rc
read_state(struct req *rq, const char *name, struct user_state *out)
{
	const char *const keys[] = { arena_printf(rq->arena, "%s%s", STATE_USER, name),
		STATE_MARKER };
	struct cache_value values[2];
	enum rc rc;

	if (keys[0] == NULL)
		return RC_NOMEM;
	if ((rc = limit_read(rq, 2, keys, values)) != RC_OK)
		return rc;
	/* Without the marker a missing key says nothing. */
	if ((values[0].data != NULL || values[1].data != NULL) &&
	    read_json(rq, values[0].data, values[0].len, out) == RC_OK)
		return RC_OK;
	return ask_postgresql(rq, name, out);
}

/* Whether the token is void or its user banned, by what is known of him. */
static enum rc
judge(struct req *rq, const struct token *t, const struct user_state *state)
{
	if (state_revoked(state, t->jti, t->iat))
		return deny(rq, "the token was taken back");
	if (state_banned(state, STATE_SITE, clock_now()))
		return request_refuse(rq, RC_DENIED, "you are banned from this site");
	return RC_OK;
}

enum rc
chat_guard_strictly(struct req *rq)
{
	const struct chat_user *u = rq->user;
	struct user_state state;
	enum rc rc = ask_postgresql(rq, u->name, &state);

	return rc == RC_OK ? judge(rq, &u->token, &state) : rc;
}

enum rc
chat_guard(struct req *rq)
{
	const struct chat_app *app = rq->app;
	struct chat_user *u = arena_alloc(rq->arena, sizeof(*u));
	enum token_fault fault;
	enum rc rc;

	if (u == NULL)
		return RC_NOMEM;
	if (rq->token == NULL)
		return RC_DENIED;
	if ((fault = token_check(app->settings, rq->token, clock_now(), &u->token)) != TOKEN_OK)
		return deny(rq, token_fault_text(fault));
	if ((rc = read_state(rq, u->token.sub, &u->state)) != RC_OK ||
	    (rc = judge(rq, &u->token, &u->state)) != RC_OK)
		return rc;
	u->name = u->token.sub;
	u->guest = u->token.guest || u->state.guest;
	rq->user = u;
	return RC_OK;
}
