#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# What the ingest and cuacactl keep: quota, demand and who is served because of it, forecasts, runs, API keys,
# tracking, and what is shown of all that.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Pg;
use Test::More;

use constant { HOUR => 3600, DAY => 86400 };

my $pg = Pg->new;
my $db = $pg->migrated;
my $midnight = 1767225600;	# 2026-01-01, UTC
sub sql { return scalar $pg->sql($db, $_[0]) }

my %id = map { $_ => sql("SELECT id FROM cities WHERE slug = '$_'") } qw(bogor depok bekasi);

sub as
{
	my ($role, $name, @args) = @_;

	return scalar $pg->execute($db, "cuaca_$role", $name, \@args);
}

sub ingest { return as('ingest', @_) }
sub admin { return as('admin', @_) }
sub weather { return as('weather', @_) }

# Of rows with CITY9 in them the slug and what comes after: "bogor 3 ...".
sub places { return join "\n", map { my @c = split /\|/, $_, -1; join ' ', $c[1], map { $_ eq '' ? '-' : $_ } @c[10 .. $#c] } split /\n/, $_[0] }
sub served { return (split /\|/, weather('city_served', $_[0]))[9] }

# Quota: the clock's minute, hour and UTC day.
is(ingest('quota_sums', 'open-meteo', $midnight), '0|0|0', 'nothing spent');
ingest('quota_add', 'open-meteo', @$_) for [$midnight - 1, 1000, 1], [$midnight, '0.1', 1], [$midnight + 59, '0.2', 1],
	[$midnight + 60, 4, 2], [$midnight + HOUR, 8, 1], [$midnight + DAY, 5000, 1];
ingest('quota_add', 'another', $midnight, 77, 1);
is(ingest('quota_sums', 'open-meteo', $midnight + $_->[0]), $_->[1], "spent $_->[0] s into the day") for
	[-1, '1000|1000|1000'], [30, '0.3|4.3|12.3'], [60, '4|4.3|12.3'], [HOUR, '8|8|12.3'], [HOUR + 60, '0|8|12.3'], [DAY - 1, '0|0|12.3'], [DAY, '5000|5000|5000'];
is(sql("SELECT requests FROM quota_spent WHERE provider = 'open-meteo' AND minute = to_timestamp($midnight)"), 2, 'requests are counted');
cmp_ok(($pg->execute($db, 'cuaca_ingest', 'quota_add', ['open-meteo', $midnight, -1, 1]))[0], '!=', 0, 'nothing is given back');

# Demand: half as much every 6 hours.
my $t = $midnight;
ingest('demand_add', '{bogor,depok,nowhere,bogor,jakarta}', '{3,4,9,5,100}', $t);
is(places(ingest('demand_wanted', 10, $t)), "bogor 8 $t -\ndepok 4 $t -", 'demand_wanted: repeated ones added up, unknown and tracked ones not there');
is(places(ingest('demand_wanted', 1, $t + 6 * HOUR)), "bogor 4 $t -", '... half after 6 hours, as many as asked for');
ingest('demand_add', '{depok}', '{5}', $t + 12 * HOUR);
is(places(ingest('demand_wanted', 10, $t + 12 * HOUR)), 'depok 6 ' . ($t + 12 * HOUR) . " -\nbogor 2 $t -", '... and the order changes');
ingest('demand_add', '{depok}', '{1}', $t);
is(places(ingest('demand_wanted', 1, $t + 12 * HOUR)), 'depok 7 ' . ($t + 12 * HOUR) . ' -', 'a clock that goes back makes nothing grow');
ingest('demand_add', '{bekasi}', '{1000000}', $t - 20 * 365 * DAY);
is(ingest('demand_wanted', 3, $t) =~ /bekasi.*\|0?(\.0*|\d\.?\d*e-)\d+\|/ ? 'ok' : ingest('demand_wanted', 3, $t), 'ok', 'twenty years ago is next to nothing, and no error');
is(places(ingest('ingest_places', $t)) =~ s/^(?!jakarta).*\n?//mgr, "jakarta 100 - - - - 1\n", 'a tracked place has its requests too');

# A grant: served like a tracked place, until the ingest takes it back.
is(join(' ', map { served($_) } qw(jakarta bogor)), 't f', 'city_served: tracked or not');
is(weather('city_served', 'nowhere'), '', '... or unknown');
ingest('demand_grant', "{$id{bogor},$id{depok},5}", $t + DAY);
is(join(' ', map { served($_) } qw(jakarta bogor depok bekasi)), 't t t f', 'granted places are served');
is(join(' ', map { (split /\|/, $_, -1)[8, 24] } split /\n/, weather('weather_current', '{jakarta,bogor,bekasi}')), 't t f t f f', '... weather_current says so, and who is tracked');
is(sql('SELECT count(*) FROM demand WHERE granted_until IS NOT NULL'), 2, '... and nobody else');
is(scalar(split /\n/, ingest('ingest_places', $t)), 92, '... and collected');
like(places(ingest('ingest_places', $t + 6 * HOUR)), qr/^bogor 4 @{[$t + DAY]} - - - 1$/m, '... with what they are asked for');
is(places(ingest('demand_wanted', 1, $t + 12 * HOUR)), 'depok 7 ' . ($t + 12 * HOUR) . ' ' . ($t + DAY), '... and in demand_wanted as before');
unlike(weather('city_nearest_tracked', -6.59444, 106.78917), qr/^bogor/, 'but city_nearest_tracked is for tracked ones');
ingest('demand_grant', "{$id{depok}}", $t + 2 * DAY);
is(ingest('demand_expire', $t + DAY - 1), '', 'nothing ends early');
is(sql("SELECT count(*) FROM demand WHERE city_id = $id{bekasi}"), 0, '... but what nobody wants is forgotten');
is(ingest('demand_expire', $t + DAY), 'bogor', 'a grant ends when it should');
is(join(' ', map { served($_) } qw(bogor depok)), 'f t', '... and the place is not served any more');
is(ingest('demand_expire', $t + DAY), '', '... once');
like(admin('city_track', 'depok', 't'), qr/^depok\|Depok\|ID\|([^|]+\|){5}t$/, 'city_track');
is(ingest('demand_expire', $t + 10 * DAY), '', 'a tracked place is served when its grant ends');
is(served('depok'), 't', '... still');
is(ingest('demand_wanted', 10, $t), '', 'what was long ago is forgotten');
like(admin('city_track', 'depok', 'f'), qr/\|f$/, 'city_track: no more');
is(admin('city_track', 'nowhere', 't'), '', '... an unknown place');

# Forecasts.
my @hourly = map { "{$_.5,NULL,2}" } 1 .. 10;
my @daily = ('{3,61}', '{31.5,30}', '{24.1,NULL}', '{1767222000,1767308400}', '{NULL,1767351600}', map { "{$_,$_.5}" } 1 .. 5);
my $local = $midnight - 7 * HOUR;
is(weather('forecast_get', 'nowhere'), '', 'forecast_get: an unknown place');
is(weather('forecast_get', 'bogor') =~ s/^bogor(\|[^|]+){8}//r, '|' x 26 . 'f', '... one without');
ingest('forecast_upsert', $id{bogor}, $t + 61, 25200, 'open-meteo', $local, $local, @hourly, @daily);
is(weather('forecast_get', 'bogor') =~ s/^bogor(\|[^|]+){8}\|//r, join('|', $t + 61, 25200, 'open-meteo', $local, $local, @hourly, @daily, 'f'), '... what was stored');
ingest('forecast_upsert', $id{bogor}, $t + 900, -9000, 'simulator', $t, $t + 9000, ('{1}') x 10, ('{2}') x 10);
is(weather('forecast_get', 'bogor') =~ s/^bogor(\|[^|]+){8}\|//r, join('|', $t + 900, -9000, 'simulator', $t, $t + 9000, ('{1}') x 10, ('{2}') x 10, 'f'), '... replaced whole');
for ([7, '{1,2}', 'hours'], [16, '{}', 'hours'], [17, '{1,2}', 'days'], [26, '{}', 'days']) {
	my ($n, $series, $what) = @$_;
	my @args = ($id{bogor}, $t, 0, 'open-meteo', $t, $t, ('{1}') x 20);
	$args[$n - 1] = $series;
	like(($pg->execute($db, 'cuaca_ingest', 'forecast_upsert', \@args))[2], qr/weather_forecast_$what/, "series of different lengths are refused: \$$n");
}

# Runs, and what everybody may see.
my $status = sub { return as('ops', 'status_public') };
like($status->(), qr/^\|90\|90\|\|\|\|0\|\d{4}_\w+\|\|0$/, 'status_public: before the first run');
my $now = sql('SELECT extract(epoch FROM now())::bigint');
is(ingest('run_begin', $now - 1000), 1, 'run_begin');
ingest('run_end', 1, $now - 990, 1, 90, 80, 4, 6, 3, 1, '92.5', 'six had no answer');
is(ingest('run_begin', $now), 2, '... the next');
ingest('demand_add', '{bogor}', '{3}', $now);
ingest('demand_grant', "{$id{bogor}}", $now + DAY);
ingest('quota_add', 'open-meteo', $now, '92.5', 3);
like($status->(), qr/^\|90\|91\|$now\|\|\|92\.5\|\d{4}_\w+\|\|0$/, 'status_public: while it runs');
ingest('run_end', 2, $now + 7, 0, 90, 90, 0, 0, 1, 0, '90', undef);
like($status->(), qr/^\|90\|91\|$now\|@{[$now + 7]}\|0\|/, '... and after');
is(admin('runs_last', 5), join("\n", "2|$now|@{[$now + 7]}|0|90|90|0|0|1|0|90|", join('|', 1, $now - 1000, $now - 990, 1, 90, 80, 4, 6, 3, 1, '92.5', 'six had no answer')), 'runs_last');
is(scalar(split /\n/, admin('runs_last', 1)), 1, '... as many as asked for');
my @sizes = map { (split /\|/)[0] } split /\n/, admin('sizes');
is(join(' ', sort @sizes), 'api_keys chat_archive chat_conversations chat_epochs chat_groups chat_members chat_messages chat_revoked chat_sanctions chat_touched chat_users cities demand ingest_pace ingest_run quota_spent'
	. ' schema_migrations weather_data weather_day weather_forecast weather_hour', 'sizes: every table, once');
like(admin('sizes'), qr/^cities\|25\d{3}\|\d{7,}$/m, '... rows and bytes');

# API keys.
my ($a, $b) = ('0a' x 32, '0b' x 32);
is(admin('key_create', 'somebody', $a, 50), 1, 'key_create');
like(($pg->execute($db, 'cuaca_admin', 'key_create', ['somebody', $b, 50]))[2], qr/api_keys_name/, '... not twice the same name');
like(($pg->execute($db, 'cuaca_admin', 'key_create', ['another', $a, 50]))[2], qr/api_keys_hash_key/, '... nor the same key');
is(weather('key_find', uc $a), '1|somebody|50', 'key_find');
is(weather('key_find', $b), '', '... none');
ingest('keys_used', '{1,99}', "{$now,$now}");
ingest('keys_used', '{1}', '{' . ($now - 5) . '}');
like(admin('key_list'), qr/^1\|somebody\|50\|\d+\|\|$now$/, 'key_list, with its last use');
is(admin('key_revoke', 'somebody'), "1|$a", 'key_revoke, with its hash');
is(admin('key_revoke', 'somebody'), '', '... once');
is(weather('key_find', $a), '', '... and it is not found any more');
my $next = admin('key_create', 'somebody', $b, 5);
is(weather('key_find', $b), "$next|somebody|5", 'a new one of that name');
like(admin('key_list'), qr/^1\|somebody\|50\|\d+\|\d+\|$now\n$next\|somebody\|5\|\d+\|\|$/, 'key_list has both');

# Upkeep of all that.
sql(q{INSERT INTO quota_spent VALUES ('open-meteo', date_trunc('minute', now() - interval '401 days'), 1, 1);
	INSERT INTO ingest_run (started_at) VALUES (now() - interval '401 days'), (now() - interval '399 days')});
my $spent = sql('SELECT count(*) FROM quota_spent');
ingest('upkeep', 0);
is(sql('SELECT count(*) FROM quota_spent') . sql('SELECT count(*) FROM ingest_run'), $spent - 1 . 3, 'books are kept for 400 days');

done_testing;
