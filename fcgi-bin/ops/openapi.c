/* SPDX-License-Identifier: ISC
 *
 * openapi.json, which the build links into the program.
 */
#include "ops.h"

#define MAX_AGE 3600 /* seconds */

/* Named by ld -b binary after the file. */
extern const char _binary_openapi_json_start[], _binary_openapi_json_end[];

enum rc
ops_openapi(struct req *rq, struct res *rs)
{
	/* cppcheck-suppress comparePointers */
	size_t len = (size_t)(_binary_openapi_json_end - _binary_openapi_json_start);

	(void)rq;
	buf_add(&rs->body, _binary_openapi_json_start, len);
	rs->max_age = MAX_AGE;
	return RC_OK;
}
