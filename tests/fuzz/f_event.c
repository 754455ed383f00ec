/* SPDX-License-Identifier: ISC
 *
 * Fuzzes chat/event and chat/state: whatever is read can be written, and is then read as the same.
 */
#include "chat/event.h"
#include "chat/room.h"
#include "chat/state.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is in the log must come out of it unchanged. */
static void
write_again(struct arena *arena, const struct event *e)
{
	struct buf first = BUF_INIT(1 << 20), second = BUF_INIT(1 << 20);
	struct event again;

	event_write(&first, e);
	if (event_read(arena, first.p, first.len, &again) != RC_OK)
		__builtin_trap();
	event_write(&second, &again);
	if (first.len != second.len || memcmp(first.p, second.p, first.len) != 0)
		__builtin_trap();
	buf_reset(&second);
	event_push(&second, "broadcast", 2, 1, &again);
	buf_free(&first);
	buf_free(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(1 << 20);
	const char *text = arena_strndup(arena, (const char *)data, size);
	struct group_state group;
	struct user_state user;
	struct event e;
	struct room room, again;

	if (event_read(arena, (const char *)data, size, &e) == RC_OK)
		write_again(arena, &e);
	state_read_user(arena, (const char *)data, size, &user);
	state_read_group(arena, (const char *)data, size, &group);
	event_body_fault(text);
	if (room_parse_as(text, "bob", &room) && !room_parse(room.text, &again))
		__builtin_trap();
	arena_free(arena);
	return 0;
}
