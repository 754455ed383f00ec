-- SPDX-License-Identifier: ISC
--
-- The statements of weather-ingest; what is said at the beginning of weather.sql holds here too. "Now" is the
-- run's own time: the ingest's rule on time is the run's, not the server's clock.

-- name: ingest_lock (write)
-- Whether this connection now holds the lock that keeps two ingests apart; it ends with the connection.
SELECT pg_try_advisory_lock(hashtext('cuaca.weather-ingest'));

-- name: ingest_unlock (write)
-- Whether this connection held the lock.
SELECT pg_advisory_unlock(hashtext('cuaca.weather-ingest'));

-- name: ingest_places (read)
-- $1 now. Every city that is served, by id: id, CITY9, requests for it of late (each counts half as much every
-- 6 hours; 0 when there are none), granted_until or NULL; observed_at and collected_at of its newest
-- observation, and collected_at of its forecast, each NULL when there is none; in one of how many runs it is
-- collected.
SELECT id, slug, name, country, admin1, latitude, longitude, timezone, population, tracked,
	coalesce(decayed(d.requests, d.wanted_at, to_timestamp($1::bigint)), 0) AS requests,
	extract(epoch FROM d.granted_until)::bigint AS granted_until,
	extract(epoch FROM w.observed_at)::bigint AS observed_at,
	extract(epoch FROM w.collected_at)::bigint AS collected_at,
	extract(epoch FROM f.collected_at)::bigint AS forecast_collected_at,
	coalesce(p.every_runs, 1) AS every_runs
FROM (
	SELECT id FROM cities WHERE tracked
	UNION
	SELECT city_id FROM demand WHERE granted_until IS NOT NULL
) served
JOIN cities USING (id)
LEFT JOIN demand d ON d.city_id = id
LEFT JOIN weather_forecast f ON f.city_id = id
LEFT JOIN ingest_pace p ON p.city_id = id
LEFT JOIN LATERAL (
	(SELECT observed_at, collected_at FROM weather_data
		WHERE city_id = id AND observed_at BETWEEN to_timestamp($1::bigint) - interval '7 days'
			AND to_timestamp($1::bigint) + interval '1 day'
		ORDER BY observed_at DESC LIMIT 1)
	UNION ALL
	(SELECT observed_at, collected_at FROM weather_data WHERE city_id = id ORDER BY observed_at DESC LIMIT 1)
	LIMIT 1
) w ON true
ORDER BY id;

-- name: paces_keep (write)
-- $1 city ids, $2 in one of how many runs each is collected, arrays of one length. All others are in every run.
WITH others AS (
	DELETE FROM ingest_pace
	WHERE city_id <> ALL ($1::integer[])
)
INSERT INTO ingest_pace AS old (city_id, every_runs)
SELECT id, runs
FROM unnest($1::integer[], $2::smallint[]) AS slow (id, runs)
ON CONFLICT (city_id) DO UPDATE SET every_runs = excluded.every_runs
WHERE old.every_runs <> excluded.every_runs;

-- name: weather_upsert (write)
-- Store a batch, all or nothing; a row for the same place and time is replaced. $3 and $15 are for the
-- whole batch, the others arrays of one length. A place and time may be there only once. One row: how
-- many were stored. The hours and days of the observations are made anew with them.
SELECT weather_store($1::integer[], $2::bigint[], $3::bigint, $4::real[], $5::real[], $6::smallint[], $7::real[],
	$8::smallint[], $9::boolean[], $10::smallint[], $11::real[], $12::real[], $13::smallint[], $14::real[], $15::text, false);

-- name: weather_backfill (write)
-- The same, but only for hours that have no observation yet: an hourly value and quarter-hourly ones would not
-- add up. How many were stored.
SELECT weather_store($1::integer[], $2::bigint[], $3::bigint, $4::real[], $5::real[], $6::smallint[], $7::real[],
	$8::smallint[], $9::boolean[], $10::smallint[], $11::real[], $12::real[], $13::smallint[], $14::real[], $15::text, true);

-- name: backfill_days (read)
-- $1 city id, $2 from, $3 to (not itself). The days (UTC) that begin in between and lack an hour, the oldest
-- first.
SELECT n * 86400 AS time
FROM generate_series(ceil($2::bigint / 86400.0)::bigint, ceil($3::bigint / 86400.0)::bigint - 1) n
WHERE (SELECT count(*) FROM weather_hour
	WHERE city_id = $1::integer AND hour_at >= to_timestamp(n * 86400)
		AND hour_at < to_timestamp((n + 1) * 86400)) < 24
ORDER BY n;

-- name: forecast_upsert (write)
-- Replace the forecast of one place. $1 city id, $2 collected_at, $3 utc_offset_seconds, $4 source,
-- $5 hourly_from, $6 local midnight of the first day, $7 to $16 hourly and $17 to $26 daily arrays in the order
-- of the table.
INSERT INTO weather_forecast (
	city_id, collected_at, utc_offset_seconds, source, hourly_from, daily_from, hourly_temperature,
	hourly_apparent_temperature, hourly_relative_humidity, hourly_precipitation,
	hourly_precipitation_probability, hourly_weather_code, hourly_cloud_cover, hourly_pressure_msl,
	hourly_wind_speed, hourly_wind_direction, daily_weather_code, daily_temperature_max,
	daily_temperature_min, daily_sunrise, daily_sunset, daily_precipitation_sum,
	daily_precipitation_probability_max, daily_wind_speed_max, daily_wind_gusts_max,
	daily_wind_direction_dominant
)
SELECT
	$1::integer, to_timestamp($2::bigint), $3::integer, $4::text, to_timestamp($5::bigint),
	(to_timestamp($6::bigint + $3::integer) AT TIME ZONE 'UTC')::date, $7::real[], $8::real[],
	$9::real[], $10::real[], $11::real[], $12::real[], $13::real[], $14::real[], $15::real[],
	$16::real[], $17::real[], $18::real[], $19::real[], $20::bigint[], $21::bigint[], $22::real[],
	$23::real[], $24::real[], $25::real[], $26::real[]
ON CONFLICT (city_id) DO UPDATE SET
	collected_at = excluded.collected_at,
	utc_offset_seconds = excluded.utc_offset_seconds,
	source = excluded.source,
	hourly_from = excluded.hourly_from,
	daily_from = excluded.daily_from,
	hourly_temperature = excluded.hourly_temperature,
	hourly_apparent_temperature = excluded.hourly_apparent_temperature,
	hourly_relative_humidity = excluded.hourly_relative_humidity,
	hourly_precipitation = excluded.hourly_precipitation,
	hourly_precipitation_probability = excluded.hourly_precipitation_probability,
	hourly_weather_code = excluded.hourly_weather_code,
	hourly_cloud_cover = excluded.hourly_cloud_cover,
	hourly_pressure_msl = excluded.hourly_pressure_msl,
	hourly_wind_speed = excluded.hourly_wind_speed,
	hourly_wind_direction = excluded.hourly_wind_direction,
	daily_weather_code = excluded.daily_weather_code,
	daily_temperature_max = excluded.daily_temperature_max,
	daily_temperature_min = excluded.daily_temperature_min,
	daily_sunrise = excluded.daily_sunrise,
	daily_sunset = excluded.daily_sunset,
	daily_precipitation_sum = excluded.daily_precipitation_sum,
	daily_precipitation_probability_max = excluded.daily_precipitation_probability_max,
	daily_wind_speed_max = excluded.daily_wind_speed_max,
	daily_wind_gusts_max = excluded.daily_wind_gusts_max,
	daily_wind_direction_dominant = excluded.daily_wind_direction_dominant;

-- name: quota_add (write)
-- $1 provider, $2 when, $3 weight, $4 requests: that much more was spent.
INSERT INTO quota_spent AS old (provider, minute, weight, requests)
SELECT $1::text, date_bin('1 minute', to_timestamp($2::bigint), 'epoch'), $3::numeric, $4::integer
ON CONFLICT (provider, minute) DO UPDATE SET
	weight = old.weight + excluded.weight,
	requests = old.requests + excluded.requests;

-- name: quota_sums (write)
-- $1 provider, $2 now. One row: the weight spent in this minute, this hour and this day (UTC), as the clock
-- has them.
SELECT coalesce(sum(weight) FILTER (WHERE minute = date_bin('1 minute', to_timestamp($2::bigint), 'epoch')), 0) AS minute,
	coalesce(sum(weight) FILTER (WHERE date_bin('1 hour', minute, 'epoch')
		= date_bin('1 hour', to_timestamp($2::bigint), 'epoch')), 0) AS hour,
	coalesce(sum(weight), 0) AS day
FROM quota_spent
WHERE provider = $1::text AND minute >= date_bin('1 day', to_timestamp($2::bigint), 'epoch')
	AND minute < date_bin('1 day', to_timestamp($2::bigint), 'epoch') + interval '24 hours';

-- name: demand_add (write)
-- $1 slugs, $2 counts, arrays of one length, $3 now: so many more requests. Unknown slugs are passed over.
INSERT INTO demand AS old (city_id, requests, wanted_at)
SELECT id, sum(n), to_timestamp($3::bigint)
FROM unnest($1::text[], $2::integer[]) AS asked (slug, n)
JOIN cities USING (slug)
GROUP BY id
ON CONFLICT (city_id) DO UPDATE SET
	requests = decayed(old.requests, old.wanted_at, excluded.wanted_at) + excluded.requests,
	wanted_at = greatest(old.wanted_at, excluded.wanted_at);

-- name: demand_wanted (write)
-- $1 how many, $2 now. Untracked cities by requests of late, the most wanted first: id, CITY9, requests,
-- wanted_at, granted_until or NULL.
SELECT id, slug, name, country, admin1, latitude, longitude, timezone, population, tracked,
	decayed(requests, wanted_at, to_timestamp($2::bigint)) AS requests,
	extract(epoch FROM wanted_at)::bigint AS wanted_at,
	extract(epoch FROM granted_until)::bigint AS granted_until
FROM demand d
JOIN cities ON id = city_id
WHERE NOT tracked
ORDER BY decayed(d.requests, d.wanted_at, to_timestamp($2::bigint)) DESC, id
LIMIT $1::integer;

-- name: demand_grant (write)
-- $1 city ids, $2 until when: these are served. Places that nobody has asked for are passed over.
UPDATE demand
SET granted_until = to_timestamp($2::bigint)
WHERE city_id = ANY ($1::integer[]);

-- name: demand_expire (write)
-- $1 now. Take back the grants that have ended, and forget what hardly anybody asked for; the slugs of
-- untracked cities that aren't served any more.
WITH forgotten AS (
	DELETE FROM demand
	WHERE granted_until IS NULL AND decayed(requests, wanted_at, to_timestamp($1::bigint)) < 0.01
), ended AS (
	UPDATE demand
	SET granted_until = NULL
	WHERE granted_until <= to_timestamp($1::bigint)
	RETURNING city_id
)
SELECT slug
FROM ended
JOIN cities ON id = city_id
WHERE NOT tracked
ORDER BY slug;

-- name: run_begin (write)
-- $1 when. One row: the id of the run.
INSERT INTO ingest_run (started_at)
SELECT to_timestamp($1::bigint)
RETURNING id;

-- name: run_end (write)
-- $1 id, $2 when, $3 exit code, $4 places, $5 stored, $6 refused, $7 failed, $8 requests, $9 retries, $10 weight,
-- $11 note or NULL.
UPDATE ingest_run SET
	finished_at = to_timestamp($2::bigint),
	exit_code = $3::smallint,
	places = $4::integer,
	stored = $5::integer,
	refused = $6::integer,
	failed = $7::integer,
	requests = $8::integer,
	retries = $9::integer,
	weight = $10::numeric,
	note = $11::text
WHERE id = $1::bigint;

-- name: keys_used (write)
-- $1 ids of API keys, $2 when each was last used, arrays of one length.
UPDATE api_keys k
SET last_used_at = greatest(k.last_used_at, to_timestamp(used.at))
FROM unnest($1::bigint[], $2::bigint[]) AS used (id, at)
WHERE k.id = used.id;

-- name: upkeep (write)
-- $1 how many days observations are kept; 0 is for ever. Once a day. One row: how many observations got a
-- month of their own, how many months were dropped.
SELECT moved, dropped
FROM weather_upkeep($1::integer);
