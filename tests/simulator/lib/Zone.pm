# SPDX-License-Identifier: ISC
#
# Time zones, from the system's zone files: what Open-Meteo says of a zone at a
# moment, and which zone `auto` means for a place (that of the nearest town in
# zone.tab, which near borders may be the neighbour's).
package Zone;
use strict;
use warnings;
use Exporter 'import';
use POSIX qw(tzset);
use Time::Local qw(timegm_modern);

our @EXPORT_OK = qw(zone_at zone_of_place);

my $ZONES = '/usr/share/zoneinfo';
my $DEG = atan2(1, 1) / 45;

# { name, offset (seconds east), abbreviation } of an IANA zone, or undef when there is none.
my %known;
sub zone_at {
	my ($name, $t) = @_;

	return { name => $name, offset => 0, abbreviation => $name } if $name eq 'GMT' || $name eq 'UTC';
	return undef if $name !~ m{\A[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*\z} || !-f "$ZONES/$name";
	%known = () if keys %known > 5000;
	return $known{$name}{$t} //= do {
		my $offset = offset_of($name, $t);

		{ name => $name, offset => $offset, abbreviation => abbreviation($offset) };
	};
}

sub offset_of {
	my ($name, $t) = @_;
	my $offset;

	{
		local $ENV{TZ} = ":$name";
		tzset();
		my @local = localtime $t;
		$offset = timegm_modern(@local[0 .. 4], $local[5] + 1900) - $t;
	}
	tzset();
	return $offset;
}

# GMT+7, GMT-3:30, GMT: what the real server prints for a zone.
sub abbreviation {
	my ($offset) = @_;
	my $minutes = abs($offset) / 60;

	return 'GMT' if $offset == 0;
	return sprintf '%s%d%s', $offset < 0 ? 'GMT-' : 'GMT+', $minutes / 60,
	    $minutes % 60 ? sprintf(':%02d', $minutes % 60) : '';
}

# ISO 6709 as zone.tab has it, ±DDMM±DDDMM or ±DDMMSS±DDDMMSS, to degrees.
sub parse_position {
	my ($text) = @_;
	my @parts = $text =~ /\A([+-])(\d\d)(\d\d)(\d\d)?([+-])(\d{3})(\d\d)(\d\d)?\z/
	    or die "zone.tab: bad position $text\n";

	return map {
		my ($sign, $d, $m, $s) = @parts[$_ .. $_ + 3];
		($sign eq '-' ? -1 : 1) * ($d + $m / 60 + ($s // 0) / 3600);
	} 0, 4;
}

my @towns;
sub towns {
	return @towns if @towns;
	open my $in, '<', "$ZONES/zone.tab" or die "$ZONES/zone.tab: $!\n";
	while (<$in>) {
		next if /^#/;
		chomp;
		my (undef, $position, $name) = split /\t/;
		my ($lat, $lon) = parse_position($position);
		push @towns, [$name, unit_vector($lat, $lon)];
	}
	return @towns;
}

sub unit_vector {
	my ($lat, $lon) = map { $_ * $DEG } @_;

	return (cos($lat) * cos($lon), cos($lat) * sin($lon), sin($lat));
}

sub zone_of_place {
	my ($lat, $lon) = @_;
	my ($x, $y, $z) = unit_vector($lat, $lon);
	my ($best, $zone) = (-2, 'GMT');

	for my $town (towns()) {
		my $cosine = $x * $town->[1] + $y * $town->[2] + $z * $town->[3];

		($best, $zone) = ($cosine, $town->[0]) if $cosine > $best;
	}
	return $zone;
}

1;
