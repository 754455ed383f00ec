-- SPDX-License-Identifier: ISC
--
-- Who may chat, and where: accounts, groups and their members, sanctions, and tokens that were taken back. Redis
-- mirrors all of it for the handlers, user by user and group by group; whatever changes is noted in chat_touched,
-- so that a mirror that missed a change can be put right.
--
-- Tokens may be made by another program for people who are not in chat_users: groups, members and sanctions hold
-- names, not references to it.

SET LOCAL ROLE cuaca_owner;

CREATE DOMAIN chat_name AS text COLLATE "C" CHECK (VALUE ~ '^[a-z0-9_-]{3,32}$');
COMMENT ON DOMAIN chat_name IS 'Name of a user or a group';

CREATE TABLE chat_users (
	name		chat_name PRIMARY KEY,
	password_hash	text CHECK (password_hash LIKE '$argon2id$%'),
	guest		boolean NOT NULL DEFAULT false,
	admin		boolean NOT NULL DEFAULT false,
	created_at	timestamptz(0) NOT NULL DEFAULT now(),
	expires_at	timestamptz(0),
	void_before	timestamptz(0),
	CONSTRAINT chat_users_guest CHECK (CASE WHEN guest THEN expires_at IS NOT NULL AND password_hash IS NULL AND NOT admin
		ELSE expires_at IS NULL END)
);
COMMENT ON TABLE chat_users IS 'Accounts: registered ones, guests, and what is to be known here of people who log in elsewhere';
COMMENT ON COLUMN chat_users.name IS 'Name of the user';
COMMENT ON COLUMN chat_users.password_hash IS 'Of the password, by argon2id, as libsodium writes it; NULL for guests and for who logs in elsewhere';
COMMENT ON COLUMN chat_users.guest IS 'Whether the name is only lent, until expires_at';
COMMENT ON COLUMN chat_users.admin IS 'Whether the user moderates every room';
COMMENT ON COLUMN chat_users.created_at IS 'When the account was made (UTC). What was said to that name before was said to somebody else';
COMMENT ON COLUMN chat_users.expires_at IS 'When somebody else may have a guest''s name (UTC); NULL for all others';
COMMENT ON COLUMN chat_users.void_before IS 'Tokens that were issued before are void (UTC); NULL when none is';

CREATE TABLE chat_groups (
	name		chat_name PRIMARY KEY,
	title		text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 100),
	public		boolean NOT NULL,
	owner		chat_name NOT NULL,
	created_at	timestamptz(0) NOT NULL DEFAULT now(),
	deleted_at	timestamptz(0)
);
COMMENT ON TABLE chat_groups IS 'Groups; deleted ones stay, so that nobody inherits what was said there';
COMMENT ON COLUMN chat_groups.name IS 'Name of the group; the room is group.<name>';
COMMENT ON COLUMN chat_groups.title IS 'What people see';
COMMENT ON COLUMN chat_groups.public IS 'Whether anybody may come in; otherwise only members';
COMMENT ON COLUMN chat_groups.owner IS 'Who made it and moderates it; always a member';
COMMENT ON COLUMN chat_groups.created_at IS 'When it was made (UTC)';
COMMENT ON COLUMN chat_groups.deleted_at IS 'When it was deleted (UTC), NULL while it is there';
CREATE INDEX chat_groups_owner ON chat_groups (owner) WHERE deleted_at IS NULL;

CREATE TABLE chat_members (
	group_name	chat_name NOT NULL REFERENCES chat_groups,
	user_name	chat_name NOT NULL,
	added_by	chat_name NOT NULL,
	added_at	timestamptz(0) NOT NULL DEFAULT now(),
	PRIMARY KEY (group_name, user_name)
);
COMMENT ON TABLE chat_members IS 'Who belongs to which group; a deleted group has no members';
COMMENT ON COLUMN chat_members.group_name IS 'The group: chat_groups.name';
COMMENT ON COLUMN chat_members.user_name IS 'Name of the user';
COMMENT ON COLUMN chat_members.added_by IS 'Name of who added the user';
COMMENT ON COLUMN chat_members.added_at IS 'When (UTC)';
CREATE INDEX chat_members_user ON chat_members (user_name);

-- The last word on each matter, also when it was to let the user go: an older one may still be on its way
-- through the log, and must not come back then.
CREATE TABLE chat_sanctions (
	user_name	chat_name NOT NULL,
	room		text COLLATE "C" NOT NULL CHECK (room ~ '^(site|broadcast|group\.[a-z0-9_-]{3,32}|private\.[a-z0-9_-]{3,32}\.[a-z0-9_-]{3,32})$'),
	kind		text NOT NULL CHECK (kind IN ('mute', 'ban')),
	until		timestamptz(3),
	reason		text CHECK (reason <> ''),
	by		text NOT NULL,
	created_at	timestamptz(3) NOT NULL,
	PRIMARY KEY (user_name, room, kind)
);
COMMENT ON TABLE chat_sanctions IS 'Who may not write (mute) or not be there at all (ban); in force until "until"';
COMMENT ON COLUMN chat_sanctions.user_name IS 'Name of the user';
COMMENT ON COLUMN chat_sanctions.room IS 'The room, or "site" for all of them';
COMMENT ON COLUMN chat_sanctions.kind IS '"mute" or "ban"';
COMMENT ON COLUMN chat_sanctions.until IS 'When it ends, or was ended (UTC); NULL: without end';
COMMENT ON COLUMN chat_sanctions.reason IS 'Why, in words; NULL when none was given';
COMMENT ON COLUMN chat_sanctions.by IS 'Who said so: name of a user, or of a program';
COMMENT ON COLUMN chat_sanctions.created_at IS 'When it was said (UTC, to the millisecond)';
CREATE INDEX chat_sanctions_room ON chat_sanctions (room, created_at);

CREATE TABLE chat_revoked (
	user_name	chat_name NOT NULL,
	jti		text COLLATE "C" NOT NULL CHECK (char_length(jti) BETWEEN 1 AND 64),
	expires_at	timestamptz(0) NOT NULL,
	PRIMARY KEY (user_name, jti)
);
COMMENT ON TABLE chat_revoked IS 'Tokens that were taken back before their time';
COMMENT ON COLUMN chat_revoked.user_name IS 'Whose token it was';
COMMENT ON COLUMN chat_revoked.jti IS 'Its id (jti)';
COMMENT ON COLUMN chat_revoked.expires_at IS 'When it would have ended anyhow (UTC), and needs not be remembered any more';

CREATE TABLE chat_touched (
	what	text NOT NULL CHECK (what IN ('user', 'group')),
	name	chat_name NOT NULL,
	at	timestamptz NOT NULL,
	PRIMARY KEY (what, name)
);
COMMENT ON TABLE chat_touched IS 'Every user and group that Redis may have something of; kept by triggers';
COMMENT ON COLUMN chat_touched.what IS '"user" or "group"';
COMMENT ON COLUMN chat_touched.name IS 'Its name';
COMMENT ON COLUMN chat_touched.at IS 'When anything of it was last written here (UTC)';
CREATE INDEX chat_touched_at ON chat_touched (what, at);

-- SECURITY DEFINER: nobody needs rights to chat_touched to change what it notes.
CREATE FUNCTION chat_touch() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	INSERT INTO public.chat_touched (what, name, at)
	SELECT TG_ARGV[0], CASE TG_OP WHEN 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END ->> TG_ARGV[1], clock_timestamp()
	ON CONFLICT (what, name) DO UPDATE SET at = excluded.at;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION chat_touch IS 'Trigger: notes in chat_touched whom a row is about; what it is, and the column with its name';

CREATE TRIGGER touch AFTER INSERT OR UPDATE OR DELETE ON chat_users
	FOR EACH ROW EXECUTE FUNCTION chat_touch('user', 'name');
CREATE TRIGGER touch AFTER INSERT OR UPDATE OR DELETE ON chat_groups
	FOR EACH ROW EXECUTE FUNCTION chat_touch('group', 'name');
CREATE TRIGGER touch_owner AFTER INSERT OR UPDATE OR DELETE ON chat_groups
	FOR EACH ROW EXECUTE FUNCTION chat_touch('user', 'owner');
CREATE TRIGGER touch AFTER INSERT OR UPDATE OR DELETE ON chat_members
	FOR EACH ROW EXECUTE FUNCTION chat_touch('user', 'user_name');
CREATE TRIGGER touch AFTER INSERT OR UPDATE OR DELETE ON chat_sanctions
	FOR EACH ROW EXECUTE FUNCTION chat_touch('user', 'user_name');
CREATE TRIGGER touch AFTER INSERT OR UPDATE OR DELETE ON chat_revoked
	FOR EACH ROW EXECUTE FUNCTION chat_touch('user', 'user_name');

-- A name is free that nobody has, or whose guest's time is over. Groups come with the name, so one that has some
-- without an account belongs to somebody who logs in elsewhere; and who is banned from the site shall
-- not come back under the same name. Two who want it at once: the unique key lets one have it.
--
-- SECURITY DEFINER: chat.fcgi can't delete accounts, nor make admins.
CREATE FUNCTION chat_user_create(who text, hash text, guest_until timestamptz, at timestamptz) RETURNS boolean
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
	DELETE FROM chat_users WHERE name = who AND guest AND expires_at <= now();
	IF FOUND THEN
		DELETE FROM chat_members WHERE user_name = who;
	END IF;
	INSERT INTO chat_users (name, password_hash, guest, created_at, expires_at, void_before)
	SELECT who, hash, guest_until IS NOT NULL, at, guest_until, at
	WHERE NOT EXISTS (SELECT FROM chat_members WHERE user_name = who)
		AND NOT EXISTS (SELECT FROM chat_groups WHERE owner = who AND deleted_at IS NULL)
		AND NOT EXISTS (SELECT FROM chat_sanctions
			WHERE user_name = who AND room = 'site' AND kind = 'ban' AND (until IS NULL OR until > now()))
	ON CONFLICT (name) DO NOTHING;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION chat_user_create IS 'Makes an account, a guest''s where it ends, if the name is free or was an expired guest''s, whose groups it leaves; tokens of that name issued before "at" are void. Whether it did';

CREATE FUNCTION chat_sanction(whom text, in_room text, which text, ends timestamptz, why text, said_by text, at timestamptz) RETURNS boolean
	LANGUAGE plpgsql
AS $$
BEGIN
	INSERT INTO chat_sanctions AS old (user_name, room, kind, until, reason, by, created_at)
	VALUES (whom, in_room, which, ends, why, said_by, at)
	ON CONFLICT (user_name, room, kind) DO UPDATE SET
		until = excluded.until,
		reason = excluded.reason,
		by = excluded.by,
		created_at = excluded.created_at
	WHERE old.created_at < excluded.created_at;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION chat_sanction IS 'Says that a user is muted or banned in a room until then (NULL: without end; "at" itself: no more), unless something later was said already. Whether it did';

CREATE FUNCTION chat_user_state(who text) RETURNS text
	LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT json_build_object(
		'guest', coalesce(u.guest, false),
		'admin', coalesce(u.admin, false),
		'void_before', coalesce(extract(epoch FROM u.void_before)::bigint, 0),
		'groups', coalesce(g.groups, '[]'),
		'owns', coalesce(o.owns, '[]'),
		'bans', coalesce(s.bans, '{}'),
		'mutes', coalesce(s.mutes, '{}'),
		'revoked', coalesce(r.revoked, '[]'))::text
	FROM (SELECT json_agg(name ORDER BY name) AS groups FROM chat_members JOIN chat_groups ON name = group_name
		WHERE user_name = who AND deleted_at IS NULL) g
	CROSS JOIN (SELECT json_agg(name ORDER BY name) AS owns FROM chat_groups WHERE owner = who AND deleted_at IS NULL) o
	CROSS JOIN (
		SELECT json_object_agg(room, ends ORDER BY room) FILTER (WHERE kind = 'ban') AS bans,
			json_object_agg(room, ends ORDER BY room) FILTER (WHERE kind = 'mute') AS mutes
		FROM (SELECT room, kind, coalesce(ceil(extract(epoch FROM until))::bigint, 0) AS ends FROM chat_sanctions
			WHERE user_name = who AND (until IS NULL OR until > now())) x
	) s
	CROSS JOIN (SELECT json_agg(jti ORDER BY jti) AS revoked FROM chat_revoked WHERE user_name = who AND expires_at > now()) r
	LEFT JOIN chat_users u ON u.name = who
	WHERE coalesce(u.name, g.groups::text, o.owns::text, s.bans::text, s.mutes::text, r.revoked::text) IS NOT NULL;
END;
COMMENT ON FUNCTION chat_user_state IS 'What Redis mirrors of a user under chat:user:<name>, JSON; NULL when nothing is known';

CREATE FUNCTION chat_group_state(which text) RETURNS text
	LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT json_build_object('title', title, 'public', public, 'owner', owner)::text
	FROM chat_groups
	WHERE name = which AND deleted_at IS NULL;
END;
COMMENT ON FUNCTION chat_group_state IS 'What Redis mirrors of a group under chat:group:<name>, JSON; NULL when there is none';

REVOKE EXECUTE ON FUNCTION chat_touch, chat_user_create, chat_sanction FROM PUBLIC;
GRANT EXECUTE ON FUNCTION chat_user_create TO cuaca_chat;
GRANT EXECUTE ON FUNCTION chat_sanction TO cuaca_chat, cuaca_archive, cuaca_admin;

GRANT SELECT ON chat_users TO cuaca_chat;
GRANT UPDATE (password_hash, expires_at, void_before) ON chat_users TO cuaca_chat;
GRANT SELECT (name, guest, admin, created_at, expires_at, void_before) ON chat_users TO cuaca_archive, cuaca_admin;
GRANT INSERT (name, admin), UPDATE (admin, void_before) ON chat_users TO cuaca_admin;
GRANT SELECT ON chat_groups, chat_members, chat_sanctions, chat_revoked TO cuaca_chat, cuaca_archive, cuaca_admin;
GRANT INSERT (name, title, public, owner) ON chat_groups TO cuaca_chat;
GRANT UPDATE (deleted_at) ON chat_groups TO cuaca_chat, cuaca_admin;
GRANT INSERT (group_name, user_name, added_by), DELETE ON chat_members TO cuaca_chat, cuaca_admin;
GRANT INSERT, UPDATE ON chat_sanctions TO cuaca_chat, cuaca_archive, cuaca_admin;
GRANT INSERT ON chat_revoked TO cuaca_chat;
GRANT SELECT ON chat_touched TO cuaca_archive;
