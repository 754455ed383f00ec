/* SPDX-License-Identifier: ISC
 *
 * Reading what cJSON has parsed.
 */
#include "chat/member.h"

#include <math.h>

#define WHOLE_MAX 9007199254740991.0 /* 2^53 - 1 */

const char *
member_text(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

int64_t
member_whole_value(const cJSON *number)
{
	double v = cJSON_GetNumberValue(number);

	return v >= 0 && v <= WHOLE_MAX && v == floor(v) ? (int64_t)v : -1;
}

int64_t
member_whole(const cJSON *object, const char *name)
{
	return member_whole_value(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool
member_true(const cJSON *object, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}
