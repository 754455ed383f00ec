#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# cuacactl chat in a stack: what an admin sees of the chat, and what becomes of those he deals with.

use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib abs_path(dirname(__FILE__) . '/../lib');
use Chat qw(until_true);
use Chat::Log;
use Ctl;
use IO::Select;
use Mojo::JSON qw(decode_json);
use Rig;
use Test::More;

my $rig = Rig->new(rate_chat => 0);
my $chat = Chat->new($rig);
my $log = Chat::Log->new($rig);
my $ctl = Ctl->new(arguments => ['-c', "$rig->{folder}/etc/cuaca.conf"]);

# The output of a command that must do well and say nothing else.
sub good
{
	my (@command) = @_;
	my ($exit, $out, $err) = $ctl->run('chat', @command);

	is_deeply [$exit, $err], [0, ''], "cuacactl chat @command";
	return $out;
}

# What it lists.
sub items { return @{decode_json(good(@_, '--json'))->{items}} }

sub bad
{
	my ($message, @command) = @_;
	my ($exit, $out, $err) = $ctl->run('chat', @command);

	is $exit, 100, "cuacactl chat @command: wrong usage";
	like $err, $message, '... says why';
}

sub archived
{
	my ($condition) = @_;

	return until_true(20, sub { $rig->sql("SELECT count(*) FROM chat_messages WHERE $condition") > 0 });
}

my ($alice, $bob) = $chat->connect(qw(alice bob));
$chat->group('developers', qw(alice bob));

subtest 'who is there' => sub {
	ok until_true(20, sub { 2 == (my @keys = split /\n/, $rig->redis('KEYS', 'ws:sessions:*')) }), 'who was introduced has left';
	my @all = items('who');

	is_deeply [map { $_->{user} } @all], [qw(alice bob)], 'everybody';
	is_deeply [map { $_->{address} } @all], [('127.0.0.1') x 2], '... from where';
	like $_->{connected_at}, qr/^\d{4}-\d\d-\d\dT[\d:]{8}Z$/, '... since when' for @all;
	is_deeply [map { $_->{user} } items(who => 'group.developers')], [qw(alice bob)], 'in a group';
	is_deeply [items(who => 'group.nowhere')], [], 'nobody';
	like good('who'), qr/^USER +SINCE +ADDRESS +NODE +CONNECTION\nalice /, 'as a table';
	bad(qr/rooms are broadcast/, 'who', 'developers');
};

subtest 'what is said' => sub {
	my $pid = open my $tail, '-|', $Ctl::PROGRAM, '-c', "$rig->{folder}/etc/cuaca.conf", qw(chat tail --json);
	my $n = 0;

	ok until_true(20, sub {
		$alice->say('group.developers', 'hello ' . ++$n);
		return IO::Select->new($tail)->can_read(0.2);
	}), 'tail prints something';
	my $event = decode_json(scalar <$tail>);
	is_deeply [@{$event}{qw(type room from)}], [qw(message group.developers alice)], '... a message';
	kill INT => $pid;
	close $tail;
	is $?, 0, '... until interrupted';

	$pid = open $tail, '-|', $Ctl::PROGRAM, '-c', "$rig->{folder}/etc/cuaca.conf", qw(chat tail broadcast);
	ok until_true(20, sub {
		$log->event('broadcast', { from => 'mallory', body => "red \x{9b}31m\e[31m\a." });
		return IO::Select->new($tail)->can_read(0.2);
	}), 'tail prints text';
	like scalar <$tail>, qr/^[\d:]{8} broadcast mallory: red  31m \[31m \.$/, '... without what a terminal would obey';
	kill INT => $pid;
	close $tail;

	like good(qw(say broadcast the disk is full)), qr/^broadcast: said, as \d+$/, 'say';
	ok $bob->expect({ type => 'message', room => 'broadcast', from => 'cuacactl', body => 'the disk is full' }), '... is heard';
	ok archived("body = 'the disk is full'"), '... and archived';
	ok archived("body = 'hello 1'"), '... as is what others say';
	like((items(qw(said alice)))[0]{body}, qr/^hello /, 'said');
	bad(qr/control character/, 'say', 'broadcast', $_) for "\a", "\xc2\x9b";
};

subtest 'a mute and a ban in a room' => sub {
	like good(qw(mute bob --room group.developers --for 1h --reason), 'too loud'), qr/^bob: mute in group\.developers$/, 'mute';
	ok $alice->expect({ type => 'mute', room => 'group.developers', user => 'bob', from => 'cuacactl' }), 'the room learns of it';
	ok until_true(20, sub { ($bob->say('group.developers', 'hey')->{code} // '') eq 'muted' }), 'bob may not write there';
	is $bob->say('broadcast', 'hey')->{type}, 'ack', '... but elsewhere';
	my ($mute) = items('sanctions', 'group.developers');
	is_deeply [@{$mute}{qw(user room kind reason by)}], ['bob', 'group.developers', 'mute', 'too loud', 'cuacactl'], 'sanctions';
	good(qw(unmute bob --room group.developers));
	ok until_true(20, sub { $bob->say('group.developers', 'hey')->{type} eq 'ack' }), 'unmute';

	good(qw(ban bob --room group.developers));
	ok $bob->expect({ type => 'left', room => 'group.developers', reason => 'banned' }), 'ban: bob is out';
	is $bob->join('group.developers')->{code}, 'forbidden', '... and may not come back';
	good(qw(unban bob --room group.developers));
	ok until_true(20, sub { $bob->join('group.developers')->{type} eq 'joined' }), 'unban';
	is_deeply [items('sanctions')], [], 'none is left';
};

subtest 'out of the chat' => sub {
	good(qw(kick bob --room group.developers));
	ok $bob->expect({ type => 'left', room => 'group.developers' }), 'kick out of a room';
	good(qw(kick bob));
	is $bob->await_end->{code}, 'unauthorized', 'kick';
	is $bob->connect->{type}, 'connected', '... he may come back';

	good(qw(ban bob --for 2d));
	is $bob->await_end->{code}, 'unauthorized', 'ban';
	ok !eval { $bob->connect }, '... he may not';
	my ($ban) = items('sanctions');
	is_deeply [@{$ban}{qw(user room kind)}], [qw(bob site ban)], '... says the list';
	good(qw(unban bob));
	ok until_true(20, sub { eval { $bob->connect } }), 'unban';
};

subtest 'accounts' => sub {
	my $token = $chat->must(POST => '/api/auth/register', body => { username => 'carol', password => 'correct horse' })->{token};
	my $carol = $chat->client('carol', token => $token);

	$carol->connect;
	is_deeply [map { $_->{name} } items('users', 'car')], ['carol'], 'users';
	like good(qw(admin carol on)), qr/^carol: now an admin/, 'admin on';
	ok until_true(20, sub {
		return $carol->ask({ type => 'mute', room => 'group.developers', user => 'bob', minutes => 1 })->{type} eq 'ack';
	}), '... may mute';
	good(qw(admin carol off));
	is_deeply [map { $_->{name} } items('rooms')], ['developers'], 'rooms';
	good(qw(logout carol));
	is $carol->await_end->{code}, 'unauthorized', 'logout ends her connections';
	is $chat->call(GET => '/api/chat/rooms', token => $token)->code, 401, '... and her tokens';

	$token = $chat->token('erik');
	my $erik = $chat->client('erik', token => $token);
	$erik->connect;
	good(qw(logout erik));
	is $erik->await_end->{code}, 'unauthorized', 'logout of somebody from elsewhere ends his connections';
	is $chat->call(GET => '/api/chat/rooms', token => $token)->code, 401, '... and his tokens';
	is $chat->call(POST => '/api/auth/register', body => { username => 'erik', password => 'correct horse' })->code, 409, '... and the name stays his';
};

subtest 'wrong usage' => sub {
	bad(qr/names are 3 to 32/, 'ban', 'Bob');
	bad(qr/rooms are broadcast/, 'ban', 'bob', '--room', 'developers');
	bad(qr/private conversation/, 'ban', 'bob', '--room', 'private.alice.bob');
	bad(qr/cannot be used here/, 'ban', 'bob', '--for', $_) for qw(1y 0m -1h m 99999999w);
	bad(qr/say on or off/, 'admin', 'bob', 'yes');
	bad(qr/has no account/, 'logout', 'nobody');
	is $chat->call(POST => '/api/auth/register', body => { username => 'cuacactl', password => 'correct horse' })->code, 409,
		'nobody can be cuacactl';
};

done_testing;
