/* SPDX-License-Identifier: ISC
 *
 * One HTTP request as a handler sees it: matched, its parameters typed and checked.
 */
#ifndef CUACA_REQUEST_H
#define CUACA_REQUEST_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum method { M_GET, M_HEAD, M_OPTIONS, M_OTHER };

enum param_type {
	PT_TEXT, /* min to max characters */
	PT_LIST, /* texts separated by commas, at most max of them */
	PT_INT, /* min to max */
	PT_LAT, /* degrees, -90 to 90 */
	PT_LON, /* degrees, -180 to 180 */
	PT_POINT, /* latitude,longitude */
	PT_CHOICE, /* one of choices */
	PT_TIME /* RFC 3339, or a date, which is its midnight in UTC */
};

struct param {
	const char *name;
	enum param_type type;
	bool need;
	int64_t min, max;
	const char *const *choices; /* PT_CHOICE: ended by NULL; the first stands for none given */
};

/* A parameter's value; the members that its type fills. */
struct value {
	bool given;
	const char *text; /* PT_TEXT */
	int64_t i; /* PT_INT; PT_CHOICE: which; PT_TIME: UNIX seconds */
	double num, lon; /* PT_LAT and PT_LON: num; PT_POINT: num is the latitude */
	const char **list; /* PT_LIST */
	int n; /* PT_LIST: how many */
};

/* What is wrong with one parameter. */
struct bad_param {
	const char *name, *detail;
	struct bad_param *next;
};

/* How the request stands against its client's limit; see web/limit.h. */
struct limit_state {
	bool counted;
	bool over; /* refused */
	int64_t rate; /* requests a second; 0: there is no limit, or Redis is away */
	int64_t left; /* how many more may come now */
	int64_t reset; /* seconds until the whole burst may come again; over: until one may */
};

struct limiter;

struct req {
	struct arena *arena; /* reset after the answer is sent */
	struct deadline deadline;
	const char *id; /* X-Request-Id */
	enum method method;
	const char *path; /* decoded; NULL where it is not UTF-8 */
	const char *query; /* as it came; "" for none */
	const char *if_none_match; /* NULL: not sent */
	const char *accept_language; /* NULL: not sent */
	const char *address; /* the client's */
	const char *api_key; /* X-API-Key or Authorization: Bearer; NULL: not sent */
	const char *rest; /* what stands for the {…} of the route's path; NULL without one */
	const struct param *params; /* the route's */
	struct value *values; /* one for each of them */
	struct bad_param *bad;
	const struct limiter *limiter; /* NULL: this program limits nobody */
	const char *limit_class; /* the route's; NULL: it is not limited */
	struct limit_state limit;
	void *app; /* the program's own */
};

/* Read a query string into rq->values by rq->params, which end with a NULL name. RC_INVALID: rq->bad names each
 * parameter that is unknown, repeated, empty, missing or ill-typed. */
enum rc request_parse_query(struct req *rq);

/* Decode %XX, and + where plus_is_space. NULL where an escape is broken, the text holds a NUL or is not UTF-8,
 * or without memory. */
char *request_decode(struct arena *a, const char *s, size_t len, bool plus_is_space);

/* Note that the parameter cannot be used as it is. Returns RC_INVALID for the handler to return. */
enum rc request_reject(struct req *rq, const char *name, const char *detail);

/* The value of one of the route's parameters. */
const struct value *request_value(const struct req *rq, const char *name);

#endif
