#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# An hour of runs into each fault of the upstream, with a quota that is too small for them: it is never exceeded, the
# last good data stay, and every call that the plan wanted was made or has a line in the log that says why not.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/../simulator/lib";
use Faults qw(fault_names);
use Ingest;
use POSIX qw(strftime);
use Test::More;

my $START = 1795384860;	# 2026-11-22T22:01:00Z
my %LIMIT = (minute => 12, hour => 30, day => 40);
my %TIMEOUT = (stall => 400, slow => 400, drip => 400);
my %RETRIED = map { $_ => 1 } qw(500 429_concurrent stall cut text200);	# with a second try; it costs the test time

sub rfc3339 { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

my $rig = Ingest->new(rfc3339($START - 900));
my $first = $rig->run({ ingest_batch => 1 });
is $first->{exit}, 0, 'good data to begin with' or die $first->{err};
my ($cached, $rows) = ($rig->cached, rows());

sub rows { return scalar $rig->sql("SELECT * FROM weather_data WHERE observed_at < to_timestamp($START - 60) ORDER BY city_id") }

sub settings {
	my ($fault) = @_;

	return { ingest_batch => 1, ingest_budget => 20, fetch_tries => $RETRIED{$fault} ? 2 : 1, fetch_timeout => $TIMEOUT{$fault} // 5000,
	    map { ("quota_$_" => $LIMIT{$_}) } keys %LIMIT };
}

# The log of a run accounts for every call: it was made, or a line says why it wasn't.
sub accounted {
	my ($run) = @_;
	my %last = %{$run->{log}[-1]};
	my @not_made = Ingest::said($run, 'call not made');

	return 0 if grep { !$_->{reason} || !$_->{call} || (!$_->{detail} && $_->{reason} ne 'budget') } @not_made;
	return $last{requests} - $last{retries} + @not_made >= $last{places} + $last{forecasts};
}

sub most_in {
	my ($seconds) = @_;

	return $rig->sql("SELECT coalesce(max(w), 0) FROM (SELECT sum(weight) AS w FROM quota_spent GROUP BY date_bin('$seconds s', minute, 'epoch')) s");
}

my ($runs, $refused) = (0, 0);
for my $fault (fault_names()) {
	$rig->sql("DELETE FROM weather_data WHERE observed_at >= to_timestamp($START - 60); DELETE FROM weather_forecast");
	$rig->clear;
	$rig->fault($fault, $fault eq 'slow' ? (delay_ms => $TIMEOUT{slow} + 50) : ());	# no longer: it is counted when it is answered
	my (@silent, $weight, %reason);

	for my $i (0 .. 3) {
		$rig->set_now(rfc3339($START + 900 * $i));
		my $run = $rig->run(settings($fault));

		push @silent, $i if !accounted($run);
		$weight += $run->{log}[-1]{weight};
		$reason{$_->{reason}}++ for Ingest::said($run, 'call not made');
		$runs++;
	}
	$refused += $_ for values %reason;
	my $booked = $rig->sql('SELECT coalesce(sum(weight), 0) FROM quota_spent');
	my $now = $rig->cached;

	subtest "fault $fault" => sub {
		cmp_ok most_in($_->[1]), '<=', $LIMIT{$_->[0]}, "within the quota of a $_->[0]" for [minute => 60], [hour => 3600], [day => 86400];
		cmp_ok $booked, '==', $weight, 'the book has what the runs say they spent';
		cmp_ok $rig->stats->{weight}, '<=', $booked, 'and no less than the upstream counted';
		is_deeply \@silent, [], 'each call was made, or the log says why not';
		is rows(), $rows, 'the last good rows are there';
		is_deeply [sort keys %$now], [sort keys %$cached], 'and served';
		note join ', ', map { "$_ $reason{$_}" } sort keys %reason;
	};
}
cmp_ok $refused, '>', 0, 'some calls were not made';
diag "$runs runs, $refused calls not made";

done_testing;
