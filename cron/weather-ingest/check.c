/* SPDX-License-Identifier: ISC
 *
 * The rules for Open-Meteo's answers. Status 200 is no promise there: empty bodies, plain text, bare nan and
 * cut JSON have all come with it. So nothing counts but strict JSON of the shape asked for, with values that
 * can be weather. A place that fails keeps its last good row; the other places of the answer are used.
 */
#include "check.h"

#include "answer.h"
#include "base/str.h"
#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>

#define FUTURE_SLACK 300 /* seconds our clock may be behind the upstream's */
#define INTERVAL_MAX 3600
#define AGE_MAX 10800

const struct refusal_info refusals[REFUSAL__MAX] = {
	[REFUSAL_NONE] = { "none", REMEDY_NONE },
	[REFUSAL_BUDGET] = { "budget", REMEDY_NONE },
	[REFUSAL_NO_MEMORY] = { "no-memory", REMEDY_NONE },
	[REFUSAL_QUOTA_MINUTE] = { "quota-minute", REMEDY_NONE },
	[REFUSAL_QUOTA_HOUR] = { "quota-hour", REMEDY_NONE },
	[REFUSAL_QUOTA_DAY] = { "quota-day", REMEDY_NONE },
	[REFUSAL_QUOTA_UNKNOWN] = { "quota-unknown", REMEDY_NONE },
	[REFUSAL_BREAKER] = { "breaker-open", REMEDY_NONE },
	[REFUSAL_NO_ANSWER] = { "no-answer", REMEDY_RETRY },
	[REFUSAL_BROKEN_HTTP] = { "broken-http", REMEDY_RETRY },
	[REFUSAL_TOO_LARGE] = { "too-large", REMEDY_NONE },
	[REFUSAL_BAD_REQUEST] = { "bad-request", REMEDY_NONE },
	[REFUSAL_SERVER_ERROR] = { "server-error", REMEDY_RETRY },
	[REFUSAL_STATUS] = { "status", REMEDY_NONE },
	[REFUSAL_LIMIT_CONCURRENT] = { "limit-concurrent", REMEDY_RETRY },
	[REFUSAL_LIMIT_MINUTELY] = { "limit-minutely", REMEDY_NEXT_MINUTE },
	[REFUSAL_LIMIT_HOURLY] = { "limit-hourly", REMEDY_NEXT_HOUR },
	[REFUSAL_LIMIT_DAILY] = { "limit-daily", REMEDY_NEXT_DAY },
	[REFUSAL_ERROR] = { "error", REMEDY_RETRY },
	[REFUSAL_EMPTY] = { "empty", REMEDY_RETRY },
	[REFUSAL_NOT_UTF8] = { "not-utf8", REMEDY_RETRY },
	[REFUSAL_NOT_JSON] = { "not-json", REMEDY_RETRY },
	[REFUSAL_SHAPE] = { "shape", REMEDY_RETRY },
	[REFUSAL_COUNT] = { "count", REMEDY_RETRY },
	[REFUSAL_COORDINATES] = { "coordinates", REMEDY_NONE },
	[REFUSAL_MISSING] = { "missing", REMEDY_NONE },
	[REFUSAL_UNIT] = { "unit", REMEDY_NONE },
	[REFUSAL_SERIES] = { "series", REMEDY_NONE },
	[REFUSAL_TIME] = { "time", REMEDY_NONE },
	[REFUSAL_FUTURE] = { "future", REMEDY_NONE },
	[REFUSAL_OLD] = { "old", REMEDY_NONE },
	[REFUSAL_VALUE] = { "value", REMEDY_NONE },
	[REFUSAL_RANGE] = { "range", REMEDY_NONE },
	[REFUSAL_ALL_NULL] = { "all-null", REMEDY_NONE },
	[REFUSAL_NO_TEMPERATURE] = { "no-temperature", REMEDY_NONE },
};

static enum refusal
check_units(const cJSON *units, char detail[CHECK_DETAIL])
{
	enum refusal why = answer_unit(units, "time", "unixtime", detail);

	for (int q = 0; q < Q__MAX && why == REFUSAL_NONE; q++)
		why = answer_unit(
		    units, quantities[q].upstream, quantities[q].upstream_unit, detail);
	return why;
}

/* Asked for in GMT: an answer of another zone is about another time. */
static enum refusal
check_zone(const cJSON *e, char detail[CHECK_DETAIL])
{
	const cJSON *offset = answer_member(e, "utc_offset_seconds");

	if (offset == NULL || (cJSON_IsNumber(offset) && offset->valuedouble == 0))
		return REFUSAL_NONE;
	return answer_refuse(detail, REFUSAL_TIME, "not in UTC");
}

static enum refusal
check_time(const cJSON *current, int64_t now, int64_t *observed_at, char detail[CHECK_DETAIL])
{
	const double year_10000 = 253402300800.0;
	int64_t interval;

	if (!answer_whole(current, "time", 1, year_10000 - 1, observed_at) ||
	    !answer_whole(current, "interval", 1, INTERVAL_MAX, &interval))
		return answer_refuse(detail, REFUSAL_TIME, "no usable time and interval");
	if (*observed_at > now + interval + FUTURE_SLACK)
		return answer_refuse(
		    detail, REFUSAL_FUTURE, "%lld s ahead", (long long)(*observed_at - now));
	if (*observed_at < now - AGE_MAX)
		return answer_refuse(
		    detail, REFUSAL_OLD, "%lld s ago", (long long)(now - *observed_at));
	return REFUSAL_NONE;
}

static enum refusal
check_value(const cJSON *current, enum quantity q, double *out, char detail[CHECK_DETAIL])
{
	const struct quantity_info *info = &quantities[q];
	const cJSON *v = answer_member(current, info->upstream);

	if (v == NULL)
		return answer_refuse(detail, REFUSAL_MISSING, "no %s, or several", info->upstream);
	return answer_number(v, info, out, detail);
}

static enum refusal
check_values(const cJSON *current, double value[Q__MAX], char detail[CHECK_DETAIL])
{
	enum refusal why = REFUSAL_NONE;
	int nulls = 0;

	for (int q = 0; q < Q__MAX && why == REFUSAL_NONE; q++) {
		why = check_value(current, (enum quantity)q, &value[q], detail);
		nulls += isnan(value[q]);
	}
	if (why != REFUSAL_NONE)
		return why;
	if (nulls == Q__MAX)
		return answer_refuse(detail, REFUSAL_ALL_NULL, "every value is null");
	if (isnan(value[Q_TEMPERATURE]))
		return answer_refuse(detail, REFUSAL_NO_TEMPERATURE, "the temperature is null");
	return REFUSAL_NONE;
}

static enum refusal
check_place(const cJSON *e, const struct asked *asked, int64_t now, struct observation *out)
{
	const cJSON *current = answer_member(e, "current"),
		    *units = answer_member(e, "current_units");
	char *detail = out->detail;
	enum refusal why;

	if ((why = answer_place(e, asked, detail)) != REFUSAL_NONE)
		return why;
	if (!cJSON_IsObject(current) || !cJSON_IsObject(units))
		return answer_refuse(detail, REFUSAL_MISSING, "no current, or no current_units");
	if ((why = check_units(units, detail)) == REFUSAL_NONE &&
	    (why = check_zone(e, detail)) == REFUSAL_NONE &&
	    (why = check_time(current, now, &out->observed_at, detail)) == REFUSAL_NONE)
		why = check_values(current, out->value, detail);
	return why;
}

enum refusal
check_answer(const char *body, size_t len, const struct asked asked[], int n, int64_t now,
    struct observation out[], char detail[CHECK_DETAIL])
{
	const cJSON *e;
	cJSON *root;
	enum refusal why = answer_open(body, len, n, &root, detail);

	if (why != REFUSAL_NONE)
		return why;
	e = n == 1 ? root : root->child;
	for (int i = 0; i < n; i++, e = e->next)
		out[i].refusal = check_place(e, &asked[i], now, &out[i]);
	cJSON_Delete(root);
	return REFUSAL_NONE;
}

/* The upstream's words, or the start of a body that is no error object (a proxy's page). */
static void
copy_reason(const char *body, size_t len, char detail[CHECK_DETAIL])
{
	cJSON *root = len > 0 && utf8_valid(body, len) ? answer_parse(body, len) : NULL;
	const char *reason = cJSON_GetStringValue(answer_member(root, "reason"));

	if (reason != NULL)
		str_copy(detail, reason, CHECK_DETAIL);
	else
		snprintf(
		    detail, CHECK_DETAIL, "%.*s", (int)(len < 80 ? len : 80), len > 0 ? body : "");
	cJSON_Delete(root);
}

enum refusal
check_failure(long status, const char *body, size_t len, char detail[CHECK_DETAIL])
{
	char reason[CHECK_DETAIL];
	enum refusal why;

	copy_reason(body, len, reason);
	answer_refuse(detail, REFUSAL_NONE, "status %ld: %.130s", status, reason);
	if (status == 400)
		return REFUSAL_BAD_REQUEST;
	if (status >= 500)
		return REFUSAL_SERVER_ERROR;
	if (status != 429)
		return REFUSAL_STATUS;
	if ((why = answer_limit(reason)) == REFUSAL_NONE)
		why = REFUSAL_LIMIT_MINUTELY; /* a proxy's own limit: go easy */
	return why;
}
