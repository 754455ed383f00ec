/* SPDX-License-Identifier: ISC
 *
 * Fuzzes the checks of the upstream's answers: for one place, for two, and of failures.
 */
#include "../../cron/weather-ingest/check.h"

#define NOW 1795385760

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct asked asked[2] = { { -6.21462, 106.84513, ASKED_ANY_OFFSET },
		{ -6.21462, 106.84513, 25200 } };
	struct observation seen[2];
	char detail[CHECK_DETAIL];

	check_answer((const char *)data, size, asked, 1, NOW, seen, detail);
	check_answer((const char *)data, size, asked, 2, NOW, seen, detail);
	check_failure(429, (const char *)data, size, detail);
	return 0;
}
