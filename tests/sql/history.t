#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# History: hours and days equal what plain arithmetic makes of the observations, however and in whatever order
# those came; backfilling, retention, and what the queries read to answer.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use List::Util qw(min max sum shuffle);
use Pg;
use POSIX qw(floor);
use Test::More;
use Time::Local qw(timegm_modern);

use constant { HOUR => 3600, DAY => 86400 };

my $pg = Pg->new;
my $db = $pg->migrated;
my %text = %{Pg::statements()};
my %id = (jakarta => 1642911, medan => 1214520, bogor => 1648473);

# The values of an observation in the order of weather_upsert, with decimals, and which of them history sums up,
# in its order.
my @decimals = (1, 1, 0, 1, 0, undef, 0, 1, 1, 0, 1);
my @summed = (0, 1, 2, 6, 7, 8, 10);
use constant PRECIPITATION => 3;

sub sql { return scalar $pg->sql($db, $_[0]) }

# "2026-01-30 21:00" UTC in UNIX seconds.
sub at
{
	my ($y, $m, $d, $h, $min) = split /\D+/, $_[0];

	return timegm_modern(0, $min, $h, $d, $m - 1, $y);
}

# weather_upsert's arguments for observations, each [slug, time, values].
sub batch
{
	my (@observations) = @_;
	my $array = sub { '{' . join(',', map { $_ // 'NULL' } @_) . '}' };

	return ($array->(map { $id{$_->[0]} } @observations), $array->(map { $_->[1] } @observations), 1800000000,
		(map { my $n = $_; $array->(map { $_->[2][$n] } @observations) } 0 .. $#decimals), 'simulator');
}

sub execute { return $pg->execute($db, $_[0] =~ /upkeep|upsert|backfill/ ? 'cuaca_ingest' : 'cuaca_weather', $_[0], [@_[1 .. $#_]]) }
sub rows { return map { [split /\|/, $_, -1] } split /\n/, scalar execute(@_) }

# Random values; each quantity is missing now and then.
sub values_at_random
{
	my @v = map { defined $decimals[$_] ? sprintf("%.$decimals[$_]f", $_ == 7 ? 950 + rand 100 : rand 60) : rand() < 0.5 ? 't' : 'f' } 0 .. $#decimals;

	$v[$_] = undef for grep { rand() < 0.15 } 0 .. $#v;
	return \@v;
}

# What history should say of these observations (lists of values), as text columns without the time.
sub summary
{
	my (@observations) = @_;
	my @line = scalar @observations;

	for my $n (@summed) {
		my @v = grep { defined } map { $_->[$n] } @observations;
		push @line, @v ? (min(@v), max(@v), sum(@v) / @v) : ('') x 3;
	}
	my @rain = grep { defined } map { $_->[PRECIPITATION] } @observations;
	return [@line, @rain ? sum(@rain) : ''];
}

# Two lines are the same, but for what a real can't tell apart.
sub same
{
	my ($got, $expected) = @_;

	return @$got == @$expected && !grep {
		my ($g, $e) = ($got->[$_], $expected->[$_]);
		$g eq '' || $e eq '' ? $g ne $e : abs($g - $e) > 1e-6 * max(1, abs $e);
	} 0 .. $#$got;
}

# Compare everything that history has of a city with the truth, { time => values }.
sub compare
{
	my ($slug, $truth, $what) = @_;

	for (['hour', HOUR], ['day', DAY]) {
		my ($unit, $length) = @$_;
		my %in;
		push @{$in{floor($_ / $length) * $length}}, $truth->{$_} for keys %$truth;
		my @got = rows("history_$unit", $slug, -4e9, 4e9, 100000);
		my @times = sort { $b <=> $a } keys %in;
		my @wrong = grep { !same([@{$got[$_]}[1 .. 23]], summary(@{$in{$times[$_]}})) } 0 .. min($#got, $#times);
		is_deeply([map { $_->[0] } @got], \@times, "$what: every $unit of $slug, newest first");
		is(scalar(@wrong), 0, '... and what it says') or diag explain [$times[$wrong[0]], $got[$wrong[0]], summary(@{$in{$times[$wrong[0]]}})];
	}
}

# Observations over a change of month, in batches of all sizes; half of them come again with other values, and
# some late. The session's time zone is half an hour off.
my %truth;
{
	srand(my $seed = $ENV{CUACA_TEST_SEED} // 3);
	my $from = at('2026-01-30 21:00');
	my @script = ("SET SESSION AUTHORIZATION cuaca_ingest", "SET timezone = 'Asia/Kolkata'", "PREPARE q AS $text{weather_upsert}");
	my @arriving = shuffle((map { my $slug = $_; map { [$slug, $from + 900 * $_] } 0 .. 4 * 30 } qw(jakarta medan)) x 2);
	while (@arriving) {
		my %seen;
		my @now = grep { !$seen{"@$_"}++ } splice @arriving, 0, rand() < 0.3 ? 1 : 1 + rand 40;
		$_->[2] = values_at_random() for @now;
		$truth{$_->[0]}{$_->[1]} = $_->[2] for @now;
		push @script, 'EXECUTE q(' . join(',', map { "'$_'" } batch(@now)) . ')';
	}
	is($pg->sql($db, "$_;"), '', 'no hour has a temperature yet') for 'SELECT temperature_mean FROM weather_hour';
	sql(join ";\n", @script, 'SELECT 1');
	compare($_, $truth{$_}, "random batches (seed $seed)") for qw(jakarta medan);
}
my @bare = map { ['bogor', at('2026-03-01 00:00') + 900 * $_, [(undef) x @decimals]] } 0 .. 3;
is(execute('weather_upsert', batch(@bare)), 4, 'observations without values');
is_deeply([rows('history_day', 'bogor', 0, 4e9, 10)], [[at('2026-03-01 00:00'), 4, ('') x 22]], '... make NULLs, not zeroes');

# All or nothing.
my $before = sql('SELECT md5(string_agg(h::text, chr(10) ORDER BY city_id, hour_at)) FROM weather_hour h');
my @good = ('jakarta', at('2026-01-31 12:00'), values_at_random());
my @bad = ('medan', at('2026-01-31 12:00'), [-200, (undef) x 10]);
is((execute('weather_upsert', batch(\@good, \@bad)))[0], 3, 'a batch with a bad row is refused');
is(sql('SELECT md5(string_agg(h::text, chr(10) ORDER BY city_id, hour_at)) FROM weather_hour h'), $before, '... and leaves the hours as they were');

# Two batches of one hour at once: neither sees the other's row when it begins.
{
	my $t = at('2026-04-01 00:00');
	my @jobs = map {
		my $list = join ',', map { "'$_'" } batch(['bogor', $t + 900 * $_, [10 * $_, (undef) x 10]]);
		my $file = $pg->file("SET SESSION AUTHORIZATION cuaca_ingest; PREPARE q AS $text{weather_upsert}; BEGIN; EXECUTE q($list); SELECT pg_sleep(0.5); COMMIT;");
		$pg->spawn(qw(psql -X -q -v ON_ERROR_STOP=1 -d), $pg->conninfo($db), '-f', $file);
	} 0 .. 2;
	is(($pg->finish($_))[0], 0, 'three at once') for @jobs;
	is(sql("SELECT observations, temperature_min, temperature_max, temperature_mean FROM weather_hour WHERE hour_at = to_timestamp($t)"),
		'3|0|20|10', '... make one hour of three');
}

# Backfilling: hours that have something stay as they are.
{
	my $day = at('2026-05-10 00:00');
	my @quarters = map { ['medan', $day + 12 * HOUR + 900 * $_, [(undef) x 3, '0.5', (undef) x 7]] } 0 .. 3;
	my @hours = map { ['medan', $day + HOUR * $_, [$_, (undef) x 2, '1.0', (undef) x 7]] } 0 .. 35;
	execute('weather_upsert', batch(@quarters));
	is(execute('backfill_days', $id{medan}, $day, $day + 3 * DAY), join("\n", map { $day + $_ * DAY } 0 .. 2), 'backfill_days: all of three');
	is(execute('weather_backfill', batch(@hours)), 35, 'backfilling leaves one hour out');
	is(join('|', @{(rows('history_day', 'medan', $day, $day + DAY, 1))[0]}[0, 1, 2, 3, 23]), "$day|27|0|23|25", '... so that the sum is right');
	is(execute('backfill_days', $id{medan}, $day, $day + 3 * DAY), join("\n", map { $day + $_ * DAY } 1, 2), 'backfill_days: one is whole now');
	is(execute('backfill_days', $id{medan}, $day + 1, $day + DAY + 1), $day + DAY, '... a day counts that begins in between');
	is(execute('weather_backfill', batch(@hours)), 0, 'again has nothing to do');
	is(execute('weather_backfill', batch(map { ['bogor', at('1940-01-01 00:00') + HOUR * $_, [1, (undef) x 10]] } 0 .. 24 * 366 - 1)), 24 * 366,
		'a year at once, before 1970');
	is(execute('history_day', 'bogor', -1e10, 0, 1000) =~ tr/\n// + 1, 366, '... makes its days');
}

# What history_raw answers.
{
	my @got = rows('history_raw', 'jakarta', -4e9, 4e9, 1000);
	my $t = $truth{jakarta};
	is_deeply(\@got, [map { [$_, map({ $_ // '' } map { /\./ ? $_ + 0 : $_ } map { $_ // '' } @{$t->{$_}}), 'simulator'] } sort { $b <=> $a } keys %$t],
		'history_raw: every observation, newest first');
	my ($from, $to) = ($got[20][0], $got[10][0]);
	is_deeply([map { $_->[0] } rows('history_raw', 'jakarta', $from, $to, 100)], [map { $_->[0] } @got[11 .. 20]], '... from the first, to before the last');
	my @paged;
	for (my $end = 4e9; my @page = rows('history_raw', 'jakarta', 0, $end, 17); $end = $page[-1][0]) {
		push @paged, @page;
	}
	is_deeply(\@paged, \@got, '... page by page the same');
	is_deeply([rows($_, 'nowhere', 0, 4e9, 10)], [], "$_: an unknown place") for qw(history_raw history_hour history_day);
	my $day = at('2026-01-31 00:00');
	for ([0, DAY, 0], [1, DAY + 1, 1], [0, DAY + 1, 1, 0], [-1, 1, 0]) {
		my ($first, $last, @days) = @$_;
		is_deeply([map { $_->[0] } rows('history_day', 'jakarta', $day + $first, $day + $last, 10)], [map { $day + DAY * $_ } @days],
			"days that begin from $first to before $last");
	}
	is_deeply([map { $_->[0] } rows('history_hour', 'jakarta', $day + 1, $day + 2 * HOUR + 1, 10)], [$day + 2 * HOUR, $day + HOUR], 'hours that begin in between');
}

# Retention: months go, hours and days stay and are never made from less.
{
	my $t = sql(q{SELECT extract(epoch FROM date_trunc('month', now() AT TIME ZONE 'UTC') - interval '4 months')::bigint + 86400 * 9});
	my $keep = "SELECT md5(string_agg(x::text, chr(10) ORDER BY x::text)) FROM (SELECT h::text FROM weather_hour h UNION ALL SELECT d::text FROM weather_day d) x";
	my %was = map { ($t + 900 * $_ => [$_ / 4, values_at_random()->@[1 .. 10]]) } 0 .. 47;
	my $recent = sql('SELECT extract(epoch FROM now())::bigint / 900 * 900');
	execute('weather_upsert', batch((map { ['medan', $_, $was{$_}] } keys %was), ['medan', $recent, values_at_random()]));
	my ($hours, $days) = map { [grep { $_->[0] < $t + DAY } rows($_, 'medan', $t, $t + DAY, 100)] } qw(history_hour history_day);
	my $all = sql($keep);
	my $months = sql(q{SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r' AND relname ~ '^weather_data_p'
		AND to_date(substr(relname, 15), 'YYYY_MM') + interval '1 month' < (now() - interval '45 days') AT TIME ZONE 'UTC'});

	is_deeply([rows('upkeep', 45)], [[8784, $months + 12]], 'upkeep moves the old year into months of its own, and drops it with the others');
	is(sql("SELECT count(*), min(observed_at) > now() - interval '80 days' FROM weather_data"), '1|t', '... and keeps the last');
	is(sql($keep), $all, '... and every hour and day');
	is_deeply([rows('upkeep', 45)], [[0, 0]], 'again has nothing to do');
	is(scalar(rows('history_raw', 'medan', $t, $t + DAY, 100)), 0, 'no observations are left of that day');
	is(execute('weather_upsert', batch(['medan', $t + 900, [50, (undef) x 10]])), 1, 'a late one is stored');
	is_deeply([map { [rows($_, 'medan', $t, $t + DAY, 100)] } qw(history_hour history_day)], [$hours, $days], '... and its hour and day stay');
	is(execute('weather_upsert', batch(['medan', $t + 13 * HOUR, [50, (undef) x 10]])), 1, 'one for an hour that had none');
	is(execute('weather_backfill', batch(map { ['medan', $t + HOUR * $_, [60, (undef) x 10]] } 0 .. 14)), 2, '... and hourly ones, where there was nothing');
	is((rows('history_hour', 'medan', $t + 13 * HOUR, $t + 14 * HOUR, 100))[0][4], 50, '... make that hour');
	my %now = (%was, map({ ($t + HOUR * $_ => [60, (undef) x 10]) } 12, 14), ($t + 13 * HOUR) => [50, (undef) x 10]);
	ok(same([@{(rows('history_day', 'medan', $t, $t + DAY, 1))[0]}[1 .. 23]], summary(values %now)), '... and add to the day');
}

# Weather that was there before there were hours and days.
{
	my $sql = "$pg->{dir}/sql";
	my $old = $pg->database;
	$pg->run('cp', '-r', "$Pg::ROOT/sql", $sql);
	unlink grep { !/000[1-4]_/ } glob "$sql/migrations/*";
	is(($pg->run("$sql/migrate", $pg->conninfo($old)))[0], 0, 'an older schema');
	$pg->sql($old, q{INSERT INTO weather_data (city_id, observed_at, collected_at, temperature, source)
		SELECT 1642911, t, t, extract(hour FROM t AT TIME ZONE 'UTC'), 'simulator' FROM generate_series('2026-01-01 00:00Z', '2026-01-02 23:45Z', interval '15 minutes') t});
	is(($pg->run("$Pg::ROOT/sql/migrate", $pg->conninfo($old)))[2], '', '... is brought up to date');
	is($pg->sql($old, 'SELECT count(*), sum(observations), max(temperature_mean) FROM weather_hour'), '48|192|23', '... and has its hours');
	is($pg->sql($old, 'SELECT count(*), sum(observations), max(temperature_mean) FROM weather_day'), '2|192|11.5', '... and days');
}

# How the queries do it, with a year of weather.
{
	my $aggregate = join ', ', ('1, 2, 1.5') x 7, '0';
	sql(qq{
		INSERT INTO weather_data (city_id, observed_at, collected_at, temperature, source)
		SELECT id, t, t, 20, 'simulator' FROM (SELECT id FROM cities WHERE tracked AND id <> $id{jakarta} AND id <> $id{medan} ORDER BY id LIMIT 20) c,
			generate_series('2027-01-01 00:00Z', '2027-12-31 23:00Z', interval '1 hour') t;
		SELECT weather_upkeep(0);
		INSERT INTO weather_hour SELECT observed_at, city_id, @{[join ', ', (1) x 8]}, $aggregate FROM weather_data WHERE observed_at >= '2027-01-01 00:00Z';
		INSERT INTO weather_day SELECT DISTINCT (observed_at AT TIME ZONE 'UTC')::date, city_id, 24, $aggregate FROM weather_data WHERE observed_at >= '2027-01-01 00:00Z';
		VACUUM ANALYZE});
	my $slug = sql("SELECT slug FROM cities JOIN weather_day ON id = city_id WHERE day = '2027-06-01' LIMIT 1");
	my ($from, $to) = (at('2027-05-01 00:00'), at('2027-06-01 00:00'));
	my %use = (
		history_raw => [$from, $to, 3000, 744, qr/Index Only Scan Backward using weather_data_p2027_05_pkey/],
		history_hour => [$from, $to, 3000, 744, qr/Index Only Scan Backward using weather_hour_pkey/],
		history_day => [at('2027-01-01 00:00'), at('2028-01-01 00:00'), 366, 365, qr/Index Only Scan Backward using weather_day_pkey/],
	);
	for my $name (sort keys %use) {
		my ($first, $last, $limit, $n, $index) = @{$use{$name}};
		for ([$limit, $n], [100, 100]) {
			my $plan = $pg->execute($db, 'cuaca_weather', $name, [$slug, $first, $last, $_->[0]], 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)');
			like($plan, $index, "$name uses its index");
			like($plan, qr/^Limit \(actual rows=$_->[1] /, "... for $_->[1] rows");
			my @read = $plan =~ /Scan.* on weather_\w+.*\(actual rows=(\d+)/g;
			is(sum(@read), $_->[1], '... and reads no more than those');
			like($plan, qr/Heap Fetches: 0/, '... in the index alone');
			unlike($plan, qr/Sort \(|Seq Scan|Removed by Filter/, '... nor sorts');
			next if $name ne 'history_raw';
			like($plan, qr/Subplans Removed: \d\d/, '... and only asks the months it needs');
			is_deeply([$plan =~ / on (weather_data_\w+)/g], ['weather_data_p2027_05'], '... which is one');
		}
	}
	my $args = "'$slug', $from, $to, 500";
	like(sql("PREPARE q AS $text{history_raw}; \\o /dev/null\nEXECUTE q($args); EXECUTE q($args);\n\\o\nSELECT generic_plans, custom_plans FROM pg_prepared_statements"),
		qr/^2\|0$/, "... and isn't planned anew each time");
}

done_testing;
