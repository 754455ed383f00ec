/* SPDX-License-Identifier: ISC
 *
 * Accounts. A name is a registered user's, a guest's for some hours, or somebody's who logs in elsewhere and comes
 * with a token from there; it never changes hands while anybody could still be taken for another.
 */
#include "attempts.h"
#include "chat.h"

#include "base/jsonw.h"
#include "base/str.h"
#include "chat/mirror.h"
#include "drivers/digest.h"
#include "drivers/password.h"
#include "web/problem.h"

#include <string.h>

#define JTI_DIGITS 32 /* of a token's random id */

/* Columns of the query user_get. */
enum { HASH, GUEST, ADMIN, CREATED_AT, EXPIRES_AT, VOID_BEFORE, BANNED };

/* Answer with a token for sub, guest, since, iat and exp; the id is made here. */
static enum rc
answer_token(struct req *rq, struct res *rs, struct token *t, int status)
{
	const struct chat_app *app = rq->app;
	struct jsonw w = JSONW_INIT(&rs->body);
	char random[DIGEST_TEXT], *text;
	enum rc rc = digest_random(random);

	if (rc != RC_OK)
		return rc;
	random[JTI_DIGITS] = '\0';
	memcpy(t->jti, random, JTI_DIGITS + 1);
	if ((rc = token_make(app->settings, t, rq->arena, &text)) != RC_OK)
		return rc;
	jsonw_object(&w, NULL);
	jsonw_string(&w, "token", text);
	jsonw_string(&w, "token_type", "Bearer");
	jsonw_time(&w, "expires_at", t->exp);
	jsonw_object(&w, "user");
	jsonw_string(&w, "name", t->sub);
	jsonw_bool(&w, "guest", t->guest);
	jsonw_end(&w);
	jsonw_end(&w);
	rs->status = status;
	return RC_OK;
}

/* What was said to the name before since was said to somebody else. */
static struct token
token_for(const struct req *rq, const char *name, int64_t iat, int64_t since)
{
	const struct chat_app *app = rq->app;
	struct token t = { .iat = iat, .exp = iat + app->settings->token_ttl, .since = since };

	str_copy(t.sub, name, sizeof(t.sub));
	return t;
}

/* Whether somebody has been here under that name whom only a token from elsewhere vouches for. Without Redis nobody
 * can tell. */
static bool
is_used_elsewhere(const struct req *rq, const char *name)
{
	const struct chat_app *app = rq->app;
	const char *key = arena_printf(rq->arena, "%s%s", STATE_SEEN, name);
	struct cache_value seen;

	return key != NULL &&
	       cache_get(app->cache, rq->deadline, rq->arena, 1, &key, &seen) == RC_OK &&
	       seen.data != NULL;
}

/* Make an account by this statement, unless the name is taken. */
static enum rc
make_account(struct req *rq, const char *name, enum sql id, const char *const argv[])
{
	const struct chat_app *app = rq->app;
	const struct db_rows *rows;
	enum rc rc;

	if (is_used_elsewhere(rq, name))
		return request_refuse(rq, RC_CONFLICT, "the name is taken");
	rc = db_query(app->db, rq->deadline, rq->arena, id, argv, &rows);
	if (rc != RC_OK)
		return rc;
	if (!db_bool(rows, 0, 0))
		return request_refuse(rq, RC_CONFLICT, "the name is taken");
	(void)mirror_user(app->db, app->cache, app->bus, rq->deadline, rq->arena, name);
	return RC_OK;
}

enum rc
auth_register(struct req *rq, struct res *rs)
{
	const struct chat_app *app = rq->app;
	const char *name = request_value(rq, "username")->text;
	char hash[PASSWORD_HASH];
	int64_t now = clock_now();
	struct token t = token_for(rq, name, now, now);
	char at[STR_INT];
	const char *argv[] = { name, hash, str_from_int(now, at) };
	enum rc rc;

	if (!app->settings->chat_register)
		return request_refuse(rq, RC_DENIED, "nobody can register here");
	if ((rc = attempts_count(rq, NULL)) != RC_OK)
		return rc;
	rc = password_hash(app->settings, rq->deadline, request_value(rq, "password")->text, hash);
	if (rc != RC_OK || (rc = make_account(rq, name, SQL_USER_REGISTER, argv)) != RC_OK)
		return rc;
	return answer_token(rq, rs, &t, 201);
}

enum rc
auth_guest(struct req *rq, struct res *rs)
{
	const struct chat_app *app = rq->app;
	const char *name = request_value(rq, "nickname")->text;
	int64_t now = clock_now();
	struct token t = token_for(rq, name, now, now);
	char until[STR_INT], at[STR_INT];
	const char *argv[] = { name, until, str_from_int(now, at) };
	enum rc rc;

	if (!app->settings->chat_guests)
		return request_refuse(
		    rq, RC_DENIED, "there are no guests here: register, or log in");
	t.guest = true;
	t.exp = now + app->settings->guest_ttl;
	str_from_int(t.exp, until);
	if ((rc = make_account(rq, name, SQL_USER_GUEST, argv)) != RC_OK)
		return rc;
	return answer_token(rq, rs, &t, 201);
}

/* The account's row, NULL where there is none. */
static enum rc
find_account(const struct req *rq, const char *name, const struct db_rows **rows)
{
	const struct chat_app *app = rq->app;
	enum rc rc = db_query(app->db, rq->deadline, rq->arena, SQL_USER_GET, &name, rows);

	if (rc == RC_OK && (*rows)->n == 0)
		*rows = NULL;
	return rc;
}

/* RC_OK: it is the account's password; RC_DENIED: it is not, which takes as long where there is no such account, or one
 * without a password. */
static enum rc
check_password(const struct req *rq, const struct db_rows *account, const char *password)
{
	const struct chat_app *app = rq->app;
	const char *hash = account != NULL ? db_text(account, 0, HASH) : NULL;

	return hash != NULL ? password_verify(app->settings, rq->deadline, hash, password)
			    : password_waste(app->settings, rq->deadline, password);
}

/* Hash a password, which was right, anew where that was done at other costs than today's. The login does not depend on
 * it. */
static void
renew_hash(struct req *rq, const struct db_rows *account)
{
	const struct chat_app *app = rq->app;
	char hash[PASSWORD_HASH];
	const char *argv[] = { request_value(rq, "username")->text, hash,
		db_text(account, 0, HASH) };
	const struct db_rows *rows;

	if (password_dated(app->settings, argv[2]) &&
	    password_hash(app->settings, rq->deadline, request_value(rq, "password")->text, hash) ==
		RC_OK)
		(void)db_query(app->db, rq->deadline, rq->arena, SQL_USER_REHASH, argv, &rows);
}

enum rc
auth_login(struct req *rq, struct res *rs)
{
	const char *name = request_value(rq, "username")->text;
	const struct db_rows *account;
	int64_t iat = clock_now();
	struct token t;
	enum rc rc = attempts_count(rq, name);

	if (rc != RC_OK || (rc = find_account(rq, name, &account)) != RC_OK)
		return rc;
	rc = check_password(rq, account, request_value(rq, "password")->text);
	if (rc == RC_DENIED) {
		problem_write(
		    rq, rs, PROBLEM_UNAUTHORIZED, "no account has this name and password");
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	if (db_bool(account, 0, BANNED))
		return request_refuse(rq, RC_DENIED, "you are banned from this site");
	renew_hash(rq, account);
	if (iat < db_int(account, 0, VOID_BEFORE))
		iat = db_int(account, 0, VOID_BEFORE);
	t = token_for(rq, name, iat, db_int(account, 0, CREATED_AT));
	return answer_token(rq, rs, &t, 200);
}

/* A guest's name stays lent for as long as the new token lasts. */
static enum rc
extend_guest(struct req *rq, const struct token *t)
{
	const struct chat_app *app = rq->app;
	char until[STR_INT];
	const char *argv[] = { t->sub, str_from_int(t->exp, until) };
	const struct db_rows *rows;
	enum rc rc = db_query(app->db, rq->deadline, rq->arena, SQL_USER_EXTEND, argv, &rows);

	if (rc == RC_OK && rows->n == 0)
		return request_refuse(rq, RC_DENIED, "your time as a guest is over");
	return rc;
}

enum rc
auth_refresh(struct req *rq, struct res *rs)
{
	const struct chat_app *app = rq->app;
	const struct chat_user *u = rq->user;
	const struct db_rows *account;
	struct token t;
	enum rc rc = chat_guard_strictly(rq);

	if (rc != RC_OK || (rc = find_account(rq, u->name, &account)) != RC_OK)
		return rc;
	if (account == NULL || (db_text(account, 0, HASH) == NULL && !db_bool(account, 0, GUEST)))
		return request_refuse(
		    rq, RC_DENIED, "your tokens are made elsewhere: get a new one there");
	t = token_for(rq, u->name, u->token.iat, db_int(account, 0, CREATED_AT));
	t.iat = clock_now() > u->token.iat ? clock_now() : u->token.iat;
	t.guest = db_bool(account, 0, GUEST);
	t.exp = t.iat + (t.guest ? app->settings->guest_ttl : app->settings->token_ttl);
	if (t.guest && (rc = extend_guest(rq, &t)) != RC_OK)
		return rc;
	return answer_token(rq, rs, &t, 200);
}

/* All tokens that were given out up to this second are void, so the new one is of the next. Hashing takes a while, in
 * which others may be given out. */
static enum rc
change_password(struct req *rq, struct res *rs, const struct db_rows *account)
{
	const struct chat_app *app = rq->app;
	const struct chat_user *u = rq->user;
	char hash[PASSWORD_HASH], next[STR_INT];
	const char *argv[] = { u->name, hash, db_text(account, 0, HASH), next };
	const struct db_rows *rows;
	struct token t;
	enum rc rc = password_hash(
	    app->settings, rq->deadline, request_value(rq, "new_password")->text, hash);

	str_from_int(clock_now() + 1, next);
	if (rc == RC_OK)
		rc = db_query(app->db, rq->deadline, rq->arena, SQL_USER_PASSWORD, argv, &rows);
	if (rc != RC_OK)
		return rc;
	if (rows->n == 0)
		return request_refuse(rq, RC_CONFLICT, "the password has just been changed");
	(void)mirror_user(app->db, app->cache, app->bus, rq->deadline, rq->arena, u->name);
	t = token_for(rq, u->name, db_int(rows, 0, 0), db_int(account, 0, CREATED_AT));
	return answer_token(rq, rs, &t, 200);
}

enum rc
auth_password(struct req *rq, struct res *rs)
{
	const struct chat_user *u = rq->user;
	const struct db_rows *account;
	enum rc rc = attempts_count(rq, u->name);

	if (rc != RC_OK || (rc = find_account(rq, u->name, &account)) != RC_OK)
		return rc;
	if (account == NULL || db_text(account, 0, HASH) == NULL)
		return request_refuse(rq, RC_DENIED, "you have no password here");
	rc = check_password(rq, account, request_value(rq, "old_password")->text);
	if (rc == RC_DENIED)
		return request_refuse(rq, RC_DENIED, "the old password is another one");
	return rc == RC_OK ? change_password(rq, rs, account) : rc;
}

enum rc
auth_logout(struct req *rq, struct res *rs)
{
	const struct chat_app *app = rq->app;
	const struct chat_user *u = rq->user;
	char until[STR_INT];
	const char *argv[] = { u->name, u->token.jti, str_from_int(u->token.exp, until) };
	const struct db_rows *rows;
	enum rc rc = db_query(app->db, rq->deadline, rq->arena, SQL_USER_REVOKE, argv, &rows);

	if (rc != RC_OK)
		return rc;
	(void)mirror_user(app->db, app->cache, app->bus, rq->deadline, rq->arena, u->name);
	rs->status = 204;
	return RC_OK;
}
