# SPDX-License-Identifier: ISC
#
# Methods and bodies: what is wrong with them is told before anything is done.

use strict;
use warnings;
use Mojo::JSON qw(decode_json);
use Test::More;

return sub {
	my ($t) = @_;
	my $login = '/api/auth/login';
	my $token = $t->minted($t->name('bodo'));
	my @post = (undef, POST => $login);

	# Bodies that are none.
	$t->says(400, qr/username: is needed\npassword: is needed/, 'no body', @post);
	$t->says(400, qr/username: is needed/, 'an empty object', @post, '{}');
	$t->says(400, qr/body: must be one JSON object/, "$_ is no object", @post, $_)
		for '[]', '"x"', '1', 'null', '{', '{"username":"a"', 'username=a&password=b', '{"a":1}{"b":2}', '{"username":nan}', "{'username':'a'}", '<xml/>';
	$t->says(400, qr/body: is nested too deeply/, 'depth', @post, '[' x 8000);
	$t->says(400, qr/body: is nested too deeply/, '... in a member', @post, '{"username":' . '{"a":' x 2000 . '1' . '}' x 2000 . '}');
	$t->says(400, qr/body: has a NUL/, 'NUL', @post, "{\"username\":\"a\0b\"}");
	$t->says(400, qr/body: has a NUL/, '... escaped', @post, '{"username":"a\u0000b","password":"x"}');
	$t->says(400, qr/body: has a NUL in it or invalid UTF-8/, 'not UTF-8', @post, "{\"username\":\"\xff\"}");
	$t->says(400, qr/body: must be/, 'half a surrogate', @post, '{"username":"\ud800"}');

	# Members.
	$t->says(400, qr/extra: is not a parameter here/, 'an unknown member', @post, { username => 'a', password => 'b', extra => 1 });
	$t->says(400, qr/username: given more than once/, 'a member twice', @post, '{"username":"a","username":"b","password":"c"}');
	$t->says(400, qr/username: must be a text/, "a name that is $_", @post, "{\"username\":$_,\"password\":\"x\"}") for qw(1 null true [] {});
	$t->says(400, qr/public: must be true or false/, "public is $_", $token, POST => '/api/chat/rooms', "{\"name\":\"abc\",\"public\":$_}") for 1, '"true"', 'null';
	$t->says(400, qr/minutes: must be a whole number/, "minutes are $_", $token, POST => '/api/chat/rooms/abc/sanctions',
		"{\"username\":\"bob\",\"kind\":\"mute\",\"minutes\":$_}") for '1.5', '"5"', '1e99', 'true';
	$t->says(400, qr/minutes: must be between/, "minutes are $_", $token, POST => '/api/chat/rooms/abc/sanctions',
		"{\"username\":\"bob\",\"kind\":\"mute\",\"minutes\":$_}") for 0, -1, 5256001;
	$t->says(400, qr/kind: must be one of mute, ban/, 'another kind', $token, POST => '/api/chat/rooms/abc/sanctions', { username => 'bob', kind => 'kick' });
	my $problem = $t->ask(@post, { map { ("x$_" => 1) } 1 .. 500 });
	is(scalar @{$problem->json('/errors')}, 50, 'hundreds of mistakes get a short answer');

	# Types and sizes.
	$t->is(415, "the type $_ is another", undef, POST => $login, '{"username":"a","password":"b"}', 'Content-Type' => $_)
		for 'application/x-www-form-urlencoded', 'text/plain', 'text/json', 'application/json5', 'multipart/form-data; boundary=x', ' ';
	$t->is(401, 'a charset does no harm', undef, POST => $login, '{"username":"a","password":"b"}', 'Content-Type' => 'Application/JSON; charset=utf-8');
	my $small = '{"username":"a","password":"b"' . ' ' x (16384 - 31) . '}';
	is(length $small, 16384, '16 KiB');
	$t->is(401, '... are read', undef, POST => $login, $small);
	$t->is(413, '... one byte more is not', undef, POST => $login, "$small ");
	$t->is(413, '... nor much more', undef, POST => $login, 'x' x 60000);

	# Methods and where parameters go.
	my %allow = ($login => 'POST, OPTIONS', '/api/chat/rooms' => 'GET, HEAD, POST, OPTIONS', '/api/chat/rooms/abc' => 'DELETE, OPTIONS',
		'/api/chat/rooms/abc/members' => 'GET, HEAD, POST, DELETE, OPTIONS', '/api/chat/history' => 'GET, HEAD, OPTIONS');
	for my $path (sort keys %allow) {
		my %has = map { ($_ => 1) } split /, /, $allow{$path};
		my $res = $t->ask(undef, OPTIONS => $path);

		is($res->code, 204, "OPTIONS $path");
		is($res->headers->header('Allow'), $allow{$path}, '... says which');
		for my $method (grep { !$has{$_} } qw(GET POST DELETE PUT PATCH)) {
			$res = $t->ask($token, $method => $path);
			is($res->code, 405, "$method $path");
			is($res->headers->header('Allow'), $allow{$path}, '... says which are');
		}
	}
	is($t->ask($token, HEAD => '/api/chat/rooms')->code, 200, 'HEAD is GET');
	$t->is(404, 'no such path', $token, GET => $_) for '/api/chat/', '/api/auth/', '/api/chat/rooms/', '/api/chat/rooms/abc/', '/api/chat/rooms/abc/members/x';
	$t->says(400, qr/belong into its body/, 'a password is no part of an address', undef, POST => "$login?username=a&password=b");
	$t->says(400, qr/x: is not a parameter here/, 'GET knows its parameters', $token, GET => '/api/chat/rooms?x=1');
	is($t->ask($token, GET => '/api/chat/rooms')->headers->cache_control, 'no-store', 'nobody keeps what is for one user');
	is($t->ask($token, GET => '/api/chat/rooms', undef, 'If-None-Match' => '*')->code, 200, '... nor is it "not modified"');
};
