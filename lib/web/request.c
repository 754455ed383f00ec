/* SPDX-License-Identifier: ISC
 *
 * The query string: application/x-www-form-urlencoded as the URL standard defines it, but strict.
 */
#include "web/request.h"

#include "base/str.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

#define ITEM_MAX 80 /* characters in an item of a list */
#define BAD_MAX 50 /* of a request's mistakes that are named */
#define SHOWN 40 /* bytes of a wrong value that a detail repeats */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that the escape at s stands for, -1 where it is none; reads up to s[2], or to the first NUL. */
static int
escaped_byte(const char *s)
{
	int high = hex_digit(s[1]);
	int low = high >= 0 ? hex_digit(s[2]) : -1;

	return low >= 0 ? high * 16 + low : -1;
}

char *
request_decode(struct arena *a, const char *s, size_t len, bool plus_is_space)
{
	char *in = arena_strndup(a, s, len), *out = in;

	if (in == NULL)
		return NULL;
	for (const char *p = in; *p != '\0'; p++) {
		int c = (unsigned char)*p;

		if (c == '%') {
			if ((c = escaped_byte(p)) <= 0)
				return NULL;
			p += 2;
		} else if (c == '+' && plus_is_space) {
			c = ' ';
		}
		*out++ = (char)c;
	}
	*out = '\0';
	return utf8_valid(in, (size_t)(out - in)) ? in : NULL;
}

enum rc
request_reject(struct req *rq, const char *name, const char *detail)
{
	struct bad_param *b, **end = &rq->bad;
	int n = 0;

	for (; *end != NULL; end = &(*end)->next)
		n++;
	if (n == BAD_MAX)
		return RC_INVALID;
	if ((b = arena_alloc(rq->arena, sizeof(*b))) == NULL || detail == NULL)
		return RC_NOMEM;
	*b = (struct bad_param){ .name = name, .detail = detail };
	*end = b;
	return RC_INVALID;
}

enum rc
request_refuse(struct req *rq, enum rc rc, const char *why)
{
	rq->why = why;
	return why != NULL ? rc : RC_NOMEM;
}

/* As much of a wrong value as a detail should repeat, whole characters only. */
static const char *
shown(struct req *rq, const char *text)
{
	size_t len = strlen(text);

	if (len <= SHOWN)
		return text;
	for (len = SHOWN; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
		;
	text = arena_printf(rq->arena, "%.*s…", (int)len, text);
	return text != NULL ? text : "";
}

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if (utf8_control(text) > 0)
			return true;
	return false;
}

static enum rc
take_text(struct req *rq, const struct param *p, const char *text, struct value *v)
{
	size_t n = utf8_length(text, strlen(text));

	if (n < (size_t)p->min || n > (size_t)p->max)
		return request_reject(rq, p->name,
		    arena_printf(rq->arena,
			"must have %" PRId64 " to %" PRId64 " characters, not %zu", p->min, p->max,
			n));
	if (p->only != NULL && text[strspn(text, p->only)] != '\0')
		return request_reject(rq, p->name,
		    arena_printf(rq->arena, "may have no other characters than %s", p->only));
	v->text = text;
	return RC_OK;
}

static enum rc
take_list(struct req *rq, const struct param *p, char *text, struct value *v)
{
	char *item;

	v->n = 1;
	for (const char *c = text; *c != '\0'; c++)
		v->n += *c == ',';
	if (v->n > p->max)
		return request_reject(rq, p->name,
		    arena_printf(rq->arena, "at most %" PRId64 " items, not %d", p->max, v->n));
	if ((v->list = arena_alloc(rq->arena, (size_t)v->n * sizeof(*v->list))) == NULL)
		return RC_NOMEM;
	for (int i = 0; (item = strsep(&text, ",")) != NULL; i++) {
		if (item[0] == '\0')
			return request_reject(rq, p->name, "an item is empty");
		if (utf8_length(item, strlen(item)) > ITEM_MAX)
			return request_reject(rq, p->name,
			    arena_printf(
				rq->arena, "an item has more than %d characters", ITEM_MAX));
		v->list[i] = item;
	}
	return RC_OK;
}

static enum rc
take_int(struct req *rq, const struct param *p, const char *text, struct value *v)
{
	if (!str_to_int(text, &v->i))
		return request_reject(rq, p->name,
		    arena_printf(rq->arena, "\"%s\" is not a whole number", shown(rq, text)));
	if (v->i < p->min || v->i > p->max)
		return request_reject(rq, p->name,
		    arena_printf(rq->arena,
			"must be between %" PRId64 " and %" PRId64 ", not %" PRId64, p->min, p->max,
			v->i));
	return RC_OK;
}

static enum rc
take_degrees(struct req *rq, const struct param *p, const char *text, double limit, double *out)
{
	if (!str_to_num(text, out))
		return request_reject(rq, p->name,
		    arena_printf(rq->arena, "\"%s\" is not a number", shown(rq, text)));
	if (*out < -limit || *out > limit)
		return request_reject(rq, p->name,
		    arena_printf(rq->arena, "must be between %g and %g degrees, not %s", -limit,
			limit, shown(rq, text)));
	return RC_OK;
}

static enum rc
take_point(struct req *rq, const struct param *p, char *text, struct value *v)
{
	char *comma = strchr(text, ',');
	enum rc rc;

	if (comma == NULL)
		return request_reject(rq, p->name, "must be latitude,longitude");
	*comma = '\0';
	if ((rc = take_degrees(rq, p, text, 90, &v->num)) != RC_OK)
		return rc;
	return take_degrees(rq, p, comma + 1, 180, &v->lon);
}

static enum rc
take_choice(struct req *rq, const struct param *p, const char *text, struct value *v)
{
	const char *all = "";

	for (int i = 0; p->choices[i] != NULL; i++) {
		if (strcmp(p->choices[i], text) == 0) {
			v->i = i;
			return RC_OK;
		}
		all = arena_printf(rq->arena, "%s%s%s", all, i > 0 ? ", " : "", p->choices[i]);
		if (all == NULL)
			return RC_NOMEM;
	}
	return request_reject(rq, p->name,
	    arena_printf(rq->arena, "must be one of %s, not \"%s\"", all, shown(rq, text)));
}

static enum rc
take_bool(struct req *rq, const struct param *p, const char *text, struct value *v)
{
	v->i = strcmp(text, "true") == 0;
	if (v->i == 0 && strcmp(text, "false") != 0)
		return request_reject(rq, p->name, "must be true or false");
	return RC_OK;
}

static enum rc
take_time(struct req *rq, const struct param *p, char *text, struct value *v)
{
	const char *time = text;

	if (strlen(text) == 10)
		time = arena_printf(rq->arena, "%sT00:00:00Z", text);
	else if (strlen(text) == 25 && text[19] == ' ')
		text[19] = '+'; /* an offset whose plus sign was not escaped */
	if (time == NULL)
		return RC_NOMEM;
	if (!clock_parse(time, &v->i))
		return request_reject(rq, p->name,
		    arena_printf(rq->arena,
			"\"%s\" is neither a date (2026-11-22) nor a time (2026-11-22T22:15:00Z)",
			shown(rq, text)));
	return RC_OK;
}

static enum rc
take_value(struct req *rq, const struct param *p, char *text, struct value *v)
{
	if (v->given)
		return request_reject(rq, p->name, "given more than once");
	v->given = true;
	if (text == NULL)
		return request_reject(rq, p->name, "a broken %-escape, a NUL or invalid UTF-8");
	if (text[0] == '\0')
		return request_reject(rq, p->name, "is empty");
	if (has_control(text))
		return request_reject(rq, p->name, "control characters are not allowed");
	switch (p->type) {
	case PT_TEXT: return take_text(rq, p, text, v);
	case PT_LIST: return take_list(rq, p, text, v);
	case PT_INT: return take_int(rq, p, text, v);
	case PT_LAT: return take_degrees(rq, p, text, 90, &v->num);
	case PT_LON: return take_degrees(rq, p, text, 180, &v->num);
	case PT_POINT: return take_point(rq, p, text, v);
	case PT_CHOICE: return take_choice(rq, p, text, v);
	case PT_BOOL: return take_bool(rq, p, text, v);
	case PT_TIME: return take_time(rq, p, text, v);
	}
	return RC_INVALID;
}

static int
find(const struct req *rq, const char *name)
{
	for (int i = 0; rq->params[i].name != NULL; i++)
		if (strcmp(rq->params[i].name, name) == 0)
			return i;
	return -1;
}

const struct param *
request_param(const struct req *rq, const char *name)
{
	int i = find(rq, name);

	return i >= 0 ? &rq->params[i] : NULL;
}

enum rc
request_take(struct req *rq, const char *name, char *text)
{
	int i = find(rq, name);

	if (i < 0)
		return request_reject(rq, shown(rq, name), "is not a parameter here");
	return take_value(rq, &rq->params[i], text, &rq->values[i]);
}

/* One name=value of the query, len bytes. */
static enum rc
take_pair(struct req *rq, const char *pair, size_t len)
{
	const char *equals = memchr(pair, '=', len);
	size_t name_len = equals != NULL ? (size_t)(equals - pair) : len;
	const char *name = request_decode(rq->arena, pair, name_len, true);

	if (name == NULL)
		return request_reject(
		    rq, "?", "a parameter's name has a broken %-escape, a NUL or invalid UTF-8");
	if (equals == NULL && request_param(rq, name) != NULL)
		return request_reject(rq, name, "has no value");
	return request_take(rq, name,
	    equals != NULL ? request_decode(rq->arena, equals + 1, len - name_len - 1, true)
			   : NULL);
}

enum rc
request_values(struct req *rq)
{
	size_t n = 0;

	while (rq->params[n].name != NULL)
		n++;
	rq->values = arena_alloc(rq->arena, (n + 1) * sizeof(*rq->values));
	return rq->values != NULL ? RC_OK : RC_NOMEM;
}

enum rc
request_take_query(struct req *rq)
{
	enum rc rc = RC_OK, one;

	for (const char *p = rq->query; *p != '\0'; p += *p == '&') {
		size_t len = strcspn(p, "&");

		if (len > 0 && (one = take_pair(rq, p, len)) != RC_OK)
			rc = one;
		p += len;
	}
	return rc;
}

enum rc
request_need(struct req *rq)
{
	enum rc rc = RC_OK;

	for (int i = 0; rq->params[i].name != NULL; i++)
		if (rq->params[i].need && !rq->values[i].given)
			rc = request_reject(rq, rq->params[i].name, "is needed");
	return rc;
}

enum rc
request_parse_query(struct req *rq)
{
	enum rc rc = request_values(rq), missing;

	if (rc != RC_OK)
		return rc;
	rc = request_take_query(rq);
	missing = request_need(rq);
	return missing != RC_OK ? missing : rc;
}

const struct value *
request_value(const struct req *rq, const char *name)
{
	return &rq->values[find(rq, name)];
}
