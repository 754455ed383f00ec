# SPDX-License-Identifier: ISC
#
# Open-Meteo's answer, in two steps. answer_build() makes the places as lists of
# columns whose values are already printed; answer_text() writes them as JSON in
# the real server's key order. Faults alter the lists between the two.
#
# An answer is { many, places => [{ head => [[key, json], ...], blocks => [...] }] }, a block
# { name, columns => [[name, unit, json or [json, ...]], ...] } whose first column is the time.
package Shape;
use strict;
use warnings;
use Exporter 'import';
use POSIX qw(floor);
use Climate qw(place_new state_at day_at hash01);
use Variables qw(%HOURLY %DAILY printer);

our @EXPORT_OK = qw(answer_build answer_text error_text);

use constant { QUARTER => 900, HOUR => 3600, DAY => 86400 };

my %AMOUNT = map { $_ => 1 } qw(precipitation rain showers snowfall sunshine_duration);

sub answer_build {
	my ($q) = @_;
	my $i = 0;
	my %axes;	# places of one zone share their time columns

	return { many => @{$q->{places}} > 1,
	    places => [map { place_build($q, $_, $i++, \%axes) } @{$q->{places}}] };
}

sub place_build {
	my ($q, $asked, $i, $axes) = @_;
	my $place = place_new(@$asked{qw(lat lon)}, elevation($asked));
	my $zone = $asked->{zone};
	my %state;	# hours are asked for by `hourly` and again by their day
	my $state = sub { $state{$_[0]} //= state_at($place, $_[0]) };
	my @blocks;

	push @blocks, current_build($q, $zone, $state) if $q->{current};
	push @blocks, hourly_build($q, $zone, $state, $axes) if $q->{hourly};
	push @blocks, daily_build($q, $zone, $state, $axes, $place) if $q->{daily};
	return { head => [head($place, $zone, $asked, $i)], blocks => \@blocks };
}

# `elevation=nan` asks for the grid cell's own.
sub elevation {
	my ($asked) = @_;
	my $elevation = $asked->{elevation} // 'nan';

	return $elevation eq 'nan' ? undef : $elevation;
}

sub head {
	my ($place, $zone, $asked, $i) = @_;

	return (
		[latitude => float($place->{lat})],
		[longitude => float($place->{lon})],
		[generationtime_ms => sprintf('%.15g', 0.02 + hash01($place->{seed}, 99))],
		[utc_offset_seconds => $zone->{offset}],
		[timezone => qq("$zone->{name}")],
		[timezone_abbreviation => qq("$zone->{abbreviation}")],
		[elevation => float($place->{elevation})],
		$i ? [location_id => $i] : (),
	);
}

# A number that always shows it is not an integer, as Swift prints a Float.
sub float {
	my $text = sprintf '%.7g', $_[0];

	return $text =~ /[.e]/ ? $text : "$text.0";
}

# `current`: the quarter of an hour that began last. Amounts are those of 15 minutes.
sub current_build {
	my ($q, $zone, $state) = @_;
	my $t = floor($q->{now} / QUARTER) * QUARTER;
	my $now = $state->($t);
	my @columns = ([time => time_unit($q), clock($q, $t, $zone->{offset})], [interval => 'seconds', QUARTER]);

	for my $name (@{$q->{current}}) {
		my ($unit, $print) = printer($HOURLY{$name}, $q->{units});
		my $share = $AMOUNT{$name} ? QUARTER / HOUR : 1;

		push @columns, [$name, $unit, $print->($now->{$name} * $share)];
	}
	return { name => 'current', columns => \@columns };
}

sub hourly_build {
	my ($q, $zone, $state, $axes) = @_;
	my ($start, $n) = (midnight($q, $zone), $q->{days}{n} * 24);

	if (defined $q->{forecast_hours}) {
		$start = floor($q->{now} / HOUR) * HOUR;
		$n = $q->{forecast_hours};
	}
	my @t = map { $start + $_ * HOUR } 0 .. $n - 1;
	my $time = $axes->{"h$start,$zone->{offset}"} //= [map { clock($q, $_, $zone->{offset}) } @t];
	my @states = map { $state->($_) } @t;

	return { name => 'hourly', columns => [
		[time => time_unit($q), [@$time]],
		series($q, \%HOURLY, $q->{hourly}, \@states),
	] };
}

sub daily_build {
	my ($q, $zone, $state, $axes, $place) = @_;
	my $first = midnight($q, $zone);
	my @t = map { $first + $_ * DAY } 0 .. $q->{days}{n} - 1;
	my $time = $axes->{"d$first,$zone->{offset}"} //= [map { date($q, $_, $zone->{offset}) } @t];
	my @days = map {
		my $midnight = $_;
		day_at($place, $midnight, map { $state->($midnight + $_ * HOUR) } 0 .. 23);
	} @t;
	my @clocks = grep { $DAILY{$_} eq 'clock' } @{$q->{daily}};

	for my $day (@days) {
		$day->{$_} = clock($q, $day->{$_}, $zone->{offset}) for @clocks;
	}
	return { name => 'daily', columns => [
		[time => time_unit($q), [@$time]],
		series($q, \%DAILY, $q->{daily}, \@days),
	] };
}

# One column for each name: that value of every state, printed.
sub series {
	my ($q, $kinds, $names, $states) = @_;

	return map {
		my $name = $_;
		my ($unit, $print) = $kinds->{$name} eq 'clock' ? (time_unit($q), sub { $_[0] })
		    : printer($kinds->{$name}, $q->{units});

		[$name, $unit, [map { $print->($_->{$name}) } @$states]];
	} @$names;
}

# The first local midnight asked for. The real server keeps one offset, today's, for the whole answer.
sub midnight {
	my ($q, $zone) = @_;
	my $day = $q->{days}{start} // floor(($q->{now} + $zone->{offset}) / DAY) - $q->{days}{past};

	return $day * DAY - $zone->{offset};
}

sub time_unit { return $_[0]{unix} ? 'unixtime' : 'iso8601' }

sub clock {
	my ($q, $t, $offset) = @_;

	return $t if $q->{unix};
	my @u = gmtime($t + $offset);
	return sprintf '"%04d-%02d-%02dT%02d:%02d"', $u[5] + 1900, $u[4] + 1, @u[3, 2, 1];
}

sub date {
	my ($q, $t, $offset) = @_;

	return $q->{unix} ? $t : substr(clock($q, $t, $offset), 0, 11) . '"';
}

# JSON of an answer, in bytes.
sub answer_text {
	my ($answer) = @_;
	my $text = join ',', map { place_text($_) } @{$answer->{places}};

	return $answer->{many} ? "[$text]" : $text;
}

sub place_text {
	my ($place) = @_;
	my @members = map { qq("$_->[0]":$_->[1]) } @{$place->{head}};

	for my $block (@{$place->{blocks}}) {
		my @columns = @{$block->{columns}};

		push @members, qq("$block->{name}_units":{) . join(',', map { qq("$_->[0]":"$_->[1]") } @columns) . '}';
		push @members, qq("$block->{name}":{)
		    . join(',', map { qq("$_->[0]":) . value_text($_->[2]) } @columns) . '}';
	}
	return '{' . join(',', @members) . '}';
}

sub value_text {
	my ($value) = @_;

	return ref $value ? '[' . join(',', @$value) . ']' : $value;
}

# An error body. The real server's encoder has no fixed key order: both occur.
sub error_text {
	my ($reason, $reason_first) = @_;

	$reason =~ s/(["\\])/\\$1/g;
	$reason =~ s/([\x00-\x1f])/sprintf '\\u%04x', ord $1/ge;
	return $reason_first ? qq({"reason":"$reason","error":true}) : qq({"error":true,"reason":"$reason"});
}

1;
