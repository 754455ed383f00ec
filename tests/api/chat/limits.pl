# SPDX-License-Identifier: ISC
#
# How often a password may be tried, and how often anything may be asked.

use strict;
use warnings;
use Http;
use Test::More;

return sub {
	my ($t) = @_;
	my $rig = $t->rig;
	my ($lena, $leo) = map { $t->name($_) } qw(lena leo);
	my $token = $t->register($lena);
	my $try = sub { $t->ask(undef, POST => '/api/auth/login', { username => $_[0], password => $_[1] }) };
	my ($status, $out) = $rig->up(rate_login => 3);

	is($status, 0, 'three attempts a minute') or diag $out;
	$rig->redis(DEL => 'ratelimit:127.0.0.1:login', "ratelimit:user-$lena:login");
	is($try->($lena, "wrong $_")->code, 401, "attempt $_ for a name") for 1 .. 3;
	my $res = $try->($lena, "password of $lena");
	is($res->code, 429, 'the fourth is refused, even with the password');
	like($res->json('/detail'), qr/more than 3 attempts a minute for one name/, '... which is said');
	is($res->headers->header('RateLimit-Limit'), 3, '... as the limit is');
	my $wait = $res->headers->header('Retry-After');
	ok($wait >= 1 && $wait <= 60, '... and when to try again') or diag $wait;
	is($try->($leo, 'x')->code, 401, 'another name is another matter');
	is($try->($leo, 'x')->code, 401, '... whoever has it') for 1 .. 2;
	$res = $t->ask($token, POST => '/api/auth/password', { old_password => 'x', new_password => 'password' });
	is($res->code, 429, 'changing the password is an attempt as well');
	$try->($t->name("l$_"), 'x') for 1;
	$res = $try->($t->name('last'), 'x');
	is($res->code, 429, 'nine attempts from one address, too');
	like($res->json('/detail'), qr/more than 9 attempts a minute from one address/, '... which is another limit');
	is($t->ask(undef, POST => '/api/auth/register', { username => $t->name('lx'), password => 'password' })->code, 429, 'registering counts with them');
	is(Http->new($rig->url, from => '127.0.0.3')->ask(POST => '/api/auth/login', 'Content-Type' => 'application/json',
		body => '{"username":"anybody-else","password":"x"}')->code, 401, 'another address is another matter');
	$rig->redis(DEL => "ratelimit:user-$lena:login", 'ratelimit:127.0.0.1:login');
	is($try->($lena, "password of $lena")->code, 200, 'a minute later all is well');

	# The general limit.
	($status, $out) = $rig->up(rate_login => 1000, rate_api => 2);
	is($status, 0, 'two requests a second') or diag $out;
	my @answers = $t->{http}->ask_at_once(([GET => '/api/chat/rooms', Authorization => "Bearer $token"]) x 40);
	$t->{api}->check(GET => '/api/chat/rooms', $_) for @answers;
	is(join(' ', sort { $a <=> $b } keys %{{ map { $_->code => 1 } @answers }}), '200 429', 'a burst is allowed, more is not');
	$rig->up(rate_api => 0);
};
