/* SPDX-License-Identifier: ISC
 *
 * The only includer of jwt.h. The header of a token is its sender's and says what we are to verify it with: so it
 * is read first, without trust, and must say HS256.
 */
#include "drivers/token.h"

#include "base/log.h"
#include "base/str.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_-"
#define NAME_MIN 3
#define TIME_MAX 253402300799 /* the end of the year 9999 */

const char *
token_fault_text(enum token_fault f)
{
	static const char *const texts[TOKEN_FAULT__MAX] = {
		[TOKEN_OK] = "the token is good",
		[TOKEN_MALFORMED] = "this is not a token",
		[TOKEN_ALGORITHM] = "the token is not signed with HS256",
		[TOKEN_SIGNATURE] = "the token is not signed with our key",
		[TOKEN_CLAIMS] = "the token lacks a claim, or has one that cannot be used",
		[TOKEN_EXPIRED] = "the token has expired",
		[TOKEN_EARLY] = "the token is not good yet",
	};

	return texts[f];
}

/* The token as signed with this key; NULL where it is not, or there is no such key. */
static jwt_t *
decode(const char *text, const char *key)
{
	jwt_t *jwt = NULL;

	if (key[0] == '\0' ||
	    jwt_decode(&jwt, text, (const unsigned char *)key, (int)strlen(key)) != 0)
		return NULL;
	if (jwt_get_alg(jwt) == JWT_ALG_HS256)
		return jwt;
	jwt_free(jwt);
	return NULL;
}

/* What the token says of itself, nothing being verified. Without a key jwt_get_alg() would answer none. */
static enum token_fault
check_header(const char *text)
{
	jwt_t *jwt = NULL;
	enum token_fault f;
	const char *alg;

	if (strlen(text) > TOKEN_MAX || jwt_decode(&jwt, text, NULL, 0) != 0)
		return TOKEN_MALFORMED;
	alg = jwt_get_header(jwt, "alg");
	f = alg != NULL && strcmp(alg, "HS256") == 0 ? TOKEN_OK : TOKEN_ALGORITHM;
	jwt_free(jwt);
	return f;
}

/* Each of these is false where the claim is of another type, or is needed and not there. */

static bool
take_text(jwt_t *jwt, const char *name, char *out, size_t size)
{
	const char *text = jwt_get_grant(jwt, name);

	return text != NULL && str_copy(out, text, size);
}

/* The library's own functions take a string for the number 0: the JSON itself is looked at. Who says PHP_INT_MAX means
 * never, and gets what can still be reckoned with. */
static bool
take_time(jwt_t *jwt, const char *name, bool needed, int64_t *out)
{
	char *json = jwt_get_grants_json(jwt, name);
	bool ok = json != NULL ? str_to_int(json, out) && *out >= 0 : !needed;

	free(json);
	if (ok && *out > TIME_MAX)
		*out = TIME_MAX;
	return ok;
}

static bool
take_flag(jwt_t *jwt, const char *name, bool *out)
{
	char *json = jwt_get_grants_json(jwt, name);
	bool yes = json != NULL && strcmp(json, "true") == 0;
	bool ok = json == NULL || yes || strcmp(json, "false") == 0;

	*out = yes;
	free(json);
	return ok;
}

static bool
name_ok(const char *name)
{
	size_t len = strlen(name);

	return len >= NAME_MIN && strspn(name, NAME_CHARS) == len;
}

static bool
jti_ok(const char *jti)
{
	for (const char *p = jti; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return jti[0] != '\0';
}

static enum token_fault
check_claims(jwt_t *jwt, int64_t now, struct token *t)
{
	int64_t nbf = 0;

	if (!take_text(jwt, "sub", t->sub, sizeof(t->sub)) || !name_ok(t->sub) ||
	    !take_text(jwt, "jti", t->jti, sizeof(t->jti)) || !jti_ok(t->jti) ||
	    !take_time(jwt, "exp", true, &t->exp) || !take_time(jwt, "iat", false, &t->iat) ||
	    !take_time(jwt, "nbf", false, &nbf) || !take_time(jwt, "since", false, &t->since) ||
	    !take_flag(jwt, "guest", &t->guest))
		return TOKEN_CLAIMS;
	if (now >= t->exp)
		return TOKEN_EXPIRED;
	if (t->iat > now + TOKEN_LEEWAY || nbf > now + TOKEN_LEEWAY)
		return TOKEN_EARLY;
	if (t->guest && t->since == 0)
		t->since = t->iat;
	return TOKEN_OK;
}

enum token_fault
token_check(const struct settings *s, const char *text, int64_t now, struct token *out)
{
	struct token t = { 0 };
	enum token_fault f = check_header(text);
	jwt_t *jwt;

	if (f != TOKEN_OK)
		return f;
	if ((jwt = decode(text, s->chat_secret)) == NULL &&
	    (jwt = decode(text, s->chat_secret_previous)) == NULL)
		return TOKEN_SIGNATURE;
	if ((f = check_claims(jwt, now, &t)) == TOKEN_OK)
		*out = t;
	jwt_free(jwt);
	return f;
}

bool
token_had_name(const struct token *t, int64_t at)
{
	return at >= t->since * 1000;
}

static bool
add_claims(jwt_t *jwt, const struct token *t)
{
	return jwt_add_grant(jwt, "sub", t->sub) == 0 && jwt_add_grant(jwt, "jti", t->jti) == 0 &&
	       jwt_add_grant_int(jwt, "exp", t->exp) == 0 &&
	       (t->iat == 0 || jwt_add_grant_int(jwt, "iat", t->iat) == 0) &&
	       (!t->guest || jwt_add_grant_bool(jwt, "guest", 1) == 0) &&
	       (t->since == 0 || jwt_add_grant_int(jwt, "since", t->since) == 0);
}

enum rc
token_make(const struct settings *s, const struct token *t, struct arena *a, char **text)
{
	const unsigned char *key = (const unsigned char *)s->chat_secret;
	jwt_t *jwt = NULL;
	char *made = NULL;

	*text = NULL;
	if (key[0] == '\0') {
		log_event(LOG_LEVEL_ERROR, "no tokens: chat_secret is not set", NULL);
		return RC_INVALID;
	}
	if (jwt_new(&jwt) == 0 && add_claims(jwt, t) &&
	    jwt_set_alg(jwt, JWT_ALG_HS256, key, (int)strlen(s->chat_secret)) == 0)
		made = jwt_encode_str(jwt);
	if (made != NULL)
		*text = arena_strdup(a, made);
	free(made);
	jwt_free(jwt);
	return *text != NULL ? RC_OK : RC_NOMEM;
}
