#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Cities on demand: they appear when they are asked for, fade when nobody does, and never cost the tracked ones
# anything. And more tracked cities than the quota carries: the quiet ones wait.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Ingest;
use Mojo::JSON qw(decode_json);
use POSIX qw(strftime);
use Test::More;

my $START = 1795306560;	# 2026-11-22T00:16:00Z
my $rig = Ingest->new(strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $START));

sub at {
	my ($seconds, $settings, @options) = @_;

	$rig->set_now(strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $START + $seconds));
	return $rig->run({ fetch_timeout => 5000, %{$settings // {}} }, @options);
}

sub ask { my ($n, @slugs) = @_; $rig->redis('ZINCRBY', 'demand:cities', $n, $_) for @slugs }

# Slugs with an observation of the last run.
sub collected {
	return scalar $rig->sql("SELECT coalesce(string_agg(slug, ' ' ORDER BY slug), '') FROM weather_data JOIN cities ON id = city_id"
	    . " WHERE collected_at = '$rig->{now}'");
}

sub served { return join ' ', map { $_->{city} } Ingest::said($_[0], $_[1]) }

subtest 'a city appears' => sub {
	ask(2, 'bandung');
	at(0);
	is collected(), 'jakarta london tokyo', 'two requests are too few';
	is $rig->redis('--raw', 'EXISTS', 'demand:cities'), "0\n", 'they have left Redis';
	ask(2, 'bandung');
	ask(50, 'jakarta', 'no-such-city', "it's");
	my $run = at(900);
	is served($run, 'served on demand'), 'bandung', 'two more are enough';
	is collected(), 'bandung jakarta london tokyo', 'its weather at once';
	is $run->{log}[-1]{forecasts_stored}, 1, 'and its forecast';
	is $run->{log}[-1]{granted}, 1, 'the summary counts it';
	ok $rig->cached->{bandung}, 'the API has it';
};

subtest 'a dry run changes nothing' => sub {
	ask(9, 'surabaya');
	my $run = at(1800, {}, '--dry-run');

	like $run->{out}, qr/^demand: 1 places in 1 requests, weight 1\.0$/m, 'the plan';
	is $rig->redis('--raw', 'ZSCORE', 'demand:cities', 'surabaya'), "9\n", 'requests are still in Redis';
};

subtest 'as many as a setting says, the most wanted' => sub {
	ask(4, 'medan');
	my $run = at(1800, { demand_cities => 2 });

	is served($run, 'served on demand'), 'surabaya', 'one more';
	is served(at(2700, { demand_cities => 1 }), 'no longer served'), 'bandung', 'one less';
	is $rig->redis('--raw', 'EXISTS', 'weather:bandung:current', 'weather:bandung:last', 'weather:bandung:forecast'), "0\n", 'which Redis no longer has';
};

subtest 'none without spare quota' => sub {
	is served(at(3600, { quota_day => 96 * 3 }), 'no longer served'), 'surabaya', 'the tracked ones come first';
	is collected(), 'jakarta london tokyo', 'and are all collected';
};

subtest 'it fades' => sub {
	ask(5, 'surabaya');
	at(4500, { demand_ttl => 3600 });
	like collected(), qr/surabaya/, 'served';
	at(4500 + 2700, { demand_ttl => 3600 });
	like collected(), qr/surabaya/, 'still';
	is served(at(4500 + 3600, { demand_ttl => 3600, demand_min => 1000 }), 'no longer served'), 'surabaya', 'no longer';
	is collected(), 'jakarta london tokyo', 'not collected';
	is $rig->cached->{surabaya}, undef, 'gone from Redis';
};

subtest 'Redis away' => sub {
	Ingest::stop('redis');
	is at(9000)->{exit}, 0, 'a run goes well without demand';
	$rig->start_redis;
};

subtest 'more tracked cities than the quota carries' => sub {
	my $most = 10;
	my $slugs = $rig->sql("SELECT string_agg(slug, ' ') FROM (SELECT slug FROM cities ORDER BY population DESC LIMIT 20) s");

	$rig->track(split / /, $slugs);
	$rig->forecasts;
	$rig->sql('DELETE FROM weather_data; DELETE FROM demand');
	my ($loved) = split / /, $slugs;
	my (%times, $run);
	for my $i (0 .. 15) {
		$rig->forget if $i == 0;
		ask(100, $loved);
		$run = at(86400 + 900 * $i, { quota_day => 96 * $most });
		is $run->{exit}, 0, 'run' or diag $run->{err};
		$times{$_}++ for split / /, collected();
	}
	my ($said) = Ingest::said($run, "the tracked cities don't fit, quiet ones wait");
	is_deeply [@$said{qw(tracked runs)}], [20, 80], 'the log has the arithmetic' or diag explain $said;
	cmp_ok $times{$loved}, '>=', 15, 'the one that is asked for is collected in every run, but for when others never were';
	is scalar(keys %times), 20, 'all are collected';
	cmp_ok $rig->metrics->{cuaca_ingest_last_success_timestamp_seconds}, '<', $START + 86400, 'no run stored every place';
	cmp_ok $rig->sql('SELECT sum(weight) FROM quota_spent'), '<=', 17 * $most, 'at the pace of the quota';
	note join ', ', map { "$_ $times{$_}" } sort keys %times;

	my %pace = map { split /\|/ } split /\n/, $rig->sql('SELECT slug, coalesce(every_runs, 1) FROM cities LEFT JOIN ingest_pace ON city_id = id WHERE tracked');
	my $cached = $rig->cached;
	my @collected = split / /, collected();
	is $pace{$loved}, 1, 'a city of every run';
	is_deeply [grep { $_ < 2 || $_ > 4 } map { $pace{$_} } grep { $_ ne $loved } keys %pace], [], 'the others are in one of a few';
	is_deeply [map { decode_json($cached->{$_})->{next_update_at} } @collected],
	    [map { strftime('%Y-%m-%dT%H:%M:00Z', gmtime $START + 86400 + 900 * (15 + $pace{$_})) } @collected], '... and their answers say so';
	$rig->track(@collected);
	$rig->forecasts;
	at(86400 + 900 * 16);
	is $rig->sql('SELECT count(*) FROM ingest_pace'), 0, 'with room for all of them each is in every run again';
};

done_testing;
