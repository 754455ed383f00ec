# SPDX-License-Identifier: ISC
#
# HTTP itself: methods, validators, caches, request ids, and the errors that the web server makes on its own.

use strict;
use warnings;
use Mojo::JSON qw(decode_json);
use Test::More;

my $current = '/api/weather/current';

# The headers of an answer that are the same for each asking.
my $lasting = sub {
	my ($res) = @_;
	my $headers = $res->headers->to_hash;

	delete @$headers{qw(Date X-Request-Id X-Cache-Status X-Cuaca-Cost Connection)};
	return $headers;
};

return sub {
	my ($rig, $http, $api, $web) = @_;
	my $nginx = $web eq 'nginx';
	my %seen;

	# Ask, hold the answer against the description, and see that its request id is a new one.
	my $ask = sub {
		my ($method, $path, %headers) = @_;
		my $res = $http->ask($method, $path, %headers);
		my $ids = $res->headers->every_header('X-Request-Id');

		$api->check($method, $path, $res);
		is(scalar @$ids, 1, '... with one request id');
		ok(!$seen{$ids->[0] // ''}++, '... that is new');
		return $res;
	};
	# A city that neither this nor the other web server's turn has asked for.
	my @cities = $nginx ? qw(paris berlin madrid rome cairo) : qw(lagos delhi mumbai sydney osaka);
	my $fresh = sub { "$current?city=" . shift @cities };
	# Whether the answer came from the web server's cache; lighttpd has none.
	my $is_hit = sub {
		my ($res, $name) = @_;
		$nginx ? is($res->headers->header('X-Cache-Status'), 'HIT', $name) : pass("$name (no cache)");
	};

	# HEAD, first of all, must not leave an empty answer behind.
	for my $path ($fresh->(), '/api/cities/bandung', "/api/cities?q=surab", "$current?cities=jakarta,surabaya", '/api/health', "$current?city=nix") {
		my $head = $ask->(HEAD => $path);
		my $get = $ask->(GET => $path);

		is($head->code, $get->code, "HEAD is GET: $path");
		is_deeply($lasting->($head), $lasting->($get), '... with the same headers') if $path !~ /nix/;
		cmp_ok(length $get->body, '>', 0, '... and GET after it has its body');
		is($head->headers->content_length, length $get->body, '... of the length that HEAD said') if $path !~ /nix/;
		is_deeply($lasting->($ask->(HEAD => $path)), $lasting->($get), '... and HEAD after that the same') if $path !~ /nix/;
	}

	# OPTIONS and the others.
	for my $path ("$current?city=jakarta", $current, '/api/cities', '/api/cities/jakarta', '/api/health', '/api/ready', '/api/openapi.json') {
		my $res = $ask->(OPTIONS => $path);
		is($res->code, 204, "OPTIONS $path");
		is($res->headers->header('Allow'), 'GET, HEAD, OPTIONS', '... says which');
		for my $method (qw(POST PUT DELETE PATCH PROPFIND)) {
			$res = $ask->($method => $path, $method eq 'POST' ? (body => 'city=jakarta', 'Content-Type' => 'application/x-www-form-urlencoded') : ());
			is($res->code, 405, "$method $path is not allowed");
			is($res->headers->header('Allow'), 'GET, HEAD, OPTIONS', '... and what is');
		}
	}
	is($ask->(GET => "$current?city=jakarta")->code, 200, 'all that left no trace');

	# Validators.
	for my $path ($fresh->(), "$current?lat=1&lon=2", '/api/cities', '/api/cities/jakarta', '/api/openapi.json') {
		my $res = $ask->(GET => $path);
		my $etag = $res->headers->etag;

		for my $list ($etag, "W/$etag", "\"x\", $etag", '*') {
			my $again = $ask->(GET => $path, 'If-None-Match' => $list);
			is($again->code, 304, "$path: not modified since $list");
			is($again->headers->etag, $etag, '... with its ETag');
		}
		is($ask->(HEAD => $path, 'If-None-Match' => $etag)->code, 304, '... to HEAD too');
		for my $list ('"0000000000000000"', $etag =~ s/^"/"0/r, 'nonsense') {
			my $again = $ask->(GET => $path, 'If-None-Match' => $list);
			is($again->code, 200, "$path: $list is another");
			is($again->body, $res->body, '... and the body comes');
		}
	}
	is($ask->(GET => "$current?city=nix", 'If-None-Match' => '*')->code, 404, 'an error is never "not modified"');

	# What may be kept, and for how long.
	my $res = $ask->(GET => "$current?city=jakarta");
	my ($age) = ($res->headers->cache_control // '') =~ /\Apublic, max-age=(\d+), stale-while-revalidate=\d+, stale-if-error=\d+\z/;
	ok(defined $age && $age >= 1 && $age <= 30, 'weather may be kept for half a minute at most') or diag $res->headers->cache_control;
	my $json = decode_json($res->body);
	my ($date) = $json->{collected_at} =~ /T(..:..:..)Z/;
	like($res->headers->last_modified, qr/ \Q$date\E GMT\z/, '... and was modified when it was collected');
	is($ask->(GET => $_)->headers->cache_control, 'no-store', "$_ must not be kept")
		for '/api/health', '/api/ready', "$current?city=nix", "$current?city=bogor", "$current?lat=91", '/api/nix';
	is($ask->(GET => "$current?city=jakarta")->headers->header('Set-Cookie'), undef, 'no cookies');

	# One entry of the cache for one question, however it is put, and none for what has to be refused.
	my $path = $fresh->();
	$ask->(GET => $path);
	my $first = $ask->(GET => $path);
	$is_hit->($first, 'asked again');
	for my $same ($path . '&', $path =~ s/city/&city/r) {
		my $res = $ask->(GET => $same);
		is($res->body, $first->body, "$same is the same") if $res->code == 200;
		is($res->code, 200, '... and no mistake');
	}
	for my $wrong ("$path&utm=1", $path =~ s/\?/?utm=1&/r, "$path&city=jakarta", "$path&CITY=jakarta", "$path&%75tm=1") {
		is($ask->(GET => $wrong)->code, 400, "$wrong is a mistake, also where the city is cached");
	}
	$ask->(GET => "$current?lat=-7.25&lon=112.75");
	$is_hit->($ask->(GET => "$current?lat=-7.25&lon=112.75"), 'a point asked again');
	$is_hit->($ask->(GET => "$current?lon=112.75&lat=-7.25"), 'lon before lat is the same point');
	is($ask->(GET => "$current?lon=-7.25&lat=12.75")->body eq $ask->(GET => "$current?lat=-7.25&lon=12.75")->body, '', 'but not lon for lat');
	is($ask->(GET => "$current?city=JAKARTA")->code, 404, 'case matters, in the cache as well');

	# The same words, but they depend on something else.
	$path = $fresh->();
	is($ask->(GET => "$path&lang=en")->headers->vary, undef, 'with lang the header plays no part');
	is($ask->(GET => $path)->headers->vary, 'Accept-Language', '... without it, it does');

	# Request ids are made here; what a client sends is not taken for one.
	$res = $ask->(GET => "$current?city=jakarta", 'X-Request-Id' => 'mine-0123456789');
	ok($res->headers->header('X-Request-Id') ne 'mine-0123456789', 'a client cannot choose its request id');
	$res = $ask->(GET => "$current?city=nix", 'X-Request-Id' => "evil\"id");
	unlike($res->body, qr/evil/, '... nor put it into a problem');

	# Errors of the web server itself are problems too.
	for ([GET => '/nothing', 404], [GET => '/api', 404], [GET => '/api/', 404], [GET => '/api/nothing', 404], [GET => '/api/weather/', 404],
		[GET => '/api/weather/current/', 404], [GET => '/api/weather/currents', 404], [GET => '/api/cities/', 404], [GET => '/api/cities/a/b', 404],
		[GET => '/api/healthy', 404], [GET => '/api/ready/now', 404], [GET => '/api/openapi.json/x', 404],
		[GET => '/.git/config', 404], [GET => '/api/..%2f..%2fetc/passwd', qr/40[04]/], [POST => '/nothing', qr/40[45]/, body => 'x'],
		[GET => '/%zz', qr/40[04]/], [GET => '/api/%', qr/40[04]/], [GET => '/api/cities/%zz', qr/40[04]/],
		[GET => '/%00', qr/40[04]/], [GET => '/api/cities/jakarta%00', qr/40[04]/], [GET => '/api/health%00', qr/40[04]/],
		[GET => '/api/cities/%ff', 404], [GET => '/../etc/passwd', qr/40[04]/], [GET => '/%2e%2e/%2e%2e/etc/passwd', qr/40[04]/]) {
		my ($method, $path, $status, @body) = @$_;
		my $res = $ask->($method => $path, @body);
		ref $status ? like($res->code, qr/\A$status\z/, "$method $path") : is($res->code, $status, "$method $path");
		is($res->headers->content_type, 'application/problem+json', '... is a problem');
	}
	$res = $http->ask(POST => '/nothing');
	like($res->json('/type'), qr{\A/problems/(?!internal)}, 'a POST without a length is not our fault') or diag $res->body;
	$res = $ask->(POST => "$current?city=jakarta", 'Content-Length' => 10_000_000);
	is($res->code, 413, 'a body that is too large');
	$res = $ask->(GET => '/api/cities/' . 'x' x 40_000);
	like($res->code, qr/\A(?:400|414|431)\z/, 'an address that is too long');
	$res = $ask->(GET => '/api/health', map { ("X-Filler-$_" => 'x' x 3000) } 1 .. 40);
	like($res->code, qr/\A(?:400|431)\z/, 'headers that are too large');

	$res = $http->answer($http->send("GARBAGE\r\n\r\n"), 'GET');
	is($res->code, 400, 'what is not HTTP');
	$api->check(GET => '/', $res, '... is a problem too');
	$res = $http->answer($http->send("GET /api/health HTTP/1.1\r\nConnection: close\r\n\r\n"), 'GET');
	is($res->code, 400, 'HTTP/1.1 without a host');
	$api->check(GET => '/', $res, '... is a problem too');
	is($ask->(GET => '/api/health', 'Transfer-Encoding' => 'chunked', 'Content-Length' => 5)->code, 400, 'two lengths');

	# Security headers on whatever it is.
	for my $path ('/', "$current?city=jakarta", '/nothing', "$current?lat=91") {
		my $res = $http->get($path);
		is($res->headers->header('X-Content-Type-Options'), 'nosniff', "$path: no sniffing");
		ok($res->headers->header('Content-Security-Policy'), '... and a policy');
		unlike($res->headers->server // '', qr/\d/, '... and no version');
	}
};
