#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The promise of the chat: 50 clients in 10 rooms talk, and say again what was not acknowledged, while every server
# behind them is killed with SIGKILL at random moments. In the end each message is archived exactly once, and every
# client got every message of its rooms exactly once and in order.
#
# CUACA_LOSS is the number of messages (2000; 20000 is the long form), CUACA_SEED the seed that a failed run printed.

use strict;
use warnings;
use FindBin qw($RealBin);
use lib "$RealBin/../lib";
use Chat qw(until_true);
use Chat::Stubborn;
use List::Util qw(min shuffle sum0);
use Mojo::IOLoop;
use Rig;
use Test::More;
use Time::HiRes qw(time);

use constant { CLIENTS => 50, ROOMS => 10, ROOMS_EACH => 3 };
use constant RATE => 100;	# messages a second
use constant CATCH_UP => 90;	# seconds that the end may take

my $messages = $ENV{CUACA_LOSS} // 2000;
my $seed = $ENV{CUACA_SEED} // (int(time * 1000) ^ $$) % 2**31;
my @victims = qw(nats redis postgresql websocketd archive);

srand $seed;
my $rig = Rig->new(rate_ws => 0, rate_chat => 0, ws_per_address => 0);
my $chat = Chat->new($rig);
my @clients = map { Chat::Stubborn->new($chat, user($_), rooms_of($_)) } make_rooms();
my $all = sub { my ($is) = @_; return sub { return !grep { !$_->$is } @clients } };

ok until_true(60, $all->('present')), 'everyone is in their rooms' or BAIL_OUT('nobody there to talk');
my $began = time;
my $killed = talk();
my $talked = time - $began;
ok until_true(CATCH_UP, $all->('settled')), 'every message was acknowledged';
ok until_true(CATCH_UP, $all->('present')), 'everyone is back';

my $log = archive();
acknowledged($log);
delivered($log);
my @wrong = map { my $name = $_->{name}; map { "$name: $_" } $_->wrong } @clients;
is scalar @wrong, 0, 'nobody saw anything twice, out of order, or with a gap' or diag map { "$_\n" } @wrong[0 .. min($#wrong, 20)];
report();
diag "CUACA_SEED=$seed" if !Test::More->builder->is_passing;
done_testing;

sub user { return sprintf 'user%02d', $_[0] }

# Client i is in room i mod ROOMS, and in others.
sub rooms_of
{
	my ($i) = @_;

	return map { 'group.loss' . ($i + $_ * 3) % ROOMS } 0 .. ROOMS_EACH - 1;
}

# Rooms with an even number are for members, whom "connect" joins to them; the others are public, and joined by the
# client. Returns the numbers of the clients.
sub make_rooms
{
	my @numbers = (0 .. CLIENTS - 1);

	for my $room (0 .. ROOMS - 1) {
		my ($owner, @members) = map { user($_) } grep { my $i = $_; grep { $_ eq "group.loss$room" } rooms_of($i) } @numbers;
		$chat->group("loss$room", $owner, @members) if $room % 2 == 0;
		$chat->public_group("loss$room", $owner) if $room % 2 == 1;
	}
	return @numbers;
}

# Say all messages, RATE a second, and kill a server every now and then: each of them before the first one again.
# Returns how often each was killed.
sub talk
{
	my ($said, @next, %killed) = (0);
	my $start = time;
	my $kill_at = $start + 1;

	until_true($messages / RATE + 30, sub {
		while ($said < $messages && $said < (time - $start) * RATE) {
			my $client = $clients[rand @clients];
			$client->say(($client->rooms)[rand ROOMS_EACH], 'message ' . ++$said);
		}
		if (time >= $kill_at) {
			@next = shuffle @victims if !@next;
			my $victim = shift @next;
			$killed{$victim}++ if $rig->kill($victim);
			$kill_at = time + 0.5 + rand 2.5;
		}
		return $said == $messages;
	});
	return \%killed;
}

# What is in the archive of each room, in order, once it has everything that was acknowledged.
sub archive
{
	my $wanted = sum0(map { scalar keys %{$_->acked} } @clients);
	my $count = sub { return eval { $rig->sql('SELECT count(*) FROM chat_messages') } // 0 };
	my %log;

	until_true(CATCH_UP, sub { $count->() >= $wanted });
	for (split /\n/, $rig->sql('SELECT room, seq, username, mid, body FROM chat_messages ORDER BY seq')) {
		my %row;
		@row{qw(room seq from mid body)} = split /\|/;
		push @{$log{$row{room}}}, \%row;
	}
	return \%log;
}

sub acknowledged
{
	my ($log) = @_;
	my %rows;
	my $missing = 0;

	push @{$rows{$_->{mid}}}, $_ for map { @$_ } values %$log;
	for my $client (@clients) {
		while (my ($mid, $ack) = each %{$client->acked}) {
			my $row = ($rows{$mid} // [{}])->[0];
			$missing++ if ($row->{seq} // 0) != $ack->{seq} || $row->{from} ne $client->{name} || $row->{room} ne $ack->{room};
		}
	}
	is $missing, 0, 'every acknowledged message is in the archive, where its ack says';
	is +(grep { @$_ > 1 } values %rows), 0, '... exactly once';
	is scalar(keys %rows), $messages, '... and all that were said were acknowledged';
}

# What a client got of a room is the room, from the first message to the last.
sub delivered
{
	my ($log) = @_;
	my $text = sub { return join "\n", map { "$_->{seq} $_->{from} $_->{mid} $_->{body}" } @_ };
	my @differ;

	for my $client (@clients) {
		for my $room ($client->rooms) {
			my @wanted = @{$log->{$room} // []};
			until_true(CATCH_UP, sub { ($client->record->position($room) // 0) >= $wanted[-1]{seq} }) if @wanted;
			push @differ, "$client->{name} in $room" if $text->($client->record->got($room)) ne $text->(@wanted);
		}
	}
	is_deeply \@differ, [], 'every client got exactly what is in its rooms, in order';
}

sub report
{
	my %sum = map { my $name = $_; ($name => sum0(map { $_->{count}{$name} } @clients)) } qw(connects resends errors duplicates);

	note sprintf '%d clients in %d rooms: %d messages in %.0f s, said again %d times, %d acknowledged as duplicates, %d errors',
		CLIENTS, ROOMS, $messages, $talked, @sum{qw(resends duplicates errors)};
	note sprintf '%d deliveries over %d connections', sum0(map { my $c = $_; map { scalar(my @got = $c->record->got($_)) } $c->rooms } @clients),
		$sum{connects};
	note 'killed: ' . join ', ', map { "$_ $killed->{$_} times" } sort keys %$killed;
	is_deeply [sort keys %$killed], [sort @victims], 'every server was killed';
}
