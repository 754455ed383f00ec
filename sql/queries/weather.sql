-- SPDX-License-Identifier: ISC
--
-- The statements of weather.fcgi. sql/gen.awk makes C of all the files here: a block begins with its name and
-- whether it may go to a replica and be repeated (read), or needs the primary (write). Arguments come as
-- text, or NULL; times go in and out as UNIX seconds, arrays as {1,2,NULL}. A city is always these nine
-- columns, here "CITY9":
--   slug, name, country, admin1, latitude, longitude, timezone, population, tracked
-- A city is served that is tracked, or that the ingest has granted weather because it was asked for.

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

-- name: cities_nearest_tracked (read)
-- $1 latitudes, $2 longitudes, arrays of the same length. The same for each place, in their order.
SELECT c.*
FROM unnest($1::float8[], $2::float8[]) WITH ORDINALITY AS place (latitude, longitude, n)
CROSS JOIN LATERAL (
	SELECT slug, name, country, admin1, latitude, longitude, timezone, population, tracked,
		round(globe_km(globe(latitude, longitude), globe(place.latitude, place.longitude))::numeric, 1)
			AS distance_km
	FROM cities
	WHERE tracked
	ORDER BY globe(latitude, longitude) <-> globe(place.latitude, place.longitude)
	LIMIT 1
) c
ORDER BY place.n;

-- name: weather_current (read)
-- $1 slugs, an array. CITY9, the newest row of weather_data, or NULLs where there is none, in one of how many runs it
-- is collected, and served; one row for each slug that exists, in the order asked for. The newest row is nearly always from this month or the
-- last: only where it isn't does the second branch run, which has to ask every partition.
SELECT c.slug, c.name, c.country, c.admin1, c.latitude, c.longitude, c.timezone, c.population, c.tracked,
	extract(epoch FROM w.observed_at)::bigint AS observed_at,
	extract(epoch FROM w.collected_at)::bigint AS collected_at,
	w.temperature, w.apparent_temperature, w.relative_humidity, w.precipitation, w.weather_code, w.is_day,
	w.cloud_cover, w.pressure_msl, w.wind_speed, w.wind_direction, w.wind_gusts, w.source,
	coalesce(p.every_runs, 1) AS every_runs, c.tracked OR d.granted_until IS NOT NULL AS served
FROM unnest($1::text[]) WITH ORDINALITY AS asked (slug, n)
JOIN cities c ON c.slug = asked.slug
LEFT JOIN demand d ON d.city_id = c.id
LEFT JOIN ingest_pace p ON p.city_id = c.id
LEFT JOIN LATERAL (
	(SELECT * FROM weather_data
		WHERE city_id = c.id AND observed_at BETWEEN now() - interval '7 days' AND now() + interval '1 day'
		ORDER BY observed_at DESC LIMIT 1)
	UNION ALL
	(SELECT * FROM weather_data WHERE city_id = c.id ORDER BY observed_at DESC LIMIT 1)
	LIMIT 1
) w ON true
ORDER BY asked.n;

-- name: city_served (read)
-- $1 slug. CITY9 and served, or no row.
SELECT slug, name, country, admin1, latitude, longitude, timezone, population, tracked,
	tracked OR granted_until IS NOT NULL AS served
FROM cities
LEFT JOIN demand ON city_id = id
WHERE slug = $1::text;

-- name: history_raw (read)
-- $1 slug, $2 from, $3 to (not itself), $4 how many. Observations, the newest first.
SELECT extract(epoch FROM observed_at)::bigint AS observed_at,
	temperature, apparent_temperature, relative_humidity, precipitation, weather_code, is_day,
	cloud_cover, pressure_msl, wind_speed, wind_direction, wind_gusts, source
FROM weather_data w
WHERE city_id = (SELECT id FROM cities WHERE slug = $1::text)
	AND w.observed_at >= to_timestamp($2::bigint) AND w.observed_at < to_timestamp($3::bigint)
ORDER BY w.observed_at DESC
LIMIT $4::integer;

-- name: history_hour (read)
-- $1 slug, $2 from, $3 to (not itself), $4 how many. Hours that begin in between, the newest first: when, how
-- many observations, then least, most and mean of seven quantities, and the precipitation's sum.
SELECT extract(epoch FROM hour_at)::bigint AS time, observations,
	temperature_min, temperature_max, temperature_mean,
	apparent_temperature_min, apparent_temperature_max, apparent_temperature_mean,
	relative_humidity_min, relative_humidity_max, relative_humidity_mean,
	cloud_cover_min, cloud_cover_max, cloud_cover_mean,
	pressure_msl_min, pressure_msl_max, pressure_msl_mean,
	wind_speed_min, wind_speed_max, wind_speed_mean,
	wind_gusts_min, wind_gusts_max, wind_gusts_mean,
	precipitation_sum
FROM weather_hour
WHERE city_id = (SELECT id FROM cities WHERE slug = $1::text)
	AND hour_at >= to_timestamp($2::bigint) AND hour_at < to_timestamp($3::bigint)
ORDER BY hour_at DESC
LIMIT $4::integer;

-- name: history_day (read)
-- $1 slug, $2 from, $3 to (not itself), $4 how many. The same of days (UTC).
SELECT extract(epoch FROM day)::bigint AS time, observations,
	temperature_min, temperature_max, temperature_mean,
	apparent_temperature_min, apparent_temperature_max, apparent_temperature_mean,
	relative_humidity_min, relative_humidity_max, relative_humidity_mean,
	cloud_cover_min, cloud_cover_max, cloud_cover_mean,
	pressure_msl_min, pressure_msl_max, pressure_msl_mean,
	wind_speed_min, wind_speed_max, wind_speed_mean,
	wind_gusts_min, wind_gusts_max, wind_gusts_mean,
	precipitation_sum
FROM weather_day
WHERE city_id = (SELECT id FROM cities WHERE slug = $1::text)
	AND day >= date 'epoch' + ceil($2::bigint / 86400.0)::integer
	AND day < date 'epoch' + ceil($3::bigint / 86400.0)::integer
ORDER BY day DESC
LIMIT $4::integer;

-- name: forecast_get (read)
-- $1 slug. CITY9, the forecast, or NULLs where there is none, and served; no row for an unknown slug.
-- daily_from is the first day's local midnight.
SELECT slug, name, country, admin1, latitude, longitude, timezone, population, tracked,
	extract(epoch FROM collected_at)::bigint AS collected_at, utc_offset_seconds, source,
	extract(epoch FROM hourly_from)::bigint AS hourly_from,
	extract(epoch FROM daily_from)::bigint - utc_offset_seconds AS daily_from,
	hourly_temperature, hourly_apparent_temperature, hourly_relative_humidity, hourly_precipitation,
	hourly_precipitation_probability, hourly_weather_code, hourly_cloud_cover, hourly_pressure_msl,
	hourly_wind_speed, hourly_wind_direction,
	daily_weather_code, daily_temperature_max, daily_temperature_min, daily_sunrise, daily_sunset,
	daily_precipitation_sum, daily_precipitation_probability_max, daily_wind_speed_max,
	daily_wind_gusts_max, daily_wind_direction_dominant,
	tracked OR granted_until IS NOT NULL AS served
FROM cities c
LEFT JOIN weather_forecast f ON f.city_id = c.id
LEFT JOIN demand d ON d.city_id = c.id
WHERE slug = $1::text;

-- name: key_find (read)
-- $1 SHA-256 of a key, hexadecimal. Its id, name and rate, or no row where none in force has it.
SELECT id, name, rate
FROM api_keys
WHERE hash = decode($1::text, 'hex') AND revoked_at IS NULL;
