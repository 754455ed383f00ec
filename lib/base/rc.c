/* SPDX-License-Identifier: ISC
 *
 * Names of results, for log lines.
 */
#include "base/rc.h"

static const char *const names[RC__MAX] = {
	[RC_OK] = "ok",
	[RC_NOTFOUND] = "not found",
	[RC_INVALID] = "invalid",
	[RC_DENIED] = "denied",
	[RC_CONFLICT] = "conflict",
	[RC_BUSY] = "busy",
	[RC_DOWN] = "down",
	[RC_NOMEM] = "no memory",
};

const char *
rc_name(enum rc rc)
{
	return (unsigned)rc < RC__MAX ? names[rc] : "unknown";
}
