#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The circuit breaker through several runs of the program: in Redis, across a restart of Redis, and without Redis.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Ingest;
use POSIX qw(strftime);
use Test::More;

my $START = 1795385760;	# 2026-11-22T22:16:00Z
my %SETTINGS = (ingest_batch => 1, fetch_tries => 1, breaker_failures => 3, breaker_trials => 5, breaker_open => 30);
my $rig = Ingest->new(strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $START));

# A run so many seconds after the start; in short: requests, transitions, calls not made.
sub at {
	my ($seconds, %more) = @_;
	my $before = $rig->stats->{requests};

	$rig->set_now(strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $START + $seconds));
	my $run = $rig->run({ %SETTINGS, %more });
	return join ' ', $rig->stats->{requests} - $before, (map { "$_->{from}->$_->{to}" } Ingest::said($run, 'breaker')),
	    map { "-$_->{reason}" } Ingest::said($run, 'call not made');
}

sub state { return $rig->redis('--raw', 'HGET', 'breaker:open-meteo', 'state') =~ s/\n//r }

sub restart_redis {
	Ingest::stop('redis');
	$rig->start_redis;
}

# Closed, open, half-open, open, half-open, closed: $between each two runs.
sub cycle {
	my ($from, $between) = @_;
	my @seen;

	$rig->fault(500);
	push @seen, at($from);
	$between->();
	push @seen, at($from + 10);
	$between->();
	push @seen, at($from + 30);
	$between->();
	$rig->clear_faults;
	push @seen, at($from + 59);
	$between->();
	push @seen, at($from + 60);
	$between->();
	push @seen, at($from + 61);
	$between->();
	push @seen, at($from + 62);
	return \@seen;
}

my @CYCLE = (
	'3 closed->open',
	'0 -breaker-open -breaker-open -breaker-open',
	'1 open->half-open half-open->open -breaker-open -breaker-open',
	'0 -breaker-open -breaker-open -breaker-open',
	'3 open->half-open',	# 3 good trial calls of 5
	'3 half-open->closed',
	'3',
);

is_deeply cycle(0, sub {}), \@CYCLE, 'across runs';
is state(), 'closed', 'Redis has the state';
is $rig->metrics->{cuaca_ingest_breaker_state}, 0, 'the metrics too';

$rig->clear;
is_deeply cycle(0, \&restart_redis), \@CYCLE, 'across restarts of Redis that forget all';

$rig->clear;
is_deeply cycle(0, sub { unlink glob "$rig->{dir}/state/*" }), \@CYCLE, 'without the file';

$rig->clear;
Ingest::stop('redis');
is_deeply cycle(0, sub {}), \@CYCLE, 'without Redis';
$rig->start_redis;

subtest 'the newer record counts' => sub {
	$rig->clear;
	$rig->fault(500);
	is at(0), '3 closed->open', 'open, in both';
	Ingest::stop('redis');
	$rig->clear_faults;
	is at(40), '3 open->half-open', 'half-open, in the file';
	$rig->start_redis;
	$rig->redis('HSET', 'breaker:open-meteo', qw(state open failures 0 since 0 trials 0 opened_at), $START, 'until', $START + 3600,
	    'changed_at', $START, 'reason', 'server-error');
	is at(41), '3 half-open->closed', 'the file is newer than Redis';
};

subtest 'a limit opens it until its window ends' => sub {
	for (['429_minutely', 60], ['429_hourly', 2640], ['429_daily', 6240]) {
		my ($fault, $left) = @$_;

		$rig->clear;
		$rig->fault($fault, count => 1);
		is at(0), '1 closed->open -breaker-open -breaker-open', $fault;
		is at($left - 1), '0 -breaker-open -breaker-open -breaker-open', 'no call before';
		is at($left), '3 open->half-open', 'trial calls after';
	}
};

subtest 'our own mistakes do not count' => sub {
	$rig->clear;
	$rig->fault(400);
	is at(0), '3', 'bad requests';
	is at(1), '3', 'and more';
};

subtest 'failures that are far apart do not add up' => sub {
	$rig->clear;
	for my $i (0 .. 2) {
		$rig->fault(500, count => 2);
		is at(100 * $i), 3, "at $i";
	}
};

done_testing;
