/* SPDX-License-Identifier: ISC
 *
 * openapi.json, which the build links into the program.
 */
#include "ops.h"

#define MAX_AGE 3600	/* seconds */

extern const char _binary_openapi_json_start[], _binary_openapi_json_end[];	/* named by ld -b binary */

enum rc
ops_openapi(struct req *rq, struct res *rs)
{
	(void)rq;
	buf_add(&rs->body, _binary_openapi_json_start,
	    (size_t)(_binary_openapi_json_end - _binary_openapi_json_start));
	rs->max_age = MAX_AGE;
	return RC_OK;
}
