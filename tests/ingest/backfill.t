#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Filling history from the archive: what is asked, stored and left alone, the quota, and going on after a stop. And
# the daily upkeep, which ends it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Ingest;
use Test::More;

my $rig = Ingest->new('2026-11-22T12:05:00Z');
my %PATIENT = (fetch_timeout => 5000, quota_minute => 0);

sub fill {
	my ($settings, @options) = @_;

	$rig->clear_stats;
	return $rig->run({ %PATIENT, %$settings }, '--backfill', @options);
}

sub hours {
	my ($slug) = @_;

	return scalar $rig->sql("SELECT count(*) || ' ' || min(observed_at) || ' ' || max(observed_at) FROM weather_data JOIN cities"
	    . " ON id = city_id WHERE slug = '$slug' AND observed_at < '2026-11-22'");
}

subtest 'usage' => sub {
	is fill({}, @$_)->{exit}, 100, "@$_" for ['2026-09-01'], ['2026-09-01', '2026-13-01'], ['2026-09-02', '2026-09-01'],
	    ['2026-09-01', '2026-11-22'], ['2026-09-01', '2026-09-02', '--city', 'nowhere-at-all'], ['yesterday', 'today'];
};

subtest 'a dry run' => sub {
	my $run = fill({}, qw(2026-09-15 2026-11-10 --dry-run));

	is $run->{exit}, 0, 'exit';
	like $run->{out}, qr/\A9 months of places, 9 requests, weight 13\.1\n\z/, 'the price';
	is $rig->stats->{requests}, 0, 'no request';
};

subtest 'one city' => sub {
	my $run = fill({}, qw(2026-09-15 2026-11-10 --city jakarta));
	my $stats = $rig->stats;

	is $run->{exit}, 0, 'exit' or diag $run->{err};
	is hours('jakarta'), '1368 2026-09-15 00:00:00+00 2026-11-10 23:00:00+00', 'every hour';
	is hours('tokyo'), '', 'of no other city';
	is $stats->{requests}, 3, 'a request a month';
	is $stats->{last_path}, '/v1/archive', 'of the archive';
	cmp_ok abs($stats->{weight} - $rig->sql('SELECT sum(weight) FROM quota_spent')), '<', 0.001, 'paid for';
	is $rig->sql("SELECT string_agg(DISTINCT source, ' ') FROM weather_data"), 'simulator', 'source';
	is $rig->sql("SELECT count(DISTINCT is_day) || ' ' || count(temperature) || ' ' || count(wind_gusts) FROM weather_data"),
	    '2 1368 1368', 'values';
	is $rig->sql('SELECT count(*) FROM weather_day WHERE observations = 24'), 57, 'days';
	unlike $run->{err}, qr/\r|#/, 'no progress bar in a log';
};

subtest 'again' => sub {
	my $run = fill({}, qw(2026-09-15 2026-11-10 --city jakarta));

	is $run->{exit}, 0, 'exit';
	is $rig->stats->{requests}, 0, 'nothing is asked for twice';
	$rig->sql("DELETE FROM weather_hour WHERE hour_at = '2026-10-10 05:00Z'");
	fill({}, qw(2026-09-15 2026-11-10 --city jakarta));
	is_deeply [@{$rig->stats->{last_query}}{qw(start_date end_date)}], [('2026-10-10') x 2], 'but for the day that lacks an hour';
};

subtest 'what was observed stays' => sub {
	is $rig->run->{exit}, 0, 'a run';
	$rig->sql("UPDATE weather_data SET observed_at = '2026-08-02T10:15Z', temperature = 1.5 WHERE observed_at > '2026-11-21'");
	$rig->sql("SELECT weather_aggregate(array_agg(city_id), array_agg(observed_at)) FROM weather_data WHERE observed_at = '2026-08-02T10:15Z'");
	fill({}, qw(2026-08-01 2026-08-03));
	is $rig->sql("SELECT count(*) || ' ' || count(*) FILTER (WHERE temperature = 1.5) FROM weather_data WHERE observed_at < '2026-09-01'"), '216 3',
	    'the hour that had one has no other';
};

subtest 'the quota of a day' => sub {
	$rig->forget;
	my @range = qw(2026-01-01 2026-03-31);
	# Half of the day is left: 48 runs of 3 places and their forecasts are not for history.
	my $run = fill({ quota_day => 170 }, @range);
	my $spent = $rig->sql('SELECT sum(weight) FROM quota_spent');
	my ($end) = Ingest::said($run, 'backfill stopped, the same command goes on from here');

	is $run->{exit}, 1, 'exit';
	cmp_ok $spent, '<=', 170 - 48 * 3, 'the tracked cities keep what they need';
	ok $end, 'the log says how to go on';
	is((Ingest::said($run, 'call not made'))[0]{reason}, 'quota-day', 'and why it stopped');
	my $stored = $end->{hours};
	$rig->set_now('2026-11-23T12:05:00Z');
	$run = fill({ quota_day => 10000 }, @range);
	is $run->{exit}, 0, 'the next day';
	is $stored + $run->{log}[-1]{hours}, 90 * 24 * 3, 'the rest';
};

subtest 'the quota of an hour' => sub {
	my %tight = (quota_hour => 20);	# five runs of 3 places, at work or to come, and 5
	my @range = qw(2026-04-01 2026-07-31);

	$rig->set_now('2026-11-24T12:00:00Z');
	$rig->forget;
	my $job = $rig->begin({ %PATIENT, %tight }, '--now', $rig->{now}, '--backfill', @range);
	Ingest::wait_for('the end of what may be spent', sub { Pg::slurp($job->{err}) =~ /"waiting for quota"/ });
	kill TERM => $job->{pid};	# an hour is too long for a test
	$rig->end($job);
	cmp_ok $rig->sql('SELECT sum(weight) FROM quota_spent'), '<=', 5, 'the runs of the hour keep what they need';
	is $rig->run({ %tight, ingest_batch => 1 })->{exit}, 0, '... and have it';
	my $run = fill({ quota_hour => 16 }, @range);
	is $run->{exit}, 1, 'an hour that never has any to spare is not waited for';
	is((Ingest::said($run, 'call not made'))[0]{reason}, 'quota-hour', '... and the log says so');
};

subtest 'faults' => sub {
	for (['short_series', 'series'], ['moved', 'coordinates'], ['text200', 'not-json'], ['old_time', 'time'], ['400', 'bad-request']) {
		my ($fault, $reason) = @$_;

		$rig->clear;
		$rig->fault($fault);
		my $run = fill({ fetch_tries => 1, breaker_failures => 100 }, qw(2025-01-01 2025-01-02 --city tokyo));

		is $run->{exit}, 1, "fault $fault";
		is((Ingest::said($run, 'not filled'))[0]{reason}, $reason, 'reason');
		is $rig->sql("SELECT count(*) FROM weather_data WHERE observed_at < '2026-01-01'"), 0, 'nothing stored';
	}
	$rig->clear;
	$rig->fault('429_hourly', count => 1);
	my $run = fill({}, qw(2025-01-01 2025-03-31 --city tokyo));
	is $rig->stats->{requests}, 1, 'a limit stops it';
	is $rig->run->{exit}, 0, '... but no run, which asks another host';
	$rig->clear;
};

subtest 'on a terminal' => sub {
	my ($exit) = $rig->{pg}->run('script', '-qec', 'true', '/dev/null');
	plan skip_all => 'no script(1), or no pseudo-terminals' if $exit != 0;
	my %env = $rig->environment(%PATIENT);
	local @ENV{keys %env} = values %env;
	my (undef, $out) = $rig->{pg}->run('script', '-qec',
	    "$Ingest::BUILD/cron/weather-ingest --now $rig->{now} --backfill 2025-05-30 2025-06-02 --city tokyo", '/dev/null');

	like $out, qr/\r\[#{20} {20}\] 1\/2 2025-05 tokyo.*\r\[#{40}\] 2\/2 2025-06 tokyo/s, 'a progress bar';
};

subtest 'upkeep' => sub {
	my $old = sub { $rig->sql("SELECT count(*) FROM weather_data WHERE observed_at < '2026-01-01'") };

	is fill({}, qw(2025-05-30 2025-05-31 --city tokyo))->{exit}, 0, 'some old observations';
	cmp_ok $old->(), '>', 0, 'are there';
	is $rig->run({}, '--upkeep')->{exit}, 0, 'kept for ever';
	cmp_ok $old->(), '>', 0, 'still there';
	my $run = $rig->run({ retention_days => 30 }, '--upkeep');
	is $run->{exit}, 0, 'kept for 30 days' or diag $run->{err};
	cmp_ok $run->{log}[-1]{months_dropped}, '>', 0, 'months dropped';
	is $old->(), 0, 'they are gone';
	cmp_ok $rig->sql("SELECT count(*) FROM weather_day WHERE day < '2026-01-01'"), '>', 0, 'their days are not';
};

done_testing;
