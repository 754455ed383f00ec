/* SPDX-License-Identifier: ISC
 *
 * What a column's type means, in a table and in JSON.
 */
#include "list.h"

#include "base/clock.h"
#include "base/jsonw.h"
#include "format.h"
#include "table.h"

static void
put_cell(struct table *t, const struct db_rows *rows, int i, int c, enum list_type type)
{
	const char *text = db_text(rows, i, c);
	char time[FORMAT_TEXT];

	if (text == NULL)
		table_cell(t, "-");
	else if (type == LIST_TIME || type == LIST_TIME_MS)
		table_cell(t, "%s",
		    format_time(db_int(rows, i, c) / (type == LIST_TIME ? 1 : 1000), time));
	else if (type == LIST_BOOL)
		table_cell(t, "%s", db_bool(rows, i, c) ? "yes" : "no");
	else
		table_cell(t, "%s", text);
}

static int
print_table(struct ctl *ctl, const struct db_rows *rows, const struct list_column columns[])
{
	struct column heads[TABLE_COLUMNS] = { { 0 } };
	struct table *t;
	int n = 0;

	for (const struct list_column *c = columns; c->name != NULL; c++)
		if (c->title != NULL)
			heads[n++] = (struct column){ c->title, c->type == LIST_INT };
	t = table_new(ctl->arena, n, heads);
	for (int i = 0; i < rows->n; i++)
		for (int c = 0; columns[c].name != NULL; c++)
			if (columns[c].title != NULL)
				put_cell(t, rows, i, c, columns[c].type);
	return table_print(t);
}

static void
put_member(struct jsonw *w, const char *name, const struct db_rows *rows, int i, int c,
    enum list_type type)
{
	if (db_text(rows, i, c) == NULL || type == LIST_TEXT)
		jsonw_string(w, name, db_text(rows, i, c));
	else if (type == LIST_INT)
		jsonw_int(w, name, db_int(rows, i, c));
	else if (type == LIST_BOOL)
		jsonw_bool(w, name, db_bool(rows, i, c));
	else if (type == LIST_TIME)
		jsonw_time(w, name, db_int(rows, i, c));
	else
		jsonw_time_ms(w, name, db_int(rows, i, c));
}

static int
print_json(const struct db_rows *rows, const struct list_column columns[])
{
	struct buf out = BUF_INIT(CTL_OUTPUT_MAX);
	struct jsonw w = JSONW_INIT(&out);

	jsonw_object(&w, NULL);
	jsonw_array(&w, "items");
	for (int i = 0; i < rows->n; i++) {
		jsonw_object(&w, NULL);
		for (int c = 0; columns[c].name != NULL; c++)
			put_member(&w, columns[c].name, rows, i, c, columns[c].type);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	jsonw_end(&w);
	return ctl_print(&out);
}

int
list_print(struct ctl *ctl, const struct db_rows *rows, const struct list_column columns[])
{
	return (ctl->options & OPT_JSON) != 0 ? print_json(rows, columns)
					      : print_table(ctl, rows, columns);
}
