#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The named queries: each prepares against the migrated schema and runs as the role that uses it; those about
# places and current weather answer what they promise, by an index, touching only the partitions they need.
# history.t, books.t and chat.t have the others.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Pg;
use Test::More;

my @hourly = ('{27.4,NULL,26.1}') x 10;
my @daily = ('{3,61}') x 10;

# Which role runs it, with which arguments.
my %use = (
	city_by_slug => [cuaca_weather => 'jakarta'],
	cities_near_matches => [cuaca_weather => 'jakrta'],
	cities_search => [cuaca_weather => 'ban', 10],
	cities_by_population => [cuaca_weather => 10],
	cities_near => [cuaca_weather => -6.2, 106.8, 10],
	city_nearest_tracked => [cuaca_weather => -6.6, 106.8],
	cities_nearest_tracked => [cuaca_weather => '{-6.6,52.5}', '{106.8,13.4}'],
	weather_current => [cuaca_weather => '{jakarta}'],
	city_served => [cuaca_weather => 'jakarta'],
	history_raw => [cuaca_weather => 'jakarta', 1735689600, 1738368000, 501],
	history_hour => [cuaca_weather => 'jakarta', 1735689600, 1738368000, 501],
	history_day => [cuaca_weather => 'jakarta', 1735689600, 1767225600, 366],
	forecast_get => [cuaca_weather => 'jakarta'],
	key_find => [cuaca_weather => 'ab' x 32],
	ingest_lock => [cuaca_ingest => ()],
	ingest_unlock => [cuaca_ingest => ()],
	ingest_places => [cuaca_ingest => 1735689600],
	paces_keep => [cuaca_ingest => '{1642911}', '{4}'],
	weather_upsert => [cuaca_ingest => upsert([1642911], 1735689600, 27.4)],
	weather_backfill => [cuaca_ingest => upsert([1642911], 1735689600, 27.4)],
	backfill_days => [cuaca_ingest => 1642911, 1735689600, 1738368000],
	forecast_upsert => [cuaca_ingest => 1642911, 1735689660, 25200, 'open-meteo', 1735689600, 1735664400, @hourly, @daily],
	quota_add => [cuaca_ingest => 'open-meteo', 1735689660, '90.5', 1],
	quota_sums => [cuaca_ingest => 'open-meteo', 1735689660],
	demand_add => [cuaca_ingest => '{bogor,medan}', '{3,1}', 1735689660],
	demand_wanted => [cuaca_ingest => 10, 1735689660],
	demand_grant => [cuaca_ingest => '{1648473}', 1735693260],
	demand_expire => [cuaca_ingest => 1735693260],
	run_begin => [cuaca_ingest => 1735689660],
	run_end => [cuaca_ingest => 1, 1735689670, 0, 90, 89, 1, 0, 2, 1, '90.5', undef],
	keys_used => [cuaca_ingest => '{1}', '{1735689660}'],
	upkeep => [cuaca_ingest => 0],
	ready => [cuaca_ops => ()],
	status_public => [cuaca_ops => ()],
	runs_last => [cuaca_admin => 5],
	sizes => [cuaca_admin => ()],
	city_track => [cuaca_admin => 'bogor', 'f'],
	key_create => [cuaca_admin => 'somebody', 'ab' x 32, 50],
	key_list => [cuaca_admin => ()],
	key_revoke => [cuaca_admin => 'somebody'],
	user_register => [cuaca_chat => 'alice', '$argon2id$x', 1735689600],
	user_guest => [cuaca_chat => 'visitor', 4102444800, 1735689600],
	user_get => [cuaca_chat => 'alice'],
	user_password => [cuaca_chat => 'alice', '$argon2id$y', '$argon2id$x', 1735689600],
	user_rehash => [cuaca_chat => 'alice', '$argon2id$z', '$argon2id$y'],
	user_extend => [cuaca_chat => 'visitor', 4102444800],
	user_revoke => [cuaca_chat => 'alice', 'a1', 4102444800],
	users_list => [cuaca_admin => 'ali', '', 10],
	user_admin => [cuaca_admin => 'alice', 't'],
	user_void => [cuaca_admin => 'alice', 1735689600, 'f'],
	rooms_list => [cuaca_chat => 'alice', '', 10],
	rooms_all => [cuaca_admin => '', 10],
	room_create => [cuaca_chat => 'developers', 'Developers', 't', 'alice'],
	room_delete => [cuaca_chat => 'developers'],
	room_rights => [cuaca_chat => 'group.developers', 'alice'],
	members_list => [cuaca_chat => 'developers', '', 10],
	member_add => [cuaca_chat => 'developers', 'bob', 'alice'],
	member_remove => [cuaca_chat => 'developers', 'bob'],
	sanction_set => [cuaca_chat => 'bob', 'site', 'ban', 4102444800, 'spam', 'alice', 1735689600123],
	sanction_lift => [cuaca_chat => 'bob', 'site', 'ban', 'alice', 1735689600124],
	sanctions_list => [cuaca_chat => 'site', 10],
	sanctions_all => [cuaca_admin => 10],
	history_before => [cuaca_chat => 'private.alice.bob', undef, undef, 'alice', undef, 51],
	history_after => [cuaca_chat => 'private.alice.bob', undef, 41, 'alice', 1735689600, 51],
	search_before => [cuaca_chat => 'broadcast', 1735689600000, 41, 'alice', undef, 51, 'hujan'],
	search_after => [cuaca_chat => 'broadcast', 1735689600000, 41, 'alice', undef, 51, 'hujan'],
	conversations => [cuaca_chat => 'alice', 1735689600, undef, undef, 51],
	history_user => [cuaca_admin => 'alice', 4102444800000, 50],
	mirror_user => [cuaca_chat => 'alice'],
	mirror_group => [cuaca_chat => 'developers'],
	mirror_users => [cuaca_archive => 0, '', 10],
	mirror_groups => [cuaca_archive => 180, '', 10],
	archive_lease => [cuaca_archive => 'host:1', 30, 1735689600000, 42],
	archive_event => [cuaca_archive => 1735689600000, 42, 'alice', 'm1', 1735689600123],
	archive_renew => [cuaca_archive => 1735689600000, 1735689500000, 42],
	archive_store => [cuaca_archive => 'host:1', 1735689600000, 42, '[]'],
	archive_upkeep => [cuaca_archive => 0],
	archive_status => [cuaca_ops => ()],
);

my $pg = Pg->new;
my $db = $pg->migrated;
my %text = %{Pg::statements()};

# Arguments of weather_upsert: the same values for all these cities.
sub upsert
{
	my ($ids, $observed_at, $temperature, $collected_at) = @_;
	my $each = sub { '{' . join(',', ($_[0]) x @$ids) . '}' };

	return ('{' . join(',', @$ids) . '}', $each->($observed_at), $collected_at // $observed_at + 60, map({ $each->($_) }
		$temperature, 31.9, 84, 0, 3, 'f', 97, 1009.8, 6.1, 210, 14.4), 'open-meteo');
}

sub execute { return $pg->execute($db, $use{$_[0]}[0], @_) }

sub rows { return scalar execute($_[0], [@_[1 .. $#_]]) }

# Run a query and return how it was done.
sub explain_run
{
	my ($name, @args) = @_;

	return scalar execute($name, @args ? \@args : [@{$use{$name}}[1 .. $#{$use{$name}}]],
		'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)');
}

sub first_column { return join ' ', map { (split /\|/)[0] } split /\n/, $_[0] }

is_deeply([sort keys %text], [sort keys %use], 'every query is known here');
for my $name (sort keys %use) {
	my ($role, @args) = @{$use{$name}};
	my ($status, $out, $err) = execute($name, \@args);
	is($status, 0, "$name runs as $role") or diag($err);
}
# cuacactl shows what the ingest sees.
for my $name (grep { /^(cities_|city_|history_(raw|hour|day)|ingest_places|demand_wanted|quota_sums|weather_current|forecast_get|status_public|ready)/ } sort keys %use) {
	my (undef, @args) = @{$use{$name}};
	my ($status, $out, $err) = $pg->execute($db, 'cuaca_admin', $name, \@args);
	is($status, 0, "$name runs as cuaca_admin") or diag($err);
}

# cuacactl looks after the chat, and the archiver mirrors single users too.
for (map({ [cuaca_admin => $_] } qw(user_void rooms_all room_delete members_list member_add member_remove sanction_set sanction_lift sanctions_list
	mirror_user mirror_group archive_status)), map({ [cuaca_archive => $_] } qw(mirror_user mirror_group))) {
	my ($role, $name) = @$_;
	my ($status, $out, $err) = $pg->execute($db, $role, $name, [@{$use{$name}}[1 .. $#{$use{$name}}]]);
	is($status, 0, "$name runs as $role") or diag($err);
}

# What they answer.
my $jakarta = 'jakarta|Jakarta|ID|Jakarta|-6.21462|106.84513|Asia/Jakarta|8540121|t';
is(rows('city_by_slug', 'jakarta'), $jakarta, 'city_by_slug');
is(rows('city_by_slug', $_), '', "city_by_slug: no $_") for 'Jakarta', 'springfield', "x' OR true --";
is(first_column(rows('cities_near_matches', $_->[0])), $_->[1], "cities_near_matches: $_->[0]") for
	['jakrta', 'jakarta'], ['São Palo', 'sao-paulo palo salo san-pablo palo-alto'],
	['springfield', 'springfield-us-mo springfield-us-ma springfield-us-il springfield-us-or springfield-us-oh'],
	['xyzzyplugh', ''], ['', ''], ['東京', ''];
is(first_column(rows('cities_search', $_->[0], $_->[1])), $_->[2], "cities_search: $_->[0]") for
	['jakar', 5, 'jakarta'], ['São Pau', 1, 'sao-paulo'], ['new yor', 2, 'new-york-city west-new-york'],
	['springfield', 2, 'springfield-us-mo springfield-us-ma'], ['york', 1, 'york'], ['', 5, ''], ['%', 5, ''];
like(first_column(rows('cities_search', 'york', 20)), qr/^(york\S* ){3,}(?!york)\S+/, 'cities_search: what begins with it is first');
like(first_column(rows('cities_search', 'francisco', 5)), qr/\bsan-francisco\b/, 'cities_search: a word within');
is(scalar(split /\n/, rows('cities_by_population', 3)), 3, 'cities_by_population');
like(rows('cities_near', -6.21462, 106.84513, 1), qr/^\Q$jakarta\E\|0\.0$/, 'cities_near: itself');
like(rows('city_nearest_tracked', -6.59444, 106.78917), qr/^\Q$jakarta\E\|42\.7$/, 'city_nearest_tracked: Bogor is 42.7 km away');
like(rows('cities_nearest_tracked', '{52.5,-6.59444}', '{13.4,106.78917}'), qr/^berlin\|.*\n\Q$jakarta\E\|42\.7$/, 'cities_nearest_tracked: each in turn');
like(rows('city_nearest_tracked', -17.8, -179.9), qr/^auckland\|/, 'city_nearest_tracked: across the date line');
like(rows('ready'), qr/^\d{4}_\w+\|1735689660\|90\|\d+\|\d*$/, 'ready');

is(rows('weather_current', '{medan,nowhere,jakarta,bogor}') =~ s/^(\w+)(\|[^|]*){8}/$1/mgr, join("\n", 'medan' . '|' x 14 . '|1|t',
	'jakarta|1735689600|1735689660|27.4|31.9|84|0|3|f|97|1009.8|6.1|210|14.4|open-meteo|4|t', 'bogor' . '|' x 14 . '|1|t'),
	'weather_current: an old row, no row, in the order asked');
rows('paces_keep', '{1214520,1648473}', '{3,8}');
like(rows('weather_current', '{medan,jakarta,bogor}'), qr/^medan\|.*\|3\|t\njakarta\|.*\|1\|t\nbogor\|.*\|8\|t$/, 'paces_keep: all others are in every run');
rows('paces_keep', '{}', '{}');
is(rows('weather_upsert', upsert([1642911, 1214520], 1735689600, -1.5, 1735690000)), 2, 'weather_upsert: two rows');
like(rows('weather_current', '{jakarta,medan}'), qr/^jakarta\|.*\|1735689600\|1735690000\|-1\.5\|.*\nmedan\|.*\|1735689600\|1735690000\|-1\.5\|/,
	'... one replaced, one added');
is($pg->sql($db, 'SELECT count(*) FROM weather_data'), 2, '... and no more');
is((execute('weather_upsert', [upsert([1642911, 1214520, 1], 1735689600, 5)]))[0], 3, '... all or nothing');
unlike(rows('weather_current', '{jakarta}'), qr/\|5\|/, '... so that the last good row stays');
is(rows('weather_upsert', map { $_ eq '{27.4}' ? '{NULL}' : $_ } upsert([1642911], 1735690500, 27.4)), 1, 'weather_upsert: a NULL value');
like(rows('weather_current', '{jakarta}'), qr/\|1735690500\|1735690560\|\|31\.9\|/, '... comes back');

my $second = $pg->file($text{ingest_lock});
is($pg->sql($db, "$text{ingest_lock};\n\\! psql -X -q -A -t -d '" . $pg->conninfo($db) . "' -f $second\n$text{ingest_unlock}"), "t\nf\nt",
	'ingest_lock keeps a second one out');

# How they do it, with two months of weather for every tracked place, and many forecasts.
my @series = split /\n/, $pg->sql($db, q{SELECT attname FROM pg_attribute
	WHERE attrelid = 'weather_forecast'::regclass AND attname ~ '^(hourly|daily)_' AND attndims > 0 ORDER BY attnum});
is(scalar(@series), 20, 'a forecast is of 20 series');
$pg->sql($db, qq{
	INSERT INTO weather_data (city_id, observed_at, collected_at, temperature, source)
	SELECT id, t, t, 20, 'simulator' FROM cities, generate_series(now() - interval '65 days', now(), interval '1 hour') t WHERE tracked;
	INSERT INTO weather_forecast
	SELECT c.id, f.collected_at, f.utc_offset_seconds, f.source, f.hourly_from, f.daily_from, @{[join ', ', map { "f.$_" } @series]}
	FROM cities c, weather_forecast f WHERE c.id <> f.city_id AND c.population > 100000;
	ANALYZE});
my $newest = $pg->sql($db, 'SELECT extract(epoch FROM max(collected_at))::bigint FROM weather_data');
$pg->sql($db, q{
	INSERT INTO weather_data (city_id, observed_at, collected_at, temperature, source)
	SELECT id, t, now() + interval '1 minute', 20, 'simulator'
	FROM cities, generate_series(now() - interval '40 days 30 minutes', now() - interval '1 day', interval '1 hour') t WHERE tracked});
is((split /\|/, rows('ready'))[1], $newest, 'ready: a backfill makes nothing fresh');
is((split /\|/, rows('status_public'))[0], $newest, '... nor in status_public');
cmp_ok($pg->sql($db, 'SELECT count(*) FROM weather_data'), '>', 100000, 'more than 100,000 rows');
my %index = (
	city_by_slug => qr/Index Scan using cities_slug_key/,
	cities_near_matches => qr/Bitmap Index Scan on cities_name_trgm/,
	cities_search => qr/(Index|Bitmap Index) Scan (on|using) cities_slug_key.*Bitmap Index Scan on cities_name_trgm/s,
	cities_by_population => qr/Index Scan using cities_population/,
	cities_near => qr/Index Scan using cities_globe on/,
	cities_nearest_tracked => qr/Index Scan using cities_globe_tracked on/,
	city_nearest_tracked => qr/Index Scan using cities_globe_tracked on/,
	weather_current => qr/Index Scan using cities_slug_key.*Index Scan Backward using weather_data_p\d+_\d+_pkey/s,
	city_served => qr/Index Scan using cities_slug_key/,
	forecast_get => qr/Index Scan using cities_slug_key.*Index Scan using weather_forecast_pkey/s,
	ready => qr/Index Only Scan Backward using weather_data_p\d+_\d+_collected_at_idx/,
	status_public => qr/Index Only Scan Backward using weather_data_p\d+_\d+_collected_at_idx/,
);
for my $name (sort keys %index) {
	my $plan = explain_run($name);
	like($plan, $index{$name}, "$name uses its index");
	unlike($plan, qr/Seq Scan on (cities|weather)/, '... and reads no table through');
}

unlike(explain_run($_), qr/Rows Removed by Filter: \d{3}/, "$_ passes over a backfill without reading it") for qw(ready status_public);

# The partitions that a plan really went to.
sub touched { return scalar grep { / on weather_data_(p|default)/ && !/never executed/ } split /\n/, $_[0] }

my $plan = explain_run('weather_current', '{jakarta,medan,london}');
like($plan, qr/Subplans Removed: \d\d/, 'weather_current prunes partitions');
cmp_ok(touched($plan), '<=', 2, '... down to two');
cmp_ok(touched(explain_run('weather_current', '{bogor}')), '>', 20, '... but asks all for a place without recent rows');
like($pg->sql($db, "PREPARE q AS $text{weather_current}; EXECUTE q('{jakarta}'); EXECUTE q('{medan}');
	SELECT generic_plans, custom_plans FROM pg_prepared_statements"), qr/^2\|0$/m, "... and isn't planned anew each time");

done_testing;
