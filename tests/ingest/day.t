#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# A whole simulated day, run by run: 90 tracked cities, 30 that somebody asks for, and the quota of Open-Meteo's free
# plan, which the simulator enforces. CUACA_TEST_RUNS has another number of runs than the day's 96.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Ingest;
use List::Util qw(max);
use POSIX qw(strftime);
use Test::More;

my $MIDNIGHT = 1795305600;	# 2026-11-22T00:00:00Z
my $RUNS = $ENV{CUACA_TEST_RUNS} // 96;

sub rfc3339 { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

my $rig = Ingest->new(rfc3339($MIDNIGHT), '--quota', '--serial');
my ($tracked, $wanted) = map { [split /\n/, $rig->sql("SELECT slug FROM cities ORDER BY population DESC, id LIMIT $_->[0] OFFSET $_->[1]")] }
    [90, 0], [30, 90];
$rig->sql('DELETE FROM weather_forecast');
$rig->track(@$tracked);

my (%failed, %spent, $forecasts);
my $most = 0;	# forecasts in one run, but for the first, in which all are missing
for my $i (0 .. $RUNS - 1) {
	my $now = $MIDNIGHT + 900 * $i + 60;

	$rig->set_now(rfc3339($now));
	# The first 30 get more requests than the others, which fall short of demand_min.
	$rig->redis('ZINCRBY', 'demand:cities', 5, $_) for $i % 4 == 0 ? @$wanted : ();
	$rig->redis('ZINCRBY', 'demand:cities', 2, 'springfield-us-mo') if $i == 0;
	my $run = $rig->run({ fetch_timeout => 20000 });

	$failed{$i} = $run->{err} if $run->{exit} != 0;
	$spent{int($i / 4)} += $run->{log}[-1]{weight};
	$forecasts += $run->{log}[-1]{forecasts_stored};
	$most = max($most, $run->{log}[-1]{forecasts_stored}) if $i > 0;
}

sub counts {
	my ($what, @slugs) = @_;
	my $list = join ',', map { "'$_'" } @slugs;

	return split /\n/, $rig->sql("SELECT count($what) FROM cities LEFT JOIN weather_data ON city_id = id WHERE slug IN ($list)"
	    . ' GROUP BY id ORDER BY 1');
}

my $stats = $rig->stats;
my $booked = $rig->sql('SELECT sum(weight) FROM quota_spent');
my @observed = counts('observed_at', @$tracked);
my @on_demand = counts('observed_at', @$wanted);

is_deeply \%failed, {}, 'every run did what it planned';
is "$observed[0] $observed[-1]", "$RUNS $RUNS", "each of 90 tracked cities has $RUNS observations";
cmp_ok $on_demand[0], '>', 0, 'each of 30 cities in demand has some';
is $rig->sql("SELECT count(*) FROM weather_data JOIN cities ON id = city_id WHERE slug = 'springfield-us-mo'"), 0,
    'one that hardly anybody asked for has none';
is $rig->sql('SELECT count(*) FROM weather_forecast'), 120, 'all have forecasts';
cmp_ok $booked, '<=', 10_000, 'within the quota';
cmp_ok $stats->{weight}, '==', $booked, 'our book agrees with the upstream\'s';
is_deeply [grep { $_ ne '200' } keys %{$stats->{by_status}}], [], 'which refused nothing';
cmp_ok max(values %spent), '<=', 5_000, 'no hour had more than its quota';
cmp_ok $most, '<', 40, 'forecasts are spread over the runs';
is $stats->{max_concurrent}, 1, 'one request at a time';
my $age = $rig->sql("SELECT max(extract(epoch FROM to_timestamp($MIDNIGHT + 900 * ($RUNS - 1)) - collected_at))::integer / 3600.0 FROM weather_forecast"
    . ' JOIN cities ON id = city_id WHERE tracked');
cmp_ok $age, '<=', 12, 'no forecast of a tracked city is stale';
diag sprintf '%d runs: weight %.0f of 10000 in %d requests, %d forecasts; %d observations of tracked cities, %d to %d of each in demand; '
    . 'oldest tracked forecast %.1f h', $RUNS, $booked, $stats->{requests}, $forecasts, $RUNS * 90, @on_demand[0, -1], $age;

done_testing;
