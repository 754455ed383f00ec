-- SPDX-License-Identifier: ISC
--
-- Who has talked with whom in private, each conversation once for each of its two: so that somebody who was away, or
-- comes in elsewhere, learns of what was said without going through the log.

SET LOCAL ROLE cuaca_owner;

CREATE TABLE chat_conversations (
	epoch		bigint NOT NULL,
	seq		bigint NOT NULL,
	sent_at		timestamptz(3) NOT NULL,
	username	text COLLATE "C" NOT NULL,
	partner		text COLLATE "C" NOT NULL,
	PRIMARY KEY (username, partner)
);
COMMENT ON TABLE chat_conversations IS 'Private conversations, a row for each of the two; kept by chat_archive_store()';
COMMENT ON COLUMN chat_conversations.epoch IS 'Log of its newest message: chat_messages.epoch';
COMMENT ON COLUMN chat_conversations.seq IS 'Place of that message in it: chat_messages.seq';
COMMENT ON COLUMN chat_conversations.sent_at IS 'When that message was published (UTC): chat_messages.sent_at';
COMMENT ON COLUMN chat_conversations.username IS 'Name of the one';
COMMENT ON COLUMN chat_conversations.partner IS 'Name of the other';
-- Somebody's conversations, the newest first.
CREATE INDEX chat_conversations_newest ON chat_conversations (username, epoch, seq);

GRANT SELECT ON chat_conversations TO cuaca_chat;
GRANT SELECT, INSERT, UPDATE ON chat_conversations TO cuaca_archive;

INSERT INTO chat_conversations (username, partner, epoch, seq, sent_at)
SELECT DISTINCT ON (username, partner) x.username, x.partner, epoch, seq, sent_at
FROM chat_messages,
	LATERAL (SELECT split_part(room, '.', 2) AS a, split_part(room, '.', 3) AS b) names,
	LATERAL (VALUES (a, b), (b, a)) AS x (username, partner)
WHERE room LIKE 'private.%' AND kind = 'message'
ORDER BY username, partner, epoch DESC, seq DESC;

CREATE FUNCTION chat_archived() RETURNS text
	LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT epoch || '-' || seq FROM chat_archive WHERE epoch > 0;
END;
COMMENT ON FUNCTION chat_archived IS 'Up to which place of the log (<epoch>-<seq>) what is said is here; NULL before the first';

-- As before (0014), and the conversations.
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

-- As before (0015), and conversations of which nothing is left are forgotten.
CREATE OR REPLACE FUNCTION chat_upkeep(days integer, OUT moved bigint, OUT dropped integer)
	LANGUAGE plpgsql SECURITY DEFINER
	SET timezone = 'UTC' SET client_min_messages = 'warning' SET lock_timeout = '3s'
AS $$
DECLARE
	callers CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false);
	IF days IS NULL OR days < 0 THEN
		RAISE EXCEPTION 'not a number of days: %', days USING ERRCODE = 'invalid_parameter_value';
	END IF;

	moved := partman.partition_data_time('public.chat_messages', p_batch_count => 1000, p_analyze => false);
	PERFORM partman.run_maintenance('public.chat_messages', p_analyze => false, p_jobmon => false);
	dropped := 0;
	IF days > 0 THEN
		dropped := partman.drop_partition_time('public.chat_messages', make_interval(days => days), p_keep_table => false);
	END IF;
	IF dropped > 0 THEN
		DELETE FROM public.chat_conversations c
		WHERE NOT EXISTS (SELECT FROM public.chat_messages m WHERE (m.epoch, m.seq, m.sent_at) = (c.epoch, c.seq, c.sent_at));
	END IF;

	WITH gone AS (
		DELETE FROM public.chat_users WHERE guest AND expires_at < now() - interval '1 day' RETURNING name
	)
	DELETE FROM public.chat_members WHERE user_name IN (SELECT name FROM gone);
	DELETE FROM public.chat_revoked WHERE expires_at < now() - interval '1 hour';
	-- Nothing that old is still on its way through the log.
	DELETE FROM public.chat_sanctions WHERE until < now() - interval '400 days';
	DELETE FROM public.chat_touched WHERE what = 'user' AND at < now() - interval '1 day' AND public.chat_user_state(name) IS NULL;
	PERFORM pg_catalog.set_config('search_path', callers, false);
END
$$;
