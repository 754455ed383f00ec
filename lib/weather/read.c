/* SPDX-License-Identifier: ISC
 *
 * Typed look-ups in a cJSON object.
 */
#include "weather/read.h"

#include "base/clock.h"

#include <math.h>

static const char *
text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

const char *
read_json_text(struct arena *a, const cJSON *object, const char *name)
{
	const char *text = text_of(object, name);

	return text != NULL ? arena_strdup(a, text) : NULL;
}

double
read_json_number(const cJSON *object, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(v) ? v->valuedouble : NAN;
}

bool
read_json_time(const cJSON *object, const char *name, int64_t *unix_s)
{
	const char *text = text_of(object, name);

	return text != NULL && clock_parse(text, unix_s);
}
