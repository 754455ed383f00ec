-- SPDX-License-Identifier: ISC
--
-- The statements of ops.fcgi and cuacactl; what is said at the beginning of weather.sql holds here too.

-- name: ready (read)
-- One row: schema_version, the name of the last migration; when anything was last collected but for backfills, or
-- NULL; how many places are tracked; how many events of the chat were not archived yet when the archiver last looked,
-- and when that was, or NULL.
SELECT (SELECT max(name) FROM schema_migrations) AS schema_version,
	(SELECT extract(epoch FROM max(collected_at))::bigint FROM weather_data
		WHERE collected_at - observed_at <= interval '3 hours') AS collected_at,
	(SELECT count(*) FROM cities WHERE tracked) AS tracked,
	greatest(stream_seq - seq, 0) AS chat_waiting,
	extract(epoch FROM date_trunc('second', seen_at))::bigint AS chat_seen_at
FROM chat_archive;

-- name: status_public (read)
-- One row: when anything was last collected, as above; how many cities are tracked, and served; when the last run
-- of the ingest started and finished and its exit code, NULL while it runs; the weight that was spent today
-- (UTC); schema_version; when the last message of the chat was sent, NULL when never, and how many events the last
-- hour had.
SELECT (SELECT extract(epoch FROM max(collected_at))::bigint FROM weather_data
		WHERE collected_at - observed_at <= interval '3 hours') AS collected_at,
	t.tracked,
	t.tracked + (SELECT count(*) FROM demand JOIN cities ON id = city_id
		WHERE granted_until IS NOT NULL AND NOT cities.tracked) AS served,
	extract(epoch FROM run.started_at)::bigint AS started_at,
	extract(epoch FROM run.finished_at)::bigint AS finished_at,
	run.exit_code,
	(SELECT coalesce(sum(weight), 0) FROM quota_spent
		WHERE minute >= date_bin('1 day', now(), 'epoch')) AS spent_today,
	(SELECT max(name) FROM schema_migrations) AS schema_version,
	(SELECT extract(epoch FROM date_trunc('second', max(sent_at)))::bigint FROM chat_messages) AS chat_sent_at,
	(SELECT count(*) FROM chat_messages WHERE sent_at > now() - interval '1 hour') AS chat_last_hour
FROM (SELECT count(*) AS tracked FROM cities WHERE tracked) t
LEFT JOIN (SELECT * FROM ingest_run ORDER BY id DESC LIMIT 1) run ON true;

-- name: runs_last (read)
-- $1 how many. The last runs of the ingest, the newest first: id, started_at, finished_at, exit_code, places,
-- stored, refused, failed, requests, retries, weight, note.
SELECT id, extract(epoch FROM started_at)::bigint AS started_at, extract(epoch FROM finished_at)::bigint AS finished_at,
	exit_code, places, stored, refused, failed, requests, retries, weight, note
FROM ingest_run r
ORDER BY r.id DESC
LIMIT $1::integer;

-- name: sizes (read)
-- Tables, the largest first: name, about how many rows, and bytes with indexes; a partitioned one as a whole.
SELECT root::text AS name, sum(greatest(reltuples, 0))::bigint AS rows,
	sum(pg_total_relation_size(oid))::bigint AS bytes
FROM (
	SELECT c.oid, c.reltuples, coalesce(pg_partition_root(c.oid), c.oid::regclass) AS root
	FROM pg_class c
	WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
) t
GROUP BY root
ORDER BY bytes DESC, name;

-- name: city_track (write)
-- $1 slug, $2 whether it is to be tracked. CITY9 as it is now, or no row.
UPDATE cities
SET tracked = $2::boolean
WHERE slug = $1::text
RETURNING slug, name, country, admin1, latitude, longitude, timezone, population, tracked;

-- name: key_create (write)
-- $1 name, $2 SHA-256 of the key, hexadecimal, $3 rate in requests a second. One row: its id. A name that another
-- key in force has is a conflict.
INSERT INTO api_keys (name, hash, rate)
SELECT $1::text, decode($2::text, 'hex'), $3::integer
RETURNING id;

-- name: key_list (read)
-- Every key, the newest last: id, name, rate, created_at, revoked_at or NULL, last_used_at or NULL.
SELECT id, name, rate, extract(epoch FROM created_at)::bigint AS created_at,
	extract(epoch FROM revoked_at)::bigint AS revoked_at, extract(epoch FROM last_used_at)::bigint AS last_used_at
FROM api_keys
ORDER BY id;

-- name: key_revoke (write)
-- $1 name. Revoke the key in force: its id and its SHA-256, hexadecimal, or no row.
UPDATE api_keys
SET revoked_at = now()
WHERE name = $1::text AND revoked_at IS NULL
RETURNING id, encode(hash, 'hex') AS hash;
