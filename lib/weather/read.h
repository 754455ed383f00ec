/* SPDX-License-Identifier: ISC
 *
 * Members of our own bodies, read back by cJSON.
 */
#ifndef CUACA_READ_H
#define CUACA_READ_H

#include "base/arena.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* A copy in the arena; NULL where object has no such text. */
const char *read_json_text(struct arena *a, const cJSON *object, const char *name);

/* NAN where object has no such number. */
double read_json_number(const cJSON *object, const char *name);

/* RFC 3339 to UNIX seconds; false where object has no such time. */
bool read_json_time(const cJSON *object, const char *name, int64_t *unix_s);

#endif
