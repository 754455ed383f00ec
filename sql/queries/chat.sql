-- SPDX-License-Identifier: ISC
--
-- The statements of chat.fcgi, chat-archive and cuacactl about the chat; what is said at the beginning of
-- weather.sql holds here too. Rooms are named broadcast, group.<name> and private.<a>.<b>; a sanction's may be
-- "site" for all of them. What must not be older than the last change is asked of the primary, and so a "write".

-- name: user_register (write)
-- $1 name, $2 argon2id hash of the password, $3 now. Whether the name was free and now has this account; tokens of
-- that name issued before now are void.
SELECT chat_user_create($1::text, $2::text, NULL, to_timestamp($3::bigint)) AS made;

-- name: user_guest (write)
-- $1 name, $2 until when, $3 now. Whether the name was free, or a guest's whose time was over, and is now lent to
-- a guest; tokens of that name issued before now are void.
SELECT chat_user_create($1::text, NULL, to_timestamp($2::bigint), to_timestamp($3::bigint)) AS made;

-- name: user_get (write)
-- $1 name. Who that is, or no row: password_hash (NULL for guests and who logs in elsewhere), guest, admin,
-- created_at, expires_at (NULL but for guests), void_before (0: no token is), whether the user is banned from
-- the site.
SELECT password_hash, guest, admin, extract(epoch FROM created_at)::bigint AS created_at,
	extract(epoch FROM expires_at)::bigint AS expires_at,
	coalesce(extract(epoch FROM void_before)::bigint, 0) AS void_before,
	EXISTS (SELECT FROM chat_sanctions s
		WHERE s.user_name = u.name AND room = 'site' AND kind = 'ban' AND (until IS NULL OR until > now())) AS banned
FROM chat_users u
WHERE name = $1::text;

-- name: user_password (write)
-- $1 name, $2 argon2id hash of the new password, $3 the old hash, $4 the next second. Tokens issued before that are
-- void, or before a later one where some were issued ahead of time: one row, void_before; no row where the
-- password is another one by now.
UPDATE chat_users
SET password_hash = $2::text, void_before = greatest(to_timestamp($4::bigint), void_before + interval '1 second')
WHERE name = $1::text AND password_hash = $3::text
RETURNING extract(epoch FROM void_before)::bigint AS void_before;

-- name: user_rehash (write)
-- $1 name, $2 another argon2id hash of the same password, $3 the old hash. Tokens stay good.
UPDATE chat_users
SET password_hash = $2::text
WHERE name = $1::text AND password_hash = $3::text;

-- name: user_extend (write)
-- $1 name, $2 until when. A guest who is still there keeps the name until then, or longer if it was longer: the
-- name, or no row.
UPDATE chat_users
SET expires_at = greatest(expires_at, to_timestamp($2::bigint))
WHERE name = $1::text AND guest AND expires_at > now()
RETURNING name;

-- name: user_revoke (write)
-- $1 name, $2 jti, $3 when the token ends: it is void from now on.
INSERT INTO chat_revoked (user_name, jti, expires_at)
SELECT $1::text, $2::text, to_timestamp($3::bigint)
ON CONFLICT (user_name, jti) DO NOTHING;

-- name: users_list (read)
-- $1 a part of their names, '' for all, $2 after which name, '' for the first, $3 how many. Users by name: name,
-- guest, admin, created_at, expires_at (NULL but for guests), in how many groups, whether banned from the site.
SELECT name, guest, admin, extract(epoch FROM created_at)::bigint AS created_at,
	extract(epoch FROM expires_at)::bigint AS expires_at,
	(SELECT count(*) FROM chat_members WHERE user_name = name) AS groups,
	EXISTS (SELECT FROM chat_sanctions s
		WHERE s.user_name = u.name AND room = 'site' AND kind = 'ban' AND (until IS NULL OR until > now())) AS banned
FROM chat_users u
WHERE name > $2::text AND strpos(name, $1::text) > 0
ORDER BY name
LIMIT $3::integer;

-- name: user_admin (write)
-- $1 name, $2 whether to be an admin of the chat. Somebody without an account gets a row: it may be one who logs
-- in elsewhere. One row: whether the user was known here; no row for a guest.
INSERT INTO chat_users AS old (name, admin)
SELECT $1::text, $2::boolean
ON CONFLICT (name) DO UPDATE SET admin = excluded.admin
WHERE NOT old.guest
RETURNING EXISTS (SELECT FROM chat_users WHERE name = $1::text) AS known;

-- name: user_void (write)
-- $1 name, $2 the next second, $3 whether somebody of that name who logs in elsewhere has been here, who gets a row
-- then. All tokens issued before are void, or before a later second where some were issued ahead of time: the
-- name, or no row where there is no such user.
INSERT INTO chat_users AS old (name, void_before)
SELECT $1::text, to_timestamp($2::bigint)
WHERE $3::boolean OR EXISTS (SELECT FROM chat_users WHERE name = $1::text)
ON CONFLICT (name) DO UPDATE SET void_before = greatest(excluded.void_before, old.void_before + interval '1 second')
RETURNING name;

-- name: rooms_list (write)
-- $1 user, $2 after which name, '' for the first, $3 how many. Groups by name, the public ones and those the user
-- belongs to: name, title, public, owner, whether the user is a member, how many there are, created_at.
SELECT name, title, public, owner,
	EXISTS (SELECT FROM chat_members WHERE group_name = name AND user_name = $1::text) AS member,
	(SELECT count(*) FROM chat_members WHERE group_name = name) AS members,
	extract(epoch FROM created_at)::bigint AS created_at
FROM chat_groups g
WHERE deleted_at IS NULL AND name > $2::text
	AND (public OR EXISTS (SELECT FROM chat_members WHERE group_name = name AND user_name = $1::text))
ORDER BY name
LIMIT $3::integer;

-- name: rooms_all (read)
-- $1 after which name, '' for the first, $2 how many. All groups by name, for an admin: name, title, public, owner,
-- how many members, created_at.
SELECT name, title, public, owner, (SELECT count(*) FROM chat_members WHERE group_name = name) AS members,
	extract(epoch FROM created_at)::bigint AS created_at
FROM chat_groups
WHERE deleted_at IS NULL AND name > $1::text
ORDER BY name
LIMIT $2::integer;

-- name: room_create (write)
-- $1 name, $2 title, $3 public, $4 owner, who becomes a member. One row, created_at; no row where there is or was
-- a group of that name, or the owner is a guest.
WITH made AS (
	INSERT INTO chat_groups (name, title, public, owner)
	SELECT $1::text, $2::text, $3::boolean, $4::text
	WHERE NOT EXISTS (SELECT FROM chat_users WHERE name = $4::text AND guest)
	ON CONFLICT (name) DO NOTHING
	RETURNING name, owner, created_at
), first AS (
	INSERT INTO chat_members (group_name, user_name, added_by)
	SELECT name, owner, owner FROM made
)
SELECT extract(epoch FROM created_at)::bigint AS created_at
FROM made;

-- name: room_delete (write)
-- $1 name of the group. It is gone and so are its members, whose names these are: the owner's is among them, so no
-- row says that there was no such group.
WITH gone AS (
	UPDATE chat_groups SET deleted_at = now()
	WHERE name = $1::text AND deleted_at IS NULL
	RETURNING name
)
DELETE FROM chat_members
WHERE group_name IN (SELECT name FROM gone)
RETURNING user_name;

-- name: room_rights (write)
-- $1 room, $2 user. One row of what the user is in it: whether there is such a room (a private one is there only
-- for its two), it is public, the user owns it, is a member, an admin of the chat, is banned, is muted, may read
-- it. An admin is banned and muted by what is said of the whole site alone.
SELECT known, public, owner, member, admin, banned, muted, known AND NOT banned AND (public OR member) AS readable
FROM (
	SELECT CASE WHEN $1::text LIKE 'group.%' THEN g.name IS NOT NULL
			WHEN $1::text LIKE 'private.%' THEN $2::text IN (split_part($1::text, '.', 2), split_part($1::text, '.', 3))
			ELSE $1::text = 'broadcast' END AS known,
		$1::text = 'broadcast' OR coalesce(g.public, false) AS public,
		coalesce(g.owner = me, false) AS owner,
		$1::text LIKE 'private.%'
			OR EXISTS (SELECT FROM chat_members WHERE group_name = g.name AND user_name = me) AS member,
		coalesce(u.admin, false) AS admin,
		coalesce(s.banned, false) AS banned,
		coalesce(s.muted, false) AS muted
	FROM (SELECT $2::text AS me) asked
	LEFT JOIN chat_groups g ON $1::text = 'group.' || g.name AND g.name = split_part($1::text, '.', 2) AND g.deleted_at IS NULL
	LEFT JOIN chat_users u ON u.name = me
	CROSS JOIN LATERAL (
		SELECT bool_or(kind = 'ban') AS banned, bool_or(kind = 'mute') AS muted
		FROM chat_sanctions
		WHERE user_name = me AND (room = 'site' OR (room = $1::text AND u.admin IS NOT TRUE)) AND (until IS NULL OR until > now())
	) s
) r;

-- name: members_list (write)
-- $1 name of a group, $2 after which user, '' for the first, $3 how many. Its members by name: user_name, added_by,
-- added_at, whether it is the owner.
SELECT user_name, added_by, extract(epoch FROM added_at)::bigint AS added_at, user_name = owner AS owner
FROM chat_members
JOIN chat_groups ON name = group_name
WHERE group_name = $1::text AND user_name > $2::text
ORDER BY user_name
LIMIT $3::integer;

-- name: member_add (write)
-- $1 name of a group, $2 user, $3 who adds. One row: whether the user is new there; no row where there is no such
-- group.
WITH there AS (
	SELECT name FROM chat_groups WHERE name = $1::text AND deleted_at IS NULL
	FOR SHARE
), added AS (
	INSERT INTO chat_members (group_name, user_name, added_by)
	SELECT name, $2::text, $3::text FROM there
	ON CONFLICT (group_name, user_name) DO NOTHING
	RETURNING user_name
)
SELECT EXISTS (SELECT FROM added) AS added
FROM there;

-- name: member_remove (write)
-- $1 name of a group, $2 user. The user's name, or no row for who isn't a member, or owns it and stays.
DELETE FROM chat_members
WHERE group_name = $1::text AND user_name = $2::text
	AND NOT EXISTS (SELECT FROM chat_groups WHERE name = group_name AND owner = user_name)
RETURNING user_name;

-- name: sanction_set (write)
-- $1 user, $2 room or "site", $3 "mute" or "ban", $4 until when (0: without end), $5 reason or NULL, $6 who says so,
-- $7 when it was said, in UNIX ms: the sent_at of the event that the log has of it. Whether it was done; not when
-- something later was said already.
SELECT chat_sanction($1::text, $2::text, $3::text, to_timestamp(nullif($4::bigint, 0)), $5::text, $6::text,
	chat_time($7::bigint)) AS done;

-- name: sanction_lift (write)
-- $1 user, $2 room or "site", $3 "mute" or "ban", $4 who says so, $5 when it was said, in UNIX ms. Whether it was
-- done; not when something later was said already. Also done where there is nothing to lift: a mute or ban that
-- is still on its way through the log has no effect then.
SELECT chat_sanction($1::text, $2::text, $3::text, chat_time($5::numeric), NULL, $4::text, chat_time($5::numeric)) AS done;

-- name: sanctions_list (write)
-- $1 room or "site", $2 how many. Mutes and bans in force, the newest first: user_name, room, kind, until (NULL: without
-- end), reason or NULL, by, created_at.
SELECT user_name, room, kind, ceil(extract(epoch FROM until))::bigint AS until, reason, by,
	extract(epoch FROM date_trunc('second', created_at))::bigint AS created_at
FROM chat_sanctions s
WHERE room = $1::text AND (until IS NULL OR until > now())
ORDER BY s.created_at DESC, user_name, kind
LIMIT $2::integer;

-- name: sanctions_all (write)
-- $1 how many. The same of all rooms and the site.
SELECT user_name, room, kind, ceil(extract(epoch FROM until))::bigint AS until, reason, by,
	extract(epoch FROM date_trunc('second', created_at))::bigint AS created_at
FROM chat_sanctions s
WHERE until IS NULL OR until > now()
ORDER BY s.created_at DESC, user_name, kind
LIMIT $1::integer;

-- name: history_before (read)
-- $1 room, $2 epoch, $3 seq, $4 user who reads, $5 since, $6 how many. What was said before that place, the newest
-- first; in the newest log where $2 is NULL, from its end where $3 is. Of a private conversation nothing from
-- before $5 (a guest's "since"; NULL: no bound), nor from before the reader's account.
-- Columns: epoch, seq, kind, username, body (NULL when deleted, and for other kinds than "message"), mid, sent_at and
-- edited_at (NULL when never) in UNIX ms, deleted; for mute, unmute, ban and unban about_user, until (NULL: without
-- end) and site; archived, <epoch>-<seq>, up to where the log is in the archive (NULL: nothing is). Where nothing is
-- found, one row tells that, with NULL in all others.
SELECT h.*, archived
FROM chat_archived() AS archived
LEFT JOIN (
	SELECT epoch, seq, kind, username, body, mid, chat_ms(sent_at) AS sent_at, chat_ms(edited_at) AS edited_at, deleted,
		about_user, extract(epoch FROM date_trunc('second', until))::bigint AS until, site
	FROM chat_history h
	WHERE room = $1::text AND h.sent_at >= (SELECT chat_since($1::text, $4::text, $5::bigint))
		AND (epoch, seq) < (
			coalesce($2::bigint, CASE WHEN $3::bigint IS NULL THEN 9223372036854775807 ELSE (SELECT a.epoch FROM chat_archive a) END),
			coalesce($3::bigint, 9223372036854775807))
	ORDER BY epoch DESC, seq DESC
	LIMIT $6::integer
) h ON true
ORDER BY epoch DESC, seq DESC;

-- name: history_after (read)
-- The same arguments and columns, $3 not NULL. What was said after that place, the oldest first, later logs included.
SELECT h.*, archived
FROM chat_archived() AS archived
LEFT JOIN (
	SELECT epoch, seq, kind, username, body, mid, chat_ms(sent_at) AS sent_at, chat_ms(edited_at) AS edited_at, deleted,
		about_user, extract(epoch FROM date_trunc('second', until))::bigint AS until, site
	FROM chat_history h
	WHERE room = $1::text AND h.sent_at >= (SELECT chat_since($1::text, $4::text, $5::bigint))
		AND (epoch, seq) > (coalesce($2::bigint, (SELECT a.epoch FROM chat_archive a)), $3::bigint)
	ORDER BY epoch, seq
	LIMIT $6::integer
) h ON true
ORDER BY epoch, seq;

-- name: search_before (read)
-- $1 to $6 as history_before, $7 what to look for. The messages before that place that have the words, or Indonesian
-- ones of the same stem, the newest first; the same columns. All that match are found first, by their index, and only
-- then put in order: an index in that order would have to go through a room to its beginning for a rare word.
WITH found AS MATERIALIZED (
	SELECT epoch, seq, sent_at
	FROM chat_messages
	WHERE room = $1::text AND chat_words(coalesce(edited_body, body)) @@ chat_query($7::text)
		AND kind = 'message' AND deleted_at IS NULL
		AND sent_at >= (SELECT chat_since($1::text, $4::text, $5::bigint))
		AND (epoch, seq) < (
			coalesce($2::bigint, CASE WHEN $3::bigint IS NULL THEN 9223372036854775807 ELSE (SELECT a.epoch FROM chat_archive a) END),
			coalesce($3::bigint, 9223372036854775807))
), page AS (
	SELECT * FROM found ORDER BY epoch DESC, seq DESC LIMIT $6::integer
)
SELECT h.*, archived
FROM chat_archived() AS archived
LEFT JOIN (
	SELECT epoch, seq, kind, username, body, mid, chat_ms(sent_at) AS sent_at, chat_ms(edited_at) AS edited_at, deleted,
		about_user, extract(epoch FROM date_trunc('second', until))::bigint AS until, site
	FROM page
	JOIN chat_history h USING (epoch, seq, sent_at)
) h ON true
ORDER BY epoch DESC, seq DESC;

-- name: search_after (read)
-- The same arguments and columns, $3 not NULL. Those after that place, the oldest first.
WITH found AS MATERIALIZED (
	SELECT epoch, seq, sent_at
	FROM chat_messages
	WHERE room = $1::text AND chat_words(coalesce(edited_body, body)) @@ chat_query($7::text)
		AND kind = 'message' AND deleted_at IS NULL
		AND sent_at >= (SELECT chat_since($1::text, $4::text, $5::bigint))
		AND (epoch, seq) > (coalesce($2::bigint, (SELECT a.epoch FROM chat_archive a)), $3::bigint)
), page AS (
	SELECT * FROM found ORDER BY epoch, seq LIMIT $6::integer
)
SELECT h.*, archived
FROM chat_archived() AS archived
LEFT JOIN (
	SELECT epoch, seq, kind, username, body, mid, chat_ms(sent_at) AS sent_at, chat_ms(edited_at) AS edited_at, deleted,
		about_user, extract(epoch FROM date_trunc('second', until))::bigint AS until, site
	FROM page
	JOIN chat_history h USING (epoch, seq, sent_at)
) h ON true
ORDER BY epoch, seq;

-- name: conversations (read)
-- $1 user, $2 since, $3 epoch, $4 seq, $5 how many. The private conversations of the user whose newest message is
-- before that place (NULL: all), the newest first; none in which that is from before $2, or from before the user's
-- account. The columns of history_before, of that message, and partner.
SELECT epoch, seq, kind, username, body, mid, sent_at, edited_at, deleted, about_user, until, site, archived, partner
FROM chat_archived() AS archived
LEFT JOIN (
	SELECT epoch, seq, kind, h.username, body, mid, chat_ms(sent_at) AS sent_at, chat_ms(edited_at) AS edited_at, deleted,
		about_user, extract(epoch FROM date_trunc('second', until))::bigint AS until, site, partner
	FROM (
		SELECT epoch, seq, sent_at, partner
		FROM chat_conversations c
		WHERE username = $1::text AND c.sent_at >= (SELECT chat_since('private.', $1::text, $2::bigint))
			AND (epoch, seq) < (
				coalesce($3::bigint, CASE WHEN $4::bigint IS NULL THEN 9223372036854775807 ELSE (SELECT a.epoch FROM chat_archive a) END),
				coalesce($4::bigint, 9223372036854775807))
		ORDER BY epoch DESC, seq DESC
		LIMIT $5::integer
	) page
	JOIN chat_history h USING (epoch, seq, sent_at)
) h ON true
ORDER BY epoch DESC, seq DESC;

-- name: history_user (read)
-- $1 user, $2 before when in UNIX ms, $3 how many. What somebody has said lately but in private, for who moderates,
-- the newest first: sent_at in UNIX ms, room, epoch, seq, body (as it was, if deleted), whether it was deleted.
SELECT chat_ms(sent_at) AS sent_at, room, epoch, seq, coalesce(edited_body, body) AS body, deleted_at IS NOT NULL AS deleted
FROM chat_messages m
WHERE username = $1::text AND m.sent_at < chat_time($2::numeric) AND kind = 'message' AND room NOT LIKE 'private.%'
ORDER BY m.sent_at DESC, epoch DESC, seq DESC
LIMIT $3::integer;

-- name: mirror_user (write)
-- $1 name. One row: what Redis is to have under chat:user:<name>, JSON, or NULL: nothing.
SELECT chat_user_state($1::text) AS state;

-- name: mirror_group (write)
-- $1 name. One row: what Redis is to have under chat:group:<name>, JSON, or NULL: nothing.
SELECT chat_group_state($1::text) AS state;

-- name: mirror_users (write)
-- $1 changed within how many seconds, 0 for all; $2 after which name, '' for the first, $3 how many. By name: name,
-- and state as above.
SELECT name, chat_user_state(name) AS state
FROM chat_touched
WHERE what = 'user' AND at >= CASE $1::integer WHEN 0 THEN '-infinity' ELSE now() - make_interval(secs => $1::integer) END
	AND name > $2::text
ORDER BY name
LIMIT $3::integer;

-- name: mirror_groups (write)
-- The same of groups.
SELECT name, chat_group_state(name) AS state
FROM chat_touched
WHERE what = 'group' AND at >= CASE $1::integer WHEN 0 THEN '-infinity' ELSE now() - make_interval(secs => $1::integer) END
	AND name > $2::text
ORDER BY name
LIMIT $3::integer;

-- name: archive_lease (write)
-- $1 archiver, a text of its own choice, $2 for how many seconds, $3 epoch and $4 last seq of the log as it is now.
-- It is this archiver's turn from now on, for so long, if it was before or nobody's: one row, epoch and seq up to
-- which the log is archived (seq 0 where its epoch is a new one); no row when it is another's turn. Give it back
-- by 0 seconds.
UPDATE chat_archive
SET holder = $1::text, held_until = now() + make_interval(secs => $2::integer), seen_at = now(), stream_seq = $4::bigint,
	epoch = greatest(epoch, $3::bigint), seq = CASE WHEN epoch < $3::bigint THEN 0 ELSE seq END
WHERE holder = $1::text OR held_until <= now()
RETURNING epoch, seq;

-- name: archive_store (write)
-- $1 archiver, $2 epoch, $3 seq up to which the log is archived with this batch (of its last event, or of a later one
-- that can't be read), $4 the batch, in the log's order: [{"seq":1,"room":"…","event":{as the log has it}},…]. All or
-- nothing, and what was stored before is passed over. One row: how many were new; NULL, and nothing done, when
-- it is another archiver's turn.
SELECT chat_archive_store($1::text, $2::bigint, $3::bigint, $4::jsonb) AS stored;

-- name: archive_event (write)
-- $1 epoch, $2 seq; $3 who sent an event, $4 the sender's own id of it, $5 when, in UNIX ms. Whether that is the one
-- which is archived there; no row where none is.
SELECT username = $3::text AND mid IS NOT DISTINCT FROM $4::text AND sent_at = chat_time($5::numeric)::timestamptz(3) AS same
FROM chat_messages
WHERE epoch = chat_epoch_at($1::bigint, $2::bigint) AND seq = $2::bigint;

-- name: archive_renew (write)
-- $1 new epoch of the log, $2 the one before, $3 up to which place both are the same.
INSERT INTO chat_epochs (epoch, previous, common)
SELECT $1::bigint, $2::bigint, $3::bigint;

-- name: archive_upkeep (write)
-- $1 how many days messages are kept; 0 is for ever. Once a day. One row: how many messages got a month of their own,
-- how many months were dropped.
SELECT moved, dropped
FROM chat_upkeep($1::integer);

-- name: archive_status (read)
-- One row: epoch, and seq up to which that log is archived, how many events wait for it, when something was last
-- archived, and when the archiver last looked, each NULL when never; when the last message was sent, NULL when
-- never, and how many of the last hour there are.
SELECT epoch, seq, greatest(stream_seq - seq, 0) AS lag,
	extract(epoch FROM date_trunc('second', archived_at))::bigint AS archived_at,
	extract(epoch FROM date_trunc('second', seen_at))::bigint AS seen_at,
	(SELECT extract(epoch FROM date_trunc('second', max(sent_at)))::bigint FROM chat_messages) AS sent_at,
	(SELECT count(*) FROM chat_messages WHERE sent_at > now() - interval '1 hour') AS last_hour
FROM chat_archive;
