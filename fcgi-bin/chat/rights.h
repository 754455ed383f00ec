/* SPDX-License-Identifier: ISC
 *
 * What somebody may do in a room. PostgreSQL is asked: a right that was taken a moment ago is gone.
 */
#ifndef CUACA_RIGHTS_H
#define CUACA_RIGHTS_H

#include "chat/room.h"
#include "web/request.h"

struct rights {
	bool public; /* anybody may come in */
	bool owner; /* who asks owns it */
	bool member; /* belongs to it, or is one of the two */
	bool admin; /* moderates all rooms */
};

/* What who asks may do in the room. RC_NOTFOUND where there is no such room, RC_DENIED where he is banned from it. */
enum rc rights_read(struct req *rq, const struct room *room, struct rights *out);

/* The same for the group that the path names. */
enum rc rights_of_path(struct req *rq, struct room *room, struct rights *out);

/* RC_DENIED unless he may read what is said there; unless he owns the group or is an admin. */
enum rc rights_to_read(struct req *rq, const struct rights *r);
enum rc rights_to_moderate(struct req *rq, const struct rights *r);

#endif
