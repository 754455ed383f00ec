/* SPDX-License-Identifier: ISC
 *
 * Fuzzes web/request: a query string against a table with every type of parameter, and the escapes of a path.
 */
#include "web/request.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const choices[] = { "metric", "imperial", NULL };

static const struct param params[] = {
	{ "q", .type = PT_TEXT, .need = true, .min = 2, .max = 80 },
	{ "cities", .type = PT_LIST, .max = 50 },
	{ "days", .type = PT_INT, .min = 1, .max = 7 },
	{ "lat", .type = PT_LAT },
	{ "lon", .type = PT_LON },
	{ "near", .type = PT_POINT },
	{ "units", .type = PT_CHOICE, .choices = choices },
	{ "from", .type = PT_TIME },
	{ 0 },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(1 << 20);
	struct req rq = { .arena = arena, .params = params };

	rq.query = arena_strndup(arena, (const char *)data, size);
	request_decode(arena, (const char *)data, size, false);
	if (request_parse_query(&rq) == RC_INVALID && rq.bad == NULL)
		__builtin_trap(); /* a refusal names what is wrong */
	arena_free(arena);
	return 0;
}
