/* SPDX-License-Identifier: ISC
 *
 * Rooms by their names: broadcast, group.<name> and private.<a>.<b>, the two names in order. A room's name is also the
 * end of its subjects in NATS: in.chat.<room> is where messages go, chat.<room> where the log hands them on.
 */
#ifndef CUACA_ROOM_H
#define CUACA_ROOM_H

#include <stdbool.h>

#define NAME_SIZE 33 /* 32 characters and a NUL */
#define ROOM_SIZE (8 + 2 * NAME_SIZE) /* private.<a>.<b> */
#define ROOM_SUBJECT_SIZE (8 + ROOM_SIZE)

#define ROOM_LOG "in.chat." /* + room: to the log */
#define ROOM_OUT "chat." /* + room: from the log */
#define ROOM_LIVE "live." /* + room: what is not kept */

enum room_kind { ROOM_BROADCAST, ROOM_GROUP, ROOM_PRIVATE };

struct room {
	enum room_kind kind;
	char text[ROOM_SIZE]; /* its whole name */
	char name[NAME_SIZE]; /* of a group; of the first of two */
	char other[NAME_SIZE]; /* ROOM_PRIVATE: the second of the two */
};

/* Whether this can be the name of a user or a group: [a-z0-9_-]{3,32}. */
bool room_name_ok(const char *name);

/* Read a room's name as it stands in the log. False where it is none. */
bool room_parse(const char *text, struct room *out);

/* The same as me writes it: private.<other> is the conversation with other, and of private.<a>.<b> me must be one.
 * Nobody talks to himself. */
bool room_parse_as(const char *text, const char *me, struct room *out);

/* The room that a subject of the log or of what it hands on belongs to. False where it is another subject. */
bool room_of_subject(const char *subject, struct room *out);

/* The other one of a private conversation, seen from me. */
const char *room_partner(const struct room *r, const char *me);

#endif
