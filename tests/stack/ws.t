#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The way to the chat through both web servers: the handshake, what is no handshake, the limits of an address, what a
# client says of itself and is not believed, websocketd away or out of memory, and the bodies of the API.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Chat qw(until_true);
use Http;
use Mojo::JSON qw(encode_json);
use Rig;
use Test::More;

my %handshake = (Connection => 'Upgrade', Upgrade => 'websocket', 'Sec-WebSocket-Version' => 13,
	'Sec-WebSocket-Key' => 'dGhlIHNhbXBsZSBub25jZQ==');
my $rig = Rig->new(rate_chat => 0);
my $chat = Chat->new($rig);

# An answer is this problem, whole.
sub is_problem
{
	my ($res, $status, $type, $name) = @_;
	my $json = $res->json // {};

	is_deeply([$res->code, $res->headers->content_type, $json->{type}, $json->{status}],
		[$status, 'application/problem+json', "/problems/$type", $status], $name) or diag $res->to_string;
	is($json->{request_id}, $res->headers->header('X-Request-Id'), '... with its id');
	return $res->headers;
}

# The answer to a request that may become a WebSocket.
sub ask
{
	my ($method, $path, %headers) = @_;
	my $http = Http->new($rig->url);

	return $http->answer_alone($http->send($http->request($method, $path, %headers)));
}

# The environment of the handlers that run, a hash each.
sub environments
{
	return map {
		open my $in, '<', "/proc/$_/environ" or ();
		local $/ = "\0";
		my %env = map { chomp; split /=/, $_, 2 } <$in>;
		\%env;
	} $rig->pids('chat');
}

for my $web (qw(nginx lighttpd)) {
	my ($status, $out) = $rig->up(web => $web, rate_ws => 0, ws_per_address => 0);
	is($status, 0, "$web: up") or diag $out;
	my $http = Http->new($rig->url);

	subtest "$web: what is no handshake" => sub {
		is(is_problem(ask('GET', '/ws'), 426, 'upgrade-required', 'a GET that wants no WebSocket')->header('Upgrade'),
			'websocket', '... says what to ask for');
		is(is_problem(ask('DELETE', '/ws', %handshake), 405, 'method-not-allowed', 'another method')->header('Allow'),
			'GET', '... says which is right');
		is_problem(ask('GET', '/ws', %handshake, 'Sec-WebSocket-Version' => 12), 400, 'bad-request', 'another version');
		is_problem(ask('GET', '/ws', Connection => 'Upgrade', Upgrade => 'websocket'), 400, 'bad-request', 'half a handshake');
		is_problem(ask('GET', '/wsx', %handshake), 404, 'not-found', 'another address');
	};

	subtest "$web: a connection" => sub {
		my $alice = $chat->client('alice', headers => { Cookie => 'a=b', Authorization => 'Bearer secret',
			'X-Real-IP' => '192.0.2.1', 'X-Forwarded-Host' => 'elsewhere.example' });
		ok($alice->connect, 'is made');
		my $env;
		ok(until_true(20, sub { (($env, my @others) = environments()) == 1 }), 'and has a handler of its own');
		is_deeply([grep { exists $env->{$_} } qw(HTTP_COOKIE HTTP_AUTHORIZATION)], [], 'its handler sees no cookie and no password');
		is($env->{HTTP_X_REAL_IP}, '127.0.0.1', '... but where it comes from');
		is($env->{HTTP_X_FORWARDED_HOST}, $rig->url =~ s{^http://}{}r, '... and to whom');
		my $acks = grep { $alice->say('broadcast', 'x' x 4000)->{type} eq 'ack' } 1 .. 50;
		is($acks, 50, 'it may say more than fits into the body of a request');
		$alice->close;
	};

	subtest "$web: pages of other sites" => sub {
		my $foreign = $chat->client('alice', headers => { Origin => 'http://elsewhere.example', 'X-Forwarded-Host' => 'elsewhere.example' });
		$foreign->open;
		ok($foreign->expect({ type => 'bye', code => 'unauthorized' }), 'are told goodbye');
		my $own = $chat->client('alice', headers => { Origin => $rig->url });
		ok($own->connect, 'our own page is not');
		$own->close;
	};

	subtest "$web: websocketd away" => sub {
		my @people = $chat->connect(qw(alice bob));
		$rig->stop('websocketd');
		is(join(' ', map { $_->await_end->{code} // 'nothing' } @people), 'shutdown shutdown', 'who is there is told goodbye');
		my $headers = is_problem(ask('GET', '/ws', %handshake), 503, 'unavailable', 'a connection is refused');
		like($headers->header('Retry-After'), qr/^\d+$/, '... for a while');
		is($http->get('/api/health')->code, 200, 'all else is not concerned');
		$rig->start('websocketd');
		ok(until_true(20, sub { ask('GET', '/ws')->code == 426 && $chat->client('alice')->open }), 'it is back');
	};

	subtest "$web: connections a second" => sub {
		$rig->up(rate_ws => 1);
		my @answers = map { ask('GET', '/ws', %handshake) } 1 .. 20;
		my ($refused) = grep { $_->code == 429 } @answers;
		cmp_ok(scalar(grep { $_->code == 101 } @answers), '>=', 11, 'a burst is let through');
		ok($refused, 'more is not') or return;
		my $headers = is_problem($refused, 429, 'rate-limited', 'it is a problem');
		is($headers->header($_), { 'Retry-After' => 1, 'RateLimit-Limit' => 1, 'RateLimit-Remaining' => 0 }->{$_}, "... with $_")
			for qw(Retry-After RateLimit-Limit RateLimit-Remaining);
	};

	subtest "$web: connections at a time" => sub {
		ok(until_true(20, sub { !$rig->pids('chat') }), 'who was there has left');
		$rig->up(rate_ws => 0, ws_per_address => 2);
		my @held = $chat->connect(qw(alice bob));
		my $third = $chat->client('carol');
		ok(!$third->open, 'a third is refused');
		is($third->{refused}, 429, '... as too many');
		$held[0]->close;
		ok(until_true(20, sub { $third->open }), 'until one of the others has gone');
		ok($third->ask($third->greeting)->{type} eq 'connected', '... and then it is let in');
		$_->close for $held[1], $third;
	};

	subtest "$web: bodies" => sub {
		my $res = $http->ask('POST', '/api/auth/guest', 'Content-Type' => 'application/json', body => encode_json({ nickname => "guest-$web" }));
		is($res->code, 201, 'get to the program');
		my %token = (Authorization => 'Bearer ' . $res->json->{token});
		is($http->get('/api/chat/rooms', %token)->code, 200, 'a token too');
		is_problem($http->ask('POST', '/api/auth/guest', 'Content-Type' => 'application/json', body => 'x' x 20000), 413,
			'content-too-large', 'one that is too long does not');
	};
}

subtest 'everybody at once' => sub {
	$rig->up(web => 'nginx', ws_per_address => 0, ws_forks => 60, ws_connect => 60);
	my $before = $rig->pid('websocketd');
	my @people = map { $chat->client("user$_") } 1 .. 60;

	is(scalar(grep { $_->open } @people), 60, 'as many as there may be come');
	is_problem(ask('GET', '/ws', %handshake), 429, 'rate-limited', 'one more does not');
	$rig->kill('web');
	ok(until_true(20, sub { !grep { !$_->{gone} } @people }), 'all are gone in the same moment');
	ok(until_true(20, sub { !$rig->pids('chat') && $rig->get('/api/health')->code == 200 }), 'and their handlers soon after');
	is($rig->pid('websocketd'), $before, 'websocketd bears it');
	ok($chat->client('alice')->connect, 'and others may come');
};

subtest 'a frame without end' => sub {
	$rig->up(ws_forks => 8);
	my $before = $rig->pid('websocketd');
	my $http = Http->new($rig->url);
	my $socket = $http->send($http->request('GET', '/ws', %handshake));

	is($http->answer_alone($socket)->code, 101, 'begins like any other');
	local $SIG{PIPE} = 'IGNORE';
	$socket->syswrite(pack 'C2 N3', 0x81, 0xff, 0x7fffffff, 0xffffffff, 0);
	my $megabyte = 'x' x 2**20;
	my $sent = 0;
	$sent++ while $sent < 2000 && ($rig->pid('websocketd') // 0) == $before && $socket->syswrite($megabyte);
	cmp_ok($sent, '<', 2000, "websocketd ends when its memory is used up ($sent MB were sent)");
	ok(until_true(20, sub { ($rig->pid('websocketd') // $before) != $before && $chat->client('alice')->open }), 'it is back');
	is($http->get('/api/health')->code, 200, 'and the web server never went');
};

done_testing;
