#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Forecasts: what is asked, stored and served, and every way in which an answer with series can be unfit.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Ingest;
use Mojo::JSON qw(decode_json);
use Test::More;
use utf8;

my $NOW = '2026-11-22T22:20:00Z';
my $rig = Ingest->new($NOW);
my %PATIENT = (fetch_timeout => 5000, breaker_failures => 1000);

sub rows { return scalar $rig->sql('SELECT * FROM weather_forecast ORDER BY city_id') }

subtest 'a run' => sub {
	$rig->sql('DELETE FROM weather_forecast');
	my $run = $rig->run(\%PATIENT);
	my $stats = $rig->stats;
	my %query = %{$stats->{last_query}};

	is $run->{exit}, 0, 'exit' or diag $run->{err};
	is_deeply [@{$run->{log}[-1]}{qw(forecasts forecasts_stored requests weight)}], [3, 3, 2, 9], 'summary';
	cmp_ok $stats->{weight}, '==', 9, 'which weighs what we think';
	is join(' ', sort split /,/, $query{timezone}), 'Asia/Jakarta Asia/Tokyo Europe/London', 'each in its own zone';
	is_deeply [@query{qw(timeformat past_days forecast_days)}], ['unixtime', 2, 9], 'parameters';
	is scalar(split /,/, "$query{hourly},$query{daily}"), 20, 'variables';
	is $rig->sql("SELECT string_agg(slug || ' ' || utc_offset_seconds || ' ' || cardinality(hourly_temperature) || ' '"
	    . " || cardinality(daily_sunrise) || ' ' || daily_from, ', ' ORDER BY slug) FROM weather_forecast JOIN cities ON id = city_id"
	    . " WHERE collected_at = '$NOW' AND source = 'simulator'"),
	    'jakarta 25200 264 11 2026-11-21, london 0 264 11 2026-11-20, tokyo 32400 264 11 2026-11-21', 'rows';
	is $rig->metrics->{'cuaca_ingest_forecasts{result="stored"}'}, 3, 'metrics';
};

subtest 'what Redis has' => sub {
	my $body = decode_json($rig->redis('--raw', 'GET', 'weather:jakarta:forecast'));

	is $body->{hourly}[0]{time}, '2026-11-20T17:00:00Z', 'from local midnight, two days ago';
	is scalar(@{$body->{hourly}}), 264, 'hours';
	is $body->{daily}[0]{date}, '2026-11-21', 'local days';
	is $body->{collected_at}, $NOW, 'collected_at';
	is "$body->{hourly}[5]{temperature} $body->{daily}[6]{temperature_max}",
	    scalar $rig->sql("SELECT hourly_temperature[6] || ' ' || daily_temperature_max[7] FROM weather_forecast JOIN cities ON id = city_id"
	    . " WHERE slug = 'jakarta'"), 'the values that are stored';
	cmp_ok $rig->redis('TTL', 'weather:jakarta:forecast'), '>', 3500, 'lives an hour';
};

subtest 'soon after' => sub {
	$rig->clear;
	$rig->set_now('2026-11-22T22:35:00Z');
	is $rig->run(\%PATIENT)->{log}[-1]{forecasts}, 0, 'nothing is due';
};

my $before = rows();
my $bodies = join '', map { $rig->redis('--raw', 'GET', "weather:$_:forecast") } @Ingest::CITIES;
my %REASON = (500 => 'server-error', 503 => 'server-error', empty200 => 'empty', text200 => 'not-json', error200 => 'error',
    truncated => 'not-json', nan => 'not-json', wrong_count => 'shape', moved => 'coordinates', not_object => 'shape',
    missing_block => 'missing', missing_value => 'missing', short_series => 'series', null_values => 'all-null',
    some_null => 'no-temperature', text_value => 'value', out_of_range => 'range', wrong_unit => 'unit', old_time => 'time', future_time => 'time', other_zone => 'time', stall => 'no-answer');

$rig->set_now('2026-11-23T05:20:00Z');
for my $fault (sort keys %REASON) {
	$rig->clear;
	$rig->fault($fault, match => 'hourly=');
	my $run = $rig->run({ %PATIENT, fetch_tries => 1, fetch_timeout => $fault eq 'stall' ? 3000 : 5000, forecast_interval => 3600 });

	subtest "fault $fault" => sub {
		is $run->{exit}, 1, 'exit';
		is $run->{log}[-1]{stored}, 3, 'the current weather is there';
		is $run->{log}[-1]{forecasts_stored}, 0, 'no forecast is';
		cmp_ok $run->{log}[-1]{forecasts}, '>', 0, 'though one was asked for';
		ok((grep { ($_->{reason} // '') eq $REASON{$fault} } @{$run->{log}}), "the log says $REASON{$fault}") or diag $run->{err};
		like $run->{err}, qr/UTC offset 28800 s instead of 25200/, 'and in which zone' if $fault eq 'other_zone';
		is rows(), $before, 'the last good rows are there';
		is join('', map { $rig->redis('--raw', 'GET', "weather:$_:forecast") } @Ingest::CITIES), $bodies, 'and served';
	};
}

subtest 'they are renewed' => sub {
	$rig->clear;
	my $n = 0;

	for my $i (0 .. 24) {
		$rig->set_now(POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime 1795411260 + 900 * $i));
		my $run = $rig->run(\%PATIENT);

		$n += $run->{log}[-1]{forecasts_stored};
		cmp_ok $run->{log}[-1]{forecasts}, '<=', 1, 'one after the other' if $run->{log}[-1]{forecasts} > 1;
	}
	is $n, 3, 'each once in six hours';
};

done_testing;
