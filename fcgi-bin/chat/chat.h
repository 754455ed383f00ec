/* SPDX-License-Identifier: ISC
 *
 * What the files of chat.fcgi share.
 */
#ifndef CUACA_CHAT_H
#define CUACA_CHAT_H

#include "base/settings.h"
#include "chat/state.h"
#include "drivers/bus.h"
#include "drivers/cache.h"
#include "drivers/db.h"
#include "drivers/token.h"
#include "web/route.h"

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_-" /* of users and groups */

struct chat_app {
	const struct settings *settings;
	struct db *db;
	struct cache *cache;
	struct bus *bus;
};

/* Who asks: rq->user of the routes for USER. */
struct chat_user {
	struct token token;
	struct user_state state; /* as Redis mirrors it, of the last moments */
	const char *name;
	bool guest;
};

extern const struct route chat_routes[];

/* Lets pass whose token is signed, in time and not taken back, and who is not banned from the site. */
guard chat_guard;

/* The same once more, for whom it let pass, by PostgreSQL alone: Redis may not have heard yet. */
guard chat_guard_strictly;

/* POST /api/auth/register, login, guest, refresh, password: each answers with a token. */
handler auth_register, auth_login, auth_guest, auth_refresh, auth_password;

/* POST /api/auth/logout: the token is void from now on. */
handler auth_logout;

/* GET, POST /api/chat/rooms; DELETE /api/chat/rooms/{name}. */
handler rooms_list, rooms_create, rooms_delete;

/* GET, POST, DELETE /api/chat/rooms/{name}/members. */
handler members_list, members_add, members_remove;

/* GET, POST, DELETE /api/chat/rooms/{name}/sanctions. */
handler sanctions_list, sanctions_set, sanctions_lift;

/* GET /api/chat/conversations: whom one has talked with in private, and what was said last. */
handler chat_conversations;

/* GET /api/chat/history: what was said in a room, and search in it. */
handler chat_history;

#endif
