#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Bad input through the real door: every kind gets its code, is counted, and ends no handler in any other way than
# with a "bye".

use strict;
use warnings;
use utf8;
use FindBin qw($RealBin);
use lib "$RealBin/../lib";
use Chat qw(until_true);
use Mojo::JSON qw(encode_json true);
use Rig;
use Test::More;
use Time::HiRes qw(time);

use constant { TEXT => 1, BINARY => 2 };

my $rig = Rig->new(rate_ws => 0, ws_per_address => 0, ws_ping => 6, ws_pong => 5, rate_chat => 20);
my $chat = Chat->new($rig);
my %expected;	# what metrics:chat should say in the end

$chat->group('secret', qw(alice bob));
$chat->public_group('open', 'alice');

# ---- Tokens ----

sub refused
{
	my ($name, $token, $why) = @_;
	my $client = $chat->client('mallory', token => $token);

	$client->open;
	my $reply = $client->ask({ type => 'connect', token => $token });
	is $reply->{code}, 'unauthorized', "$name is refused";
	like $reply->{message}, $why, '... with the reason';
	is +($client->await_end // {})->{code}, 'unauthorized', '... and that is all';
	$expected{$_}++ for qw(errors_unauthorized byes_unauthorized);
}

subtest 'tokens' => sub {
	my $now = int time;
	my $good = $chat->token('mallory');
	my ($head, $body, $mac) = split /\./, $good;
	my $none = $chat->token('mallory', header => { alg => 'none' });

	refused('alg: none', $none, qr/HS256/);
	refused('... without a signature', $none =~ s/[^.]*\z//r, qr/./);
	refused('... in capitals', $chat->token('mallory', header => { alg => 'NONE' }), qr/./);
	refused('another algorithm', $chat->token('mallory', header => { alg => 'HS512', typ => 'JWT' }), qr/./);
	refused('a public key\'s algorithm', $chat->token('mallory', header => { alg => 'RS256', typ => 'JWT' }), qr/./);
	refused('another key', $chat->token('mallory', key => 'x' x 40), qr/our key/);
	refused('no signature', "$head.$body.", qr/./);
	refused('half a token', "$head.$body", qr/./);
	refused('another body', "$head." . (split /\./, $chat->token('alice'))[1] . ".$mac", qr/our key/);
	refused('an expired token', $chat->token('mallory', exp => $now - 1), qr/expired/i);
	refused('one for later', $chat->token('mallory', nbf => $now + 3600), qr/./);
	refused("no $_", $chat->token('mallory', $_ => undef), qr/./) for qw(sub exp jti);
	refused("no user's name", $chat->token("mal\tlory"), qr/./);
	refused('no text', 'x' x 5000, qr/./);
};

subtest 'a token that is revoked' => sub {
	my ($one, $two) = map { $chat->client('alice') } 1, 2;

	$_->connect for $one, $two;
	is $chat->call(POST => '/api/auth/logout', token => $one->{token})->is_success, 1, 'logged out';
	is +($one->await_end(30) // {})->{code}, 'unauthorized', 'cut off within 30 s';
	is $two->say('broadcast', 'still here')->{type}, 'ack', "... the user's other token is not";
	refused('the token', $one->{token}, qr/revoked/i);
	$expected{byes_unauthorized}++;
	$two->close;
};

subtest 'no token' => sub {
	my $client = $chat->client('mallory');

	$rig->up(ws_connect => 5);
	$client->open;
	is $client->ask({ type => 'message', room => 'broadcast', body => 'hi' })->{code}, 'not_connected', 'nothing goes before connect';
	$expected{errors_not_connected}++;
	my $began = time;
	like +($client->await_end // {})->{code}, qr/\A(unauthorized|idle)\z/, 'nobody stays without';
	cmp_ok time - $began, '<', 5 + 5, '... for long';
	$expected{"byes_$client->{bye}{code}"}++;
	$rig->up(ws_connect => 10);

	$client = $chat->client('mallory', url => $chat->client('mallory')->{url} . '?token=' . $chat->token('mallory'));
	$client->open and is $client->ask({ type => 'who', room => 'broadcast' })->{code}, 'not_connected', 'a token in the address is none';
	$expected{errors_not_connected}++;
	$client->close;
};

# ---- Lines ----

# What is wrong with a line shows in its reply; the connection goes on.
sub wrong
{
	my ($client, $code, $name, $line) = @_;

	$line = encode_json($line) if ref $line;
	$client->send_text($line);
	my $error = $client->expect({ type => 'error' });
	is $error->{code}, $code, "$name: $code" or diag Chat::Client::show($error);
	$expected{"errors_$code"}++;
}

# The handler is the one it was, and listens.
sub alive
{
	my ($client, $name) = @_;
	my $reply = $client->ask({ type => 'who', room => 'broadcast' });

	is $reply->{type}, 'who', "$name: and on it goes" or diag Chat::Client::show($reply);
}

sub message
{
	return { type => 'message', id => 'x', room => 'broadcast', body => 'hi', @_ };
}

subtest 'lines' => sub {
	my $client = $chat->connect('mallory');
	my @wrong = (
		[bad_json => 'no JSON', 'hello'],
		[bad_json => 'an array', '[]'],
		[bad_json => 'a text', '"connect"'],
		[bad_json => 'a number', '42'],
		[bad_json => 'null', 'null'],
		[bad_json => 'half an object', '{"type":"who"'],
		[bad_json => 'more than an object', '{"type":"who","room":"broadcast"}{}'],
		[bad_json => 'a NUL', qq({"type":"who",\0"room":"broadcast"})],
		[bad_json => 'a NUL behind', qq({"type":"who","room":"broadcast"}\0)],
		[bad_json => 'no UTF-8', qq({"type":"message","room":"broadcast","body":"\xff\xfe"})],
		[bad_json => 'a lone surrogate', '{"type":"message","room":"broadcast","body":"\ud800"}'],
		[bad_json => 'deep arrays', '[' x 30000],
		[bad_json => 'a deep object', '{"a":' x 10000 . '1' . '}' x 10000],
		[bad_json => 'depth in a field', '{"type":"who","room":' . '[' x 20000 . ']' x 20000 . '}'],
		[unknown_type => 'a type that is none', { type => 'fly' }],
		[unknown_type => "a server's type", { type => 'connected' }],
		[already_connected => 'connect again', { type => 'connect', token => $chat->token('alice') }],
		[bad_field => 'no type', { room => 'broadcast' }],
		[bad_field => 'a type that is a number', { type => 1 }],
		[bad_field => 'no room', { type => 'message', body => 'hi' }],
		[bad_field => 'no body', { type => 'message', room => 'broadcast' }],
		[bad_field => 'a room that is a number', message(room => 1)],
		[bad_field => 'a body that is a list', message(body => ['hi'])],
		[bad_field => 'a room by no name', message(room => 'group.A b')],
		[bad_field => 'a room that is a pattern', message(room => 'group.*')],
		[bad_field => 'a room that is all', message(room => '>')],
		[bad_field => 'oneself', message(room => 'private.mallory')],
		[bad_field => 'an empty body', message(body => '')],
		[bad_field => 'a bell', message(body => "\a")],
		[bad_field => 'an escape', message(body => "\e[31m")],
		[bad_json => 'a NUL, escaped', '{"type":"message","room":"broadcast","body":"a\u0000b"}'],
		[bad_field => 'a mid with a blank', message(mid => 'a b')],
		[bad_field => 'a long mid', message(mid => 'm' x 65)],
		[bad_field => 'an id that is a list', message(id => [1])],
		[bad_field => 'a long id', message(id => 'i' x 65)],
		[bad_field => 'a seq that is a text', { type => 'edit', room => 'broadcast', seq => 'one', body => 'hi' }],
		[too_long => '4,001 characters', message(body => '☂' x 4001)],
		[too_long => 'a line of 64 KiB', message(body => 'x' x 65536)],
		[too_long => 'a line of 1 MiB', 'x' x 1048576],
		[forbidden => "others' group", { type => 'join', room => 'group.secret' }],
		[not_joined => '... to write there', message(room => 'group.secret')],
		[not_joined => '... to see who is there', { type => 'who', room => 'group.secret' }],
		[bad_field => "others' private room", { type => 'join', room => 'private.alice.bob' }],
		[bad_field => '... to write there', message(room => 'private.alice.bob')],
		[no_such_room => 'a group that is none', { type => 'join', room => 'group.nowhere' }],
		[no_such_user => 'nobody', message(room => 'private.nobody-at-all')],
		[not_joined => 'a group before it is joined', message(room => 'group.open')],
		[no_such_city => 'the weather of nowhere', { type => 'watch', city => 'atlantis' }],
		[not_found => 'a message that is none', { type => 'delete', room => 'broadcast', seq => 999999999 }],
	);

	wrong($client, @$_) for @wrong;
	is $client->say('broadcast', '☂' x 4000)->{type}, 'ack', '4,000 characters are not too long';
	is $client->say('broadcast', "one\n\ttwo")->{type}, 'ack', 'nor are lines and tabs wrong';
	alive($client, scalar(@wrong) . ' errors');
	is $client->say('broadcast', 'so I say', from => 'alice')->{type} eq 'ack'
		? $client->expect({ type => 'message', body => 'so I say' })->{from} : 'mallory', 'mallory', 'nobody speaks for another';
	$client->close;
};

subtest 'frames' => sub {
	my $client = $chat->connect('mallory');

	# Binary frames come without a line's end, and so stick to what comes next.
	$client->send_frame(BINARY, '{"type":"who","room":"broadcast"}');
	wrong($client, bad_json => 'a binary frame', { type => 'who', room => 'broadcast' });
	$client->send_frame(BINARY, "\0\xff" x 1000);
	wrong($client, bad_json => 'a binary frame of anything', '');
	$client->send_frame(BINARY, 'x' x 70000);
	wrong($client, too_long => 'a long binary frame', '');
	alive($client, 'binary frames');
	$client->send_frame(TEXT, qq({"type":"who","id":1,"room":"broadcast"}\n{"type":"who","id":2,"room":"broadcast"}));
	is $client->expect({ type => 'who', id => $_ })->{room}, 'broadcast', "line $_ of two in a frame" for 1, 2;

	my %half = ('a frame without end' => "\x81\xff\0\0\1\0\0\0\0\0mask" . 'x' x 1000, 'a message without end' => "\x01\x84maskxxxx");
	for my $name (sort keys %half) {
		my $half = $chat->client('mallory', pong => 0);
		$half->connect;
		$half->send_bytes($half{$name});
		$half{$name} = $half;
	}
	for my $name (sort keys %half) {
		is +($half{$name}->await_end // {})->{code}, 'idle', "$name is the end, after a ping";
		$expected{byes_idle}++;
	}
	for (['an unmasked frame', "\x81\x02hi"], ['reserved bits', "\xf1\x84maskxxxx"], ['an opcode that is none', "\x83\x84maskxxxx"]) {
		my ($name, $bytes) = @$_;
		my $broken = $chat->connect('mallory');
		$broken->send_bytes($bytes);
		$broken->await_end;
		ok 1, "$name is the end";
	}
	alive($client, 'broken frames of others');
	$client->close;
};

subtest 'too much' => sub {
	my $client = $chat->connect('mallory');

	$client->send_text('rubbish') for 1 .. 150;
	is +($client->await_end // {})->{code}, 'too_many', 'a hundred errors are enough';
	cmp_ok $client->seen({ type => 'error', code => 'bad_json' }), '>=', 100, '... each of them told';
	$expected{byes_too_many}++;
	$expected{errors_bad_json} += $client->seen({ type => 'error', code => 'bad_json' });

	$client = $chat->connect('bob');
	$client->send(message(id => $_)) for 1 .. 100;
	my $error = $client->expect({ type => 'error' });
	is $error->{code}, 'rate_limited', 'so are a hundred messages in a moment';
	cmp_ok $error->{retry_after_ms}, '>', 0, '... and when to come back';
	until_true(20, sub { $client->seen({ type => 'ack' }) + $client->seen({ type => 'error' }) == 99 });
	cmp_ok $client->seen({ type => 'ack' }), '>=', 20, '... after a burst';
	$client->close;
};

subtest 'origins' => sub {
	my $refused = $chat->client('mallory', headers => { Origin => 'https://elsewhere.example' });

	$refused->open;
	is +($refused->await_end // {})->{code}, 'unauthorized', "another site's page";
	$expected{byes_unauthorized}++;
	my $own = $chat->client('alice', headers => { Origin => $rig->url });
	is $own->connect->{type}, 'connected', "the site's own page";
	$own->close;
};

# Handlers count as they leave.
subtest 'all of it is counted' => sub {
	my $counts = sub { return { split /\n/, $rig->redis('HGETALL', 'metrics:chat') } };

	ok until_true(20, sub { !$rig->pids('chat') }), 'every handler is gone';
	my $got = $counts->();
	for my $name (sort keys %expected) {
		is $got->{$name}, $expected{$name}, $name;
	}
	unlike $rig->log('websocketd'), qr/Sanitizer|runtime error|stack smashing|malloc|Assertion|signal/, 'none of them fell';
};

done_testing;
