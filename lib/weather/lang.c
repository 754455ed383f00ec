/* SPDX-License-Identifier: ISC
 *
 * Accept-Language: "id-ID,id;q=0.9,en-US;q=0.8".
 */
#include "weather/lang.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *tag;
	enum lang lang;
} tags[] = { { "en", LANG_EN }, { "id", LANG_ID }, { "in", LANG_ID } /* what Java still says */ };

/* Whether a language range of len bytes is of this primary language. */
static bool
is_of(const char *range, size_t len, const char *tag)
{
	return len >= 2 && strncasecmp(range, tag, 2) == 0 && (len == 2 || range[2] == '-');
}

/* The weight behind a language range, len bytes up to the comma; 1 where there is none. */
static double
weight_of(const char *params, size_t len)
{
	const char *q = memmem(params, len, "q=", 2);

	return q != NULL ? strtod(q + 2, NULL) : 1;
}

enum lang
lang_accepted(const char *header)
{
	enum lang best = LANG_EN;
	double most = 0;

	for (const char *p = header != NULL ? header : ""; *p != '\0'; p += *p == ',') {
		size_t len, item;

		p += strspn(p, " \t");
		item = strcspn(p, ",");
		len = strcspn(p, ",; \t");
		for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
			if (!is_of(p, len, tags[i].tag) || weight_of(p + len, item - len) <= most)
				continue;
			most = weight_of(p + len, item - len);
			best = tags[i].lang;
		}
		p += item;
	}
	return best;
}
