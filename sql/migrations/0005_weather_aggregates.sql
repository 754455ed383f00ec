-- SPDX-License-Identifier: ISC
--
-- What history shows by hour and by day, kept up to date with each batch that is stored. Hours are made from
-- the observations and days from the hours, so that both outlive observations that are no longer kept.

SET LOCAL ROLE cuaca_owner;

-- Columns go from wide to narrow: this is the longest table after weather_data, and padding adds up. The keys
-- carry what history shows, for the reason that weather_data's does. Rows are written as often as observations
-- come: what that leaves behind is to be cleared before it is a fifth of such a table, the server's default.
CREATE TABLE weather_hour (
	hour_at				timestamptz NOT NULL CHECK (hour_at = date_bin('1 hour', hour_at, 'epoch')),
	city_id				integer NOT NULL REFERENCES cities,
	observations			smallint NOT NULL CHECK (observations > 0),
	temperature_count		smallint NOT NULL,
	apparent_temperature_count	smallint NOT NULL,
	relative_humidity_count		smallint NOT NULL,
	cloud_cover_count		smallint NOT NULL,
	pressure_msl_count		smallint NOT NULL,
	wind_speed_count		smallint NOT NULL,
	wind_gusts_count		smallint NOT NULL,
	temperature_min			real,
	temperature_max			real,
	temperature_mean		real,
	apparent_temperature_min	real,
	apparent_temperature_max	real,
	apparent_temperature_mean	real,
	relative_humidity_min		real,
	relative_humidity_max		real,
	relative_humidity_mean		real,
	cloud_cover_min			real,
	cloud_cover_max			real,
	cloud_cover_mean		real,
	pressure_msl_min		real,
	pressure_msl_max		real,
	pressure_msl_mean		real,
	wind_speed_min			real,
	wind_speed_max			real,
	wind_speed_mean			real,
	wind_gusts_min			real,
	wind_gusts_max			real,
	wind_gusts_mean			real,
	precipitation_sum		real,
	PRIMARY KEY (city_id, hour_at) INCLUDE (observations,
		temperature_min, temperature_max, temperature_mean,
		apparent_temperature_min, apparent_temperature_max, apparent_temperature_mean,
		relative_humidity_min, relative_humidity_max, relative_humidity_mean,
		cloud_cover_min, cloud_cover_max, cloud_cover_mean,
		pressure_msl_min, pressure_msl_max, pressure_msl_mean,
		wind_speed_min, wind_speed_max, wind_speed_mean,
		wind_gusts_min, wind_gusts_max, wind_gusts_mean,
		precipitation_sum)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);

CREATE TABLE weather_day (
	day				date NOT NULL,
	city_id				integer NOT NULL REFERENCES cities,
	observations			smallint NOT NULL CHECK (observations > 0),
	temperature_min			real,
	temperature_max			real,
	temperature_mean		real,
	apparent_temperature_min	real,
	apparent_temperature_max	real,
	apparent_temperature_mean	real,
	relative_humidity_min		real,
	relative_humidity_max		real,
	relative_humidity_mean		real,
	cloud_cover_min			real,
	cloud_cover_max			real,
	cloud_cover_mean		real,
	pressure_msl_min		real,
	pressure_msl_max		real,
	pressure_msl_mean		real,
	wind_speed_min			real,
	wind_speed_max			real,
	wind_speed_mean			real,
	wind_gusts_min			real,
	wind_gusts_max			real,
	wind_gusts_mean			real,
	precipitation_sum		real,
	PRIMARY KEY (city_id, day) INCLUDE (observations,
		temperature_min, temperature_max, temperature_mean,
		apparent_temperature_min, apparent_temperature_max, apparent_temperature_mean,
		relative_humidity_min, relative_humidity_max, relative_humidity_mean,
		cloud_cover_min, cloud_cover_max, cloud_cover_mean,
		pressure_msl_min, pressure_msl_max, pressure_msl_mean,
		wind_speed_min, wind_speed_max, wind_speed_mean,
		wind_gusts_min, wind_gusts_max, wind_gusts_mean,
		precipitation_sum)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);

COMMENT ON TABLE weather_hour IS 'Observations of each place by hour (UTC); kept when the observations no longer are';
COMMENT ON COLUMN weather_hour.hour_at IS 'Start of the hour (UTC)';
COMMENT ON TABLE weather_day IS 'Observations of each place by day (UTC); kept when the observations no longer are';
COMMENT ON COLUMN weather_day.day IS 'The day in UTC';

DO $$
DECLARE
	t text;
	q record;
BEGIN
	FOREACH t IN ARRAY ARRAY['weather_hour', 'weather_day'] LOOP
		EXECUTE format('COMMENT ON COLUMN %I.city_id IS %L', t, 'The place: cities.id');
		EXECUTE format('COMMENT ON COLUMN %I.observations IS %L', t, 'How many observations there were');
		EXECUTE format('COMMENT ON COLUMN %I.precipitation_sum IS %L', t,
			'Sum of the observations'' precipitation, mm of water: what fell before each; NULL when none has a value');
		FOR q IN VALUES ('temperature', 'Air temperature', '°C'), ('apparent_temperature', 'Felt temperature', '°C'),
			('relative_humidity', 'Relative humidity', '%'), ('cloud_cover', 'Cloud cover', '%'),
			('pressure_msl', 'Air pressure at mean sea level', 'hPa'), ('wind_speed', 'Wind speed', 'km/h'),
			('wind_gusts', 'Gusts', 'km/h')
		LOOP
			EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', t, q.column1 || '_min', q.column2 || ', the least, ' || q.column3);
			EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', t, q.column1 || '_max', q.column2 || ', the most, ' || q.column3);
			EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', t, q.column1 || '_mean',
				q.column2 || ', mean of the observations that have it, ' || q.column3);
			IF t = 'weather_hour' THEN
				EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', t, q.column1 || '_count',
					q.column2 || ': how many observations have it, the weight of the mean');
			END IF;
		END LOOP;
	END LOOP;
END
$$;

GRANT SELECT ON weather_hour, weather_day TO cuaca_weather, cuaca_ops, cuaca_admin;
GRANT SELECT, INSERT, UPDATE ON weather_hour, weather_day TO cuaca_ingest;

CREATE FUNCTION weather_aggregate(city_ids integer[], times timestamptz[]) RETURNS void
	LANGUAGE plpgsql
AS $$
DECLARE
	-- The months outside of these two are pruned before the statement begins.
	since CONSTANT timestamptz := (SELECT date_bin('1 hour', min(t), 'epoch') FROM unnest(times) t);
	until CONSTANT timestamptz := (SELECT date_bin('1 hour', max(t), 'epoch') + interval '1 hour' FROM unnest(times) t);
BEGIN
	INSERT INTO weather_hour AS old (hour_at, city_id, observations,
		temperature_count, temperature_min, temperature_max, temperature_mean,
		apparent_temperature_count, apparent_temperature_min, apparent_temperature_max, apparent_temperature_mean,
		relative_humidity_count, relative_humidity_min, relative_humidity_max, relative_humidity_mean,
		cloud_cover_count, cloud_cover_min, cloud_cover_max, cloud_cover_mean,
		pressure_msl_count, pressure_msl_min, pressure_msl_max, pressure_msl_mean,
		wind_speed_count, wind_speed_min, wind_speed_max, wind_speed_mean,
		wind_gusts_count, wind_gusts_min, wind_gusts_max, wind_gusts_mean,
		precipitation_sum)
	SELECT touched.hour_at, touched.city_id, count(*),
		count(temperature), min(temperature), max(temperature), avg(temperature),
		count(apparent_temperature), min(apparent_temperature), max(apparent_temperature), avg(apparent_temperature),
		count(relative_humidity), min(relative_humidity), max(relative_humidity), avg(relative_humidity::real),
		count(cloud_cover), min(cloud_cover), max(cloud_cover), avg(cloud_cover::real),
		count(pressure_msl), min(pressure_msl), max(pressure_msl), avg(pressure_msl),
		count(wind_speed), min(wind_speed), max(wind_speed), avg(wind_speed),
		count(wind_gusts), min(wind_gusts), max(wind_gusts), avg(wind_gusts),
		sum(precipitation::float8)
	FROM (
		SELECT DISTINCT city_id, date_bin('1 hour', t, 'epoch') AS hour_at
		FROM unnest(city_ids, times) AS batch (city_id, t)
	) touched
	JOIN weather_data w ON w.city_id = touched.city_id
		AND w.observed_at >= touched.hour_at AND w.observed_at < touched.hour_at + interval '1 hour'
		AND w.observed_at >= since AND w.observed_at < until
	GROUP BY touched.city_id, touched.hour_at
	ON CONFLICT (city_id, hour_at) DO UPDATE SET
		observations = excluded.observations,
		temperature_count = excluded.temperature_count,
		temperature_min = excluded.temperature_min,
		temperature_max = excluded.temperature_max,
		temperature_mean = excluded.temperature_mean,
		apparent_temperature_count = excluded.apparent_temperature_count,
		apparent_temperature_min = excluded.apparent_temperature_min,
		apparent_temperature_max = excluded.apparent_temperature_max,
		apparent_temperature_mean = excluded.apparent_temperature_mean,
		relative_humidity_count = excluded.relative_humidity_count,
		relative_humidity_min = excluded.relative_humidity_min,
		relative_humidity_max = excluded.relative_humidity_max,
		relative_humidity_mean = excluded.relative_humidity_mean,
		cloud_cover_count = excluded.cloud_cover_count,
		cloud_cover_min = excluded.cloud_cover_min,
		cloud_cover_max = excluded.cloud_cover_max,
		cloud_cover_mean = excluded.cloud_cover_mean,
		pressure_msl_count = excluded.pressure_msl_count,
		pressure_msl_min = excluded.pressure_msl_min,
		pressure_msl_max = excluded.pressure_msl_max,
		pressure_msl_mean = excluded.pressure_msl_mean,
		wind_speed_count = excluded.wind_speed_count,
		wind_speed_min = excluded.wind_speed_min,
		wind_speed_max = excluded.wind_speed_max,
		wind_speed_mean = excluded.wind_speed_mean,
		wind_gusts_count = excluded.wind_gusts_count,
		wind_gusts_min = excluded.wind_gusts_min,
		wind_gusts_max = excluded.wind_gusts_max,
		wind_gusts_mean = excluded.wind_gusts_mean,
		precipitation_sum = excluded.precipitation_sum
	-- Observations are only ever dropped by a month. Where fewer are left than an hour was made from, what
	-- it says is the better answer.
	WHERE excluded.observations >= old.observations;

	INSERT INTO weather_day (day, city_id, observations,
		temperature_min, temperature_max, temperature_mean,
		apparent_temperature_min, apparent_temperature_max, apparent_temperature_mean,
		relative_humidity_min, relative_humidity_max, relative_humidity_mean,
		cloud_cover_min, cloud_cover_max, cloud_cover_mean,
		pressure_msl_min, pressure_msl_max, pressure_msl_mean,
		wind_speed_min, wind_speed_max, wind_speed_mean,
		wind_gusts_min, wind_gusts_max, wind_gusts_mean,
		precipitation_sum)
	SELECT touched.day, touched.city_id, sum(observations),
		min(temperature_min), max(temperature_max),
		sum(temperature_mean::float8 * temperature_count) / nullif(sum(temperature_count), 0),
		min(apparent_temperature_min), max(apparent_temperature_max),
		sum(apparent_temperature_mean::float8 * apparent_temperature_count) / nullif(sum(apparent_temperature_count), 0),
		min(relative_humidity_min), max(relative_humidity_max),
		sum(relative_humidity_mean::float8 * relative_humidity_count) / nullif(sum(relative_humidity_count), 0),
		min(cloud_cover_min), max(cloud_cover_max),
		sum(cloud_cover_mean::float8 * cloud_cover_count) / nullif(sum(cloud_cover_count), 0),
		min(pressure_msl_min), max(pressure_msl_max),
		sum(pressure_msl_mean::float8 * pressure_msl_count) / nullif(sum(pressure_msl_count), 0),
		min(wind_speed_min), max(wind_speed_max),
		sum(wind_speed_mean::float8 * wind_speed_count) / nullif(sum(wind_speed_count), 0),
		min(wind_gusts_min), max(wind_gusts_max),
		sum(wind_gusts_mean::float8 * wind_gusts_count) / nullif(sum(wind_gusts_count), 0),
		sum(precipitation_sum::float8)
	FROM (
		SELECT DISTINCT city_id, (t AT TIME ZONE 'UTC')::date AS day
		FROM unnest(city_ids, times) AS batch (city_id, t)
	) touched
	JOIN weather_hour h ON h.city_id = touched.city_id
		AND h.hour_at >= touched.day::timestamp AT TIME ZONE 'UTC'
		AND h.hour_at < (touched.day + 1)::timestamp AT TIME ZONE 'UTC'
	GROUP BY touched.city_id, touched.day
	ON CONFLICT (city_id, day) DO UPDATE SET
		observations = excluded.observations,
		temperature_min = excluded.temperature_min,
		temperature_max = excluded.temperature_max,
		temperature_mean = excluded.temperature_mean,
		apparent_temperature_min = excluded.apparent_temperature_min,
		apparent_temperature_max = excluded.apparent_temperature_max,
		apparent_temperature_mean = excluded.apparent_temperature_mean,
		relative_humidity_min = excluded.relative_humidity_min,
		relative_humidity_max = excluded.relative_humidity_max,
		relative_humidity_mean = excluded.relative_humidity_mean,
		cloud_cover_min = excluded.cloud_cover_min,
		cloud_cover_max = excluded.cloud_cover_max,
		cloud_cover_mean = excluded.cloud_cover_mean,
		pressure_msl_min = excluded.pressure_msl_min,
		pressure_msl_max = excluded.pressure_msl_max,
		pressure_msl_mean = excluded.pressure_msl_mean,
		wind_speed_min = excluded.wind_speed_min,
		wind_speed_max = excluded.wind_speed_max,
		wind_speed_mean = excluded.wind_speed_mean,
		wind_gusts_min = excluded.wind_gusts_min,
		wind_gusts_max = excluded.wind_gusts_max,
		wind_gusts_mean = excluded.wind_gusts_mean,
		precipitation_sum = excluded.precipitation_sum;
END
$$;
COMMENT ON FUNCTION weather_aggregate IS 'Makes the hours and days anew that these observations of these places are in (two arrays of one length)';

CREATE FUNCTION weather_store(city_ids integer[], observed_at bigint[], collected_at bigint, temperature real[],
	apparent_temperature real[], relative_humidity smallint[], precipitation real[], weather_code smallint[],
	is_day boolean[], cloud_cover smallint[], pressure_msl real[], wind_speed real[], wind_direction smallint[],
	wind_gusts real[], source text, fill boolean) RETURNS bigint
	LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
	times CONSTANT timestamptz[] := ARRAY(SELECT to_timestamp(t) FROM unnest(observed_at) WITH ORDINALITY AS u (t, n) ORDER BY n);
	stored bigint;
BEGIN
	-- An hour is only right if all its observations can be seen: one batch at a time.
	PERFORM pg_advisory_xact_lock(hashtext('cuaca.weather_store'));

	INSERT INTO weather_data (city_id, observed_at, collected_at, temperature, apparent_temperature,
		relative_humidity, precipitation, weather_code, is_day, cloud_cover, pressure_msl,
		wind_speed, wind_direction, wind_gusts, source)
	SELECT city_id, batch.observed_at, to_timestamp(weather_store.collected_at), temperature, apparent_temperature,
		relative_humidity, precipitation, weather_code, is_day, cloud_cover, pressure_msl,
		wind_speed, wind_direction, wind_gusts, weather_store.source
	FROM unnest(city_ids, times, weather_store.temperature, weather_store.apparent_temperature,
		weather_store.relative_humidity, weather_store.precipitation, weather_store.weather_code,
		weather_store.is_day, weather_store.cloud_cover, weather_store.pressure_msl, weather_store.wind_speed,
		weather_store.wind_direction, weather_store.wind_gusts)
		AS batch (city_id, observed_at, temperature, apparent_temperature, relative_humidity, precipitation,
		weather_code, is_day, cloud_cover, pressure_msl, wind_speed, wind_direction, wind_gusts)
	WHERE NOT (fill AND EXISTS (SELECT FROM weather_hour h
		WHERE h.city_id = batch.city_id AND h.hour_at = date_bin('1 hour', batch.observed_at, 'epoch')))
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
		source = excluded.source;
	GET DIAGNOSTICS stored = ROW_COUNT;

	PERFORM weather_aggregate(city_ids, times);
	RETURN stored;
END
$$;
COMMENT ON FUNCTION weather_store IS 'Stores a batch of observations and their hours and days, all or nothing, and returns how many were stored; with fill, only those in hours that have none yet';

REVOKE EXECUTE ON FUNCTION weather_aggregate, weather_store FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weather_aggregate, weather_store TO cuaca_ingest;

-- What was stored before there were aggregates.
SELECT weather_aggregate(array_agg(city_id), array_agg(observed_at)) FROM weather_data;
