/* SPDX-License-Identifier: ISC
 *
 * The routes of chat.fcgi. fcgi-bin/ops/openapi.json describes the same to clients; a test compares them.
 */
#include "chat.h"

#include "page.h"

static const char *const sanction_kinds[] = { "mute", "ban", NULL };

static const struct param register_params[] = { { "username", .type = PT_TEXT, .need = true,
						    .min = 3, .max = 32, .only = NAME_CHARS },
	{ "password", .type = PT_TEXT, .need = true, .min = 8, .max = 128 }, { 0 } };

/* No rules here: what cannot be a name or a password is just a wrong one. */
static const struct param login_params[] = { { "username", .type = PT_TEXT, .need = true, .min = 1,
						 .max = 128 },
	{ "password", .type = PT_TEXT, .need = true, .min = 1, .max = 128 }, { 0 } };

static const struct param guest_params[] = { { "nickname", .type = PT_TEXT, .need = true, .min = 3,
						 .max = 32, .only = NAME_CHARS },
	{ 0 } };

static const struct param password_params[] = { { "old_password", .type = PT_TEXT, .need = true,
						    .min = 1, .max = 128 },
	{ "new_password", .type = PT_TEXT, .need = true, .min = 8, .max = 128 }, { 0 } };

static const struct param page_params[] = { { "after", .type = PT_TEXT, .min = 3, .max = 32,
						.only = NAME_CHARS },
	{ "limit", .type = PT_INT, .min = 1, .max = 500 }, { 0 } };

static const struct param room_params[] = { { "name", .type = PT_TEXT, .need = true, .min = 3,
						.max = 32, .only = NAME_CHARS },
	{ "title", .type = PT_TEXT, .min = 1, .max = 100 }, { "public", .type = PT_BOOL }, { 0 } };

static const struct param member_params[] = { { "username", .type = PT_TEXT, .need = true, .min = 3,
						  .max = 32, .only = NAME_CHARS },
	{ 0 } };

static const struct param sanctions_params[] = { { "site", .type = PT_BOOL }, { 0 } };

static const struct param sanction_params[] = { { "username", .type = PT_TEXT, .need = true,
						    .min = 3, .max = 32, .only = NAME_CHARS },
	{ "kind", .type = PT_CHOICE, .need = true, .choices = sanction_kinds },
	{ "minutes", .type = PT_INT, .min = 1, .max = 5256000 },
	{ "reason", .type = PT_TEXT, .min = 1, .max = 200 }, { "site", .type = PT_BOOL }, { 0 } };

static const struct param lift_params[] = { { "username", .type = PT_TEXT, .need = true, .min = 3,
						.max = 32, .only = NAME_CHARS },
	{ "kind", .type = PT_CHOICE, .need = true, .choices = sanction_kinds },
	{ "site", .type = PT_BOOL }, { 0 } };

static const struct param conversations_params[] = { { "after", .type = PT_TEXT, .min = 1,
							 .max = 40 },
	{ "limit", .type = PT_INT, .min = 1, .max = 200 }, { 0 } };

static const struct param history_params[] = { { "room", .type = PT_TEXT, .need = true, .min = 1,
						   .max = 80 },
	{ "before", .type = PT_TEXT, .min = 1, .max = 40 },
	{ "after", .type = PT_TEXT, .min = 1, .max = 40 },
	{ "limit", .type = PT_INT, .min = 1, .max = 200 },
	{ "q", .type = PT_TEXT, .min = 1, .max = 200 }, { 0 } };

static const struct param no_params[] = { { 0 } };

const struct route chat_routes[] = {
	{ M_POST, "/api/auth/register", auth_register, ANYONE, register_params, "auth" },
	{ M_POST, "/api/auth/login", auth_login, ANYONE, login_params, "auth" },
	{ M_POST, "/api/auth/guest", auth_guest, ANYONE, guest_params, "auth" },
	{ M_POST, "/api/auth/refresh", auth_refresh, USER, no_params, "auth" },
	{ M_POST, "/api/auth/password", auth_password, USER, password_params, "auth" },
	{ M_POST, "/api/auth/logout", auth_logout, USER, no_params, "auth" },
	{ M_GET, "/api/chat/rooms", rooms_list, USER, page_params, "chat" },
	{ M_POST, "/api/chat/rooms", rooms_create, USER, room_params, "chat" },
	{ M_DELETE, "/api/chat/rooms/{name}", rooms_delete, USER, no_params, "chat" },
	{ M_GET, "/api/chat/rooms/{name}/members", members_list, USER, page_params, "chat" },
	{ M_POST, "/api/chat/rooms/{name}/members", members_add, USER, member_params, "chat" },
	{ M_DELETE, "/api/chat/rooms/{name}/members", members_remove, USER, member_params, "chat" },
	{ M_GET, "/api/chat/rooms/{name}/sanctions", sanctions_list, USER, sanctions_params,
	    "chat" },
	{ M_POST, "/api/chat/rooms/{name}/sanctions", sanctions_set, USER, sanction_params,
	    "chat" },
	{ M_DELETE, "/api/chat/rooms/{name}/sanctions", sanctions_lift, USER, lift_params, "chat" },
	{ M_GET, "/api/chat/conversations", chat_conversations, USER, conversations_params,
	    "chat" },
	{ M_GET, "/api/chat/history", chat_history, USER, history_params, "chat" },
	{ 0 },
};
