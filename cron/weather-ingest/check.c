/* SPDX-License-Identifier: ISC
 *
 * The rules for Open-Meteo's answers. Status 200 is no promise there: empty bodies, plain text, bare nan and
 * cut JSON have all come with it. So nothing counts but strict JSON of the shape asked for, with values that
 * can be weather. A place that fails keeps its last good row; the other places of the answer are used.
 */
#include "check.h"

#include "base/str.h"
#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define GRID_DEGREES 1.0 /* a grid cell's middle is nearer than this to any place in it */
#define FUTURE_SLACK 300 /* seconds our clock may be behind the upstream's */
#define INTERVAL_MAX 3600
#define AGE_MAX 10800

const struct refusal_info refusals[REFUSAL__MAX] = {
	[REFUSAL_NONE] = { "none", REMEDY_NONE },
	[REFUSAL_BUDGET] = { "budget", REMEDY_NONE },
	[REFUSAL_NO_MEMORY] = { "no-memory", REMEDY_NONE },
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
	[REFUSAL_TIME] = { "time", REMEDY_NONE },
	[REFUSAL_FUTURE] = { "future", REMEDY_NONE },
	[REFUSAL_OLD] = { "old", REMEDY_NONE },
	[REFUSAL_VALUE] = { "value", REMEDY_NONE },
	[REFUSAL_RANGE] = { "range", REMEDY_NONE },
	[REFUSAL_ALL_NULL] = { "all-null", REMEDY_NONE },
	[REFUSAL_NO_TEMPERATURE] = { "no-temperature", REMEDY_NONE },
};

/* Returns why, so that a refusal is one statement. */
static enum refusal __attribute__((format(printf, 3, 4)))
refuse(char detail[CHECK_DETAIL], enum refusal why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, CHECK_DETAIL, fmt, ap);
	va_end(ap);
	return why;
}

static bool
one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Past the digits at p. NULL where there are none. */
static const char *
after_digits(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && isdigit((unsigned char)*p))
		p++;
	return p > start ? p : NULL;
}

/* Past the number at p, NULL where JSON has no such number: 01, 1., .5, 1e. */
static const char *
after_number(const char *p, const char *end)
{
	if (*p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else if ((p = after_digits(p, end)) == NULL)
		return NULL;
	if (p < end && *p == '.' && (p = after_digits(p + 1, end)) == NULL)
		return NULL;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if ((p = after_digits(p, end)) == NULL)
			return NULL;
	}
	return p == end || !one_of(*p, "0123456789+-.") ? p : NULL;
}

/* Past the string at p, NULL where it is open, has a raw control character or half a \u. */
static const char *
after_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++) {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\')
			continue;
		if (++p == end)
			return NULL;
		if (*p != 'u')
			continue;
		for (int i = 0; i < 4; i++)
			if (++p == end || !isxdigit((unsigned char)*p))
				return NULL;
	}
	return p < end ? p + 1 : NULL;
}

/* cJSON knows JSON's structure but is lax about its tokens: it lets pass 01 and 1., NUL and other control
 * characters as white space or in strings, \uZZZZ, and a byte order mark. */
static bool
strict_tokens(const char *p, const char *end)
{
	while (p != NULL && p < end) {
		if (*p == '"')
			p = after_string(p, end);
		else if (*p == '-' || isdigit((unsigned char)*p))
			p = after_number(p, end);
		else if (one_of(*p, " \t\r\n{}[]:,") || islower((unsigned char)*p))
			p++;
		else
			return false;
	}
	return p != NULL;
}

/* The body as a tree for cJSON_Delete(); NULL where it is not JSON from the first byte to the last. */
static cJSON *
parse(const char *body, size_t len)
{
	const char *rest, *end = body + len;
	cJSON *root;

	if (!strict_tokens(body, end) ||
	    (root = cJSON_ParseWithLengthOpts(body, len, &rest, false)) == NULL)
		return NULL;
	while (rest < end && isspace((unsigned char)*rest))
		rest++;
	if (rest == end)
		return root;
	cJSON_Delete(root);
	return NULL;
}

/* The member called name. NULL where object is none, has none or, since nobody could say which counts, several. */
static const cJSON *
member(const cJSON *object, const char *name)
{
	const cJSON *found = NULL, *m;

	if (!cJSON_IsObject(object))
		return NULL;
	cJSON_ArrayForEach(m, object)
	{
		if (strcmp(m->string, name) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = m;
	}
	return found;
}

static bool
is_error(const cJSON *e)
{
	return cJSON_GetObjectItemCaseSensitive(e, "error") != NULL;
}

/* The reason's first words tell which limit it was; none of them: REFUSAL_NONE. */
static enum refusal
limit_of(const char *reason)
{
	static const struct {
		const char *start;
		enum refusal why;
	} table[] = {
		{ "Too many concurrent", REFUSAL_LIMIT_CONCURRENT },
		{ "Minutely", REFUSAL_LIMIT_MINUTELY },
		{ "Hourly", REFUSAL_LIMIT_HOURLY },
		{ "Daily", REFUSAL_LIMIT_DAILY },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strncmp(reason, table[i].start, strlen(table[i].start)) == 0)
			return table[i].why;
	return REFUSAL_NONE;
}

/* An error object in place of data. */
static enum refusal
refuse_error(const cJSON *e, char detail[CHECK_DETAIL])
{
	const char *reason = cJSON_GetStringValue(member(e, "reason"));
	enum refusal why;

	if (reason == NULL)
		return refuse(detail, REFUSAL_ERROR, "error without a reason");
	why = limit_of(reason);
	return refuse(detail, why != REFUSAL_NONE ? why : REFUSAL_ERROR, "%s", reason);
}

/* How far apart two longitudes are, the short way round. */
static double
turn(double a, double b)
{
	double d = fabs(a - b);

	return d > 180 ? 360 - d : d;
}

/* Places are told apart by nothing but their order, so each must be near the one asked for. Coordinates are
 * those of the grid cell; its width in degrees of longitude grows towards the poles. */
static enum refusal
check_coordinates(const cJSON *e, const struct asked *asked, char detail[CHECK_DETAIL])
{
	const cJSON *lat = member(e, "latitude"), *lon = member(e, "longitude");
	double narrowing = cos(asked->latitude * 3.14159265358979323846 / 180);

	if (!cJSON_IsNumber(lat) || !cJSON_IsNumber(lon))
		return refuse(detail, REFUSAL_COORDINATES, "no coordinates");
	if (fabs(lat->valuedouble - asked->latitude) <= GRID_DEGREES &&
	    fabs(lon->valuedouble) <= 360 &&
	    turn(lon->valuedouble, asked->longitude) * narrowing <= GRID_DEGREES)
		return REFUSAL_NONE;
	return refuse(detail, REFUSAL_COORDINATES, "asked for %.5f,%.5f, got %.5f,%.5f",
	    asked->latitude, asked->longitude, lat->valuedouble, lon->valuedouble);
}

static enum refusal
check_unit(const cJSON *units, const char *name, const char *expected, char detail[CHECK_DETAIL])
{
	const char *unit = cJSON_GetStringValue(member(units, name));

	if (unit == NULL)
		return refuse(detail, REFUSAL_MISSING, "no unit of %s, or several", name);
	if (strcmp(unit, expected) != 0)
		return refuse(detail, REFUSAL_UNIT, "%s in %s, not %s", name, unit, expected);
	return REFUSAL_NONE;
}

static enum refusal
check_units(const cJSON *units, char detail[CHECK_DETAIL])
{
	enum refusal why = check_unit(units, "time", "unixtime", detail);

	for (int q = 0; q < Q__MAX && why == REFUSAL_NONE; q++)
		why = check_unit(
		    units, quantities[q].upstream, quantities[q].upstream_unit, detail);
	return why;
}

/* The whole number called name, of min to max. */
static bool
whole_member(const cJSON *object, const char *name, double min, double max, int64_t *out)
{
	const cJSON *m = member(object, name);

	if (!cJSON_IsNumber(m) || m->valuedouble < min || m->valuedouble > max ||
	    m->valuedouble != floor(m->valuedouble))
		return false;
	*out = (int64_t)m->valuedouble;
	return true;
}

static enum refusal
check_time(const cJSON *current, int64_t now, int64_t *observed_at, char detail[CHECK_DETAIL])
{
	const double year_10000 = 253402300800.0;
	int64_t interval;

	if (!whole_member(current, "time", 1, year_10000 - 1, observed_at) ||
	    !whole_member(current, "interval", 1, INTERVAL_MAX, &interval))
		return refuse(detail, REFUSAL_TIME, "no usable time and interval");
	if (*observed_at > now + interval + FUTURE_SLACK)
		return refuse(
		    detail, REFUSAL_FUTURE, "%lld s ahead", (long long)(*observed_at - now));
	if (*observed_at < now - AGE_MAX)
		return refuse(detail, REFUSAL_OLD, "%lld s ago", (long long)(now - *observed_at));
	return REFUSAL_NONE;
}

/* Adding zero makes a zero of minus zero, which the database would show. */
static double
round_to(double v, int decimals)
{
	double scale = pow(10, decimals);

	return round(v * scale) / scale + 0.0;
}

static enum refusal
check_value(const cJSON *current, enum quantity q, double *out, char detail[CHECK_DETAIL])
{
	const struct quantity_info *info = &quantities[q];
	const cJSON *v = member(current, info->upstream);

	*out = NAN;
	if (v == NULL)
		return refuse(detail, REFUSAL_MISSING, "no %s, or several", info->upstream);
	if (cJSON_IsNull(v))
		return REFUSAL_NONE;
	if (!cJSON_IsNumber(v) || (info->decimals == 0 && v->valuedouble != floor(v->valuedouble)))
		return refuse(detail, REFUSAL_VALUE, "%s is not a%s number", info->upstream,
		    info->decimals == 0 ? " whole" : "");
	if (v->valuedouble < info->min || v->valuedouble > info->max)
		return refuse(detail, REFUSAL_RANGE, "%s of %g is not between %g and %g",
		    info->upstream, v->valuedouble, info->min, info->max);
	*out = round_to(v->valuedouble, info->decimals);
	return REFUSAL_NONE;
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
		return refuse(detail, REFUSAL_ALL_NULL, "every value is null");
	if (isnan(value[Q_TEMPERATURE]))
		return refuse(detail, REFUSAL_NO_TEMPERATURE, "the temperature is null");
	return REFUSAL_NONE;
}

static enum refusal
check_place(const cJSON *e, const struct asked *asked, int64_t now, struct observation *out)
{
	const cJSON *current = member(e, "current"), *units = member(e, "current_units");
	char *detail = out->detail;
	enum refusal why;

	detail[0] = '\0';
	if (!cJSON_IsObject(e))
		return refuse(detail, REFUSAL_SHAPE, "the place is not an object");
	if (is_error(e))
		return refuse_error(e, detail);
	if ((why = check_coordinates(e, asked, detail)) != REFUSAL_NONE)
		return why;
	if (!cJSON_IsObject(current) || !cJSON_IsObject(units))
		return refuse(detail, REFUSAL_MISSING, "no current, or no current_units");
	if ((why = check_units(units, detail)) == REFUSAL_NONE &&
	    (why = check_time(current, now, &out->observed_at, detail)) == REFUSAL_NONE)
		why = check_values(current, out->value, detail);
	return why;
}

/* One place is answered with an object, several with an array of as many. */
static enum refusal
check_shape(const cJSON *root, int n, char detail[CHECK_DETAIL])
{
	if (is_error(root))
		return refuse_error(root, detail);
	if (n == 1 ? !cJSON_IsObject(root) : !cJSON_IsArray(root))
		return refuse(detail, REFUSAL_SHAPE, "not an %s", n == 1 ? "object" : "array");
	if (n > 1 && cJSON_GetArraySize(root) != n)
		return refuse(
		    detail, REFUSAL_COUNT, "%d places instead of %d", cJSON_GetArraySize(root), n);
	return REFUSAL_NONE;
}

enum refusal
check_answer(const char *body, size_t len, const struct asked asked[], int n, int64_t now,
    struct observation out[], char detail[CHECK_DETAIL])
{
	const cJSON *e;
	cJSON *root;
	enum refusal why;

	detail[0] = '\0';
	if (len == 0)
		return refuse(detail, REFUSAL_EMPTY, "empty body");
	if (!utf8_valid(body, len))
		return refuse(detail, REFUSAL_NOT_UTF8, "invalid UTF-8");
	if ((root = parse(body, len)) == NULL)
		return refuse(detail, REFUSAL_NOT_JSON, "%.*s", (int)(len < 80 ? len : 80), body);
	why = check_shape(root, n, detail);
	e = n == 1 ? root : root->child;
	for (int i = 0; i < n && why == REFUSAL_NONE; i++, e = e->next)
		out[i].refusal = check_place(e, &asked[i], now, &out[i]);
	cJSON_Delete(root);
	return why;
}

/* The upstream's words, or the start of a body that is no error object (a proxy's page). */
static void
copy_reason(const char *body, size_t len, char detail[CHECK_DETAIL])
{
	cJSON *root = len > 0 && utf8_valid(body, len) ? parse(body, len) : NULL;
	const char *reason = cJSON_GetStringValue(member(root, "reason"));

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
	refuse(detail, REFUSAL_NONE, "status %ld: %.130s", status, reason);
	if (status == 400)
		return REFUSAL_BAD_REQUEST;
	if (status >= 500)
		return REFUSAL_SERVER_ERROR;
	if (status != 429)
		return REFUSAL_STATUS;
	if ((why = limit_of(reason)) == REFUSAL_NONE)
		why = REFUSAL_LIMIT_MINUTELY; /* a proxy's own limit: go easy */
	return why;
}
