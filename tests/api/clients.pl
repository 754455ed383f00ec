# SPDX-License-Identifier: ISC
#
# Who asks: addresses and API keys, counted in Redis by the programs; pages of other sites; and cities that earn their
# weather by being asked for.

use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Mojo::JSON qw(decode_json);
use Test::More;
use Time::HiRes qw(time);

my $current = '/api/weather/current?city=jakarta';

return sub {
	my ($rig, $http, $api, $web) = @_;
	my $get = sub {
		my ($path, %headers) = @_;
		my $res = $http->get($path, %headers);

		$api->check(GET => $path, $res);
		return $res;
	};
	my $header = sub { return $_[0]->headers->header($_[1]) };
	my $limits = sub { my ($res) = @_; return [map { $res->headers->header("RateLimit-$_") } qw(Limit Remaining Reset)] };
	my $key = sub {
		my ($name, $rate) = @_;
		my $text = 'cuaca_' . sha256_hex("$web $name");
		my $hash = sha256_hex($text);
		$rig->redis(DEL => "apikey:$hash", map { "ratelimit:key-$hash:$_" } qw(weather cities));
		$rig->sql("DELETE FROM api_keys WHERE name = '$web-$name'; INSERT INTO api_keys (name, hash, rate) VALUES ('$web-$name', decode('$hash', 'hex'), $rate)");
		return ($text, $hash);
	};
	# Fill an address's bucket for so many seconds, on Redis's own clock.
	my $fill = sub {
		my ($bucket, $seconds) = @_;
		my ($s) = split /\n/, $rig->redis('TIME');
		$rig->redis(SET => "ratelimit:$bucket", ($s + $seconds) . '000000', EX => $seconds);
	};

	# Addresses.
	$rig->up(cache => 'off', rate_api => 1000);
	$rig->redis(DEL => map { "ratelimit:127.0.0.1:$_" } qw(weather cities key));
	my $res = $get->($current);
	is($header->($res, 'X-Cuaca-Cost'), 'sql=0, redis=1', 'counting costs no round trip');
	is_deeply($limits->($res), [undef, undef, undef], "what may be cached doesn't tell one client's limit");
	$res = $get->('/api/weather/current?city=nix');
	is_deeply([@{$limits->($res)}[0, 1]], [1000, $limits->($res)->[1]], '... what may not does');
	ok($limits->($res)->[1] >= 10 && $limits->($res)->[1] <= 20, '... how many may still come') or diag $limits->($res)->[1];
	is($header->($get->('/api/cities/jakarta'), 'X-Cuaca-Cost'), 'sql=1, redis=1', 'the gazetteer is counted as well');
	is($header->($get->('/api/weather/current?lat=91&lon=0'), 'X-Cuaca-Cost'), 'sql=0, redis=1', 'and so is bad input');

	for my $path ($current, "$current&format=text", '/api/weather/forecast?city=jakarta', '/api/weather/history?city=jakarta', '/api/weather/current?lat=1&lon=1',
		'/api/weather/current?city=nix', '/api/weather/current?lat=91&lon=0', '/api/weather/current') {
		$fill->('127.0.0.1:weather', 30);
		$res = $get->($path);
		is($res->code, 429, "over the limit: $path");
		is($res->json('/type'), '/problems/rate-limited', '... and says so');
		is_deeply([@{$limits->($res)}[0, 1]], [1000, 0], '... with the limit');
		ok($header->($res, 'Retry-After') >= 25 && $header->($res, 'Retry-After') <= 31, '... and when to come back');
		like($header->($res, 'X-Cuaca-Cost'), qr/sql=0/, '... before PostgreSQL is asked');
	}
	is($get->('/api/cities?q=band')->code, 200, 'another class is counted by itself');
	is($get->('/api/health')->code, 200, 'health checks are not counted');
	is($get->('/api/status')->code, 200, '... nor is the status');
	is(Http->new($rig->url, from => '127.0.0.3')->get($current)->code, 200, 'nor is another address');
	$rig->redis(DEL => 'ratelimit:127.0.0.1:weather');
	is($get->($current)->code, 200, 'then there is an answer again');

	# The bucket itself: a burst, then the rate.
	my ($slow, $slow_hash) = $key->('slow', 2);
	my @ask = (GET => $current, 'X-API-Key' => $slow);
	my $began = time;
	my @answers = ((map { $http->ask(@ask) } 1 .. 3), $http->ask_at_once(([@ask]) x 27));
	my $room = 21 + 2 * (time - $began);
	my $passed = grep { $_->code == 200 } @answers;
	$api->check(GET => $current, $_) for @answers;
	ok($passed >= 21 && $passed <= $room, 'a burst of 20 passes, and no more') or diag "$passed of $room";
	is($answers[0]->code, 200, '... from the first');
	is_deeply([map { $limits->($answers[$_])->[1] } 0 .. 2], [20, 19, 18], '... counted down') if $limits->($answers[2])->[1] == 18;
	$fill->("key-$slow_hash:weather", 30);
	my $refused = $get->(@ask[1 .. $#ask]);
	is($refused->code, 429, '... over it, an answer is refused');
	like($refused->json('/detail'), qr/\Amore than 2 requests a second from one API key/, '... in words');
	$fill->("key-$slow_hash:weather", 11);
	select undef, undef, undef, 1.1;
	is($get->(@ask[1 .. $#ask])->code, 200, '... until there is room again');

	# Keys.
	my ($good, $hash) = $key->('good', 500);
	my $first = $get->($current, 'X-API-Key' => $good);
	is($first->code, 200, 'a key');
	is($header->($first, 'X-Cuaca-Cost'), 'sql=1, redis=5', '... is looked up once a minute');
	my $used = $rig->redis(ZSCORE => 'apikeys:used', $rig->sql("SELECT id FROM api_keys WHERE name = '$web-good'")) || 0;
	cmp_ok(abs(time - $used), '<', 60, '... and noted as used');
	$res = $get->($current, Authorization => "Bearer $good");
	is($header->($res, 'X-Cuaca-Cost'), 'sql=0, redis=1', '... and then costs no more than none');
	is($limits->($res)->[0], 500, '... with its own rate');
	like($header->($res, 'Cache-Control'), qr/\Aprivate, max-age=\d+/, '... its answer is for nobody else');
	is($res->body, $first->body, '... and the same');
	is($get->($current, 'X-API-Key' => $good, 'If-None-Match' => $res->headers->etag)->code, 304, '... not modified');
	$rig->redis(SCRIPT => 'FLUSH');
	$res = $get->($current, 'X-API-Key' => $good);
	is_deeply([$res->code, @{$limits->($res)}[0, 1]], [200, 500, 20], 'Redis loses its scripts: it counts all the same');
	$rig->kill('redis');
	for (1 .. 200) {
		select undef, undef, undef, 0.1;
		$res = $get->($current, 'X-API-Key' => $good);
		last if defined $limits->($res)->[0];
	}
	is_deeply([$res->code, @{$limits->($res)}[0, 1]], [200, 500, 20], 'Redis starts anew: it counts again');
	$fill->('127.0.0.1:weather', 30);
	is($get->($current, 'X-API-Key' => $good)->code, 200, "the address doesn't matter then");
	is($get->($current)->code, 429, '... though it does to others');
	$rig->redis(DEL => 'ratelimit:127.0.0.1:weather');
	$fill->("key-$hash:weather", 30);
	for my $path ($current, '/v1/forecast?latitude=-6.2&longitude=106.8&current=temperature_2m') {
		$res = $get->($path, 'X-API-Key' => $good);
		is($res->code, 429, "the key is over its limit: $path");
		like($header->($res, 'X-Cuaca-Cost'), qr/sql=0/, '... before PostgreSQL is asked');
	}
	$rig->redis(DEL => "ratelimit:key-$hash:weather");
	$rig->sql("UPDATE api_keys SET revoked_at = now() WHERE name = '$web-good'");
	is($get->($current, 'X-API-Key' => $good)->code, 200, 'revoked, it works for as long as Redis remembers it');
	cmp_ok($rig->redis(TTL => "apikey:$hash"), '<=', 60, '... a minute');
	$rig->redis(DEL => "apikey:$hash");
	for my $path ($current, '/api/cities?q=band', '/api/weather/history?city=jakarta', '/api/weather/current?city=nix', '/api/weather/current?x=1') {
		$res = $get->($path, 'X-API-Key' => $good);
		is_deeply([$res->code, $res->json('/type')], [401, '/problems/invalid-key'], "then it is refused: $path");
		like($header->($res, 'WWW-Authenticate'), qr/\ABearer /, '... and how it is done');
	}
	is($header->($get->($current, 'X-API-Key' => $good), 'X-Cuaca-Cost'), 'sql=0, redis=2', '... without asking PostgreSQL again');
	for my $wrong ('x', 'cuaca_', 'cuaca_' . '0' x 64, 'a' x 4000, '%00', "'; DROP TABLE api_keys", "cuaca_\xff\xfe" . 'f' x 20, 'null', $good . 'x') {
		$res = $get->($current, 'X-API-Key' => $wrong);
		is($res->code, 401, 'no key: ' . substr($wrong, 0, 20) =~ s/[^ -~]/?/gr);
	}
	is($get->($current, Authorization => 'Bearer eyJhbGciOiJIUzI1NiJ9.e30.x')->code, 401, 'nor is a token of another kind');
	is($get->($current, Authorization => 'Basic dTpw')->code, 200, 'what is no bearer is not for us');
	is($get->($current, 'X-API-Key' => '')->code, 200, 'an empty one is none');
	$fill->('127.0.0.1:key', 30);
	is($get->($current, 'X-API-Key' => 'cuaca_' . '1' x 64)->code, 429, 'an address may not try many keys');
	$rig->redis(DEL => 'ratelimit:127.0.0.1:key');

	# Through the web server's own limit and cache.
	my ($quick, $quick_hash) = $key->('quick', 100_000);
	$rig->up(cache => 'on', rate_api => 1);
	sleep 1;
	# What an address is told that has just asked forty times.
	my $late = sub {
		my ($path, %headers) = @_;
		my $res = ($http->ask_at_once(([GET => $current]) x 40, [GET => $path, %headers]))[-1];

		$api->check(GET => $path, $res);
		return $res;
	};
	is($late->($current)->code, 429, 'an address is over its limit');
	is($get->($current, 'X-API-Key' => $quick)->code, 200, '... a key is not');
	is($get->($current, Authorization => "Bearer $quick")->code, 200, '... in either header');
	is($get->($current, 'X-API-Key' => 'cuaca_' . '2' x 64)->code =~ /\A(?:401|429)\z/, 1, '... but it must be one');
	is($http->get('/v1/forecast?latitude=-6.2&longitude=106.8&current=temperature_2m', 'X-API-Key' => $quick)->code, 200, '... on any address that counts it');
	is($late->('/api/ready', 'X-API-Key' => $quick)->code, 429, '... and only where it is asked for');
	$rig->redis(DEL => 'ratelimit:127.0.0.1:key', "apikey:$quick_hash");
	is((grep { $_->code != 200 } $http->ask_at_once(([GET => $current, 'X-API-Key' => $quick]) x 40)), 0, 'forty at once, of which each might be the one to look the key up');
	$rig->redis(DEL => map { "ratelimit:127.0.0.1:$_" } qw(weather cities key));	# full, by the slow rate
	$rig->up(cache => 'on', rate_api => 0);
	$get->($current) for 1, 2;
	$res = $get->($current, 'X-API-Key' => 'cuaca_' . '3' x 64);
	is($res->code, 401, 'a cached answer is none for a wrong key');
	$res = $get->($current, 'X-API-Key' => $quick);
	is($limits->($res)->[0], 100_000, 'what is answered to a key is not from the cache');
	is_deeply($limits->($get->($current)), [undef, undef, undef], '... nor does it get there');

	# Redis away: nobody is limited, keys are asked of PostgreSQL.
	$rig->up(cache => 'off', rate_api => 1000);
	$rig->stop('redis');
	is($get->($current)->code, 200, 'without Redis nobody is limited');
	is($get->($current, 'X-API-Key' => $quick)->code, 200, '... a key still works');
	is($get->($current, 'X-API-Key' => 'cuaca_' . '4' x 64)->code, 401, '... and a wrong one does not');
	$rig->start('redis');
	for (1 .. 200) { last if eval { $rig->redis('PING') eq 'PONG' }; select undef, undef, undef, 0.1 }
	select undef, undef, undef, 1.2;	# the programs leave an absent peer alone for a second

	# Cities in demand.
	my ($wanted, $other) = $web eq 'nginx' ? qw(bogor depok) : qw(bekasi tangerang);
	select undef, undef, undef, 6;	# what was asked for before is told within five seconds
	$rig->redis(DEL => 'demand:cities');
	$get->("/api/weather/current?city=$wanted") for 1 .. 3;
	$get->("/api/weather/forecast?city=$wanted");
	$get->("/api/weather/history?city=$wanted");
	$get->('/api/weather/current?city=nix');
	$get->("/api/weather/current?cities=nix,$wanted,$other,jakarta");
	my $counted;
	for (1 .. 200) {
		last if ($counted = $rig->redis(ZRANGE => 'demand:cities', 0, -1, 'WITHSCORES')) =~ /\bjakarta\b/;
		select undef, undef, undef, 0.1;
	}
	is_deeply({ split /\n/, $counted }, { jakarta => 1, $other => 1, $wanted => 6 }, 'cities that are asked for are counted, also in vain, and what is none is not');
	$rig->sql("INSERT INTO demand (city_id, requests, wanted_at, granted_until) SELECT id, 5, now(), now() + interval '1 day' FROM cities WHERE slug = '$wanted'
		ON CONFLICT (city_id) DO UPDATE SET granted_until = excluded.granted_until");
	is($get->("/api/weather/current?city=$wanted")->json('/type'), '/problems/no-data-yet', 'granted, it waits for its weather');
	$rig->sql("INSERT INTO weather_data (city_id, observed_at, collected_at, is_day, source, temperature)
		SELECT id, date_bin('15 minutes', now(), 'epoch'), now(), true, 'simulator', 25 FROM cities WHERE slug = '$wanted'");
	$res = $get->("/api/weather/current?city=$wanted");
	is_deeply([$res->code, $res->json('/current/temperature')], [200, 25], '... and then answers like any other');
	is($get->("/api/cities/$wanted")->json('/tracked'), Mojo::JSON::false, '... though it is not tracked');
	is(scalar @{$get->("/api/weather/history?city=$wanted")->json('/items')}, 1, '... history and all');
	$rig->sql("DELETE FROM demand; DELETE FROM weather_data WHERE city_id = (SELECT id FROM cities WHERE slug = '$wanted')");
	$rig->redis(DEL => 'demand:cities', map { "weather:$wanted:$_" } 'current', 'history:page1');

	# Pages of other sites.
	is($header->($get->($current), 'Access-Control-Allow-Origin'), undef, 'no page of another site may read this');
	$rig->up(cors_origin => 'https://app.example', cache => 'on');
	for my $path ($current, '/api/weather/current?city=nix', '/api/nothing', '/api/health', $current) {
		$res = $get->($path, Origin => 'https://app.example');
		is($header->($res, 'Access-Control-Allow-Origin'), 'https://app.example', "now one may: $path");
		like($header->($res, 'Access-Control-Expose-Headers'), qr/\bRetry-After\b.*\bX-Request-Id\b/, '... headers and all');
	}
	$res = $http->ask(OPTIONS => $current, Origin => 'https://app.example', 'Access-Control-Request-Method' => 'GET', 'Access-Control-Request-Headers' => 'x-api-key');
	$api->check(OPTIONS => $current, $res);
	is_deeply([map { $header->($res, "Access-Control-$_") } qw(Allow-Origin Allow-Methods Allow-Headers Max-Age)],
		['https://app.example', 'GET, HEAD, OPTIONS', 'Authorization, X-API-Key', 86400], '... and ask beforehand');
	is($header->($http->get('/'), 'Access-Control-Allow-Origin'), undef, '... of the API alone');
	$rig->up(cors_origin => '', cache => 'on', rate_api => 0);
};
