/* SPDX-License-Identifier: ISC
 *
 * Rows of the history into JSON.
 */
#include "weather/history.h"

char *
history_page1_key(struct arena *a, const char *slug)
{
	return arena_printf(a, "weather:%s:history:page1", slug);
}
