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

enum method { M_GET, M_HEAD, M_POST, M_DELETE, M_OPTIONS, M_OTHER };

enum param_type {
	PT_TEXT, /* min to max characters */
	PT_LIST, /* texts separated by commas, at most max of them */
	PT_INT, /* min to max */
	PT_LAT, /* degrees, -90 to 90 */
	PT_LON, /* degrees, -180 to 180 */
	PT_POINT, /* latitude,longitude */
	PT_CHOICE, /* one of choices */
	PT_BOOL, /* true or false */
	PT_TIME /* RFC 3339, or a date, which is its midnight in UTC */
};

struct param {
	const char *name;
	enum param_type type;
	bool need;
	int64_t min, max;
	const char *const *choices; /* PT_CHOICE: ended by NULL; the first stands for none given */
	const char
	    *only; /* PT_TEXT: the characters it may have; NULL: all but control characters */
};

/* A parameter's value; the members that its type fills. */
struct value {
	bool given;
	const char *text; /* PT_TEXT */
	int64_t i; /* PT_INT; PT_CHOICE: which; PT_BOOL: 0 or 1; PT_TIME: UNIX seconds */
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
struct req;

/* Read exactly len bytes of the request's body. False where they did not come before the request's deadline. */
typedef bool body_reader(const struct req *rq, char *to, size_t len);

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
	const char *token; /* Authorization: Bearer of a program that has a guard; NULL: not sent */
	const char *segment; /* what stands for the {…} of the route's path; NULL without one */
	const char *content_type; /* of the body; NULL: not sent */
	int64_t content_length; /* of the body; 0: there is none */
	body_reader *read_body;
	void *connection; /* what read_body reads from */
	const struct param *params; /* the route's */
	struct value *values; /* one for each of them */
	struct bad_param *bad;
	const struct limiter *limiter; /* NULL: this program limits nobody */
	const char *limit_class; /* the route's; NULL: it is not limited */
	struct limit_state limit;
	const char *why; /* of request_refuse(); NULL: the result says it all */
	bool guarded; /* the route is not for anyone */
	const char
	    *denied; /* after RC_DENIED: what is wrong with the token; NULL: none was shown */
	const void *user; /* whose token it is, the program's own; NULL: nobody was asked for one */
	void *app; /* the program's own */
};

/* Read a query string into rq->values by rq->params, which end with a NULL name. RC_INVALID: rq->bad names each
 * parameter that is unknown, repeated, empty, missing or ill-typed. */
enum rc request_parse_query(struct req *rq);

/* The same in steps, for values that come from elsewhere as well: make room; take the pairs of the query; take one
 * value as text, NULL where it could not be decoded; see that none is missing. */
enum rc request_values(struct req *rq);
enum rc request_take_query(struct req *rq);
enum rc request_take(struct req *rq, const char *name, char *text);
enum rc request_need(struct req *rq);

/* Which of the route's parameters it is; NULL: none. */
const struct param *request_param(const struct req *rq, const char *name);

/* Decode %XX, and + where plus_is_space. NULL where an escape is broken, the text holds a NUL or is not UTF-8,
 * or without memory. */
char *request_decode(struct arena *a, const char *s, size_t len, bool plus_is_space);

/* Note that the parameter cannot be used as it is. Returns RC_INVALID for the handler to return. */
enum rc request_reject(struct req *rq, const char *name, const char *detail);

/* Say why there is no such thing (RC_NOTFOUND, 404), why the client may not (RC_DENIED, 403) or what is in the way
 * (RC_CONFLICT, 409). Returns rc for the handler to return. */
enum rc request_refuse(struct req *rq, enum rc rc, const char *why);

/* The value of one of the route's parameters. */
const struct value *request_value(const struct req *rq, const char *name);

#endif
