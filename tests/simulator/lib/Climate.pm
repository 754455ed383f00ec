# SPDX-License-Identifier: ISC
#
# Weather that never happened but could have: for a place and a moment, one
# state in metric units (°C, %, mm, hPa, km/h, m). The same place and moment
# give the same state in any process. Seasons come from the latitude, day and
# night from the sun's real position, the rest from seeded noise that is smooth
# in time. Knows nothing of requests, units asked for or JSON.
package Climate;
use strict;
use warnings;
use Exporter 'import';
use List::Util qw(max min sum0);
use POSIX qw(floor);

our @EXPORT_OK = qw(place_new state_at day_at hash01);

use constant {
	DEG => atan2(1, 1) / 45,
	TAU => 8 * atan2(1, 1),
	HOUR => 3600,
	DAY => 86400,
	J2000 => 946728000,	# 2000-01-01T12:00Z, where the sun's formulas count from
	HORIZON => -0.833,	# sun's centre at rise and set: refraction and its radius
	GRID => 16,		# grid cells a degree: about 7 km
};

# An integer hash to [0, 1): murmur's finaliser over 32 bits.
sub hash01 {
	use integer;
	my $x = ($_[0] ^ ($_[1] * 0x9e3779b1)) & 0xffffffff;

	$x = (($x ^ ($x >> 16)) * 0x45d9f3b) & 0xffffffff;
	$x = (($x ^ ($x >> 16)) * 0x45d9f3b) & 0xffffffff;
	$x ^= $x >> 16;
	no integer;
	return $x / 4294967296;
}

# Noise in [0, 1) for channel $ch of a place, with one random knot a $period.
sub noise {
	my ($p, $ch, $t, $period) = @_;
	my $x = $t / $period;
	my $i = floor($x);
	my $f = $x - $i;
	my $seed = $p->{seed} + 7919 * $ch;
	my $a = hash01($seed, $i);

	$f = $f * $f * (3 - 2 * $f);
	return $a + (hash01($seed, $i + 1) - $a) * $f;
}

sub clamp { return $_[0] < $_[1] ? $_[1] : $_[0] > $_[2] ? $_[2] : $_[0] }

sub smoothstep {
	my ($lo, $hi, $x) = @_;

	$x = clamp(($x - $lo) / ($hi - $lo), 0, 1);
	return $x * $x * (3 - 2 * $x);
}

# What does not change at a place. $elevation in metres, undef to let the grid decide.
sub place_new {
	my ($lat, $lon, $elevation) = @_;
	my $row = floor($lat * GRID + 0.5);
	my $col = floor($lon * GRID + 0.5);
	my $seed = floor(hash01($row, $col) * 4294967296);
	my %p = (lat => $row / GRID, lon => $col / GRID, seed => $seed);
	my $s2 = sin($p{lat} * DEG) ** 2;

	# Most of mankind lives low: the cube keeps mountains rare.
	$p{elevation} = $elevation // floor(3 + 900 * hash01($seed, 1) ** 4);
	$p{polar} = $s2;
	$p{sin} = sin($p{lat} * DEG);
	$p{cos} = cos($p{lat} * DEG);
	$p{mean} = 27.5 - 24 * $s2 - 20 * $s2 ** 4 - 0.0065 * $p{elevation} + 3 * (hash01($seed, 2) - 0.5);
	$p{season} = (0.6 + 15 * $s2 * (0.8 + 0.5 * hash01($seed, 3))) * ($p{lat} < 0 ? -1 : 1);
	$p{swing} = (2.2 + 3.5 * hash01($seed, 4)) * (0.35 + 0.65 * $p{cos});
	# Wet at the equator and around 50°, dry in the belts of deserts at 25°.
	$p{wet} = 0.06 * cos(abs($p{lat}) * DEG * 7.2) + 0.06 * (hash01($seed, 5) - 0.5);
	$p{wind} = TAU * hash01($seed, 6);
	return \%p;
}

# Sine of the sun's elevation and its hour angle (radians, 0 at noon) at a place.
# The sun itself is the same for all places, so it is worked out once a moment.
my %sun;
sub sun_at {
	my ($p, $t) = @_;

	%sun = () if keys %sun > 20_000;
	my $sun = $sun{$t} //= sun_position($t);
	my $h = $sun->{gha} + $p->{lon} * DEG;
	return ($p->{sin} * $sun->{sin} + $p->{cos} * $sun->{cos} * cos($h),
	    $h - TAU * floor($h / TAU + 0.5));
}

# Low-precision almanac, good to a minute of arc for centuries around now.
sub sun_position {
	my ($t) = @_;
	my $d = ($t - J2000) / DAY;
	my $g = (357.529 + 0.98560028 * $d) * DEG;
	my $l = (280.459 + 0.98564736 * $d + 1.915 * sin($g) + 0.020 * sin(2 * $g)) * DEG;
	my $e = 23.439 * DEG;
	my $sin = sin($e) * sin($l);
	my $gmst = (280.46061837 + 360.98564736629 * $d) * DEG;

	return { sin => $sin, cos => sqrt(1 - $sin * $sin),
	    gha => $gmst - atan2(cos($e) * sin($l), cos($l)) };
}

sub is_day {
	my ($p, $t) = @_;
	my ($sin) = sun_at($p, $t);

	return $sin > sin(HORIZON * DEG) ? 1 : 0;
}

# How unsettled the weather is, about 0.5 ± 0.2: clouds, rain and low pressure follow it.
sub unrest {
	my ($p, $t) = @_;

	return 0.5 * noise($p, 1, $t, 40 * HOUR) + 0.3 * noise($p, 2, $t, 11 * HOUR)
	    + 0.2 * noise($p, 3, $t, 3 * HOUR) + $p->{wet};
}

# Temperature for an unrest: season, time of day (warmest at half past two), air masses.
sub temperature {
	my ($p, $t, $unrest, $hour_angle) = @_;
	my $season = $p->{season} * cos(TAU * ($t / DAY / 365.2425 - 0.548));
	my $swing = $p->{swing} * (1.35 - 0.9 * smoothstep(0.3, 0.7, $unrest));

	return clamp($p->{mean} + $season + $swing * cos($hour_angle - 0.65)
	    + (2 + 9 * $p->{polar}) * (noise($p, 4, $t, 70 * HOUR) - 0.5)
	    + 1.2 * (noise($p, 5, $t, 5 * HOUR) - 0.5), -70, 52);
}

# Rain of the whole hour that ends at $t or next after it: amount in mm of water and kind. An hour
# is one piece, so that `current` (a quarter of it) and `hourly` (all of it) tell the same story.
sub rain_of_hour {
	my ($p, $t) = @_;
	my $end = HOUR * POSIX::ceil($t / HOUR);
	my $unrest = unrest($p, $end - HOUR / 2);
	my $excess = $unrest - 0.67;

	return (0, '') if $excess <= 0;
	my $heat = noise($p, 6, $end, 6 * HOUR) + 0.25 * $p->{cos} - 0.25;
	my $showers = $heat > 0.5;
	my $mm = (2 + 45 * $excess) * $excess * ($showers ? 1 + 2.5 * noise($p, 7, $end, HOUR) : 1);
	# Whole multiples of 0.04 mm: a quarter of an hour's rain is exact to the two decimals printed.
	$mm = 0.04 * floor(min($mm, 60) / 0.04);
	return (0, '') if $mm == 0;
	my (undef, $hour_angle) = sun_at($p, $end);
	my $cold = temperature($p, $end, unrest($p, $end), $hour_angle) < 0.5;
	return ($mm, $cold ? ($showers ? 'snow showers' : 'snow') : $showers ? 'showers' : 'rain');
}

# WMO 4677 code as Open-Meteo uses it, from an hour's rain, its kind, cloud cover and fog.
sub weather_code {
	my ($mm, $kind, $cloud, $fog, $temperature) = @_;
	my $level = $mm < 2.5 ? 0 : $mm < 7.6 ? 1 : 2;

	if ($mm > 0) {
		return $mm < 1.3 ? 71 : $mm < 2.6 ? 73 : 75 if $kind eq 'snow';
		return $mm < 1.3 ? 85 : 86 if $kind eq 'snow showers';
		return $mm > 12 ? 99 : $mm > 9 ? 96 : 95 if $kind eq 'showers' && $mm > 5;
		return 80 + $level if $kind eq 'showers';
		return $mm < 0.2 ? 51 : $mm < 0.4 ? 53 : $mm < 0.6 ? 55 : 61 + 2 * $level;
	}
	return $temperature < 0 ? 48 : 45 if $fog;
	return $cloud < 20 ? 0 : $cloud < 50 ? 1 : $cloud < 80 ? 2 : 3;
}

# Steadman's apparent temperature in the shade: warmth, vapour pressure (hPa), wind (m/s).
sub apparent_temperature {
	my ($temperature, $humidity, $wind) = @_;
	my $vapour = $humidity / 100 * 6.105 * exp(17.27 * $temperature / (237.7 + $temperature));

	return $temperature + 0.33 * $vapour - 0.70 * $wind / 3.6 - 4;
}

sub dew_point {
	my ($temperature, $humidity) = @_;
	my $g = log($humidity / 100) + 17.625 * $temperature / (243.04 + $temperature);

	return 243.04 * $g / (17.625 - $g);
}

# Everything about a place at a moment, by Open-Meteo's variable names. Amounts are
# those of the hour that ends then.
sub state_at {
	my ($p, $t) = @_;
	my ($sin, $hour_angle) = sun_at($p, $t);
	my $unrest = unrest($p, $t);
	my ($mm, $kind) = rain_of_hour($p, $t);
	my $temperature = temperature($p, $t, $unrest, $hour_angle);
	my $cloud = 100 * smoothstep(0.3, 0.68, $unrest);
	my $humidity = 66 + 55 * ($unrest - 0.5) - 13 * cos($hour_angle - 0.65)
	    + 16 * (noise($p, 8, $t, 20 * HOUR) - 0.5);
	my $gale = smoothstep(0.6, 0.85, $unrest);
	my $wind = (3 + 24 * noise($p, 9, $t, 26 * HOUR) ** 2 * (0.6 + $p->{polar})
	    + 7 * noise($p, 10, $t, 4 * HOUR)) * (1 + $gale * $p->{polar});
	my $pressure = clamp(1014 - (3 + 20 * $p->{polar}) * 2.4 * ($unrest - $p->{wet} - 0.5)
	    + (2 + 12 * $p->{polar}) * (noise($p, 11, $t, 90 * HOUR) - 0.5)
	    + 1.3 * $p->{cos} ** 2 * cos(2 * $hour_angle + 1.05), 980, 1045);
	my $kelvin = $temperature + 273.15;
	my $fall = 0.0065 * $p->{elevation};
	my $sunlit = $sin > 0.02 ? 1 - ($cloud / 100) ** 2 : 0;

	$cloud = max($cloud, 86) if $mm > 0;
	$humidity = clamp($mm > 0 ? max($humidity, 84) : $humidity, 12, 100);
	my $fog = $mm == 0 && $humidity > 94 && $wind < 7;
	my $snow = $kind =~ /snow/ ? $mm : 0;
	return {
		temperature_2m => $temperature,
		relative_humidity_2m => $humidity,
		dew_point_2m => dew_point($temperature, $humidity),
		apparent_temperature => apparent_temperature($temperature, $humidity, $wind),
		precipitation => $mm,
		rain => $kind eq 'rain' ? $mm : 0,
		showers => $kind eq 'showers' ? $mm : 0,
		snowfall => 0.7 * $snow,	# cm of fresh snow from mm of water
		weather_code => weather_code($mm, $kind, $cloud, $fog, $temperature),
		is_day => $sin > sin(HORIZON * DEG) ? 1 : 0,
		cloud_cover => $cloud,
		pressure_msl => $pressure,
		surface_pressure => $pressure * (1 - $fall / ($kelvin + $fall)) ** 5.257,
		wind_speed_10m => $wind,
		wind_direction_10m => 360 / TAU * ($p->{wind} + 2.6 * noise($p, 12, $t, 30 * HOUR)
		    + 0.7 * noise($p, 13, $t, 3 * HOUR)) % 360,
		wind_gusts_10m => $wind * (1.4 + 0.6 * noise($p, 14, $t, 2 * HOUR)) + 0.9 * $mm,
		visibility => $fog ? 150 + 700 * (100 - $humidity) / 6 : 24140 / (1 + 0.5 * $mm + $snow),
		precipitation_probability => max($mm > 0 ? 55 : 0, 100 * smoothstep(0.5, 0.74, $unrest)),
		uv_index => $sin > 0 ? 12.5 * $sin ** 1.6 * (1 - 0.6 * ($cloud / 100) ** 2) : 0,
		sunshine_duration => HOUR * $sunlit,
	};
}

# Seconds at which the sun crosses the horizon between $lo and $hi, by halving.
sub crossing {
	my ($p, $lo, $hi) = @_;
	my $before = is_day($p, $lo);

	while ($hi - $lo > 1) {
		my $mid = floor(($lo + $hi) / 2);

		(is_day($p, $mid) == $before ? $lo : $hi) = $mid;
	}
	return $hi;
}

# Sunrise and sunset around the noon that is nearest to the middle of a local day. The whole day
# where the sun stays up, nothing of it where it stays down, as Open-Meteo has it.
sub sun_times {
	my ($p, $midnight) = @_;
	my (undef, $hour_angle) = sun_at($p, $midnight + DAY / 2);
	my $noon = floor($midnight + DAY / 2 - $hour_angle / TAU * DAY);
	my ($rise, $set) = ($noon - DAY / 2, $noon + DAY / 2);

	return ($midnight, $midnight) if !is_day($p, $noon);
	return ($midnight, $midnight + DAY) if is_day($p, $rise) && is_day($p, $set);
	return (crossing($p, $rise, $noon), crossing($p, $noon, $set));
}

# The daily aggregates of the 24 hours from $midnight, from the states of those hours.
sub day_at {
	my ($p, $midnight, @hours) = @_;
	my ($rise, $set) = sun_times($p, $midnight);
	my $all = sub { my ($name) = @_; return map { $_->{$name} } @hours };
	my ($east, $north) = (0, 0);

	for my $h (@hours) {
		$east += $h->{wind_speed_10m} * sin($h->{wind_direction_10m} * DEG);
		$north += $h->{wind_speed_10m} * cos($h->{wind_direction_10m} * DEG);
	}
	return {
		weather_code => max($all->('weather_code')),
		temperature_2m_max => max($all->('temperature_2m')),
		temperature_2m_min => min($all->('temperature_2m')),
		apparent_temperature_max => max($all->('apparent_temperature')),
		apparent_temperature_min => min($all->('apparent_temperature')),
		sunrise => $rise,
		sunset => $set,
		daylight_duration => $set - $rise,
		sunshine_duration => min($set - $rise, sum0($all->('sunshine_duration'))),
		precipitation_sum => sum0($all->('precipitation')),
		rain_sum => sum0($all->('rain')),
		showers_sum => sum0($all->('showers')),
		snowfall_sum => sum0($all->('snowfall')),
		precipitation_hours => scalar(grep { $_ > 0 } $all->('precipitation')),
		precipitation_probability_max => max($all->('precipitation_probability')),
		wind_speed_10m_max => max($all->('wind_speed_10m')),
		wind_gusts_10m_max => max($all->('wind_gusts_10m')),
		wind_direction_10m_dominant => atan2($east, $north) / DEG % 360,
		uv_index_max => max($all->('uv_index')),
	};
}

1;
