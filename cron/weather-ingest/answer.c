/* SPDX-License-Identifier: ISC
 *
 * Strict JSON, errors in place of data, coordinates, units and numbers: what every answer is held against.
 */
#include "answer.h"

#include "base/utf8.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define GRID_DEGREES 1.0 /* a grid cell's middle is nearer than this to any place in it */

enum refusal
answer_refuse(char detail[CHECK_DETAIL], enum refusal why, const char *fmt, ...)
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

cJSON *
answer_parse(const char *body, size_t len)
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

const cJSON *
answer_member(const cJSON *object, const char *name)
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

enum refusal
answer_limit(const char *reason)
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

enum refusal
answer_error(const cJSON *e, char detail[CHECK_DETAIL])
{
	const char *reason = cJSON_GetStringValue(answer_member(e, "reason"));
	enum refusal why;

	if (cJSON_GetObjectItemCaseSensitive(e, "error") == NULL)
		return REFUSAL_NONE;
	if (reason == NULL)
		return answer_refuse(detail, REFUSAL_ERROR, "error without a reason");
	why = answer_limit(reason);
	return answer_refuse(detail, why != REFUSAL_NONE ? why : REFUSAL_ERROR, "%s", reason);
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
	const cJSON *lat = answer_member(e, "latitude"), *lon = answer_member(e, "longitude");
	double narrowing = cos(asked->latitude * 3.14159265358979323846 / 180);

	if (!cJSON_IsNumber(lat) || !cJSON_IsNumber(lon))
		return answer_refuse(detail, REFUSAL_COORDINATES, "no coordinates");
	if (fabs(lat->valuedouble - asked->latitude) <= GRID_DEGREES &&
	    fabs(lon->valuedouble) <= 360 &&
	    turn(lon->valuedouble, asked->longitude) * narrowing <= GRID_DEGREES)
		return REFUSAL_NONE;
	return answer_refuse(detail, REFUSAL_COORDINATES, "asked for %.5f,%.5f, got %.5f,%.5f",
	    asked->latitude, asked->longitude, lat->valuedouble, lon->valuedouble);
}

enum refusal
answer_unit(const cJSON *units, const char *name, const char *expected, char detail[CHECK_DETAIL])
{
	const char *unit = cJSON_GetStringValue(answer_member(units, name));

	if (unit == NULL)
		return answer_refuse(detail, REFUSAL_MISSING, "no unit of %s, or several", name);
	if (strcmp(unit, expected) != 0)
		return answer_refuse(
		    detail, REFUSAL_UNIT, "%s in %s, not %s", name, unit, expected);
	return REFUSAL_NONE;
}

bool
answer_whole(const cJSON *object, const char *name, double min, double max, int64_t *out)
{
	const cJSON *m = answer_member(object, name);

	if (!cJSON_IsNumber(m) || m->valuedouble < min || m->valuedouble > max ||
	    m->valuedouble != floor(m->valuedouble))
		return false;
	*out = (int64_t)m->valuedouble;
	return true;
}

/* Adding zero makes a zero of minus zero, which the database would show. */
static double
round_to(double v, int decimals)
{
	double scale = pow(10, decimals);

	return round(v * scale) / scale + 0.0;
}

enum refusal
answer_number(
    const cJSON *v, const struct quantity_info *info, double *out, char detail[CHECK_DETAIL])
{
	*out = NAN;
	if (cJSON_IsNull(v))
		return REFUSAL_NONE;
	if (!cJSON_IsNumber(v) || (info->decimals == 0 && v->valuedouble != floor(v->valuedouble)))
		return answer_refuse(detail, REFUSAL_VALUE, "%s is not a%s number", info->upstream,
		    info->decimals == 0 ? " whole" : "");
	if (v->valuedouble < info->min || v->valuedouble > info->max)
		return answer_refuse(detail, REFUSAL_RANGE, "%s of %g is not between %g and %g",
		    info->upstream, v->valuedouble, info->min, info->max);
	*out = round_to(v->valuedouble, info->decimals);
	return REFUSAL_NONE;
}

/* One place is answered with an object, several with an array of as many. */
static enum refusal
check_shape(const cJSON *root, int n, char detail[CHECK_DETAIL])
{
	enum refusal why = answer_error(root, detail);

	if (why != REFUSAL_NONE)
		return why;
	if (n == 1 ? !cJSON_IsObject(root) : !cJSON_IsArray(root))
		return answer_refuse(
		    detail, REFUSAL_SHAPE, "not an %s", n == 1 ? "object" : "array");
	if (n > 1 && cJSON_GetArraySize(root) != n)
		return answer_refuse(
		    detail, REFUSAL_COUNT, "%d places instead of %d", cJSON_GetArraySize(root), n);
	return REFUSAL_NONE;
}

enum refusal
answer_open(const char *body, size_t len, int n, cJSON **root, char detail[CHECK_DETAIL])
{
	enum refusal why;

	*root = NULL;
	detail[0] = '\0';
	if (len == 0)
		return answer_refuse(detail, REFUSAL_EMPTY, "empty body");
	if (!utf8_valid(body, len))
		return answer_refuse(detail, REFUSAL_NOT_UTF8, "invalid UTF-8");
	if ((*root = answer_parse(body, len)) == NULL)
		return answer_refuse(
		    detail, REFUSAL_NOT_JSON, "%.*s", (int)(len < 80 ? len : 80), body);
	if ((why = check_shape(*root, n, detail)) == REFUSAL_NONE)
		return why;
	cJSON_Delete(*root);
	*root = NULL;
	return why;
}

enum refusal
answer_place(const cJSON *e, const struct asked *asked, char detail[CHECK_DETAIL])
{
	enum refusal why;

	detail[0] = '\0';
	if (!cJSON_IsObject(e))
		return answer_refuse(detail, REFUSAL_SHAPE, "the place is not an object");
	if ((why = answer_error(e, detail)) != REFUSAL_NONE)
		return why;
	return check_coordinates(e, asked, detail);
}
