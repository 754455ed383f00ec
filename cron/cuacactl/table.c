/* SPDX-License-Identifier: ISC
 *
 * Cells are kept until all are there, since the widest decides. LC_CTYPE has to be a UTF-8 locale.
 */
#include "table.h"

#include "base/rc.h"
#include "base/utf8.h"
#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define CELL_MAX 512
#define GAP 2

struct row {
	struct row *next;
	char *cells[TABLE_COLUMNS];
};

struct table {
	struct arena *arena;
	const struct column *columns;
	int ncolumns;
	struct row *first, *last;
	int filled; /* cells of the last row */
	bool failed;
};

struct table *
table_new(struct arena *a, int ncolumns, const struct column columns[])
{
	struct table *t = arena_alloc(a, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->arena = a;
	t->columns = columns;
	t->ncolumns = ncolumns;
	t->filled = ncolumns;
	return t;
}

static bool
begin_row(struct table *t)
{
	struct row *r = arena_alloc(t->arena, sizeof(*r));

	if (r == NULL)
		return false;
	if (t->first == NULL)
		t->first = r;
	else
		t->last->next = r;
	t->last = r;
	t->filled = 0;
	return true;
}

/* Take away what a terminal would obey. */
static void
disarm(char *s)
{
	for (; *s != '\0'; s++)
		for (size_t n = utf8_control(s); n > 0; n--)
			s[n - 1] = '?';
}

void
table_cell(struct table *t, const char *fmt, ...)
{
	char text[CELL_MAX];
	va_list ap;

	if (t == NULL || t->failed)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	disarm(text);
	t->failed = (t->filled == t->ncolumns && !begin_row(t)) ||
		    (t->last->cells[t->filled++] = arena_strdup(t->arena, text)) == NULL;
}

/* Places on the screen. What is no character, or has no width, counts as one. */
static int
width_of(const char *s)
{
	mbstate_t state = { 0 };
	size_t left = strlen(s);
	int width = 0;

	while (left > 0) {
		wchar_t c;
		size_t n = mbrtowc(&c, s, left, &state);
		int w = 1;

		if (n == (size_t)-1 || n == (size_t)-2) {
			state = (mbstate_t){ 0 };
			n = 1;
		} else if ((w = wcwidth(c)) < 0) {
			w = 1;
		}
		width += w;
		s += n;
		left -= n;
	}
	return width;
}

static const char *
cell_at(const struct row *r, int i)
{
	return r->cells[i] != NULL ? r->cells[i] : "";
}

static void
measure(const struct table *t, int widths[TABLE_COLUMNS])
{
	for (int i = 0; i < t->ncolumns; i++) {
		widths[i] = t->columns[i].title != NULL ? width_of(t->columns[i].title) : 0;
		for (const struct row *r = t->first; r != NULL; r = r->next) {
			int w = width_of(cell_at(r, i));

			if (w > widths[i])
				widths[i] = w;
		}
	}
}

/* One line. Blanks are printed when something comes behind them, so that none end it. */
static void
print_line(const struct table *t, const int widths[], const char *const texts[])
{
	int blanks = 0;

	for (int i = 0; i < t->ncolumns; i++) {
		int pad = widths[i] - width_of(texts[i]);
		bool right = t->columns[i].right;

		if (texts[i][0] != '\0') {
			printf("%*s%s", blanks + (right ? pad : 0), "", texts[i]);
			blanks = right ? 0 : pad;
		} else {
			blanks += pad;
		}
		blanks += GAP;
	}
}

static void
print_titles(const struct table *t, const int widths[])
{
	bool bold = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	const char *titles[TABLE_COLUMNS];

	for (int i = 0; i < t->ncolumns; i++)
		titles[i] = t->columns[i].title;
	if (bold)
		fputs("\033[1m", stdout);
	print_line(t, widths, titles);
	puts(bold ? "\033[0m" : "");
}

static void
print_row(const struct table *t, const int widths[], const struct row *r)
{
	const char *texts[TABLE_COLUMNS];

	for (int i = 0; i < t->ncolumns; i++)
		texts[i] = cell_at(r, i);
	print_line(t, widths, texts);
	putchar('\n');
}

int
table_print(const struct table *t)
{
	int widths[TABLE_COLUMNS];

	if (t == NULL || t->failed)
		return ctl_failed(RC_NOMEM);
	measure(t, widths);
	if (t->columns[0].title != NULL)
		print_titles(t, widths);
	for (const struct row *r = t->first; r != NULL; r = r->next)
		print_row(t, widths, r);
	return ctl_written();
}
