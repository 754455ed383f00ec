#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Clients that are there and not there: one that stops reading is let go before it costs more than its queue, one that
# vanishes without a word is missed by the next ping. Neither is felt by others.

use strict;
use warnings;
use FindBin qw($RealBin);
use lib "$RealBin/../lib";
use Chat qw(until_true);
use Rig;
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(time);

use constant BODY => "\x{1F327}" x 4000;	# as long as a message can be: 16 KB
use constant FLOOD => 3000;	# more of them than there is room for between a handler and a client

my $rig = Rig->new(rate_ws => 0, rate_chat => 0, ws_per_address => 0);
my $chat = Chat->new($rig);
my $room = 'group.slow';
$chat->group('slow', qw(talker reader slow));

sub handlers { return scalar(my @pids = $rig->pids('chat')) }
sub sessions { return scalar(my @keys = split /\n/, $rig->redis('KEYS', 'ws:sessions:*')) }

# What a setting is where nobody sets it.
sub default_of
{
	my ($name) = @_;

	open my $in, '<', "$Rig::ROOT/etc/cuaca.conf" or die "etc/cuaca.conf: $!";
	my ($value) = map { /^#\Q$name\E = (\d+)$/ ? $1 : () } <$in>;
	return $value;
}

# How often this was counted; handlers count when a connection ends.
sub counted { return $rig->redis('HGET', 'metrics:chat', $_[0]) || 0 }

subtest 'a client that stops reading' => sub {
	my ($talker, $reader) = $chat->connect(qw(talker reader));
	my $slow = $chat->client('slow', socket => { Sockopts => [[SOL_SOCKET, SO_RCVBUF, 4096]] });
	my ($sent, $longest) = (0, 0);

	ok until_true(20, sub { handlers() == 2 }), 'who was introduced has left';
	$slow->connect;
	is handlers(), 3, 'three clients';
	$slow->freeze;
	while ($sent < FLOOD && ($sent % 20 || handlers() == 3)) {
		my $began = time;
		my $ack = $talker->say($room, BODY);
		die Chat::Client::show($ack) if $ack->{type} ne 'ack';
		$reader->expect({ type => 'message', seq => $ack->{seq} });
		$sent++;
		$longest = time - $began if time - $began > $longest;
	}
	note sprintf '%d messages of 16 KB; the longest took %.0f ms', $sent, $longest * 1000;
	cmp_ok $sent, '<', FLOOD, 'its handler leaves';
	cmp_ok $longest, '<', 10, '... while the reader has each message at once';
	until_true(20, sub { counted('byes_slow_consumer') });
	is counted('byes_slow_consumer'), 1, '... and is counted';
	$reader->expect({ type => 'presence', room => $room, user => 'slow', event => 'leave' });
	until_true(20, sub { sessions() == 2 });
	is sessions(), 2, '... as gone';
	$slow->thaw;
	my $bye = $slow->await_end;
	like $bye->{code} // 'slow_consumer', qr/\Aslow_consumer\z/, 'it may still read why, if it reads on soon';
	is_deeply [$slow->record->wrong], [], '... and what it does read has no gap';
	$slow->connect;
	$reader->say($room, 'welcome back');
	$slow->expect({ room => $room, body => 'welcome back' });
	is_deeply [$reader->record->wrong], [], 'the reader missed nothing';
	$_->close for $talker, $reader, $slow;
};

subtest 'a client that leaves' => sub {
	my $client = $chat->connect('reader');

	$client->close;
	ok until_true(20, sub { handlers() == 0 }), 'its handler leaves';
	ok until_true(20, sub { sessions() == 0 }), '... and forgets it';
	$client->connect;
	$client->drop;
	ok until_true(20, sub { handlers() == 0 }), 'the same without a close frame';
};

subtest 'a client that vanishes' => sub {
	my ($ping, $pong) = map { default_of($_) } qw(ws_ping ws_pong);

	cmp_ok $ping + $pong, '<=', 34, 'by default it is missed within 35 s';
	($ping, $pong) = (6, 5);
	is(($rig->up(ws_ping => $ping, ws_pong => $pong))[0], 0, 'here within 11 s');
	my $reader = $chat->connect('reader');
	my $gone = $chat->client('slow');
	my $deaf = $chat->client('slow', pong => 0);

	$_->connect for $deaf, $gone;
	$reader->expect({ type => 'presence', room => $room, user => 'slow', event => 'join' });
	$gone->freeze;
	my $began = time;
	ok until_true(20, sub { handlers() == 1 }), 'its handler leaves';
	cmp_ok time - $began, '<', $ping + $pong + 5, '... soon';
	$reader->expect({ type => 'presence', room => $room, user => 'slow', event => 'leave' });
	$gone->thaw;
	is +($gone->await_end // {})->{code}, 'idle', '... and has said why';
	ok $reader->{open}, 'who answers pings stays';
	is $deaf->await_end->{code}, 'idle', 'who only reads them does not';
	$reader->close;
};

done_testing;
