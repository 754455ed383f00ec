# SPDX-License-Identifier: ISC
#
# A request's parameters, checked as Open-Meteo checks them. What is wrong is
# thrown as { reason => 'in the words of the real server' }, always a 400 there.
package Query;
use strict;
use warnings;
use Exporter 'import';
use List::Util qw(max);
use POSIX ();
use Time::Local qw(timegm_modern);
use Variables qw(%HOURLY %DAILY %UNITS);
use Zone qw(zone_at zone_of_place);

our @EXPORT_OK = qw(query_parse parse_rfc3339);

use constant { DAY => 86400, PLACES_MAX => 1000, PAST_MAX => 93, FORECAST_MAX => 16 };

# The generic names of the real server's Swift types; they show in its messages.
my $HOURLY_TYPE = 'SurfacePressureAndHeightVariable<VariableAndPreviousDay, '
    . 'VariableOrSpread<ForecastPressureVariable>, ForecastHeightVariable>';

sub refuse { die { reason => $_[0] } }

sub refuse_value {
	my ($type, $value, $path) = @_;

	refuse("Data corrupted at path '" . ($path // '') . "'. Cannot initialize $type"
	    . " from invalid String value $value.");
}

# From %$params (name => value, lists joined by commas): what is asked, of which places, for when.
sub query_parse {
	my ($kind, $params, $now) = @_;
	my %q = (
		hourly => names($params, 'hourly', \%HOURLY, $HOURLY_TYPE),
		daily => names($params, 'daily', \%DAILY, 'ForecastVariableDaily'),
		current => $kind eq 'archive' ? undef : names($params, 'current', \%HOURLY, $HOURLY_TYPE),
		unix => choice($params, 'timeformat', 'Timeformat', 'iso8601', 'unixtime') eq 'unixtime',
		now => $now,
	);
	my %type = (temperature_unit => 'TemperatureUnit', wind_speed_unit => 'WindspeedUnit',
	    precipitation_unit => 'PrecipitationUnit');

	$q{units}{$_} = choice($params, $_, $type{$_}, @{$UNITS{$_}}) for sort keys %UNITS;
	choice($params, 'cell_selection', 'GridSelectionMode', qw(land sea nearest));
	choice($params, 'models', 'MultiDomains', 'best_match');
	$q{days} = days($params, $kind, $now);
	$q{forecast_hours} = whole($params, 'forecast_hours');
	$q{places} = places($params, $now);
	$q{weight} = weight(\%q);
	return \%q;
}

# A list of variables, each of them known; undef when not asked for.
sub names {
	my ($params, $name, $known, $type) = @_;
	my $text = $params->{$name};

	return undef if !defined $text || $text eq '';
	my @names = split /,/, $text;
	for my $v (@names) {
		refuse_value($type, $text) if !exists $known->{$v};
	}
	return \@names;
}

sub choice {
	my ($params, $name, $type, @allowed) = @_;
	my $value = $params->{$name};

	return $allowed[0] if !defined $value;
	return $value if grep { $_ eq $value } @allowed;
	refuse_value($type, $value, $name);
}

sub whole {
	my ($params, $name) = @_;
	my $value = $params->{$name};

	return undef if !defined $value;
	return $value if $value =~ /\A-?\d{1,9}\z/;
	refuse_value('Int', $value, $name);
}

# A list of numbers, in what Swift's Float takes.
sub numbers {
	my ($params, $name) = @_;
	my $text = $params->{$name} // '';

	return map {
		/\A[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+|nan|inf)\z/i or refuse_value('Float', $text);
		/nan/i ? 'nan' : $_ + 0;
	} split /,/, $text;
}

sub places {
	my ($params, $now) = @_;
	my @lat = numbers($params, 'latitude');
	my @lon = numbers($params, 'longitude');
	my @elevation = numbers($params, 'elevation');

	refuse("Parameter 'latitude' and 'longitude' must have the same number of elements")
	    if @lat != @lon;
	refuse("Parameter 'latitude' and 'longitude' must not be empty") if !@lat;
	refuse("Parameter 'elevation' must have the same number of elements as coordinates")
	    if @elevation && @elevation != @lat;
	refuse('Only up to ' . PLACES_MAX . ' locations can be requested at once')
	    if @lat > PLACES_MAX;
	in_range('Latitude', 90, $_) for @lat;
	in_range('Longitude', 180, $_) for @lon;
	my @zone = split /,/, $params->{timezone} // 'GMT';
	refuse("Parameter 'timezone' and coordinates must have the same number of elements")
	    if @zone != 1 && @zone != @lat;
	return [map {
		{
			lat => $lat[$_],
			lon => $lon[$_],
			elevation => $elevation[$_],
			zone => zone($zone[@zone == 1 ? 0 : $_], $lat[$_], $lon[$_], $now),
		}
	} 0 .. $#lat];
}

sub in_range {
	my ($what, $limit, $given) = @_;

	return if $given ne 'nan' && abs($given) <= $limit;
	$given .= '.0' if $given =~ /\A-?\d+\z/;
	refuse("$what must be in range of -$limit to $limit°. Given: $given.");
}

sub zone {
	my ($name, $lat, $lon, $now) = @_;

	$name = zone_of_place($lat, $lon) if $name eq 'auto';
	return zone_at($name, $now) // refuse('Invalid timezone');
}

# The days asked for: { start, n } counted from local midnight of 1970 when given by
# date, or { past, n } around today.
sub days {
	my ($params, $kind, $now) = @_;
	my ($start, $end) = @$params{qw(start_date end_date)};
	my $past = whole($params, 'past_days');
	my $n = whole($params, 'forecast_days');

	if (defined $start || defined $end) {
		refuse("Both 'start_date' and 'end_date' must be set in the url")
		    if !defined $start || !defined $end;
		for (['past_days', $past], ['forecast_days', $n]) {
			refuse("Parameter '$_->[0]' is mutually exclusive with 'start_date' and 'end_date'")
			    if $_->[1];
		}
		return dates($start, $end, $kind, $now);
	}
	$past //= 0;
	$n //= $kind eq 'archive' ? 1 : 7;
	my $most = $kind eq 'archive' ? 1 : FORECAST_MAX;
	refuse("Forecast days is invalid. Allowed range 0 to $most. Given $n.") if $n < 0 || $n > $most;
	refuse('Past days is invalid. Allowed range 0 to ' . PAST_MAX . ". Given $past.")
	    if $past < 0 || $past > PAST_MAX;
	return { past => $past, n => $past + $n };
}

sub dates {
	my ($start, $end, $kind, $now) = @_;
	my ($from, $to) = map { day_number($_) } $start, $end;
	my $today = int($now / DAY);
	my $first = $kind eq 'archive' ? day_number('1940-01-01') : $today - PAST_MAX;
	my $last = $kind eq 'archive' ? $today : $today + FORECAST_MAX - 1;

	refuse('End-date must be larger or equals than start-date') if $to < $from;
	for (['start_date', $from], ['end_date', $to]) {
		refuse("Parameter '$_->[0]' is out of allowed range from " . date($first) . ' to ' . date($last))
		    if $_->[1] < $first || $_->[1] > $last;
	}
	return { start => $from, n => $to - $from + 1 };
}

sub date { return POSIX::strftime('%Y-%m-%d', gmtime($_[0] * DAY)) }

sub day_number {
	my ($text) = @_;
	my ($y, $m, $d) = $text =~ /\A(\d{4})-(\d\d)-(\d\d)\z/
	    or refuse("Invalid date format. Make sure to use 'YYYY-MM-DD'");

	return (eval { timegm_modern(0, 0, 0, $d, $m - 1, $y) } // refuse('Invalid date')) / DAY;
}

# What a request costs: ten variables of fourteen days at one place weigh 1, and nothing weighs less.
sub weight {
	my ($q) = @_;
	my $variables = 0;

	$variables += @{$q->{$_} // []} for qw(current hourly daily);
	my $share = $variables / 10;
	return @{$q->{places}} * max(1, $share, $share * $q->{days}{n} / 14);
}

# Seconds since 1970 of an RFC 3339 time, undef when it isn't one.
sub parse_rfc3339 {
	my ($text) = @_;
	my ($y, $mo, $d, $h, $mi, $s, $sign, $zh, $zm) = ($text // '') =~
	    /\A(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:[Zz]|([+-])(\d\d):(\d\d))\z/
	    or return undef;
	my $t = eval { timegm_modern($s // 0, $mi, $h, $d, $mo - 1, $y) } // return undef;

	return $t if !defined $sign;
	return $t - ($sign eq '-' ? -1 : 1) * ($zh * 3600 + $zm * 60);
}

1;
