/* SPDX-License-Identifier: ISC
 *
 * Fuzzes web/body: a request's body against a table with every type of parameter that a body may have.
 */
#include "web/body.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const choices[] = { "mute", "ban", NULL };

static const struct param params[] = {
	{ "username", .type = PT_TEXT, .need = true, .min = 3, .max = 32, .only = "abcdefgh_-" },
	{ "reason", .type = PT_TEXT, .min = 1, .max = 200 },
	{ "kind", .type = PT_CHOICE, .choices = choices },
	{ "minutes", .type = PT_INT, .min = 1, .max = 5256000 },
	{ "site", .type = PT_BOOL },
	{ "from", .type = PT_TIME },
	{ 0 },
};

static bool
read_body(const struct req *rq, char *to, size_t len)
{
	memcpy(to, rq->connection, len);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(1 << 20);
	struct req rq = { .arena = arena,
		.params = params,
		.content_length = (int64_t)size,
		.read_body = read_body,
		.connection = (void *)(uintptr_t)data };

	if (request_values(&rq) == RC_OK && body_take(&rq) == RC_INVALID && rq.bad == NULL)
		__builtin_trap(); /* a refusal names what is wrong */
	arena_free(arena);
	return 0;
}
