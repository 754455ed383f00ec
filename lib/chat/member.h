/* SPDX-License-Identifier: ISC
 *
 * Members of JSON objects by name, as cJSON has parsed them.
 */
#ifndef CUACA_MEMBER_H
#define CUACA_MEMBER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* The text called name, in the tree; NULL where object has none. */
const char *member_text(const cJSON *object, const char *name);

/* A whole number that is not negative and that a double holds exactly, below 2^53; -1 for anything else. */
int64_t member_whole(const cJSON *object, const char *name);
int64_t member_whole_value(const cJSON *number);

/* False, too, where object has no such member. */
bool member_true(const cJSON *object, const char *name);

#endif
