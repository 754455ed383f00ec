/* SPDX-License-Identifier: ISC
 *
 * The grammar of rooms' names.
 */
#include "chat/room.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define NAME_MIN 3
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyz0123456789_-"

bool
room_name_ok(const char *name)
{
	size_t len = strspn(name, NAME_CHARS);

	return len >= NAME_MIN && len < NAME_SIZE && name[len] == '\0';
}

/* Copy the name that ends at a dot or at the end; returns what comes after it, NULL where it is no name. */
static const char *
take_name(const char *text, char name[NAME_SIZE])
{
	size_t len = strcspn(text, ".");

	if (len >= NAME_SIZE)
		return NULL;
	memcpy(name, text, len);
	name[len] = '\0';
	return room_name_ok(name) ? text + len : NULL;
}

/* What follows prefix in text, NULL where text begins otherwise. */
static const char *
after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool
make_private(const char *a, const char *b, struct room *out)
{
	int order = strcmp(a, b);
	struct room r = { .kind = ROOM_PRIVATE };

	if (order == 0)
		return false;
	str_copy(r.name, order < 0 ? a : b, NAME_SIZE);
	str_copy(r.other, order < 0 ? b : a, NAME_SIZE);
	snprintf(r.text, sizeof(r.text), "private.%s.%s", r.name, r.other);
	*out = r;
	return true;
}

/* The one or two names after "private."; b is empty where there is one. */
static bool
private_names(const char *rest, char a[NAME_SIZE], char b[NAME_SIZE])
{
	b[0] = '\0';
	if ((rest = take_name(rest, a)) == NULL)
		return false;
	if (rest[0] == '\0')
		return true;
	return (rest = take_name(rest + 1, b)) != NULL && rest[0] == '\0';
}

static bool
parse_common(const char *text, struct room *out)
{
	const char *rest;

	*out = (struct room){ .kind = ROOM_BROADCAST };
	if (strcmp(text, "broadcast") == 0)
		return str_copy(out->text, text, ROOM_SIZE);
	out->kind = ROOM_GROUP;
	return (rest = after(text, "group.")) != NULL &&
	       (rest = take_name(rest, out->name)) != NULL && rest[0] == '\0' &&
	       str_copy(out->text, text, ROOM_SIZE);
}

bool
room_parse(const char *text, struct room *out)
{
	const char *rest = after(text, "private.");
	char a[NAME_SIZE], b[NAME_SIZE];

	if (rest == NULL)
		return parse_common(text, out);
	return private_names(rest, a, b) && strcmp(a, b) < 0 && make_private(a, b, out);
}

bool
room_parse_as(const char *text, const char *me, struct room *out)
{
	const char *rest = after(text, "private.");
	char a[NAME_SIZE], b[NAME_SIZE];

	if (rest == NULL)
		return parse_common(text, out);
	if (!private_names(rest, a, b))
		return false;
	if (b[0] == '\0')
		return make_private(a, me, out);
	return (strcmp(a, me) == 0 || strcmp(b, me) == 0) && make_private(a, b, out);
}

bool
room_of_subject(const char *subject, struct room *out)
{
	const char *room = after(subject, ROOM_LOG);

	if (room == NULL)
		room = after(subject, ROOM_OUT);
	return room != NULL && room_parse(room, out);
}

const char *
room_partner(const struct room *r, const char *me)
{
	return strcmp(r->name, me) == 0 ? r->other : r->name;
}
