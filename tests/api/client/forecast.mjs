// SPDX-License-Identifier: ISC
//
// A program written for Open-Meteo with a published client. Nothing in it knows of Cuaca: OPEN_METEO_API_URL, which
// the client reads, is all that changes. It asks for one place and for two, has the client's own schema check the
// answers, makes a mistake, and prints what it found as one line of JSON.

import { OpenMeteoClient } from 'open-meteo-mcp-server/dist/client.js';
import { ForecastParamsSchema, WeatherResponseSchema } from 'open-meteo-mcp-server/dist/types.js';

const client = new OpenMeteoClient();
const [latitude, longitude] = process.argv.slice(2).map(Number);

const weather = await client.getForecast(ForecastParamsSchema.parse({
	latitude, longitude,
	hourly: ['temperature_2m', 'relative_humidity_2m', 'precipitation', 'weather_code', 'wind_speed_10m', 'is_day'],
	daily: ['weather_code', 'temperature_2m_max', 'temperature_2m_min', 'sunrise', 'precipitation_sum'],
	timezone: 'auto',
	temperature_unit: 'fahrenheit',
	forecast_days: 2,
}));
const checked = WeatherResponseSchema.parse(weather);

const several = await client.getForecast({
	latitude: [latitude, latitude], longitude: [longitude, longitude], current: ['temperature_2m', 'is_day'],
});

const mistake = await client.getForecast({ latitude, longitude, hourly: ['snow_of_yesterday'] })
	.then(() => 'none', (e) => e.response?.data?.reason ?? String(e));

console.log(JSON.stringify({
	timezone: weather.timezone,
	hours: checked.hourly.temperature_2m.length,
	days: checked.daily.time,
	unit: checked.hourly_units.temperature_2m,
	warmest: Math.max(...checked.hourly.temperature_2m),
	places: several.map((place) => [place.location_id ?? 0, place.current.temperature_2m]),
	mistake,
}));
