/* SPDX-License-Identifier: ISC
 *
 * Chat tokens: JWT, HS256 and nothing else. A program of the site's own may sign them with the same key.
 */
#ifndef CUACA_TOKEN_H
#define CUACA_TOKEN_H

#include "base/arena.h"
#include "base/rc.h"
#include "base/settings.h"

#include <stdbool.h>
#include <stdint.h>

#define TOKEN_MAX 4096 /* bytes of the longest that is looked at */
#define TOKEN_LEEWAY 60 /* seconds that another host's clock may be ahead */

/* In the order in which a token is looked at. */
enum token_fault {
	TOKEN_OK,
	TOKEN_MALFORMED,
	TOKEN_ALGORITHM,
	TOKEN_SIGNATURE,
	TOKEN_CLAIMS, /* one is missing, or cannot be what it is */
	TOKEN_EXPIRED,
	TOKEN_EARLY,
	TOKEN_FAULT__MAX
};

/* The claims; times are UNIX seconds. */
struct token {
	char sub[33]; /* the user's name: [a-z0-9_-]{3,32} */
	char jti[65]; /* names the token: 1 to 64 printable characters of ASCII, no space */
	int64_t iat; /* 0: it has none, and counts as old */
	int64_t exp;
	int64_t
	    since; /* what was said before it is of or for somebody else who had the name; 0: nothing
			  is; a guest's is its iat where it has none */
	bool guest;
};

/* Judge a token at UNIX time now. It must be signed with chat_secret or chat_secret_previous, and have sub, jti and
 * exp; iat and nbf may be TOKEN_LEEWAY ahead. *out is filled in on TOKEN_OK only. Whether it has been revoked is not
 * looked at here. */
enum token_fault token_check(
    const struct settings *s, const char *text, int64_t now, struct token *out);

/* Whether the name was the bearer's already at a time (UNIX milliseconds). */
bool token_had_name(const struct token *t, int64_t at);

/* What is wrong, for people: "the token has expired". Static. */
const char *token_fault_text(enum token_fault f);

/* Sign a token with chat_secret; *text lives in the arena. iat and since are left out where they are 0, guest for users.
 * RC_INVALID, logged: there is no chat_secret. RC_NOMEM. */
enum rc token_make(const struct settings *s, const struct token *t, struct arena *a, char **text);

#endif
