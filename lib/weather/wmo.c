/* SPDX-License-Identifier: ISC
 *
 * The table. Indonesian as BMKG's forecasts word it where they have a word.
 */
#include "weather/wmo.h"

#include <stddef.h>

static const char *const texts[100][LANG__MAX] = {
	[0] = { "Clear sky", "Cerah" },
	[1] = { "Mainly clear", "Umumnya cerah" },
	[2] = { "Partly cloudy", "Cerah berawan" },
	[3] = { "Overcast", "Berawan tebal" },
	[45] = { "Fog", "Kabut" },
	[48] = { "Depositing rime fog", "Kabut berembun beku" },
	[51] = { "Light drizzle", "Gerimis ringan" },
	[53] = { "Moderate drizzle", "Gerimis sedang" },
	[55] = { "Dense drizzle", "Gerimis lebat" },
	[56] = { "Light freezing drizzle", "Gerimis beku ringan" },
	[57] = { "Dense freezing drizzle", "Gerimis beku lebat" },
	[61] = { "Slight rain", "Hujan ringan" },
	[63] = { "Moderate rain", "Hujan sedang" },
	[65] = { "Heavy rain", "Hujan lebat" },
	[66] = { "Light freezing rain", "Hujan beku ringan" },
	[67] = { "Heavy freezing rain", "Hujan beku lebat" },
	[71] = { "Slight snowfall", "Salju ringan" },
	[73] = { "Moderate snowfall", "Salju sedang" },
	[75] = { "Heavy snowfall", "Salju lebat" },
	[77] = { "Snow grains", "Butiran salju" },
	[80] = { "Slight rain showers", "Hujan lokal ringan" },
	[81] = { "Moderate rain showers", "Hujan lokal sedang" },
	[82] = { "Violent rain showers", "Hujan lokal sangat lebat" },
	[85] = { "Slight snow showers", "Hujan salju ringan" },
	[86] = { "Heavy snow showers", "Hujan salju lebat" },
	[95] = { "Thunderstorm", "Badai petir" },
	[96] = { "Thunderstorm with slight hail", "Badai petir dengan hujan es ringan" },
	[97] = { "Heavy thunderstorm", "Badai petir hebat" },
	[99] = { "Thunderstorm with heavy hail", "Badai petir dengan hujan es lebat" },
};

static const char *const unknown[LANG__MAX] = { "Unknown", "Tidak diketahui" };

const char *
wmo_text(int code, enum lang lang)
{
	const char *text = NULL;

	if (code >= 0 && code < (int)(sizeof(texts) / sizeof(texts[0])))
		text = texts[code][lang];
	return text != NULL ? text : unknown[lang];
}
