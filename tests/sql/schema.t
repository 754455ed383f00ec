#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The migrated schema: comments, constraints, rights, partitions and their upkeep, and the gazetteer.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Pg;
use Test::More;

my $pg = Pg->new;
my $db = $pg->migrated;

sub sql { return scalar $pg->sql($db, $_[0]) }

# The error of a statement that must fail, run as this role.
sub refused
{
	my ($role, $statement) = @_;
	my ($status, $out, $err) = $pg->sql($db, "SET SESSION AUTHORIZATION $role; $statement");

	return $status == 0 ? 'not refused' : $err;
}

is(sql(q{
	SELECT string_agg(attrelid::regclass || '.' || attname, ' ') FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
	WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0
		AND NOT attisdropped AND col_description(attrelid, attnum) IS NULL}), '', 'every column has a comment');
is(sql(q{
	SELECT string_agg(oid::regclass::text, ' ') FROM pg_class WHERE relnamespace = 'public'::regnamespace
		AND relkind IN ('r', 'p') AND NOT relispartition AND obj_description(oid, 'pg_class') IS NULL}), '', 'every table has one');
is(sql(q{
	SELECT string_agg(oid::regprocedure::text, ' ') FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
		AND obj_description(oid, 'pg_proc') IS NULL
		AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')}), '', 'every function of ours has one');

# Constraints. Each value is tried alone, in an otherwise good row.
sub insert
{
	my (%column) = (city_id => 1642911, observed_at => 'now()', collected_at => 'now()', source => "'simulator'", @_);
	my @names = sort keys %column;

	return 'BEGIN; INSERT INTO weather_data (' . join(', ', @names) . ') VALUES (' . join(', ', @column{@names}) . '); ROLLBACK';
}

my %range = (
	temperature => [-100, 70], apparent_temperature => [-120, 100], relative_humidity => [0, 100], precipitation => [0, 1000],
	weather_code => [0, 99], cloud_cover => [0, 100], pressure_msl => [800, 1100], wind_speed => [0, 500],
	wind_direction => [0, 360], wind_gusts => [0, 600],
);
is(($pg->sql($db, insert()))[2], '', 'a row without values is taken');
for my $column (sort keys %range) {
	my ($low, $high) = @{$range{$column}};
	is(($pg->sql($db, insert($column => $_)))[2], '', "$column $_ is taken") for $low, $high;
	like(refused('postgres', insert($column => $_)), qr/weather_data_${column}_check/, "$column $_ is refused") for $low - 1, $high + 1;
}
for my $column (qw(temperature apparent_temperature precipitation pressure_msl wind_speed wind_gusts)) {
	like(refused('postgres', insert($column => "'NaN'")), qr/weather_data_${column}_check/, "$column NaN is refused");
}
like(refused('postgres', insert(source => "'rumour'")), qr/weather_data_source_check/, 'an unknown source is refused');
like(refused('postgres', insert(city_id => 1)), qr/weather_data_city_id_fkey/, 'an unknown city is refused');
like(refused('postgres', "UPDATE cities SET $_->[1] WHERE id = 1642911"), qr/cities_$_->[0]_check/, "$_->[1] is refused") for
	[slug => "slug = 'Jakarta'"], [slug => "slug = ''"], [slug => "slug = repeat('a', 65)"], [country => "country = 'id'"],
	[latitude => 'latitude = 90.1'], [latitude => "latitude = 'NaN'"], [longitude => 'longitude = -180.1'], [population => 'population = -1'];
like(refused('postgres', "UPDATE cities SET slug = 'jakarta' WHERE slug = 'bandung'"), qr/cities_slug_key/, 'a second jakarta is refused');

like(refused('postgres', "INSERT INTO weather_hour (hour_at, city_id, observations) VALUES ('2026-01-01 00:15Z', 1642911, 1)"),
	qr/null value in column "temperature_count"/, 'an hour needs its counts');
like(refused('postgres', 'INSERT INTO weather_hour VALUES (' . "'2026-01-01 00:15Z', 1642911" . ', 1' x 8 . ')'),
	qr/weather_hour_hour_at_check/, 'an hour begins on the hour');
like(refused('postgres', "INSERT INTO quota_spent VALUES ('open-meteo', '2026-01-01 00:00:01Z', 1, 1)"), qr/quota_spent_minute_check/, 'and a minute on the minute');
like(refused('postgres', "INSERT INTO api_keys (name, hash, rate) VALUES ($_)"), qr/api_keys_\w+_check/, "a key of ($_) is refused") for
	"'a b', sha256(''), 1", "'', sha256(''), 1", "'a', '', 1", "'a', sha256(''), 0";

# Rights: everything each program's role may do with our tables and functions, and nothing else. A right to some
# columns only has them in brackets.
my %rights = (
	cuaca_admin => 'api_keys INSERT(hash name rate) api_keys SELECT(created_at hash id last_used_at name rate revoked_at) api_keys UPDATE(revoked_at)'
		. ' chat_archive SELECT chat_groups SELECT chat_groups UPDATE(deleted_at)'
		. ' chat_members DELETE chat_members INSERT(added_by group_name user_name) chat_members SELECT chat_messages SELECT chat_revoked SELECT'
		. ' chat_sanctions INSERT chat_sanctions SELECT chat_sanctions UPDATE chat_users INSERT(admin name void_before)'
		. ' chat_users SELECT(admin created_at expires_at guest name void_before) chat_users UPDATE(admin void_before)'
		. ' cities SELECT cities UPDATE(tracked) demand SELECT ingest_pace SELECT ingest_run SELECT quota_spent SELECT schema_migrations SELECT'
		. ' weather_data SELECT weather_day SELECT weather_forecast SELECT weather_hour SELECT',
	cuaca_archive => 'chat_archive SELECT chat_archive UPDATE chat_conversations INSERT chat_conversations SELECT chat_conversations UPDATE chat_epochs INSERT chat_epochs SELECT chat_groups SELECT chat_members SELECT chat_messages INSERT chat_messages SELECT'
		. ' chat_messages UPDATE(deleted_at deleted_by edited_at edited_body) chat_revoked SELECT'
		. ' chat_sanctions INSERT chat_sanctions SELECT chat_sanctions UPDATE chat_touched SELECT'
		. ' chat_users SELECT(admin created_at expires_at guest name void_before)',
	cuaca_chat => 'chat_archive SELECT chat_conversations SELECT chat_groups INSERT(name owner public title) chat_groups SELECT chat_groups UPDATE(deleted_at) chat_history SELECT'
		. ' chat_members DELETE chat_members INSERT(added_by group_name user_name) chat_members SELECT chat_messages SELECT'
		. ' chat_revoked INSERT chat_revoked SELECT chat_sanctions INSERT chat_sanctions SELECT chat_sanctions UPDATE'
		. ' chat_users SELECT chat_users UPDATE(expires_at password_hash void_before)',
	cuaca_ingest => 'api_keys SELECT(id last_used_at) api_keys UPDATE(last_used_at) cities SELECT demand DELETE demand INSERT demand SELECT demand UPDATE'
		. ' ingest_pace DELETE ingest_pace INSERT ingest_pace SELECT ingest_pace UPDATE ingest_run INSERT ingest_run SELECT ingest_run UPDATE quota_spent INSERT quota_spent SELECT quota_spent UPDATE'
		. ' weather_data INSERT weather_data SELECT weather_data UPDATE weather_day INSERT weather_day SELECT weather_day UPDATE'
		. ' weather_forecast INSERT weather_forecast SELECT weather_forecast UPDATE weather_hour INSERT weather_hour SELECT weather_hour UPDATE',
	cuaca_ops => 'chat_archive SELECT chat_messages SELECT(sent_at) cities SELECT demand SELECT ingest_run SELECT quota_spent SELECT schema_migrations SELECT weather_data SELECT'
		. ' weather_day SELECT weather_forecast SELECT weather_hour SELECT',
	cuaca_weather => 'api_keys SELECT(hash id name rate revoked_at) cities SELECT demand SELECT ingest_pace SELECT weather_data SELECT weather_day SELECT'
		. ' weather_forecast SELECT weather_hour SELECT',
);
is(sql(qq{
	SELECT string_agg(relname || ' ' || p || coalesce('(' || columns || ')', ''), ' ' ORDER BY relname, p)
	FROM (
		SELECT c.relname, p, CASE WHEN NOT has_table_privilege('$_', c.oid, p) THEN (
			SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute
			WHERE attrelid = c.oid AND attnum > 0 AND has_column_privilege('$_', c.oid, attnum, p)) END AS columns
		FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p
		WHERE c.relnamespace IN ('public'::regnamespace, 'partman'::regnamespace) AND c.relkind IN ('r', 'p', 'v')
			AND has_any_column_privilege('$_', c.oid, p)
		UNION ALL
		SELECT c.relname, p, NULL
		FROM pg_class c, unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) p
		WHERE c.relnamespace IN ('public'::regnamespace, 'partman'::regnamespace) AND c.relkind IN ('r', 'p', 'v')
			AND has_table_privilege('$_', c.oid, p)
	) r}), $rights{$_}, "$_ has its rights and no others") for sort keys %rights;
is(sql(qq{
	SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
		AND (prosecdef OR provolatile = 'v') AND has_function_privilege('$_->[0]', p.oid, 'EXECUTE')
		AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e')}), $_->[1], "functions that $_->[0] may run to some effect") for
	[cuaca_admin => 'chat_sanction'], [cuaca_archive => 'chat_archive_store chat_sanction chat_upkeep'], [cuaca_chat => 'chat_sanction chat_user_create'],
	[cuaca_ingest => 'weather_aggregate weather_store weather_upkeep'], [cuaca_ops => ''], [cuaca_weather => ''];
is(sql(q{
	SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname ~ '^cuaca_'
		AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolreplication) ORDER BY 1}),
	"cuaca_admin|t\ncuaca_archive|t\ncuaca_chat|t\ncuaca_ingest|t\ncuaca_ops|t\ncuaca_owner|f\ncuaca_weather|t", 'no role is more than an ordinary one');
like(refused('cuaca_ingest', "UPDATE cities SET tracked = true"), qr/permission denied for table cities/, "the ingest can't write cities");
like(refused('cuaca_ingest', 'DELETE FROM weather_data'), qr/permission denied/, '... nor delete weather');
like(refused('cuaca_ingest', 'SELECT hash FROM api_keys'), qr/permission denied/, '... nor see the hashes of keys');
like(refused('cuaca_weather', insert()), qr/permission denied/, "weather.fcgi can't write");
like(refused('cuaca_weather', "INSERT INTO demand VALUES (1642911, 1, now())"), qr/permission denied/, '... nor ask for more');
like(refused('cuaca_weather', 'CREATE TABLE t (a integer)'), qr/permission denied/, '... nor make tables');
like(refused('cuaca_weather', 'SELECT weather_upkeep(0)'), qr/permission denied/, '... nor look after partitions');
like(refused('cuaca_admin', 'UPDATE cities SET slug = name'), qr/permission denied/, 'cuacactl tracks places and changes nothing else of them');
like(refused($_, 'CREATE TEMP TABLE t (a integer)'), qr/permission denied to create temporary tables/, "$_ has no temporary tables") for
	sort keys %rights;

# Partitions: months in UTC, whatever the time zone of who asks.
my @bounds = split /\n/, sql(q{
	SET timezone = 'UTC';
	SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition AND relkind = 'r' AND relname LIKE 'weather%' ORDER BY relname});
is(shift @bounds, 'DEFAULT', 'there is a default partition');
is($bounds[0], "FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2025-02-01 00:00:00+00')", 'the first month is January 2025');
is(scalar(@bounds), sql(q{
	SELECT count(*) FROM generate_series('2025-01-01', date_trunc('month', now() AT TIME ZONE 'UTC') + interval '4 months', interval '1 month')}),
	'they go to four months ahead');
$pg->sql($db, q{
	INSERT INTO weather_data (city_id, observed_at, collected_at, source)
	SELECT 1642911, t, now(), 'simulator' FROM unnest(ARRAY['2019-03-31 23:45Z', '2019-04-01 00:00Z', '2019-05-07 00:00Z', '2031-01-01 00:00Z']::timestamptz[]) t});
is(sql('SELECT count(*) FROM weather_data_default'), 4, 'rows for other months go there');
my $upkeep = q{SET SESSION AUTHORIZATION cuaca_ingest; SET timezone = 'Asia/Jakarta'; SELECT moved, dropped FROM weather_upkeep(0)};
is(sql($upkeep), '4|0', 'upkeep, run as the ingest, gives them their own');
is(sql($upkeep), '0|0', '... and again has nothing to do');
is(sql("$upkeep; SHOW search_path; SHOW timezone"), qq{0|0\n"\$user", public\nAsia/Jakarta}, "... and leaves the session's settings alone");
like(refused('cuaca_ingest', "SELECT weather_upkeep($_)"), qr/not a number of days/, "$_ days are refused") for -1, 'NULL';
is(sql(q{SET timezone = 'UTC'; SELECT tableoid::regclass, observed_at FROM weather_data ORDER BY observed_at}), join("\n",
	'weather_data_p2019_03|2019-03-31 23:45:00+00', 'weather_data_p2019_04|2019-04-01 00:00:00+00',
	'weather_data_p2019_05|2019-05-07 00:00:00+00', 'weather_data_p2031_01|2031-01-01 00:00:00+00'), '... the right ones');
is(sql(q{SELECT count(*) FROM pg_class WHERE relname LIKE 'weather\_data%' AND relkind IN ('r', 'p') AND relowner <> 'cuaca_owner'::regrole}), 0,
	'... and cuaca_owner owns them all');

# The gazetteer.
is(sql(q{SELECT * FROM cities WHERE id = 1642911}), '1642911|jakarta|Jakarta|ID|Jakarta|-6.21462|106.84513|Asia/Jakarta|8540121|t', 'Jakarta');
is(sql(q{SELECT slug, admin1 FROM cities WHERE name = 'Springfield' AND admin1 IN ('Missouri', 'Illinois') ORDER BY 1}),
	"springfield-us-il|Illinois\nspringfield-us-mo|Missouri", 'the Springfields');
is(sql(q{SELECT count(*) FROM cities WHERE slug = 'springfield'}), 0, '... none of which is the Springfield');
is(sql(q{SELECT country FROM cities WHERE slug = 'london'}), 'GB', '... but there is one London');
cmp_ok(sql('SELECT count(*) FROM cities'), '>=', 25000, 'all the places there should be');
is(sql('SELECT count(*) FROM cities WHERE population < 15000'), 0, '... and none smaller');
is(sql(q{SELECT count(*) FROM cities WHERE slug !~ '^[a-z0-9-]{1,64}$'}), 0, 'slugs are well formed');
is(sql(q{SELECT string_agg(slug, ' ') FROM cities WHERE slug <> slugify(name) AND NOT starts_with(slug, slugify(name) || '-' || lower(country))}), '',
	'... the name as slugify() spells it, or with the country and region');
is(sql(q{SELECT string_agg(DISTINCT timezone, ' ') FROM cities WHERE timezone NOT IN (SELECT name FROM pg_timezone_names)}), '', 'time zones are known');
is(sql(q{SELECT count(*) FROM cities WHERE tracked}), 90, '90 places are tracked');
cmp_ok(90 * 96, '<', 10000, '... which fits the free quota');
is(sql(q{SELECT count(DISTINCT admin1) FROM cities WHERE tracked AND country = 'ID'}), 38, "... one in each of Indonesia's provinces");
is(sql(q{SELECT slugify('São Paulo'), slugify(E'Val-d\'Or'), slugify('  Ḩawsh ‘Īsá '), slugify('東京')}), 'sao-paulo|val-dor|hawsh-isa|', 'slugify');

done_testing;
