#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The ingest with a sound upstream: what it asks, stores, serves and tells, its options, its lock, and what
# happens when PostgreSQL, Redis or NATS is away or the time runs out. faults.t has the unsound upstream.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Ingest;
use Mojo::JSON qw(decode_json);
use Test::More;
use Time::HiRes qw(sleep time);
use utf8;

my $NOW = '2026-11-22T22:20:00Z';
my $rig = Ingest->new($NOW);

sub rows { return $rig->sql('SELECT count(*) FROM weather_data') }

subtest 'usage and settings' => sub {
	is $rig->run({}, @$_)->{exit}, 100, "@$_" for ['--now', 'noon'], ['--now', '2026-02-30T00:00:00Z'], ['--city', ''],
	    ['--nonsense'], ['jakarta'];
	is $rig->run({ ingest_batch => 201 })->{exit}, 102, 'a batch too large';
	is $rig->run({ open_meteo_url => 'ftp://127.0.0.1' })->{exit}, 102, 'an upstream not of the web';
	is $rig->run({ open_meteo_url => 'ftp://127.0.0.1' }, '-t')->{exit}, 0, '-t';
	is rows(), 0, 'nothing stored';
};

subtest 'a city that cannot be asked for' => sub {
	my $unknown = $rig->run({}, '--city', 'nowhere-at-all');
	my $untracked = $rig->run({}, '--city', 'springfield-us-mo');

	is $unknown->{exit}, 100, 'unknown';
	is $unknown->{log}[-1]{msg}, 'no such city', 'message';
	is $untracked->{exit}, 100, 'not tracked';
	is $untracked->{log}[-1]{msg}, 'the city is not tracked', 'message';
	is $rig->stats->{requests}, 0, 'no request';
};

subtest 'a dry run' => sub {
	my $run = $rig->run({ ingest_batch => 2, open_meteo_key => 'sesame', redis => '/nowhere', nats => 'nats://127.0.0.1:1' },
	    '--dry-run');

	is $run->{exit}, 0, 'exit';
	like $run->{out}, qr/\Athe day: 10000\.0 of 10000 left for 7 runs\n/, 'the quota';
	like $run->{out}, qr/^  current weather of 3 tracked places, 7 runs: 3 x 7 = 21$/m, 'what tracked places claim';
	like $run->{out}, qr/^current: 3 places in 2 requests, weight 3\.0$/m, 'the whole';
	like $run->{out}, qr/^current request 2: 1 places, weight 1\.0, (\S+) to \1$/m, 'each request';
	like $run->{out}, qr{^\Q$rig->{sim}\E/v1/forecast\?latitude=[-\d.%C]+&longitude=\S+&timezone=GMT$}m, 'its URL';
	unlike $run->{out} . $run->{err}, qr/sesame/, 'without the key';
	is $rig->stats->{requests}, 0, 'no request';
	is rows(), 0, 'nothing stored';
	ok !-e "$rig->{dir}/metrics/weather-ingest.prom", 'no metrics';
};

subtest 'a run' => sub {
	$rig->subscribe;
	my $run = $rig->run({ open_meteo_key => 'sesame' });
	my $stats = $rig->stats;
	my $query = $stats->{last_query};

	is $run->{exit}, 0, 'exit' or diag $run->{err};
	is_deeply Ingest::summary($run), { msg => 'run done', places => 3, stored => 3, refused => 0, failed => 0,
	    requests => 1, retries => 0, weight => 3 }, 'summary';
	cmp_ok $run->{log}[-1]{$_}, '>', 0, $_ for qw(seconds cpu_seconds max_rss_kb);
	is $stats->{requests}, 1, 'one request';
	is $stats->{weight}, 3, 'which weighs what we think';
	$query = join ' ', map { "$_=$query->{$_}" } sort keys %$query if ref $query;
	like $query, qr/apikey=sesame/, 'with the key';
	unlike $run->{err}, qr/sesame/, 'that the log does not have';
	is $rig->sql("SELECT string_agg(slug, ' ' ORDER BY slug) FROM weather_data JOIN cities ON id = city_id"
	    . " WHERE observed_at = '2026-11-22T22:15Z' AND collected_at = '$NOW' AND source = 'simulator'"
	    . " AND temperature IS NOT NULL AND wind_gusts IS NOT NULL"), "@Ingest::CITIES", 'rows';
	is $rig->sql("SELECT string_agg(slug || ' ' || is_day, ', ' ORDER BY slug) FROM weather_data JOIN cities"
	    . ' ON id = city_id'), 'jakarta false, london false, tokyo true', 'the sun is where it is';
};

subtest 'what Redis has' => sub {
	my $body = $rig->cached;
	my $jakarta = decode_json($body->{jakarta});
	my $row = $rig->sql("SELECT temperature || ' ' || pressure_msl || ' ' || wind_direction FROM weather_data"
	    . " JOIN cities ON id = city_id WHERE slug = 'jakarta'");

	is_deeply [sort keys %$body], \@Ingest::CITIES, 'a body a city';
	is $jakarta->{city}{slug}, 'jakarta', 'of that city';
	is $jakarta->{current}{observed_at}, '2026-11-22T22:15:00Z', 'observed_at';
	is $jakarta->{collected_at}, $NOW, 'collected_at';
	is $jakarta->{next_update_at}, '2026-11-22T22:31:00Z', 'next_update_at';
	is "@{$jakarta->{current}}{qw(temperature pressure_msl wind_direction)}", $row, 'the values that are stored';
	ok !$jakarta->{stale}, 'fresh';
	my $ttl = $rig->redis('TTL', 'weather:jakarta:current');
	cmp_ok $ttl, '<=', 600, 'lives ten minutes';
	cmp_ok $ttl, '>=', 570, 'from now on';
	is $rig->redis('--raw', 'GET', 'weather:jakarta:last'), "$body->{jakarta}\n", 'the same for those who watch';
	cmp_ok $rig->redis('TTL', 'weather:jakarta:last'), '>', 172_770, '... lives two days';
};

subtest 'what NATS was told' => sub {
	my $heard = $rig->received;
	my $body = $rig->cached;

	is_deeply $heard, { map { ("weather.updated.$_" => $body->{$_}) } @Ingest::CITIES }, 'the same bodies';
};

subtest 'metrics' => sub {
	my $metrics = $rig->metrics;
	my $text = Pg::slurp("$rig->{dir}/metrics/weather-ingest.prom");

	is $metrics->{cuaca_ingest_last_run_timestamp_seconds}, 1795386000, 'last run';
	is $metrics->{cuaca_ingest_last_success_timestamp_seconds}, 1795386000, 'last success';
	is $metrics->{'cuaca_ingest_places{result="stored"}'}, 3, 'places';
	is $metrics->{cuaca_ingest_requests}, 1, 'requests';
	is $metrics->{'cuaca_ingest_refusals{reason="not-json"}'}, 0, 'reasons that did not occur are there';
	is scalar(() = $text =~ /^# TYPE /mg), scalar(() = $text =~ /^# HELP /mg), 'each with its help';
	is_deeply [glob "$rig->{dir}/metrics/*"], ["$rig->{dir}/metrics/weather-ingest.prom"], 'nothing else is left there';
};

subtest 'the same again changes nothing' => sub {
	my $before = $rig->served;

	is $rig->run->{exit}, 0, 'exit';
	is $rig->served, $before, 'rows and bodies';
};

subtest 'one city' => sub {
	$rig->set_now('2026-11-22T22:35:00Z');
	$rig->clear;
	my $run = $rig->run({}, '--city', 'tokyo');

	is $run->{exit}, 0, 'exit' or diag $run->{err};
	is $rig->stats->{places}, 1, 'one place asked for';
	is $rig->sql("SELECT string_agg(slug, ' ') FROM weather_data JOIN cities ON id = city_id"
	    . " WHERE observed_at = '2026-11-22T22:30Z'"), 'tokyo', 'one row';
};

subtest 'batches of one' => sub {
	$rig->clear;
	my $run = $rig->run({ ingest_batch => 1 });

	is $run->{exit}, 0, 'exit';
	is $rig->stats->{requests}, 3, 'three requests';
	is $rig->stats->{max_concurrent}, 1, 'one at a time';
	is $run->{log}[-1]{stored}, 3, 'all stored';
};

subtest 'two at once' => sub {
	$rig->clear;
	$rig->fault('slow', count => 1, delay_ms => 4000);
	my $first = $rig->begin({ fetch_timeout => 20000 }, '--now', $rig->{now});
	Ingest::wait_for('the first request', sub { $rig->stats->{requests} });
	my $second = $rig->run;

	is $second->{exit}, 0, 'the second leaves';
	is_deeply [map { $_->{msg} } @{$second->{log}}], ['another run is at work'], 'and says why';
	$first = $rig->end($first);
	is $first->{exit}, 0, 'the first ends well';
	is $rig->stats->{requests}, 1, 'one request in all';
	is $rig->run->{exit}, 0, 'the lock is free again';
};

subtest 'Redis away' => sub {
	$rig->set_now('2026-11-22T22:50:00Z');
	Ingest::stop('redis');
	$rig->subscribe;
	my $run = $rig->run({ ingest_batch => 1 });

	is $run->{exit}, 0, 'exit: the data are safe';
	is $run->{log}[-1]{stored}, 3, 'stored';
	is scalar(Ingest::said($run, 'published no further')), 1, 'said once';
	is scalar(keys %{$rig->received}), 3, 'NATS was told';
	is $rig->metrics->{'cuaca_ingest_peer_away{peer="redis"}'}, 1, 'metric';
	$rig->start_redis;
};

subtest 'NATS away' => sub {
	$rig->set_now('2026-11-22T23:05:00Z');
	Ingest::stop('nats');
	my $run = $rig->run({ ingest_batch => 1 });

	is $run->{exit}, 0, 'exit: the data are safe';
	is scalar(Ingest::said($run, 'published no further')), 1, 'said once';
	is scalar(keys %{$rig->cached}), 3, 'Redis was told';
	is $rig->metrics->{'cuaca_ingest_peer_away{peer="nats"}'}, 1, 'metric';
	$rig->start_nats;
};

subtest 'Redis and NATS lost on the way' => sub {
	$rig->clear;
	$rig->fault('slow', count => 1, delay_ms => 1);
	$rig->fault('slow', delay_ms => 2000);
	my $job = $rig->begin({ ingest_batch => 1 }, '--now', $rig->{now});
	Ingest::wait_for('the second request', sub { $rig->stats->{requests} >= 2 });
	Ingest::stop($_) for qw(redis nats);
	my $run = $rig->end($job);

	is $run->{exit}, 0, 'exit';
	is $run->{log}[-1]{stored}, 3, 'all stored';
	is scalar(Ingest::said($run, 'published no further')), 2, 'each said once';
	$rig->start_redis;
	$rig->start_nats;
};

subtest 'PostgreSQL away' => sub {
	my $before = $rig->served;
	$rig->clear;
	my $run = $rig->run({ postgresql => "host=$rig->{dir} dbname=none" });

	is $run->{exit}, 1, 'exit';
	is $run->{log}[-1]{msg}, 'run failed', 'summary';
	is $rig->stats->{requests}, 0, 'no quota spent';
	is $rig->served, $before, 'Redis untouched';
	is $rig->metrics->{cuaca_ingest_last_success_timestamp_seconds}, 1795388700, 'the metrics keep the last success';
};

subtest 'the connection, and the lock with it, lost on the way' => sub {
	$rig->set_now('2026-11-22T23:20:00Z');
	$rig->clear;
	$rig->fault('slow', count => 1, delay_ms => 4000);
	my $job = $rig->begin({ ingest_batch => 1, fetch_timeout => 20000 }, '--now', $rig->{now});
	Ingest::wait_for('the first request', sub { $rig->stats->{requests} });
	$rig->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weather-ingest'");
	my $run = $rig->end($job);

	is $run->{exit}, 1, 'exit';
	is_deeply [@{$run->{log}[-1]}{qw(stored failed)}], [2, 1], 'one batch lost, the others stored on a new connection';
	is $rig->sql("SELECT count(*) FROM weather_data WHERE observed_at = '2026-11-22T23:15Z'"), 2, 'rows';
};

subtest 'no more time' => sub {
	$rig->set_now('2026-11-22T23:35:00Z');
	$rig->clear;
	$rig->fault('slow', count => 1, delay_ms => 700);
	$rig->fault('stall');
	my $start = time;
	my $run = $rig->run({ ingest_batch => 1, ingest_budget => 5, fetch_timeout => 20000 });

	is $run->{exit}, 1, 'exit';
	cmp_ok time - $start, '<', 8, 'it ends in time';
	is_deeply [@{$run->{log}[-1]}{qw(stored failed)}], [1, 2], 'what was there in time is stored';
	is((Ingest::said($run, 'call not made'))[0]{reason}, 'budget', 'the rest was not asked for');
	is $rig->metrics->{'cuaca_ingest_refusals{reason="budget"}'}, 1, 'metric';
};

# Serves one request of the API by the FastCGI program itself; its body.
sub api {
	my ($socket, $city) = @_;
	local @ENV{qw(REQUEST_METHOD SCRIPT_NAME REQUEST_URI DOCUMENT_URI QUERY_STRING)} = ('GET', ('/api/weather/current') x 3,
	    "city=$city");
	$ENV{REQUEST_URI} .= "?city=$city";
	my ($exit, $out) = $rig->{pg}->run('cgi-fcgi', '-bind', '-connect', $socket);

	return $out =~ s/\A.*?\r?\n\r?\n//sr;
}

subtest 'Redis has, byte for byte, what the API makes of the row' => sub {
	my $program = "$Ingest::BUILD/fcgi-bin/weather.fcgi";
	my $socket = "$rig->{dir}/weather.sock";
	my %env = $rig->environment(threads => 2);

	plan skip_all => "no $program" if !-x $program;
	$env{CUACA_POSTGRESQL} =~ s/cuaca_ingest/cuaca_weather/;
	local @ENV{keys %env} = values %env;
	Ingest::launch('weather.fcgi', 'spawn-fcgi', '-n', '-s', $socket, '--', $program);
	Ingest::wait_for('weather.fcgi', sub { -S $socket });
	sleep 1 while time % 900 >= 50 && time % 900 <= 61;	# next_update_at changes: not just then
	$rig->clear;
	$rig->set_now(undef);
	$rig->sql('DELETE FROM weather_data');
	my $run = $rig->end($rig->begin({}));
	my $body = $rig->cached;
	$rig->redis('FLUSHALL');

	is $run->{exit}, 0, 'a run by the real clock' or diag $run->{err};
	is api($socket, $_), $body->{$_}, $_ for @Ingest::CITIES;
	Ingest::stop('weather.fcgi');
};

subtest '10,000 cities' => sub {
	$rig->sql('UPDATE cities SET tracked = true WHERE id IN (SELECT id FROM cities ORDER BY population DESC LIMIT 10000)');
	$rig->set_now('2026-11-20T10:50:00Z');
	$rig->clear;
	$rig->forecasts;
	my $run = $rig->run({ fetch_timeout => 20000, map { ("quota_$_" => 0) } qw(minute hour day) });
	my %last = %{$run->{log}[-1]};

	is $run->{exit}, 0, 'exit' or diag $run->{err};
	cmp_ok $last{stored}, '>=', 10000, 'all stored';
	is $rig->stats->{requests}, int(($last{stored} + 99) / 100), 'in batches of 100';
	cmp_ok $last{max_rss_kb}, '<=', 64 * 1024, 'within 64 MB' if $Ingest::BUILD !~ /-san/;
	note "$last{seconds} s, $last{cpu_seconds} s of processor time, $last{max_rss_kb} kB resident";
};

subtest 'nothing to do' => sub {
	$rig->track('none');
	my $run = $rig->end($rig->begin({}));

	is $run->{exit}, 0, 'exit';
	is $run->{log}[-1]{places}, 0, 'no places';
};

# A value that the checks let pass and the table does not would cost its whole batch.
subtest 'the table takes every value that the checks let pass' => sub {
	my $table = Pg::slurp("$Pg::ROOT/lib/weather/current.c");
	my %range = map { @$_ } map { [$_->[0] => [@$_[1, 2]]] }
	    map { /\A\s*"(\w+)".*,\s*(-?\d+),\s*(\d+),\s*\d\s*\z/s ? [$1, $2, $3] : () } $table =~ /\[Q_[A-Z]\w+\]\s*=\s*\{(.*?)\}/gs;

	is scalar(keys %range), 10, 'quantities';
	for my $name (sort keys %range) {
		my ($status, undef, $err) = $rig->sql("BEGIN; INSERT INTO weather_data (city_id, observed_at, collected_at, source, $name)"
		    . " SELECT id, '2026-11-01'::timestamptz + i * interval '1 hour', now(), 'simulator', (ARRAY[$range{$name}[0], $range{$name}[1]])[i]"
		    . " FROM cities, generate_series(1, 2) i WHERE slug = 'jakarta'; ROLLBACK");

		is $status, 0, "$name from $range{$name}[0] to $range{$name}[1]" or diag $err;
	}
};

done_testing;
