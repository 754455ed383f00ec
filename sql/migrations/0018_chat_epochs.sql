-- SPDX-License-Identifier: ISC
--
-- Logs of the chat that go on from an older one: what both have in common is archived under the older one's epoch.

SET LOCAL ROLE cuaca_owner;

-- What was touched of late is looked for in the order of names: this only made each change dearer.
DROP INDEX chat_touched_at;

-- cuacactl may end the tokens of somebody who logs in elsewhere, too.
GRANT INSERT (void_before) ON chat_users TO cuaca_admin;

CREATE TABLE chat_epochs (
	epoch		bigint PRIMARY KEY,
	previous	bigint NOT NULL CHECK (previous < epoch),
	common		bigint NOT NULL CHECK (common >= 0)
);
COMMENT ON TABLE chat_epochs IS 'Logs that went back, and got a new epoch';
COMMENT ON COLUMN chat_epochs.epoch IS 'The new epoch: chat_messages.epoch';
COMMENT ON COLUMN chat_epochs.previous IS 'The epoch before';
COMMENT ON COLUMN chat_epochs.common IS 'Up to this place both are the same log';
COMMENT ON COLUMN chat_messages.target IS 'Of an edit or delete: seq of the message it is for, in the same log or what that goes on from';

GRANT SELECT, INSERT ON chat_epochs TO cuaca_archive;

CREATE FUNCTION chat_epoch_at(log bigint, place bigint) RETURNS bigint
	LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH RECURSIVE logs AS (
		SELECT log AS epoch
		UNION ALL
		SELECT e.previous FROM logs JOIN chat_epochs e ON e.epoch = logs.epoch AND place <= e.common
	)
	SELECT min(epoch) FROM logs;
END;
COMMENT ON FUNCTION chat_epoch_at IS 'Under which epoch what stands at a place of a log is archived';

-- As before (0017), but an edit or deletion finds its message in the log that its own goes on from, too.
CREATE OR REPLACE FUNCTION chat_archive_store(archiver text, log bigint, through bigint, batch jsonb) RETURNS bigint
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
		RETURNING seq, kind, room, sent_at
	), newest AS (
		SELECT DISTINCT ON (room) room, seq, sent_at
		FROM new
		WHERE room LIKE 'private.%' AND kind = 'message'
		ORDER BY room, seq DESC
	), told AS (
		INSERT INTO chat_conversations AS old (username, partner, epoch, seq, sent_at)
		SELECT DISTINCT x.username, x.partner, log, seq, sent_at
		FROM newest,
			LATERAL (SELECT split_part(room, '.', 2) AS a, split_part(room, '.', 3) AS b) names,
			LATERAL (VALUES (a, b), (b, a)) AS x (username, partner)
		ON CONFLICT (username, partner) DO UPDATE SET
			epoch = excluded.epoch,
			seq = excluded.seq,
			sent_at = excluded.sent_at
		WHERE (old.epoch, old.seq) < (excluded.epoch, excluded.seq)
	)
	SELECT count(*), array_agg(seq) FILTER (WHERE kind <> 'message') INTO stored, acts FROM new;

	IF acts IS NOT NULL THEN
		UPDATE chat_messages m SET edited_body = e.body, edited_at = e.sent_at
		FROM (SELECT DISTINCT ON (target, room, username) target, chat_epoch_at(log, target) AS of, room, username, body, sent_at
			FROM chat_messages
			WHERE epoch = log AND seq = ANY (acts) AND kind = 'edit'
			ORDER BY target, room, username, seq DESC) e
		WHERE m.epoch = e.of AND m.seq = e.target AND m.room = e.room AND m.username = e.username
			AND m.kind = 'message' AND m.deleted_at IS NULL;

		UPDATE chat_messages m SET deleted_at = d.sent_at, deleted_by = d.username
		FROM (SELECT DISTINCT ON (target, room) target, chat_epoch_at(log, target) AS of, room, username, sent_at
			FROM chat_messages
			WHERE epoch = log AND seq = ANY (acts) AND kind = 'delete'
			ORDER BY target, room, seq) d
		WHERE m.epoch = d.of AND m.seq = d.target AND m.room = d.room
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
