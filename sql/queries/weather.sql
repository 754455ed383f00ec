-- SPDX-License-Identifier: ISC
--
-- The statements of the weather programs. sql/gen.awk makes C of them: a block begins with its name and
-- whether it may go to a replica and be repeated (read), or needs the primary (write). Arguments come as
-- text, or NULL; times go in and out as UNIX seconds. A city is always these nine columns, here "CITY9":
--   slug, name, country, admin1, latitude, longitude, timezone, population, tracked

-- name: city_by_slug (read)
-- $1 slug. CITY9, or no row.
SELECT slug, name, country, admin1, latitude, longitude, timezone, population, tracked
FROM cities
WHERE slug = $1::text;

-- name: cities_near_matches (read)
-- $1 what was asked for in vain. CITY9 of up to 5 places whose name looks like it, the most alike first.
WITH q AS MATERIALIZED (SELECT slugify($1::text))
SELECT slug, name, country, admin1, latitude, longitude, timezone, population, tracked
FROM cities
WHERE slugify(name) % (TABLE q)
ORDER BY slugify(name) <-> (TABLE q), population DESC, id
LIMIT 5;

-- name: cities_search (read)
-- $1 the beginning of a name, or some word of it; $2 how many. CITY9: names that begin with it come first,
-- then those with a word like it; the largest first in both.
WITH q AS MATERIALIZED (SELECT nullif(slugify($1::text), ''))
SELECT slug, name, country, admin1, latitude, longitude, timezone, population, tracked
FROM (
	SELECT *, 1 AS rank FROM cities
	WHERE slug >= (TABLE q) AND slug < (TABLE q) || '~'	-- above all that a slug is made of
	UNION ALL
	SELECT *, 2 FROM cities
	WHERE (TABLE q) <% slugify(name) AND NOT starts_with(slug, (TABLE q))
) found
ORDER BY rank, population DESC, id
LIMIT $2::integer;

-- name: cities_by_population (read)
-- $1 how many. CITY9, the largest first.
SELECT slug, name, country, admin1, latitude, longitude, timezone, population, tracked
FROM cities
ORDER BY population DESC, id
LIMIT $1::integer;

-- name: cities_near (read)
-- $1 latitude, $2 longitude, $3 how many. CITY9 and distance_km, the nearest first.
SELECT slug, name, country, admin1, latitude, longitude, timezone, population, tracked,
	round(globe_km(globe(latitude, longitude), globe($1::float8, $2::float8))::numeric, 1) AS distance_km
FROM cities
ORDER BY globe(latitude, longitude) <-> globe($1::float8, $2::float8)
LIMIT $3::integer;

-- name: city_nearest_tracked (read)
-- $1 latitude, $2 longitude. CITY9 and distance_km of one place.
SELECT slug, name, country, admin1, latitude, longitude, timezone, population, tracked,
	round(globe_km(globe(latitude, longitude), globe($1::float8, $2::float8))::numeric, 1) AS distance_km
FROM cities
WHERE tracked
ORDER BY globe(latitude, longitude) <-> globe($1::float8, $2::float8)
LIMIT 1;

-- name: weather_current (read)
-- $1 slugs, an array. CITY9 and the newest row of weather_data, or NULLs where there is none; one row for
-- each slug that exists, in the order asked for. The newest row is nearly always from this month or the
-- last: only where it isn't does the second branch run, which has to ask every partition.
SELECT c.slug, c.name, c.country, c.admin1, c.latitude, c.longitude, c.timezone, c.population, c.tracked,
	extract(epoch FROM w.observed_at)::bigint AS observed_at,
	extract(epoch FROM w.collected_at)::bigint AS collected_at,
	w.temperature, w.apparent_temperature, w.relative_humidity, w.precipitation, w.weather_code, w.is_day,
	w.cloud_cover, w.pressure_msl, w.wind_speed, w.wind_direction, w.wind_gusts, w.source
FROM unnest($1::text[]) WITH ORDINALITY AS asked (slug, n)
JOIN cities c ON c.slug = asked.slug
LEFT JOIN LATERAL (
	(SELECT * FROM weather_data
		WHERE city_id = c.id AND observed_at BETWEEN now() - interval '7 days' AND now() + interval '1 day'
		ORDER BY observed_at DESC LIMIT 1)
	UNION ALL
	(SELECT * FROM weather_data WHERE city_id = c.id ORDER BY observed_at DESC LIMIT 1)
	LIMIT 1
) w ON true
ORDER BY asked.n;

-- name: cities_tracked (read)
-- id and CITY9 of every tracked place, by id.
SELECT id, slug, name, country, admin1, latitude, longitude, timezone, population, tracked
FROM cities
WHERE tracked
ORDER BY id;

-- name: ingest_lock (write)
-- Whether this connection now holds the lock that keeps two ingests apart; it ends with the connection.
SELECT pg_try_advisory_lock(hashtext('cuaca.weather-ingest'));

-- name: ingest_unlock (write)
-- Whether this connection held the lock.
SELECT pg_advisory_unlock(hashtext('cuaca.weather-ingest'));

-- name: weather_upsert (write)
-- Store a batch, all or nothing; a row for the same place and time is replaced. $3 and $15 are for the
-- whole batch, the others arrays of one length. A place and time may be there only once. One row: how
-- many were stored.
WITH stored AS (
	INSERT INTO weather_data (city_id, observed_at, collected_at, temperature, apparent_temperature,
		relative_humidity, precipitation, weather_code, is_day, cloud_cover, pressure_msl,
		wind_speed, wind_direction, wind_gusts, source)
	SELECT city_id, to_timestamp(observed_at), to_timestamp($3::bigint), temperature, apparent_temperature,
		relative_humidity, precipitation, weather_code, is_day, cloud_cover, pressure_msl,
		wind_speed, wind_direction, wind_gusts, $15::text
	FROM unnest($1::integer[], $2::bigint[], $4::real[], $5::real[], $6::smallint[], $7::real[],
		$8::smallint[], $9::boolean[], $10::smallint[], $11::real[], $12::real[], $13::smallint[], $14::real[])
		AS batch (city_id, observed_at, temperature, apparent_temperature, relative_humidity, precipitation,
		weather_code, is_day, cloud_cover, pressure_msl, wind_speed, wind_direction, wind_gusts)
	ON CONFLICT (city_id, observed_at) DO UPDATE SET
		collected_at = excluded.collected_at,
		temperature = excluded.temperature,
		apparent_temperature = excluded.apparent_temperature,
		relative_humidity = excluded.relative_humidity,
		precipitation = excluded.precipitation,
		weather_code = excluded.weather_code,
		is_day = excluded.is_day,
		cloud_cover = excluded.cloud_cover,
		pressure_msl = excluded.pressure_msl,
		wind_speed = excluded.wind_speed,
		wind_direction = excluded.wind_direction,
		wind_gusts = excluded.wind_gusts,
		source = excluded.source
	RETURNING 1
)
SELECT count(*) FROM stored;

-- name: ready (read)
-- One row: schema_version, the name of the last migration; when anything was last collected, or NULL; how
-- many places are tracked.
SELECT (SELECT max(name) FROM schema_migrations) AS schema_version,
	(SELECT extract(epoch FROM max(collected_at))::bigint FROM weather_data) AS collected_at,
	(SELECT count(*) FROM cities WHERE tracked) AS tracked;
