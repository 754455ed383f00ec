# SPDX-License-Identifier: ISC
#
# What works while Redis, NATS or PostgreSQL is away, and what is told.

use strict;
use warnings;
use IO::Socket::UNIX;
use Test::More;
use Time::HiRes qw(time);

# A record of FastCGI.
sub record
{
	my ($type, $content) = @_;

	return pack('CCnnCC', 1, $type, 1, length $content, 0, 0) . $content;
}

# What the program answers to a POST of which only a part comes, and after how many seconds.
sub half_a_body
{
	my ($socket_file) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $socket_file) or die "$socket_file: $!";
	my %params = (REQUEST_METHOD => 'POST', DOCUMENT_URI => '/api/auth/login', CONTENT_TYPE => 'application/json', CONTENT_LENGTH => 100);
	my ($began, $answer) = (time, '');

	$socket->syswrite(record(1, pack 'nCx5', 1, 0) . record(4, join '', map { pack('CC', length, length $params{$_}) . $_ . $params{$_} } sort keys %params)
		. record(4, '') . record(5, '{"username":'));
	1 while $socket->sysread($answer, 65536, length $answer);
	return ($answer, time - $began);
}

return sub {
	my ($t) = @_;
	my $rig = $t->rig;
	my ($owner, $group) = map { $t->name($_) } qw(wowner wgroup);
	my $token = $t->register($owner);
	my $gone = $t->is(200, 'another token', undef, POST => '/api/auth/login', { username => $owner, password => "password of $owner" })->{token};

	$t->is(201, 'a group', $token, POST => '/api/chat/rooms', { name => $group });
	$t->is(204, 'a token is taken back', $gone, POST => '/api/auth/logout');

	my ($answer, $seconds) = half_a_body($rig->run_folder . '/chat.sock');
	like($answer, qr/Status: 503 /, 'a body of which the rest never comes');
	ok($seconds > 4 && $seconds < 20, '... is waited for no longer than for anything else') or diag $seconds;

	$rig->stop('redis');
	$t->is(200, 'without Redis: a token is good', $token, GET => '/api/chat/rooms');
	$t->is(401, '... and the one that was taken back is not', $gone, GET => '/api/chat/rooms');
	$t->is(200, '... logging in works', undef, POST => '/api/auth/login', { username => $owner, password => "password of $owner" });
	$t->is(201, '... a member is added', $token, POST => "/api/chat/rooms/$group/members", { username => $owner =~ s/^wowner/wmember/r })
		if $t->register($owner =~ s/^wowner/wmember/r);
	$rig->start('redis');

	$rig->stop('nats');
	$t->is(200, 'without NATS: members', $token, GET => "/api/chat/rooms/$group/members");
	$t->is(204, '... may be removed', $token, DELETE => "/api/chat/rooms/$group/members?username=" . $t->name('wmember'));
	$t->is(503, '... a ban is not in the log', $token, POST => "/api/chat/rooms/$group/sanctions", { username => 'anybody', kind => 'ban' });
	is(scalar @{$t->is(200, '... but holds', $token, GET => "/api/chat/rooms/$group/sanctions")->{items}}, 1, '... already');
	$rig->start('nats');
	ok(Chat::until_true(20, sub { $t->chat->call(POST => "/api/chat/rooms/$group/sanctions", token => $token, body => { username => 'anybody', kind => 'ban' })->code == 201 }),
		'... until NATS is back, and the same is said again');

	$rig->stop('postgresql');
	$t->is(503, 'without PostgreSQL: nobody logs in', undef, POST => '/api/auth/login', { username => $owner, password => "password of $owner" });
	$t->is(503, '... nor reads', $token, GET => '/api/chat/history?room=broadcast');
	$t->is(401, '... but what is no token is none', "$token.", GET => '/api/chat/rooms');
	$rig->start('postgresql');
	ok(Chat::until_true(20, sub { $t->chat->call(GET => '/api/chat/rooms', token => $token)->code == 200 }), '... until it is back');
};
