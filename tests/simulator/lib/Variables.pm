# SPDX-License-Identifier: ISC
#
# The variables the simulator knows, and how Open-Meteo prints each: its kind
# decides the unit's name, the decimals and what the units asked for do to it.
package Variables;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT_OK = qw(%HOURLY %DAILY %UNITS printer);

# Allowed values of each unit parameter, the default first.
our %UNITS = (
	temperature_unit => [qw(celsius fahrenheit)],
	wind_speed_unit => [qw(kmh ms mph kn)],
	precipitation_unit => [qw(mm inch)],
);

our %HOURLY = (		# for `current` too
	temperature_2m => 'temperature',
	relative_humidity_2m => 'percent',
	dew_point_2m => 'temperature',
	apparent_temperature => 'temperature',
	precipitation => 'water',
	rain => 'water',
	showers => 'water',
	snowfall => 'snow',
	weather_code => 'code',
	is_day => 'flag',
	cloud_cover => 'percent',
	pressure_msl => 'pressure',
	surface_pressure => 'pressure',
	wind_speed_10m => 'wind',
	wind_direction_10m => 'direction',
	wind_gusts_10m => 'wind',
	visibility => 'distance',
	precipitation_probability => 'percent',
	uv_index => 'index',
	sunshine_duration => 'seconds',
);

our %DAILY = (
	weather_code => 'code',
	temperature_2m_max => 'temperature',
	temperature_2m_min => 'temperature',
	apparent_temperature_max => 'temperature',
	apparent_temperature_min => 'temperature',
	sunrise => 'clock',
	sunset => 'clock',
	daylight_duration => 'seconds',
	sunshine_duration => 'seconds',
	precipitation_sum => 'water',
	rain_sum => 'water',
	showers_sum => 'water',
	snowfall_sum => 'snow',
	precipitation_hours => 'hours',
	precipitation_probability_max => 'percent',
	wind_speed_10m_max => 'wind',
	wind_gusts_10m_max => 'wind',
	wind_direction_10m_dominant => 'direction',
	uv_index_max => 'index',
);

# kind => unit asked for ('' where there is no choice) => [name, decimals, factor, offset]
my %KIND = (
	temperature => { celsius => ['°C', 1, 1, 0], fahrenheit => ['°F', 1, 1.8, 32] },
	wind => { kmh => ['km/h', 1, 1, 0], ms => ['m/s', 2, 1 / 3.6, 0],
	    mph => ['mp/h', 1, 2.237 / 3.6, 0], kn => ['kn', 1, 1.94384 / 3.6, 0] },
	water => { mm => ['mm', 2, 1, 0], inch => ['inch', 3, 1 / 25.4, 0] },
	snow => { mm => ['cm', 2, 1, 0], inch => ['inch', 3, 1 / 2.54, 0] },
	distance => { mm => ['m', 2, 1, 0], inch => ['ft', 3, 3.280839895, 0] },
	percent => { '' => ['%', 0, 1, 0] },
	pressure => { '' => ['hPa', 1, 1, 0] },
	direction => { '' => ['°', 0, 1, 0] },
	code => { '' => ['wmo code', 0, 1, 0] },
	flag => { '' => ['', 0, 1, 0] },
	index => { '' => ['', 2, 1, 0] },
	seconds => { '' => ['s', 2, 1, 0] },
	hours => { '' => ['h', 1, 1, 0] },
);

my %CHOICE = (temperature => 'temperature_unit', wind => 'wind_speed_unit',
    map { $_ => 'precipitation_unit' } qw(water snow distance));

# The unit's name for a kind, and a function that prints one metric value of it.
sub printer {
	my ($kind, $units) = @_;
	my $choice = $CHOICE{$kind};
	my ($name, $decimals, $factor, $offset) = @{$KIND{$kind}{$choice ? $units->{$choice} : ''}};
	my $format = "%.${decimals}f";

	return ($name, sub { sprintf $format, $_[0] * $factor + $offset });
}

1;
