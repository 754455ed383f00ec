/* SPDX-License-Identifier: ISC
 *
 * What was said, as answers have it: a page of items of the log, where the next page begins, and how far the archive,
 * which they are from, has got.
 */
#ifndef CUACA_ITEMS_H
#define CUACA_ITEMS_H

#include "base/jsonw.h"
#include "drivers/db.h"
#include "web/request.h"

#define ITEMS_DEFAULT 50 /* on a page */

#define ITEM_COLUMNS 13 /* of the queries; what one has beside them comes after these */

/* A place in the log, as the queries take it. */
struct place {
	const char *epoch; /* NULL: of the log as it is now */
	const char *seq; /* NULL: no place */
};

/* Read a parameter: "41", or "<epoch>-41" as next has it. RC_INVALID, and rejected, where it is neither. */
enum rc place_read(struct req *rq, const char *name, struct place *out);

/* How many items were asked for: the parameter limit. The queries are asked for one more. */
int items_limit(const struct req *rq);

/* Whether row i is an item, and there is room for it on the page. */
bool items_fits(const struct jsonw *w, const struct db_rows *rows, int i, int limit);

/* Write row i as an object, a member of this name or (NULL) an element. */
void items_put(
    struct jsonw *w, const char *name, const char *room, const struct db_rows *rows, int i);

/* Write the members next and archived, after n of the rows. */
void items_end(struct jsonw *w, struct arena *a, const struct db_rows *rows, int n);

#endif
