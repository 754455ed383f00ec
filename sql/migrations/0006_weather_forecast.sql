-- SPDX-License-Identifier: ISC
--
-- The forecast of each place: one row, replaced whole, its series as arrays as Open-Meteo sends them.

SET LOCAL ROLE cuaca_owner;

CREATE TABLE weather_forecast (
	city_id				integer PRIMARY KEY REFERENCES cities,
	collected_at			timestamptz NOT NULL,
	utc_offset_seconds		integer NOT NULL CHECK (utc_offset_seconds BETWEEN -86400 AND 86400),
	source				text NOT NULL CHECK (source IN ('open-meteo', 'simulator')),
	hourly_from			timestamptz NOT NULL,
	daily_from			date NOT NULL,
	hourly_temperature		real[] NOT NULL,
	hourly_apparent_temperature	real[] NOT NULL,
	hourly_relative_humidity	real[] NOT NULL,
	hourly_precipitation		real[] NOT NULL,
	hourly_precipitation_probability real[] NOT NULL,
	hourly_weather_code		real[] NOT NULL,
	hourly_cloud_cover		real[] NOT NULL,
	hourly_pressure_msl		real[] NOT NULL,
	hourly_wind_speed		real[] NOT NULL,
	hourly_wind_direction		real[] NOT NULL,
	daily_weather_code		real[] NOT NULL,
	daily_temperature_max		real[] NOT NULL,
	daily_temperature_min		real[] NOT NULL,
	daily_sunrise			bigint[] NOT NULL,
	daily_sunset			bigint[] NOT NULL,
	daily_precipitation_sum		real[] NOT NULL,
	daily_precipitation_probability_max real[] NOT NULL,
	daily_wind_speed_max		real[] NOT NULL,
	daily_wind_gusts_max		real[] NOT NULL,
	daily_wind_direction_dominant	real[] NOT NULL,
	CONSTRAINT weather_forecast_hours CHECK (cardinality(hourly_temperature) BETWEEN 1 AND 384
		AND cardinality(hourly_apparent_temperature) = cardinality(hourly_temperature)
		AND cardinality(hourly_relative_humidity) = cardinality(hourly_temperature)
		AND cardinality(hourly_precipitation) = cardinality(hourly_temperature)
		AND cardinality(hourly_precipitation_probability) = cardinality(hourly_temperature)
		AND cardinality(hourly_weather_code) = cardinality(hourly_temperature)
		AND cardinality(hourly_cloud_cover) = cardinality(hourly_temperature)
		AND cardinality(hourly_pressure_msl) = cardinality(hourly_temperature)
		AND cardinality(hourly_wind_speed) = cardinality(hourly_temperature)
		AND cardinality(hourly_wind_direction) = cardinality(hourly_temperature)),
	CONSTRAINT weather_forecast_days CHECK (cardinality(daily_weather_code) BETWEEN 1 AND 16
		AND cardinality(daily_temperature_max) = cardinality(daily_weather_code)
		AND cardinality(daily_temperature_min) = cardinality(daily_weather_code)
		AND cardinality(daily_sunrise) = cardinality(daily_weather_code)
		AND cardinality(daily_sunset) = cardinality(daily_weather_code)
		AND cardinality(daily_precipitation_sum) = cardinality(daily_weather_code)
		AND cardinality(daily_precipitation_probability_max) = cardinality(daily_weather_code)
		AND cardinality(daily_wind_speed_max) = cardinality(daily_weather_code)
		AND cardinality(daily_wind_gusts_max) = cardinality(daily_weather_code)
		AND cardinality(daily_wind_direction_dominant) = cardinality(daily_weather_code))
);

COMMENT ON TABLE weather_forecast IS 'The newest forecast of each place. Element n of an hourly array is for n hours after hourly_from, of a daily one for n days after daily_from; NULL where the model has no value';
COMMENT ON COLUMN weather_forecast.city_id IS 'The place: cities.id';
COMMENT ON COLUMN weather_forecast.collected_at IS 'When the ingest fetched it (UTC)';
COMMENT ON COLUMN weather_forecast.utc_offset_seconds IS 'Local time minus UTC in the whole of this forecast, seconds';
COMMENT ON COLUMN weather_forecast.source IS 'Who answered: open-meteo, or simulator (the bundled test double)';
COMMENT ON COLUMN weather_forecast.hourly_from IS 'Time of the first element of the hourly arrays (UTC)';
COMMENT ON COLUMN weather_forecast.daily_from IS 'Day of the first element of the daily arrays, local to the place';
COMMENT ON COLUMN weather_forecast.hourly_temperature IS 'Air temperature 2 m above ground, °C';
COMMENT ON COLUMN weather_forecast.hourly_apparent_temperature IS 'Felt temperature, °C';
COMMENT ON COLUMN weather_forecast.hourly_relative_humidity IS 'Relative humidity 2 m above ground, %';
COMMENT ON COLUMN weather_forecast.hourly_precipitation IS 'Rain, showers and snow of the preceding hour, mm of water';
COMMENT ON COLUMN weather_forecast.hourly_precipitation_probability IS 'Probability of more than 0.1 mm in the preceding hour, %';
COMMENT ON COLUMN weather_forecast.hourly_weather_code IS 'WMO weather interpretation code, 0 to 99';
COMMENT ON COLUMN weather_forecast.hourly_cloud_cover IS 'Total cloud cover, %';
COMMENT ON COLUMN weather_forecast.hourly_pressure_msl IS 'Air pressure reduced to mean sea level, hPa';
COMMENT ON COLUMN weather_forecast.hourly_wind_speed IS 'Wind speed 10 m above ground, km/h';
COMMENT ON COLUMN weather_forecast.hourly_wind_direction IS 'Direction the wind blows from 10 m above ground, ° clockwise from north';
COMMENT ON COLUMN weather_forecast.daily_weather_code IS 'The day''s most severe WMO weather interpretation code, 0 to 99';
COMMENT ON COLUMN weather_forecast.daily_temperature_max IS 'Highest air temperature 2 m above ground, °C';
COMMENT ON COLUMN weather_forecast.daily_temperature_min IS 'Lowest air temperature 2 m above ground, °C';
COMMENT ON COLUMN weather_forecast.daily_sunrise IS 'Sunrise, UNIX seconds; 0 or NULL where there is none';
COMMENT ON COLUMN weather_forecast.daily_sunset IS 'Sunset, UNIX seconds; 0 or NULL where there is none';
COMMENT ON COLUMN weather_forecast.daily_precipitation_sum IS 'Rain, showers and snow of the day, mm of water';
COMMENT ON COLUMN weather_forecast.daily_precipitation_probability_max IS 'Highest hourly probability of precipitation, %';
COMMENT ON COLUMN weather_forecast.daily_wind_speed_max IS 'Highest wind speed 10 m above ground, km/h';
COMMENT ON COLUMN weather_forecast.daily_wind_gusts_max IS 'Strongest gust 10 m above ground, km/h';
COMMENT ON COLUMN weather_forecast.daily_wind_direction_dominant IS 'Dominant wind direction 10 m above ground, ° clockwise from north';

GRANT SELECT ON weather_forecast TO cuaca_weather, cuaca_ops, cuaca_admin;
GRANT SELECT, INSERT, UPDATE ON weather_forecast TO cuaca_ingest;
