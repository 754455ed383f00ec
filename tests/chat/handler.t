#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The chat handler through pipes: what it answers to good requests and to bad ones.

use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib abs_path(dirname(__FILE__));
use Mojo::JSON qw(decode_json encode_json true false);
use Pipes;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $rig = Pipes->new(rate_chat => 0);
my $time = qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/;

$rig->group('dev');
$rig->group('closed', public => false);
$rig->user($_, groups => ['dev']) for qw(alice bob);
$rig->user('carol');

# An error with this code.
sub error_is
{
	my ($answer, $code, $name) = @_;

	is "$answer->{type} " . ($answer->{code} // ''), "error $code", $name;
	return $answer;
}

subtest 'connect' => sub {
	my $alice = $rig->raw;
	my $answer = $alice->connect('alice');

	like $answer->{conn}, qr/\A[0-9a-f]{16}\z/, 'conn';
	is_deeply [@$answer{qw(type user admin ping epoch)}], ['connected', 'alice', false, 25, '1000'], 'who, and when to expect pings';
	is_deeply [sort map { $_->{room} } @{$answer->{rooms}}], [qw(broadcast group.dev private)], 'rooms';
	is_deeply [grep { $_->{recovered} || $_->{last_seq} != 0 } @{$answer->{rooms}}], [], '... of which nothing was asked';
	error_is $alice->connect('alice'), 'already_connected', 'a second time';
	my %session = @{$rig->redis(HGETALL => "ws:sessions:$answer->{conn}")};
	is_deeply [@session{qw(username groups address)}], ['alice', 'dev', ''], 'the session in Redis';
	cmp_ok $rig->redis(TTL => "ws:sessions:$answer->{conn}"), '>', 50, '... with an end';
	is(($alice->close)[0], 0, 'leaves with status 0');
	is $rig->redis(EXISTS => "ws:sessions:$answer->{conn}"), 0, 'the session is over';
	is $rig->redis(HGET => 'metrics:chat', 'errors_already_connected'), 1, 'the error is counted';
};

subtest 'messages' => sub {
	my ($alice, $bob, $carol) = map { $rig->client($_) } qw(alice bob carol);
	my $ack = $alice->say('group.dev', 'hi "there"', mid => 'm1');

	is_deeply [@$ack{qw(type room duplicate)}], ['ack', 'group.dev', false], 'acknowledged';
	like $ack->{sent_at}, $time, 'sent_at';
	my %message = (type => 'message', room => 'group.dev', seq => $ack->{seq}, prev => 0, from => 'alice', body => 'hi "there"',
		mid => 'm1', sent_at => $ack->{sent_at});
	is_deeply $_->get(type => 'message'), \%message, 'everybody gets it' for $alice, $bob;
	is_deeply $alice->say('group.dev', 'hi again', mid => 'm1'), { %$ack, id => 3, duplicate => true }, 'sent again: the same';
	my $next = $bob->say('group.dev', "two\nlines\tand ünïcödé 🌦");
	is $alice->get(seq => $next->{seq})->{prev}, $ack->{seq}, 'prev is the one before';
	is $bob->get(seq => $next->{seq})->{body}, "two\nlines\tand ünïcödé 🌦", 'any characters';
	is scalar(grep { $_->{type} eq 'message' } $carol->drain), 0, 'nobody else does';
	my $all = $carol->say('broadcast', 'to all');
	is $_->get(seq => $all->{seq})->{body}, 'to all', 'broadcast' for $alice, $bob, $carol;
	my $letter = $alice->say('private.bob', 'psst');
	is $letter->{room}, 'private.alice.bob', 'a private room by its full name';
	is $_->get(seq => $letter->{seq})->{body}, 'psst', 'for the two of them' for $alice, $bob;
	my $answer = $bob->say('private.alice.bob', 'yes?');
	is $alice->get(seq => $answer->{seq})->{prev}, $letter->{seq}, 'and back';
	is scalar(grep { $_->{type} eq 'message' } $carol->drain), 0, 'nobody else gets it';
	$alice->send({ type => 'message', room => 'group.dev', body => 'without an id', from => 'bob' });
	my $forged = $bob->get(body => 'without an id');
	is $forged->{from}, 'alice', 'from is who he is';
	ok !exists $alice->get(type => 'ack')->{id}, 'an ack without id';
	$alice->send({ type => 'message', id => 'ä"x', room => 'broadcast', body => 'x' });
	ok $alice->get(id => 'ä"x'), 'an id that is a text';
};

subtest 'edit and delete' => sub {
	my ($alice, $bob) = map { $rig->client($_) } qw(alice bob);
	my $first = $alice->say('group.dev', 'frist');
	my %about = (room => 'group.dev', seq => $first->{seq});
	my $edit = $alice->ask(type => 'edit', %about, body => 'first');

	is $edit->{type}, 'ack', 'edited';
	my $event = $bob->get(type => 'edit');
	is_deeply [@$event{qw(seq prev target body from)}], [$edit->{seq}, $first->{seq}, $first->{seq}, 'first', 'alice'], '... as everybody learns';
	error_is $bob->ask(type => 'edit', %about, body => 'mine'), 'forbidden', 'not by others';
	error_is $bob->ask(type => 'delete', %about), 'forbidden', '... nor deleted';
	error_is $alice->ask(type => 'delete', room => 'broadcast', seq => $first->{seq}), 'not_found', 'of another room';
	error_is $alice->ask(type => 'delete', room => 'group.dev', seq => $edit->{seq}), 'not_found', 'not an edit';
	error_is $alice->ask(type => 'delete', room => 'group.dev', seq => 999_999), 'not_found', 'of the future';
	my $letter = $alice->say('private.bob', 'x');
	error_is $rig->client('carol')->ask(type => 'delete', room => 'private.alice.bob', seq => $letter->{seq}), 'bad_field',
		'not of other people';
	$rig->user('owner', groups => ['dev'], owns => ['dev']);
	my $owner = $rig->client('owner');
	is $owner->ask(type => 'delete', %about)->{type}, 'ack', 'deleted by the owner';
	is $bob->get(type => 'delete')->{target}, $first->{seq}, '... as everybody learns';
	error_is $owner->ask(type => 'edit', %about, body => 'x'), 'forbidden', 'who cannot edit';

	my $born = int time;
	my %earlier = (room => 'group.dev', seq => $rig->publish('group.dev', 'visitor', 'of who had the name before'));
	my $as = sub { my $c = $rig->client('visitor', token => $rig->token('visitor', guest => true, since => $_[0]));
		$c->ask(type => 'join', room => 'group.dev'); return $c };
	my $later = $as->($born + 1000);
	error_is $later->ask(type => 'edit', %earlier, body => 'x'), 'forbidden', 'of an earlier bearer of the name: not edited';
	error_is $later->ask(type => 'delete', %earlier), 'forbidden', '... nor deleted';
	is $as->($born)->ask(type => 'delete', %earlier)->{type}, 'ack', '... but by that one';
};

subtest 'a mid for two things' => sub {
	my ($owner, $bob) = map { $rig->client($_) } qw(owner bob);
	my @seq = map { $bob->say('group.dev', "n$_", mid => "mid-$_")->{seq} } 1, 2;
	my $delete = sub { my ($n, $mid) = @_; return $bob->ask(type => 'delete', room => 'group.dev', seq => $seq[$n], mid => $mid) };

	error_is $delete->(0, 'mid-1'), 'bad_field', 'a message, and its deletion: refused';
	my $first = $delete->(0, 'mid-3');
	is $bob->get(type => 'delete')->{target}, $seq[0], 'another: deleted';
	is_deeply [@{$delete->(0, 'mid-3')}{qw(type seq duplicate)}], ['ack', $first->{seq}, true], '... once';
	error_is $delete->(1, 'mid-3'), 'bad_field', '... and nothing else';
	error_is $bob->say('group.dev', 'x', mid => 'mid-3'), 'bad_field', '... nor said';
	my %mute = (type => 'mute', room => 'group.dev', mid => 'mute', user => 'bob');
	is $owner->ask(%mute, minutes => 5)->{type}, 'ack', 'a mute';
	ok $owner->ask(%mute, minutes => 9)->{duplicate}, '... again';
	my $until = $bob->get(type => 'mute')->{until};
	my $state = decode_json($rig->redis(GET => 'chat:user:bob'));
	is POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $state->{mutes}{'group.dev'}), $until, '... ends when the first one does';
	error_is $owner->ask(%mute, user => 'alice'), 'bad_field', '... of somebody else';
	error_is $owner->ask(%mute, type => 'unmute'), 'bad_field', '... nor lifts it';
	$rig->user('bob', groups => ['dev']);
};

subtest 'mutes and bans are events' => sub {
	my ($owner, $bob) = map { $rig->client($_) } qw(owner bob);
	my %about = (room => 'group.dev', user => 'bob');

	is $owner->ask(type => 'mute', %about, minutes => 5)->{type}, 'ack', 'mute';
	my $mute = $bob->get(type => 'mute');
	is_deeply [@$mute{qw(user from site)}], ['bob', 'owner', false], '... is told';
	like $mute->{until}, qr/\A\d{4}-.*Z\z/, '... until when';
	is $owner->ask(type => 'ban', %about)->{type}, 'ack', 'ban';
	is $owner->get(type => 'ban')->{until}, undef, '... without end';	# who is banned may be out before he hears it
	is $owner->ask(type => $_, %about)->{type}, 'ack', $_ for qw(unmute unban);
	error_is $bob->ask(type => 'mute', room => 'group.dev', user => 'owner'), 'forbidden', 'not by members';
	error_is $owner->ask(type => 'ban', room => 'broadcast', user => 'bob', site => true), 'forbidden', 'not from the site';
	error_is $owner->ask(type => 'ban', room => 'group.dev', user => 'nobody'), 'no_such_user', 'of nobody';
	error_is $owner->ask(type => 'ban', room => 'group.dev', user => 'owner'), 'bad_field', 'of oneself';
	error_is $owner->ask(type => 'ban', %about, minutes => $_), 'bad_field', "for $_ minutes" for 0, -1, 1.5, 99_999_999;
	error_is $owner->ask(type => 'ban', %about, site => $_), 'bad_field', 'on a site that is ' . encode_json([$_]) for 1, 'true', undef;
	$rig->user('root', admin => true);
	my $root = $rig->client('root');
	error_is $root->ask(type => 'ban', room => 'group.none', user => 'bob'), 'no_such_room', 'from no group';
	ok $root->{answer}{admin}, 'an admin is told to be one';
	is $root->ask(type => 'ban', room => 'broadcast', user => 'bob', site => true, minutes => 1)->{type}, 'ack', 'by an admin';
	ok $owner->get(type => 'ban', room => 'broadcast')->{site}, '... everywhere';
	is $bob->get(type => 'bye')->{code}, 'unauthorized', '... out';
	$rig->user('bob', groups => ['dev']);
};

subtest 'bad input' => sub {
	my $alice = $rig->client('alice');
	my $put = sub { my ($bytes, $code, $name) = @_; $alice->put($bytes); return error_is $alice->get(type => 'error'), $code, $name };

	$put->("hello\n", 'bad_json', 'no JSON');
	$put->("\n", 'bad_json', 'an empty line');
	$put->("$_\n", 'bad_json', "not an object: $_") for '[1]', '"x"', '7', 'null';
	$put->(qq({"type":"who"} {}\n), 'bad_json', 'two objects');
	$put->(qq({"type":"who"\n), 'bad_json', 'half an object');
	$put->(qq({"type":"message","room":"broadcast","body":"a\0b"}\n), 'bad_json', 'a NUL byte');
	$put->(qq({"type":"message","room":"broadcast","body":"a\\u0000b"}\n), 'bad_json', 'an escaped NUL');
	$put->(qq({"type":"message","room":"broadcast","body":"\xff"}\n), 'bad_json', 'not UTF-8');
	$put->('[' x 60_000 . "\n", 'bad_json', 'a depth bomb');
	$put->('{"a":' x 10_000 . "\n", 'bad_json', 'a depth bomb of objects');
	$put->('{"a":[' . '1,' x 30_000 . "1]}\n", 'bad_json', 'too many values');
	$put->("\x01\x02\x03" . qq({"type":"pong"}\n), 'bad_json', 'a binary frame, glued to the next');
	$put->('{}' . "\n", 'bad_field', 'no type');
	$put->(qq({"type":7}\n), 'bad_field', 'a type that is no text');
	$put->(qq({"type":"nonsense"}\n), 'unknown_type', 'an unknown type');
	$put->(qq({"type":"who","id":$_}\n), 'bad_field', "an id that is $_") for '{}', '1.5', '-1', 'true', '"' . 'x' x 65 . '"';
	$put->('x' x 65_537 . "\n", 'too_long', 'a line of 65,537 bytes');
	$put->('x' x 65_536 . "\n", 'bad_json', 'a line of 65,536 bytes');
	$put->('x' x 70_000, 'too_long', 'a frame without end');
	$alice->put('y' x 300_000);
	$put->("\nz\n", 'bad_json', '... is dropped up to its end');
	error_is $alice->ask(type => 'message', @{$_->[0]}), $_->[1], "message: $_->[2]" for (
		[[room => 'broadcast'], 'bad_field', 'no body'],
		[[room => 'broadcast', body => 7], 'bad_field', 'a body that is a number'],
		[[room => 'broadcast', body => ''], 'bad_field', 'an empty body'],
		[[room => 'broadcast', body => 'x' x 4001], 'too_long', '4,001 characters'],
		[[room => 'broadcast', body => "bell\a"], 'bad_field', 'a control character'],
		[[room => 'broadcast', body => "del\x7f"], 'bad_field', 'another'],
		[[body => 'x'], 'bad_field', 'no room'],
		[[room => ['broadcast'], body => 'x'], 'bad_field', 'a room that is no text'],
		[[room => 'group.NO', body => 'x'], 'bad_field', 'a room that is none'],
		[[room => 'private.bob.carol', body => 'x'], 'bad_field', "other people's room"],
		[[room => 'private.alice', body => 'x'], 'bad_field', 'oneself'],
		[[room => 'in.chat.broadcast', body => 'x'], 'bad_field', 'a subject'],
		[[room => 'private.*', body => 'x'], 'bad_field', 'a wildcard'],
		[[room => 'private.nobody', body => 'x'], 'no_such_user', 'nobody'],
		[[room => 'group.closed', body => 'x'], 'not_joined', 'not joined'],
		[[room => 'broadcast', body => 'x', mid => ''], 'bad_field', 'an empty mid'],
		[[room => 'broadcast', body => 'x', mid => 'a b'], 'bad_field', 'a mid with a space'],
		[[room => 'broadcast', body => 'x', mid => 'x' x 65], 'bad_field', 'a mid of 65 characters'],
		[[room => 'broadcast', body => 'x', mid => 7], 'bad_field', 'a mid that is a number'],
	);
	is $alice->say('broadcast', '🌦' x 4000)->{type}, 'ack', 'a body of 4,000 characters';
	is length $alice->get(type => 'message')->{body}, 4000, '... arrives';
	error_is $alice->ask(type => 'join', @{$_->[0]}), $_->[1], "join: $_->[2]" for (
		[[room => 'group.closed'], 'forbidden', 'members only'],
		[[room => 'group.none'], 'no_such_room', 'no such group'],
		[[room => 'private.nobody'], 'no_such_user', 'nobody'],
		[[room => 'group.dev', after => -1], 'bad_field', 'a negative position'],
		[[room => 'group.dev', after => '1'], 'bad_field', 'a position that is a text'],
		[[room => 'group.dev', after => 1, epoch => 1000], 'bad_field', 'an epoch that is a number'],
	);
	error_is $alice->ask(type => $_, room => 'group.closed'), 'not_joined', "$_: not joined" for qw(leave who typing);
	error_is $alice->ask(type => 'edit', room => 'broadcast', body => 'x', seq => $_), 'bad_field', "edit $_" for 0, -1, 'x', 1.5;
	error_is $alice->ask(type => 'watch', city => $_), 'bad_field', 'watch ' . ($_ // 'null') for undef, '', 'Jakarta', '*', '../x', 'x' x 65;
	error_is $alice->ask(type => 'watch', city => 'atlantis'), 'no_such_city', 'watch atlantis';
	is $alice->ask(type => 'who', room => 'broadcast')->{type}, 'who', 'and it goes on';
	$alice->put("x\n") for 1 .. 60;
	is $alice->get(type => 'bye')->{code}, 'too_many', 'until there are too many errors';
	is $alice->wait, 0, 'left with status 0';
};

subtest 'before connect' => sub {
	my $nobody = $rig->raw;

	error_is $nobody->ask(type => $_, room => 'broadcast', body => 'x'), 'not_connected', $_
	    for qw(message join leave who typing watch edit delete mute refresh);
	error_is $nobody->ask(type => 'connect', @{$_->[0]}), 'bad_field', "connect: $_->[1]" for (
		[[], 'no token'],
		[[token => 7], 'a token that is no text'],
		[[token => 'x', resume => {}], 'resume is no array'],
		[[token => 'x', resume => [7]], 'no objects in it'],
		[[token => 'x', resume => [{ room => 'x' }]], 'no room'],
		[[token => 'x', resume => [{ room => 'broadcast', epoch => '1000', seq => -1 }]], 'no position'],
		[[token => 'x', resume => [{ room => 'broadcast', seq => 1 }]], 'a position in no epoch'],
		[[token => 'x', resume => [map { { room => 'broadcast' } } 1 .. 201]], 'too many rooms'],
		[[token => 'x', conn => 'x'], 'no connection'],
	);
	is $nobody->connect('carol')->{type}, 'connected', 'and it goes on';
};

subtest 'tokens' => sub {
	my %good = (sub => 'carol', jti => 'j', iat => int(time), exp => int(time) + 600);
	my $none = Pipes::sign(\%good, '', { alg => 'none', typ => 'JWT' }) =~ s/[^.]+\z//r;
	my %bad = (
		'no token at all' => 'hello', 'alg none' => $none, 'alg None' => $none =~ s/\A[^.]+/eyJhbGciOiJOb25lIn0/r,
		'another algorithm' => Pipes::sign(\%good, undef, { alg => 'HS512', typ => 'JWT' }),
		'another key' => Pipes::sign(\%good, 'another key of at least 32 bytes!'),
		'expired' => Pipes::sign({ %good, exp => int(time) - 1 }), 'not yet valid' => Pipes::sign({ %good, nbf => int(time) + 600 }),
		'no exp' => Pipes::sign({ map { $_ => $good{$_} } qw(sub jti iat) }), 'no jti' => Pipes::sign({ map { $_ => $good{$_} } qw(sub exp) }),
		'a name that is none' => Pipes::sign({ %good, sub => 'A.*' }),
		'a changed claim' => do { my @t = split /\./, Pipes::sign(\%good); my @o = split /\./, Pipes::sign({ %good, sub => 'alice' });
			"$t[0].$o[1].$t[2]" },
	);
	for my $name (sort keys %bad) {
		my $nobody = $rig->raw;

		error_is $nobody->ask(type => 'connect', token => $bad{$name}), 'unauthorized', $name;
		is_deeply [@{$nobody->get(type => 'bye')}{qw(code reconnect)}], ['unauthorized', false], '... bye';
		is $nobody->wait, 0, '... and out';
	}
	$rig->user('carol', revoked => ['t-carol']);
	is $rig->raw->connect('carol')->{code}, 'unauthorized', 'revoked';
	$rig->user('carol', void_before => int(time) + 10);
	is $rig->raw->connect('carol')->{code}, 'unauthorized', 'issued before all were taken back';
	$rig->user('carol', bans => { site => 0 });
	is $rig->raw->connect('carol')->{code}, 'unauthorized', 'banned from the site';
	$rig->user('carol', bans => { site => int(time) - 5 });
	is $rig->raw->connect('carol')->{type}, 'connected', 'until it is over';
	my $guest = $rig->raw;
	is $guest->ask(type => 'connect', token => $rig->token('visitor', guest => true))->{type}, 'connected', 'a name from elsewhere';
	is $rig->client('alice')->say('private.visitor', 'welcome')->{type}, 'ack', '... can be written to';
	is $guest->get(type => 'message')->{body}, 'welcome', '... and reads it';
};

subtest 'expiry and refresh' => sub {
	is $rig->raw->connect('alice', token => $rig->token('alice', exp => 9223372036854775807))->{expires_at}, '9999-12-31T23:59:59Z', 'for ever';
	my $alice = $rig->raw;

	is $alice->connect('alice', token => $rig->token('alice', exp => int(time) + 61))->{type}, 'connected', 'a token for 61 seconds';
	like $alice->get(type => 'expiring')->{expires_at}, qr/Z\z/, 'expiring';
	error_is $alice->ask(type => 'refresh', token => $rig->token('bob')), 'forbidden', "refresh: somebody else's";
	error_is $alice->ask(type => 'refresh', token => 'x'), 'unauthorized', 'refresh: no token';
	is $alice->ask(type => 'refresh', token => $rig->token('alice', exp => int(time) + 5))->{type}, 'refreshed', 'refreshed';
	is $alice->get(type => 'bye')->{code}, 'unauthorized', 'expired';
	is $alice->wait, 0, 'out';
};

subtest 'who may speak to all' => sub {
	my %guest = (token => $rig->token('visitor', guest => true));
	my $with = sub { my $c = $rig->raw(settings => { chat_speak => $_[0] }); $c->connect(@_[1 .. $#_]); return $c };

	error_is $with->(users => 'visitor', %guest)->say('broadcast', 'x'), 'forbidden', 'users: no guests';
	is $with->(users => 'alice')->say('broadcast', 'x')->{type}, 'ack', '... users';
	error_is $with->(admins => 'alice')->say('broadcast', 'x'), 'forbidden', 'admins: no users';
	error_is $with->(admins => 'alice')->ask(type => 'typing', room => 'broadcast'), 'forbidden', '... nor what they type';
	is $with->(admins => 'root')->say('broadcast', 'x')->{type}, 'ack', '... admins';
	$rig->user('carol', mutes => { broadcast => 0 });
	error_is $rig->client('carol')->say('broadcast', 'x'), 'muted', 'muted';
	$rig->user('carol', mutes => { site => int(time) + 100 });
	error_is $rig->client('carol')->say('private.bob', 'x'), 'muted', 'muted everywhere';
	$rig->user('carol');
};

subtest 'how often' => sub {
	my $alice = $rig->raw(settings => { rate_chat => 5 });
	my $again = $rig->raw(settings => { rate_chat => 5 });
	$_->connect('alice') for $alice, $again;
	my $start = time;
	$alice->send({ id => $_, type => 'message', room => 'broadcast', body => "$_" }) for 101 .. 200;
	my @answers = map { $alice->get(id => $_) } 101 .. 200;
	my $passed = grep { $_->{type} eq 'ack' } @answers;
	ok $passed >= 21 && $passed <= 21 + 5 * (time - $start), 'a burst of 20' or diag $passed;
	my ($error) = grep { $_->{type} eq 'error' } @answers;
	error_is $error, 'rate_limited', '... and no more';
	cmp_ok $error->{retry_after_ms}, '>', 0, '... until later';
	cmp_ok $error->{retry_after_ms}, '<=', 400, '... which is soon';

	# Fill the bucket for half a minute, on Redis's own clock.
	$rig->redis(SET => 'ratelimit:user.alice:chat', $rig->redis('TIME')->[0] + 30 . '000000');
	error_is $_->say('broadcast', 'x'), 'rate_limited', 'on all connections together' for $alice, $again;
	$rig->redis(DEL => 'ratelimit:user.alice:chat');
	is $again->say('broadcast', 'x')->{type}, 'ack', 'then again';
};

subtest 'a flood of requests' => sub {
	my $alice = $rig->client('alice');

	$alice->send({ id => "f$_", type => 'who', room => 'broadcast' }) for 1 .. 290;	# a hundred errors would be the end
	my @codes = map { $alice->get(id => "f$_")->{code} // 'who' } 1 .. 290;
	cmp_ok scalar(grep { $_ eq 'rate_limited' } @codes), '>', 5, 'is limited';
	cmp_ok scalar(grep { $_ eq 'who' } @codes), '>=', 190, '... after a burst';
};

subtest 'how many connections' => sub {
	my @stay;
	my $with = sub {
		my ($user, $address, %connect) = @_;
		push @stay, $rig->raw(settings => { ws_per_address => 2, ws_per_user => 3 }, env => { REMOTE_ADDR => '127.0.0.1', HTTP_X_REAL_IP => $address });
		return $stay[-1]->connect($user, %connect);
	};

	is $with->('bob', '192.0.2.1')->{type}, 'connected', $_ for 'one of an address', 'two';
	error_is $with->('bob', '192.0.2.1'), 'too_many', 'a third';
	is $stay[-1]->get(type => 'bye')->{code}, 'too_many', '... bye';
	is $stay[-1]->wait, 0, '... out';
	is $with->('bob', '192.0.2.2')->{type}, 'connected', 'of another address';
	error_is $with->('bob', '192.0.2.3'), 'too_many', 'a fourth of the user';
	my $other = $with->('alice', '192.0.2.3');
	is $other->{type}, 'connected', 'of another user';
	$stay[0]->close;
	my $last = $with->('bob', '192.0.2.1');
	is $last->{type}, 'connected', 'when one has left';
	error_is $with->('bob', '192.0.2.1', conn => $other->{conn}), 'too_many', "one instead of somebody else's";
	my $replaced = $stay[-2];
	is $with->('bob', '192.0.2.1', conn => $last->{conn})->{type}, 'connected', 'one instead of an own one';
	is $replaced->get(type => 'bye')->{code}, 'replaced', '... which goes';
	my $far = $rig->raw(settings => { ws_per_address => 2 }, env => { REMOTE_ADDR => '192.0.2.9', HTTP_X_REAL_IP => '192.0.2.1' });
	is $far->connect('carol')->{type}, 'connected', 'X-Real-IP counts from this host only';
};

subtest 'origins' => sub {
	my $from = sub { my ($origin, %settings) = @_; $rig->raw(settings => \%settings,
		env => { HTTP_ORIGIN => $origin, HTTP_X_FORWARDED_HOST => 'chat.example:8443', REMOTE_ADDR => '127.0.0.1' }) };

	is $from->('https://chat.example:8443')->connect('carol')->{type}, 'connected', 'the own one';
	my $other = $from->('https://evil.example');
	is $other->get(type => 'bye')->{code}, 'unauthorized', 'another';
	is $other->wait, 0, '... out';
	is $from->($_)->get(type => 'bye')->{code}, 'unauthorized', $_ for 'https://chat.example', 'null', 'https://chat.example:8443.evil.example';
	is $from->('https://b.example', ws_origins => 'https://a.example, https://b.example')->connect('carol')->{type}, 'connected', 'a listed one';
	is $from->('https://b.example', ws_origins => '*')->connect('carol')->{type}, 'connected', 'any';
	is $from->('https://b.example', ws_origins => 'https://b.example.org')->get(type => 'bye')->{code}, 'unauthorized', 'not listed';
};

subtest 'weather' => sub {
	my $body = sub { encode_json({ city => { slug => 'jakarta' }, current => { temperature => $_[0], weather_code => 3 }, units => {} }) };
	my $alice = $rig->client('alice');

	$rig->redis(SET => 'weather:jakarta:last', $body->(27.5));
	is_deeply $alice->ask(type => 'watch', city => 'jakarta'), { id => 2, type => 'watching', city => 'jakarta' }, 'watching';
	is_deeply $alice->get(type => 'weather'), { type => 'weather', city => 'jakarta', current => { temperature => 27.5, weather_code => 3 } }, 'at once';
	$rig->nats->publish('weather.updated.jakarta', $body->(28));
	is $alice->get(type => 'weather')->{current}{temperature}, 28, 'each change';
	is $alice->ask(type => 'unwatch', city => 'jakarta')->{type}, 'unwatched', 'unwatched';
	my $nats = $rig->nats;
	$nats->publish('weather.updated.jakarta', $body->(29));
	$nats->request('$JS.API.INFO', '');
	is scalar(grep { $_->{type} eq 'weather' } $alice->drain), 0, 'no more';
	$rig->redis(SET => "weather:city-$_:last", $body->(1)) for 1 .. 21;
	is $alice->ask(type => 'watch', city => "city-$_")->{type}, 'watching', "city $_" for 1 .. 20;
	error_is $alice->ask(type => 'watch', city => 'city-21'), 'too_many', 'one too many';
};

done_testing;
