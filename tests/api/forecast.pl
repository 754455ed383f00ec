# SPDX-License-Identifier: ISC
#
# GET /api/weather/forecast: days of the city, not of UTC; all faces of it; from Redis, else PostgreSQL.

use strict;
use warnings;
use utf8;
use Encode qw(decode);
use List::Util qw(max);
use Mojo::Date;
use Mojo::JSON qw(decode_json);
use POSIX qw(strftime);
use Test::More;

my $path = '/api/weather/forecast';
my @hourly = qw(temperature apparent_temperature relative_humidity precipitation precipitation_probability weather_code cloud_cover
	pressure_msl wind_speed wind_direction);
my @daily = qw(weather_code temperature_max temperature_min sunrise sunset precipitation_sum precipitation_probability_max wind_speed_max
	wind_gusts_max wind_direction_dominant);

sub iso { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }
sub date { return strftime('%Y-%m-%d', gmtime $_[0]) }

return sub {
	my ($rig, $http, $api, $web) = @_;
	my $get = sub {
		my ($query, %headers) = @_;
		my $res = $http->get("$path?$query", %headers);

		$api->check(GET => "$path?$query", $res);
		return $res;
	};
	my $json = sub { return decode_json($get->(@_)->body) };
	# A forecast whose values tell their place: hour n has temperature n / 10, day n a maximum of 30 + n.
	my $store = sub {
		my ($slug, $first, $offset, $collected, $hours, $days) = @_;
		my $series = sub { 'ARRAY[' . join(',', map { $_[0]->($_) } 0 .. $_[1] - 1) . ']' };
		my %of = (temperature => sub { $_[0] / 10 }, weather_code => sub { 3 }, temperature_max => sub { 30 + $_[0] }, pressure_msl => sub { 1000 },
			sunrise => sub { $first + 86400 * $_[0] + 20000 }, sunset => sub { $first + 86400 * $_[0] + 60000 }, precipitation_sum => sub { 25.4 });
		my $any = sub { 1 };
		my @names = ((map { "hourly_$_" } @hourly), map { "daily_$_" } @daily);
		my @values = ((map { $series->($of{$_} // $any, $hours) } @hourly), map { $series->($of{$_} // $any, $days) } @daily);
		local $" = ', ';
		$rig->sql("DELETE FROM weather_forecast WHERE city_id = (SELECT id FROM cities WHERE slug = '$slug');
			INSERT INTO weather_forecast (city_id, collected_at, utc_offset_seconds, source, hourly_from, daily_from, @names)
			SELECT id, to_timestamp($collected), $offset, 'simulator', to_timestamp($first), date(to_timestamp($first + $offset) AT TIME ZONE 'UTC'), @values
			FROM cities WHERE slug = '$slug'");
		$rig->redis(DEL => "weather:$slug:forecast");
	};
	# Cities that the other web server's turn leaves alone: east and west of Greenwich.
	my ($east, $west, $none) = $web eq 'nginx' ? qw(tokyo sao-paulo seoul) : qw(sydney new-york-city bangkok);
	$rig->up(cache => 'off');
	# None of these days may end while it is asked for.
	sleep 1 while grep { (time + $_) % 86400 >= 86400 - 60 } 9 * 3600, -3 * 3600, 5 * 3600 + 2700, 0;
	my $now = time;
	my $today = sub { my ($offset) = @_; my $local = $now + $offset; return $local - $local % 86400 - $offset };

	for ([$east, 9 * 3600], [$west, -3 * 3600], [$east, 5 * 3600 + 2700]) {
		my ($slug, $offset) = @$_;
		my $first = $today->($offset);

		$store->($slug, $first, $offset, $now - 60, 168, 7);
		my $res = $get->("city=$slug");
		my $all = decode_json($res->body);
		is($res->code, 200, "$slug, $offset s east of UTC");
		is($all->{city}{slug}, $slug, '... is of that city');
		is_deeply([map { $_->{date} } @{$all->{daily}}], [map { date($first + $offset + 86400 * $_) } 0 .. 6], '... seven local days from today on');
		is_deeply([map { $_->{time} } @{$all->{hourly}}], [map { iso($first + 3600 * $_) } 0 .. 167], '... and their hours');
		is_deeply([map { $_->{temperature} } @{$all->{hourly}}], [map { $_ / 10 } 0 .. 167], '... each with its value');
		is_deeply([@{$all->{daily}[2]}{qw(temperature_max sunrise weather_desc)}], [32, iso($first + 2 * 86400 + 20000), 'Overcast'], '... so with days');
		is($all->{utc_offset_seconds}, $offset, '... says how local');
		is($all->{collected_at}, iso($now - 60), '... and how old');
		ok(!$all->{stale} && $all->{next_update_at} gt $all->{collected_at}, '... which is not too old');
		my ($age) = ($res->headers->cache_control // '') =~ /\Apublic, max-age=(\d+)/;
		cmp_ok($age, '<=', 3600, '... kept for an hour at most');
		cmp_ok($now + $age, '<=', $first + 86400 + 1, "... nor beyond the city's midnight");
		is($res->headers->last_modified, strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime max($now - 60, $first)), '... modified when it was collected');
		is($get->("city=$slug", 'If-None-Match' => $res->headers->etag)->code, 304, '... not modified since');
		my $two = $json->("city=$slug&days=2");
		is_deeply($two->{daily}, [@{$all->{daily}}[0, 1]], 'two days are the first two');
		is_deeply($two->{hourly}, [@{$all->{hourly}}[0 .. 47]], '... with their hours');
	}

	# As the ingest stores them: from the day before yesterday on.
	$store->($east, $today->(9 * 3600) - 2 * 86400, 9 * 3600, $now - 60, 264, 11);
	for my $days (1, 3, 7) {
		my $some = $json->("city=$east&days=$days");
		is_deeply([map { $_->{date} } @{$some->{daily}}], [map { date($today->(9 * 3600) + 9 * 3600 + 86400 * $_) } 0 .. $days - 1], "of eleven days $days, from today on");
		is_deeply([map { $_->{temperature} } @{$some->{hourly}}], [map { $_ / 10 } 48 .. 47 + 24 * $days], '... with their hours');
	}

	# Collected two days ago: the days that are over are left out.
	my $first = $today->(0) - 2 * 86400;
	$store->($west, $first, 0, $first + 60, 168, 7);
	my $late = $get->("city=$west");
	my $old = decode_json($late->body);
	is_deeply([map { $_->{date} } @{$old->{daily}}], [map { date($first + 86400 * $_) } 2 .. 6], 'an old forecast has the days that are left');
	is($old->{hourly}[0]{time}, iso($first + 2 * 86400), '... from today on');
	ok($old->{stale}, '... and is stale');
	cmp_ok($old->{next_update_at}, 'gt', iso($now), '... but hopes for the next update');
	is($late->headers->last_modified, Mojo::Date->new(max($first + 2 * 86400, Mojo::Date->new($old->{next_update_at})->epoch - 900))->to_string,
		'... modified when the last one did not come, or when the day began');
	$store->($west, $first - 20 * 86400, 0, $first, 24, 1);
	is_deeply([map { scalar @{$json->("city=$west")->{$_}} } qw(hourly daily)], [0, 0], 'one that is over has none');
	is($get->("city=$west&format=$_")->code, 200, "... as $_ too") for qw(text csv prometheus);

	# Faces.
	my $offset = 9 * 3600;
	$store->($east, $today->($offset), $offset, $now - 60, 168, 7);
	my $imperial = $json->("city=$east&units=imperial&days=1&lang=id");
	is_deeply([@{$imperial->{daily}[0]}{qw(temperature_max precipitation_sum weather_desc)}], [86, 1, 'Berawan tebal'], 'imperial and Indonesian');
	is_deeply([map { $_->{temperature} } @{$imperial->{hourly}}[0, 10]], [32, 33.8], '... hours too');
	is_deeply([$imperial->{units}{daily}{precipitation_sum}, $imperial->{units}{hourly}{wind_speed}], ['inch', 'mph'], '... named');
	my $res = $get->("city=$east&format=text&days=2");
	like(decode('UTF-8', $res->body), qr/\A\w+: \d{4}-\d\d-\d\d Overcast, 1\.0 °C to 30\.0 °C, precipitation 25\.4 mm \(1 %\), wind up to 1\.0 km\/h; \d{4}-\d\d-\d\d [^;\n]+\n\z/,
		'a line of text, day by day');
	my @lines = split /\r\n/, decode('UTF-8', $get->("city=$east&format=csv&days=2")->body);
	is(scalar @lines, 49, 'CSV has the hours');
	like($lines[0], qr/\Acity,time,temperature \(°C\),.*weather_code,weather_desc,.*,is_day\z/, '... with named columns');
	like($lines[13], qr/\A$east,\S+Z,1\.2,/, '... and values');
	my $text = decode('UTF-8', $get->("city=$east&format=prometheus&days=2")->body);
	like($text, qr/^cuaca_forecast_temperature_max_celsius\{city="$east",.*,day="1"\} 31\.0$/m, 'Prometheus has the days');
	like($text, qr/^cuaca_forecast_sunrise_timestamp_seconds\{.*,day="0"\} \d{10}$/m, '... with times as it likes them');
	unlike($text, qr/day="2"/, '... as many as are asked for');

	# By place, and what isn't there.
	my ($lat, $lon) = split /\|/, $rig->sql("SELECT latitude, longitude FROM cities WHERE slug = '$east'");
	my $near = $json->("lat=$lat&lon=$lon&days=1");
	is_deeply([$near->{city}{slug}, $near->{distance_km}], [$east, 0], 'the nearest tracked city to a point, with its distance');
	$rig->sql("DELETE FROM weather_forecast WHERE city_id = (SELECT id FROM cities WHERE slug = '$none')");
	$rig->redis(DEL => "weather:$none:forecast");
	$res = $get->("city=$none");
	is_deeply([$res->code, $res->json('/type')], [503, '/problems/no-data-yet'], 'tracked, but not collected yet');
	is($get->('city=nix')->json('/type'), '/problems/unknown-city', 'no such city');
	is($get->('city=bogor')->json('/type'), '/problems/not-tracked', 'known, but not tracked');

	# What it costs.
	$rig->redis(DEL => "weather:$east:forecast");
	is($get->("city=$east")->headers->header('X-Cuaca-Cost'), 'sql=1, redis=2', 'a miss: one statement, and Redis asked and told');
	is($get->("city=$east&days=3&units=imperial")->headers->header('X-Cuaca-Cost'), 'sql=0, redis=1', 'a hit: one round trip, whatever is asked for');
	cmp_ok($rig->redis(TTL => "weather:$east:forecast"), '<=', 3600, 'Redis keeps it for an hour at most');

	# Caches.
	$rig->up(cache => 'on');
	my $one = $get->("city=$east&days=2&format=csv");
	$res = $get->("format=csv&days=2&city=$east");
	is($res->body, $one->body, 'the order of parameters does not matter');
	is($res->headers->header('X-Cache-Status'), 'HIT', '... to the cache either') if $web eq 'nginx';
	isnt($get->("city=$east&days=1&format=csv")->body, $one->body, 'but how many days does');
};
