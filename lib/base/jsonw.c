/* SPDX-License-Identifier: ISC
 *
 * RFC 8259. Too deep a nesting fails the buf, like an overflow.
 */
#include "base/jsonw.h"

#include "base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void
put_string(struct buf *b, const char *s)
{
	const char *run = s;

	buf_addc(b, '"');
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(b, run, (size_t)(s - run));
		if (c < 0x20)
			buf_printf(b, "\\u%04x", c);
		else
			buf_printf(b, "\\%c", c);
		run = s + 1;
	}
	buf_add(b, run, (size_t)(s - run));
	buf_addc(b, '"');
}

/* The comma and the name that come before a value. */
static void
before(struct jsonw *w, const char *name)
{
	if (w->comma)
		buf_addc(w->out, ',');
	w->comma = true;
	if (name != NULL) {
		put_string(w->out, name);
		buf_addc(w->out, ':');
	}
}

static void
open_level(struct jsonw *w, const char *name, const char *brackets)
{
	before(w, name);
	if (w->depth == JSONW_DEPTH) {
		w->out->failed = true;
		return;
	}
	buf_addc(w->out, brackets[0]);
	w->close[w->depth++] = brackets[1];
	w->comma = false;
}

void
jsonw_object(struct jsonw *w, const char *name)
{
	open_level(w, name, "{}");
}

void
jsonw_array(struct jsonw *w, const char *name)
{
	open_level(w, name, "[]");
}

void
jsonw_end(struct jsonw *w)
{
	if (w->depth > 0)
		buf_addc(w->out, w->close[--w->depth]);
	w->comma = true;
}

void
jsonw_string(struct jsonw *w, const char *name, const char *s)
{
	before(w, name);
	if (s == NULL)
		buf_adds(w->out, "null");
	else
		put_string(w->out, s);
}

void
jsonw_int(struct jsonw *w, const char *name, int64_t v)
{
	before(w, name);
	buf_printf(w->out, "%" PRId64, v);
}

void
jsonw_bool(struct jsonw *w, const char *name, bool v)
{
	before(w, name);
	buf_adds(w->out, v ? "true" : "false");
}

void
jsonw_num(struct jsonw *w, const char *name, double v, int decimals)
{
	char text[352]; /* DBL_MAX has 309 digits before the point */
	int len;

	before(w, name);
	if (!isfinite(v)) {
		buf_adds(w->out, "null");
		return;
	}
	len = snprintf(text, sizeof(text), "%.*f", decimals, v);
	while (text[len - 1] == '0' && text[len - 2] != '.')
		len--;
	if (strspn(text, "-0.") >= (size_t)len && text[0] == '-') /* -0.0 */
		buf_add(w->out, text + 1, (size_t)len - 1);
	else
		buf_add(w->out, text, (size_t)len);
}

void
jsonw_time(struct jsonw *w, const char *name, int64_t unix_s)
{
	char text[CLOCK_TEXT];

	jsonw_string(w, name, clock_format(unix_s, text));
}

void
jsonw_time_ms(struct jsonw *w, const char *name, int64_t unix_ms)
{
	char text[CLOCK_TEXT];

	jsonw_string(w, name, clock_format_ms(unix_ms, text));
}

void
jsonw_raw(struct jsonw *w, const char *name, const char *json, size_t len)
{
	before(w, name);
	buf_add(w->out, json, len);
}
