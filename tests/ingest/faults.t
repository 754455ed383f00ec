#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Every way in which the upstream fails: what was good before stays stored and served, the reason is logged
# and counted, and requests are made again only where that can help.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Ingest;
use Test::More;

my $rig = Ingest->new('2026-11-22T22:20:00Z');
my $first = $rig->run;
is $first->{exit}, 0, 'a first run' or die $first->{err};
my $before = $rig->served;

$rig->set_now('2026-11-22T22:35:00Z');

# Run into $fault and compare: exit 1, so many requests, all places refused (or failed, where nothing was
# answered) for this reason, all data as before.
sub check {
	my ($fault, $reason, $requests, $result, $settings, @options) = @_;

	$rig->clear;
	$rig->fault($fault);
	my $run = $rig->run($settings, @options);
	my $places = @options ? 1 : 3;
	my $metrics = $rig->metrics;
	my ($line) = grep { ($_->{reason} // '') eq $reason } @{$run->{log}};

	subtest "fault $fault" => sub {
		is $run->{exit}, 1, 'exit';
		is $rig->stats->{requests}, $requests, 'requests';
		ok $line, "the log says $reason" or diag $run->{err};
		is $run->{log}[-1]{$result}, $places, "places $result";
		is $run->{log}[-1]{requests}, $requests, 'requests in the summary';
		cmp_ok $metrics->{"cuaca_ingest_refusals{reason=\"$reason\"}"}, '>', 0, 'refusals in the metrics';
		is $metrics->{"cuaca_ingest_places{result=\"$result\"}"}, $places, 'places in the metrics';
		is $rig->served, $before, 'the last good rows are there and served';
	};
}

# The upstream says no. Four-hundreds and used-up limits are not tried again.
check(400, 'bad-request', 1, 'failed');
check('redirect', 'status', 1, 'failed');
is $rig->stats->{elsewhere} // 0, 0, 'the redirect was not followed';
check($_, 'server-error', 2, 'failed') for 500, 502, 503;
check('429_concurrent', 'limit-concurrent', 2, 'failed');
check('429_hourly', 'limit-hourly', 1, 'failed', { ingest_batch => 1 });
check('429_daily', 'limit-daily', 1, 'failed', { ingest_batch => 1 });
check('429_minutely', 'limit-minutely', 1, 'failed', { ingest_budget => 5 });

# No answer, or not all of it.
check($_, 'no-answer', 2, 'failed', { fetch_timeout => 400 }) for qw(stall slow drip);
check($_, 'no-answer', 2, 'failed') for qw(cut reset);
check($_, 'too-large', 1, 'failed', { fetch_timeout => 20000 }) for qw(huge deep);
check('bad_deflate', 'broken-http', 2, 'failed');

# Status 200, and no weather.
check('error200', 'error', 2, 'refused');
check('empty200', 'empty', 2, 'refused');
check($_, 'not-json', 2, 'refused') for qw(text200 truncated tail200 trailing nan);
check('wrong_count', 'count', 2, 'refused');
check('object_for_many', 'shape', 2, 'refused');
check('array_for_one', 'shape', 2, 'refused', {}, '--city', 'jakarta');

# Places that can't be used: asking again would bring the same.
check('not_object', 'shape', 1, 'refused');
check('moved', 'coordinates', 1, 'refused');
check($_, 'missing', 1, 'refused') for qw(missing_block missing_value);
check('null_values', 'all-null', 1, 'refused');
check('some_null', 'no-temperature', 1, 'refused');
check('text_value', 'value', 1, 'refused');
check('out_of_range', 'range', 1, 'refused');
check('wrong_unit', 'unit', 1, 'refused');
check('old_time', 'old', 1, 'refused');
check('future_time', 'future', 1, 'refused');

subtest 'an upstream that is not there' => sub {
	$rig->clear;
	my $run = $rig->run({ open_meteo_url => 'http://127.0.0.1:1' });

	is $run->{exit}, 1, 'exit';
	is_deeply Ingest::summary($run), { msg => 'run failed', places => 3, stored => 0, refused => 0, failed => 3,
	    requests => 2, retries => 1, weight => 6 }, 'summary: retries cost quota too';
	is $rig->served, $before, 'data as before';
};

subtest 'the failed runs left the time of the last good one in the metrics' => sub {
	my $metrics = $rig->metrics;

	is $metrics->{cuaca_ingest_last_success_timestamp_seconds}, 1795386000, 'success';
	is $metrics->{cuaca_ingest_last_run_timestamp_seconds}, 1795386900, 'run';
};

subtest 'a whole answer at the second try' => sub {
	$rig->clear;
	$rig->fault(503, count => 1);
	my $run = $rig->run;

	is $run->{exit}, 0, 'exit';
	is_deeply Ingest::summary($run), { msg => 'run done', places => 3, stored => 3, refused => 0, failed => 0,
	    requests => 2, retries => 1, weight => 6 }, 'summary';
	is $rig->metrics->{'cuaca_ingest_refusals{reason="server-error"}'}, 1, 'the refusal is counted';
	ok $rig->served ne $before, 'new data';
};

subtest 'a minutely limit that the budget can wait for' => sub {
	$rig->set_now('2026-11-22T22:50:59Z');
	$rig->clear;
	$rig->fault('429_minutely', count => 1);
	my $run = $rig->run;

	is $run->{exit}, 0, 'exit';
	is $run->{log}[-1]{requests}, 2, 'requests';
	cmp_ok $run->{log}[-1]{seconds}, '>=', 1, 'after the minute was over';
};

subtest 'retries leave later runs their quota' => sub {
	$rig->set_now('2026-11-22T22:50:00Z');
	$rig->clear;
	$rig->fault(500);
	# This run and four more until midnight are 15; there is one more.
	my $run = $rig->run({ ingest_batch => 1, fetch_tries => 3, breaker_failures => 100, quota_day => 16 });

	is $run->{exit}, 1, 'exit';
	cmp_ok $rig->sql('SELECT sum(weight) FROM quota_spent'), '==', 4, 'each place was tried, one of them twice';
	is_deeply [map { "$_->{call} $_->{batch} $_->{reason}" } Ingest::said($run, 'call not made')],
	    [map { "current $_ quota-day" } 1 .. 3], 'the log says what was not';
	$rig->clear;
};

subtest 'one bad place of three' => sub {
	$rig->set_now('2026-11-22T23:05:00Z');
	my $old = $rig->cached;
	$rig->clear;
	$rig->fault('out_of_range', place => 1);
	my $run = $rig->run;
	my ($line) = Ingest::said($run, 'place refused');
	my $new = $rig->cached;

	is $run->{exit}, 1, 'exit';
	is_deeply Ingest::summary($run), { msg => 'run failed', places => 3, stored => 2, refused => 1, failed => 0,
	    requests => 1, retries => 0, weight => 3 }, 'summary';
	is $rig->sql("SELECT count(*) FROM weather_data WHERE observed_at = '2026-11-22T23:00Z'"), 2, 'two new rows';
	like $line->{detail}, qr/temperature_2m of 999/, 'the log says what is wrong';
	is $new->{$line->{city}}, $old->{$line->{city}}, 'its old body is served';
	is_deeply [grep { $new->{$_} eq $old->{$_} } keys %$new], [$line->{city}], 'the others are new';
};

subtest 'places that were swapped' => sub {
	$rig->set_now('2026-11-22T23:20:00Z');
	$rig->clear;
	$rig->fault('swapped');
	my $run = $rig->run;

	is $run->{exit}, 1, 'exit';
	is_deeply [map { $_->{reason} } Ingest::said($run, 'place refused')], [('coordinates') x 2],
	    'refused but for the one in the middle';
	is $rig->sql("SELECT count(*) FROM weather_data WHERE observed_at = '2026-11-22T23:15Z'"), 1, 'one new row';
};

subtest 'weather codes nobody knows' => sub {
	$rig->set_now('2026-11-22T23:35:00Z');
	$rig->clear;
	$rig->fault('unknown_code', value => 98);
	my $run = $rig->run;

	is $run->{exit}, 0, 'exit';
	is $rig->sql("SELECT string_agg(DISTINCT weather_code::text, ' ') FROM weather_data"
	    . " WHERE observed_at = '2026-11-22T23:30Z'"), 98, 'are stored';
	like $rig->cached->{tokyo}, qr/"weather_code":98,"weather_desc":"Unknown"/, 'and have a text';
};

done_testing;
