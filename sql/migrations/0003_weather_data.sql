-- SPDX-License-Identifier: ISC
--
-- What was observed, one row for each place and 15-minute step, partitioned by month through pg_partman.

SET LOCAL ROLE cuaca_owner;

-- The ranges are those of the Earth, a little widened; NaN is above every number and so outside of them.
CREATE TABLE weather_data (
	city_id			integer NOT NULL REFERENCES cities,
	observed_at		timestamptz NOT NULL,
	collected_at		timestamptz NOT NULL,
	temperature		real CHECK (temperature BETWEEN -100 AND 70),
	apparent_temperature	real CHECK (apparent_temperature BETWEEN -120 AND 100),
	relative_humidity	smallint CHECK (relative_humidity BETWEEN 0 AND 100),
	precipitation		real CHECK (precipitation BETWEEN 0 AND 1000),
	weather_code		smallint CHECK (weather_code BETWEEN 0 AND 99),
	is_day			boolean,
	cloud_cover		smallint CHECK (cloud_cover BETWEEN 0 AND 100),
	pressure_msl		real CHECK (pressure_msl BETWEEN 800 AND 1100),
	wind_speed		real CHECK (wind_speed BETWEEN 0 AND 500),
	wind_direction		smallint CHECK (wind_direction BETWEEN 0 AND 360),
	wind_gusts		real CHECK (wind_gusts BETWEEN 0 AND 600),
	source			text NOT NULL CHECK (source IN ('open-meteo', 'simulator')),
	-- "This place, newest first" is this index read backwards. It also serves whatever else an
	-- idx_weather_city on city_id alone would, which would only cost a third index write a row.
	-- It carries what history shows, from wide to narrow: rows of one place lie far apart in the table, and a
	-- month of them is 3,000 reads there (0.3 s when they come from disk) but 60 here. That is worth half as
	-- much space again.
	CONSTRAINT idx_weather_city_time PRIMARY KEY (city_id, observed_at) INCLUDE (temperature, apparent_temperature,
		precipitation, pressure_msl, wind_speed, wind_gusts, relative_humidity, weather_code, cloud_cover,
		wind_direction, is_day, source)
) PARTITION BY RANGE (observed_at);

-- How fresh the whole is: max(collected_at), for /api/ready and monitoring.
CREATE INDEX idx_weather_collected_at ON weather_data (collected_at);

COMMENT ON TABLE weather_data IS 'Current weather of the tracked places, as collected; monthly partitions by observed_at';
COMMENT ON COLUMN weather_data.city_id IS 'The place: cities.id';
COMMENT ON COLUMN weather_data.observed_at IS 'Start of the 15-minute step that the values are for (UTC)';
COMMENT ON COLUMN weather_data.collected_at IS 'When the ingest fetched it (UTC)';
COMMENT ON COLUMN weather_data.temperature IS 'Air temperature 2 m above ground, °C';
COMMENT ON COLUMN weather_data.apparent_temperature IS 'Felt temperature, °C';
COMMENT ON COLUMN weather_data.relative_humidity IS 'Relative humidity 2 m above ground, %';
COMMENT ON COLUMN weather_data.precipitation IS 'Rain, showers and snow of the preceding 15 minutes, mm of water';
COMMENT ON COLUMN weather_data.weather_code IS 'WMO weather interpretation code, 0 to 99';
COMMENT ON COLUMN weather_data.is_day IS 'Whether the sun is above the horizon';
COMMENT ON COLUMN weather_data.cloud_cover IS 'Total cloud cover, %';
COMMENT ON COLUMN weather_data.pressure_msl IS 'Air pressure reduced to mean sea level, hPa';
COMMENT ON COLUMN weather_data.wind_speed IS 'Wind speed 10 m above ground, km/h';
COMMENT ON COLUMN weather_data.wind_direction IS 'Direction the wind blows from 10 m above ground, ° clockwise from north';
COMMENT ON COLUMN weather_data.wind_gusts IS 'Strongest gust of the preceding 15 minutes 10 m above ground, km/h';
COMMENT ON COLUMN weather_data.source IS 'Who answered: open-meteo, or simulator (the bundled test double)';

GRANT SELECT ON weather_data TO cuaca_weather, cuaca_ops, cuaca_ingest;
GRANT INSERT, UPDATE ON weather_data TO cuaca_ingest;

-- Partitions from January 2025 to four months ahead. A row outside of them is never refused: it goes to
-- the default partition, and weather_upkeep() gives it a month of its own. pg_partman cuts months in
-- the session's time zone: it must always be UTC, so automatic maintenance, which can't know, is off.
SET LOCAL timezone = 'UTC';
-- The months' storage settings: pg_partman copies them from here. An index answers alone only for pages that
-- were vacuumed since they were written; the server's default leaves the last fifth of each month out for ever.
CREATE TABLE partman.template_public_weather_data (LIKE weather_data) WITH (autovacuum_vacuum_insert_scale_factor = 0.02);
SELECT partman.create_parent('public.weather_data', 'observed_at', 'native', 'monthly',
	p_premake => 4, p_start_partition => '2025-01-01', p_automatic_maintenance => 'off', p_jobmon => false);
