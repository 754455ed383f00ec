/* SPDX-License-Identifier: ISC
 *
 * What an upstream's answer is worth: bytes in, observations or the reason of a refusal out. No clock, no
 * network, no memory kept, so that every rule can be tried with a string.
 */
#ifndef CUACA_INGEST_CHECK_H
#define CUACA_INGEST_CHECK_H

#include "weather/current.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define CHECK_DETAIL 160 /* room for the words that go with a refusal */

enum refusal {
	REFUSAL_NONE,
	/* no answer to look at */
	REFUSAL_BUDGET,
	REFUSAL_NO_MEMORY,
	REFUSAL_QUOTA_MINUTE, /* the call was not made: it does not fit */
	REFUSAL_QUOTA_HOUR,
	REFUSAL_QUOTA_DAY,
	REFUSAL_QUOTA_UNKNOWN, /* neither PostgreSQL nor Redis could note it */
	REFUSAL_BREAKER,
	REFUSAL_NO_ANSWER,
	REFUSAL_BROKEN_HTTP,
	REFUSAL_TOO_LARGE,
	/* an answer that says no */
	REFUSAL_BAD_REQUEST,
	REFUSAL_SERVER_ERROR,
	REFUSAL_STATUS,
	REFUSAL_LIMIT_CONCURRENT,
	REFUSAL_LIMIT_MINUTELY,
	REFUSAL_LIMIT_HOURLY,
	REFUSAL_LIMIT_DAILY,
	REFUSAL_ERROR, /* status 200, and still an error */
	/* an answer that cannot be used */
	REFUSAL_EMPTY,
	REFUSAL_NOT_UTF8,
	REFUSAL_NOT_JSON,
	REFUSAL_SHAPE,
	REFUSAL_COUNT,
	/* one place that cannot be used */
	REFUSAL_COORDINATES,
	REFUSAL_MISSING,
	REFUSAL_UNIT,
	REFUSAL_SERIES, /* not as long as its times, or these are not in step */
	REFUSAL_TIME,
	REFUSAL_FUTURE,
	REFUSAL_OLD,
	REFUSAL_VALUE,
	REFUSAL_RANGE,
	REFUSAL_ALL_NULL,
	REFUSAL_NO_TEMPERATURE,
	REFUSAL__MAX
};

/* What can be done about it. */
enum remedy {
	REMEDY_NONE, /* the same request would end the same way */
	REMEDY_RETRY,
	REMEDY_NEXT_MINUTE, /* nothing before the next minute, hour or day of UTC */
	REMEDY_NEXT_HOUR,
	REMEDY_NEXT_DAY
};

struct refusal_info {
	const char *name; /* in the log and the metrics */
	enum remedy remedy;
};

extern const struct refusal_info refusals[REFUSAL__MAX];

struct asked {
	double latitude, longitude;
	int utc_offset; /* seconds, that forecasts must have; ASKED_ANY_OFFSET: any */
};

#define ASKED_ANY_OFFSET INT_MIN

struct observation {
	enum refusal refusal; /* REFUSAL_NONE: the rest is good */
	char detail[CHECK_DETAIL];
	int64_t observed_at;
	double value[Q__MAX]; /* rounded to the quantity's decimals; NAN for the upstream's null */
};

/* Judge the body of a 200: it must answer n places in the order asked, at UNIX time now. A fault of the whole
 * body is returned, out then means nothing; a fault of one place is in its element of out alone. */
enum refusal check_answer(const char *body, size_t len, const struct asked asked[], int n,
    int64_t now, struct observation out[], char detail[CHECK_DETAIL]);

/* Judge an answer of any other status. */
enum refusal check_failure(long status, const char *body, size_t len, char detail[CHECK_DETAIL]);

#endif
