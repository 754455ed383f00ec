-- SPDX-License-Identifier: ISC
--
-- The log of the chat as cron/chat-archive has brought it here, one row for each event, partitioned by month
-- through pg_partman; and how far it has come.

SET LOCAL ROLE cuaca_owner;

CREATE FUNCTION chat_words(body text) RETURNS tsvector
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN to_tsvector('pg_catalog.simple', body) || to_tsvector('pg_catalog.indonesian', body);
COMMENT ON FUNCTION chat_words IS 'What a message can be found by: its words as they stand, and their Indonesian stems';

CREATE FUNCTION chat_query(asked text) RETURNS tsquery
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN websearch_to_tsquery('pg_catalog.simple', asked) || websearch_to_tsquery('pg_catalog.indonesian', asked);
COMMENT ON FUNCTION chat_query IS 'What somebody looks for, to be compared with chat_words(): words, "phrases", or, -not';

-- The log's own texts are taken as they are: a row that is refused would hold up all that come after.
CREATE TABLE chat_messages (
	epoch		bigint NOT NULL,
	seq		bigint NOT NULL,
	target		bigint,
	sent_at		timestamptz(3) NOT NULL,
	until		timestamptz(3),
	edited_at	timestamptz(3),
	deleted_at	timestamptz(3),
	site		boolean NOT NULL DEFAULT false,
	kind		text NOT NULL CHECK (kind IN ('message', 'edit', 'delete', 'mute', 'unmute', 'ban', 'unban')),
	room		text COLLATE "C" NOT NULL,
	username	text COLLATE "C" NOT NULL,
	mid		text COLLATE "C",
	about_user	text COLLATE "C",
	deleted_by	text COLLATE "C",
	body		text,
	edited_body	text,
	-- That a replay adds nothing; the time is part of it because partitioning wants it so.
	PRIMARY KEY (epoch, seq, sent_at)
) PARTITION BY RANGE (sent_at);

-- A room's history, in both directions. Its order is that of the log, which the months are not quite in (each host
-- has its own clock): every month is asked for its next row, and the first of them taken.
CREATE INDEX idx_chat_room ON chat_messages (room, epoch, seq) WHERE kind NOT IN ('edit', 'delete');
-- Search within a room.
CREATE INDEX idx_chat_words ON chat_messages USING gin (room, chat_words(coalesce(edited_body, body)))
	WHERE kind = 'message' AND deleted_at IS NULL;
-- When the last was said, and how many lately, for the status and monitoring.
CREATE INDEX idx_chat_sent_at ON chat_messages (sent_at);
-- What somebody has said lately, for who moderates.
CREATE INDEX idx_chat_username ON chat_messages (username, sent_at);

COMMENT ON TABLE chat_messages IS 'The log of the chat; monthly partitions by sent_at';
COMMENT ON COLUMN chat_messages.epoch IS 'Which log it was: its begin in UNIX ms; a later one continues it';
COMMENT ON COLUMN chat_messages.seq IS 'Place in that log, from 1; one order for all rooms';
COMMENT ON COLUMN chat_messages.target IS 'Of an edit or delete: seq of the message it is for, in the same log';
COMMENT ON COLUMN chat_messages.sent_at IS 'When it was published, by the clock of the host that did (UTC, to the millisecond)';
COMMENT ON COLUMN chat_messages.until IS 'Of a mute or ban: when it ends (UTC); NULL: without end';
COMMENT ON COLUMN chat_messages.edited_at IS 'When the message was last edited (UTC), NULL when never';
COMMENT ON COLUMN chat_messages.deleted_at IS 'When the message was deleted (UTC), NULL when not';
COMMENT ON COLUMN chat_messages.site IS 'Of a mute, unmute, ban or unban: whether it is for all rooms, not for this one only';
COMMENT ON COLUMN chat_messages.kind IS 'message, edit, delete, mute, unmute, ban or unban';
COMMENT ON COLUMN chat_messages.room IS 'broadcast, group.<name> or private.<a>.<b>';
COMMENT ON COLUMN chat_messages.username IS 'Name of who published it';
COMMENT ON COLUMN chat_messages.mid IS 'The client''s own id of it';
COMMENT ON COLUMN chat_messages.about_user IS 'Of a mute, unmute, ban or unban: name of the user it is about';
COMMENT ON COLUMN chat_messages.deleted_by IS 'Name of who deleted the message, NULL when nobody did';
COMMENT ON COLUMN chat_messages.body IS 'Of a message or edit: the text as it was published; kept when it is edited or deleted';
COMMENT ON COLUMN chat_messages.edited_body IS 'Text of the message since it was last edited, NULL when never';

-- What people get to see: edits and deletions are shown by the messages they are for.
CREATE VIEW chat_history AS
	SELECT epoch, seq, kind, room, username, CASE WHEN deleted_at IS NULL THEN coalesce(edited_body, body) END AS body,
		mid, sent_at, CASE WHEN deleted_at IS NULL THEN edited_at END AS edited_at, deleted_at IS NOT NULL AS deleted,
		about_user, until, site
	FROM chat_messages
	WHERE kind NOT IN ('edit', 'delete');
COMMENT ON VIEW chat_history IS 'The log of the chat as people see it';
COMMENT ON COLUMN chat_history.epoch IS 'As in chat_messages, like all columns without a word of their own';
COMMENT ON COLUMN chat_history.body IS 'Text of the message as it is now; NULL when it was deleted, and for other kinds';
COMMENT ON COLUMN chat_history.edited_at IS 'When it was last edited (UTC), NULL when never and when it was deleted';
COMMENT ON COLUMN chat_history.deleted IS 'Whether the message was deleted';

CREATE TABLE chat_archive (
	one		boolean PRIMARY KEY DEFAULT true CHECK (one),
	epoch		bigint NOT NULL DEFAULT 0,
	seq		bigint NOT NULL DEFAULT 0 CHECK (seq >= 0),
	archived_at	timestamptz,
	stream_seq	bigint NOT NULL DEFAULT 0 CHECK (stream_seq >= 0),
	seen_at		timestamptz,
	holder		text NOT NULL DEFAULT '',
	held_until	timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE chat_archive IS 'How far the log of the chat has been archived, and by whom; one row';
COMMENT ON COLUMN chat_archive.one IS 'Always true: there is one row';
COMMENT ON COLUMN chat_archive.epoch IS 'The log that is being archived: its begin in UNIX ms; 0 before the first';
COMMENT ON COLUMN chat_archive.seq IS 'Everything up to this place in it is archived; 0: nothing';
COMMENT ON COLUMN chat_archive.archived_at IS 'When something was last archived (UTC), NULL when never';
COMMENT ON COLUMN chat_archive.stream_seq IS 'The last place in the log at seen_at';
COMMENT ON COLUMN chat_archive.seen_at IS 'When the archiver last looked (UTC), NULL when never';
COMMENT ON COLUMN chat_archive.holder IS 'Which archiver it is whose turn it is, a text of its own choice';
COMMENT ON COLUMN chat_archive.held_until IS 'Until when no other may take its place (UTC)';
INSERT INTO chat_archive DEFAULT VALUES;

CREATE FUNCTION chat_time(ms numeric) RETURNS timestamptz
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN to_timestamp(least(greatest(ms, 0), 253402300799999) / 1000.0);
COMMENT ON FUNCTION chat_time IS 'UNIX milliseconds as a time; 1970 to 9999, what is outside of that is taken for its nearer end';

CREATE FUNCTION chat_ms(at timestamptz) RETURNS bigint
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (extract(epoch FROM at) * 1000)::bigint;
COMMENT ON FUNCTION chat_ms IS 'A time as UNIX milliseconds';

CREATE FUNCTION chat_since(room text, reader text, since bigint) RETURNS timestamptz
	LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE WHEN chat_since.room LIKE 'private.%'
		THEN coalesce(greatest(to_timestamp(chat_since.since), max(created_at)), '-infinity') ELSE '-infinity' END
	FROM chat_users
	WHERE name = reader AND (guest OR password_hash IS NOT NULL);
END;
COMMENT ON FUNCTION chat_since IS 'From when on a reader may see a room: of a private conversation only what was said since the reader has the name here, and since then (UNIX seconds, or NULL); who logs in elsewhere always had it';

-- Only what is new here takes effect: a replay of old events mustn't undo what later ones did.
CREATE FUNCTION chat_archive_store(archiver text, log bigint, through bigint, batch jsonb) RETURNS bigint
	LANGUAGE plpgsql SET client_min_messages = 'warning'
AS $$
#variable_conflict use_column
DECLARE
	acts bigint[];
	stored bigint;
BEGIN
	PERFORM FROM chat_archive WHERE holder = archiver FOR UPDATE;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;

	WITH new AS (
		INSERT INTO chat_messages (epoch, seq, room, kind, username, mid, sent_at, body, target, about_user, until, site)
		SELECT log, seq, room, event->>'kind', event->>'from', event->>'mid', chat_time((event->>'sent_at')::numeric),
			event->>'body', (event->>'target')::bigint, event->>'user',
			chat_time(nullif((event->>'until')::numeric, 0) * 1000), coalesce((event->>'site')::boolean, false)
		FROM jsonb_to_recordset(batch) AS (seq bigint, room text, event jsonb)
		ON CONFLICT (epoch, seq, sent_at) DO NOTHING
		RETURNING seq, kind
	)
	SELECT count(*), array_agg(seq) FILTER (WHERE kind <> 'message') INTO stored, acts FROM new;

	IF acts IS NOT NULL THEN
		UPDATE chat_messages m SET edited_body = e.body, edited_at = e.sent_at
		FROM (SELECT DISTINCT ON (target, room, username) target, room, username, body, sent_at FROM chat_messages
			WHERE epoch = log AND seq = ANY (acts) AND kind = 'edit'
			ORDER BY target, room, username, seq DESC) e
		WHERE m.epoch = log AND m.seq = e.target AND m.room = e.room AND m.username = e.username
			AND m.kind = 'message' AND m.deleted_at IS NULL;

		UPDATE chat_messages m SET deleted_at = d.sent_at, deleted_by = d.username
		FROM (SELECT DISTINCT ON (target, room) target, room, username, sent_at FROM chat_messages
			WHERE epoch = log AND seq = ANY (acts) AND kind = 'delete'
			ORDER BY target, room, seq) d
		WHERE m.epoch = log AND m.seq = d.target AND m.room = d.room
			AND m.kind = 'message' AND m.deleted_at IS NULL;

		PERFORM chat_sanction(about_user, place, matter, ends, NULL, username, sent_at)
		FROM (SELECT DISTINCT ON (about_user, place, matter) about_user, place, matter, username, sent_at,
				CASE WHEN kind IN ('mute', 'ban') THEN until ELSE sent_at END AS ends
			FROM chat_messages, LATERAL (SELECT CASE WHEN site THEN 'site' ELSE room END AS place,
				CASE WHEN kind IN ('mute', 'unmute') THEN 'mute' ELSE 'ban' END AS matter) x
			WHERE epoch = log AND seq = ANY (acts) AND kind IN ('mute', 'unmute', 'ban', 'unban')
				AND about_user ~ '^[a-z0-9_-]{3,32}$'
			ORDER BY about_user, place, matter, seq DESC) s;
	END IF;

	UPDATE chat_archive SET epoch = log, seq = through, archived_at = clock_timestamp()
	WHERE (epoch, seq) < (log, through);
	RETURN stored;
END
$$;
COMMENT ON FUNCTION chat_archive_store IS 'Stores a batch of a log, [{"seq","room","event"},…], all or nothing, lets edits, deletions, mutes and bans that were not there yet take effect, and notes that the log is archived up to "through"; how many were new, or NULL and nothing done when it is another archiver''s turn';

REVOKE EXECUTE ON FUNCTION chat_archive_store FROM PUBLIC;
GRANT EXECUTE ON FUNCTION chat_archive_store TO cuaca_archive;

GRANT SELECT ON chat_messages, chat_history TO cuaca_chat;
GRANT SELECT ON chat_messages TO cuaca_admin;
GRANT SELECT, INSERT, UPDATE (edited_body, edited_at, deleted_at, deleted_by) ON chat_messages TO cuaca_archive;
GRANT SELECT (sent_at) ON chat_messages TO cuaca_ops;
GRANT SELECT ON chat_archive TO cuaca_chat, cuaca_archive, cuaca_admin, cuaca_ops;
GRANT UPDATE ON chat_archive TO cuaca_archive;

-- Months from this one to four ahead; what is for another month goes to the default partition until chat_upkeep()
-- gives it a month of its own. In UTC, as for weather_data.
SET LOCAL timezone = 'UTC';
SELECT partman.create_parent('public.chat_messages', 'sent_at', 'native', 'monthly',
	p_premake => 4, p_start_partition => to_char(now(), 'YYYY-MM-01'), p_automatic_maintenance => 'off', p_jobmon => false);
