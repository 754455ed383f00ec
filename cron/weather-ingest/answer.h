/* SPDX-License-Identifier: ISC
 *
 * What the checks of current weather, forecasts and the past have in common. The detail of a refusal goes into the
 * buffer that each function is given.
 */
#ifndef CUACA_INGEST_ANSWER_H
#define CUACA_INGEST_ANSWER_H

#include "check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

/* Returns why, so that a refusal is one statement. */
enum refusal answer_refuse(char detail[CHECK_DETAIL], enum refusal why, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The body as a tree for cJSON_Delete(); NULL where it is not JSON from the first byte to the last. */
struct cJSON *answer_parse(const char *body, size_t len);

/* The body of a 200 that answers n places: an object for one, an array for several. On REFUSAL_NONE *root is for
 * cJSON_Delete(), otherwise NULL. */
enum refusal answer_open(
    const char *body, size_t len, int n, struct cJSON **root, char detail[CHECK_DETAIL]);

/* Whether e is an object about the place asked for. */
enum refusal answer_place(
    const struct cJSON *e, const struct asked *asked, char detail[CHECK_DETAIL]);

/* What an error object says; REFUSAL_NONE where e is none. */
enum refusal answer_error(const struct cJSON *e, char detail[CHECK_DETAIL]);

/* The reason's first words tell which limit it was; none of them: REFUSAL_NONE. */
enum refusal answer_limit(const char *reason);

/* The member called name. NULL where object is none, has none or, since nobody could say which counts, several. */
const struct cJSON *answer_member(const struct cJSON *object, const char *name);

/* Whether the unit of name is the expected one. */
enum refusal answer_unit(
    const struct cJSON *units, const char *name, const char *expected, char detail[CHECK_DETAIL]);

/* The whole number called name, of min to max. */
bool answer_whole(
    const struct cJSON *object, const char *name, double min, double max, int64_t *out);

/* v as a value of the quantity, rounded to its decimals; NAN where it is null. */
enum refusal answer_number(const struct cJSON *v, const struct quantity_info *info, double *out,
    char detail[CHECK_DETAIL]);

#endif
