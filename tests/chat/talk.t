#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# People talk: in a group, privately and to everybody, through nginx, through lighttpd, and across two stacks that
# share NATS, Redis and PostgreSQL. Who sees what, in which order, and what they find in the history afterwards.
#
# Nobody can wait for what must not come. So who must not see something is sent something else after it: when that is
# there, the other has not come and will not.

use strict;
use warnings;
use utf8;
use FindBin qw($RealBin);
use lib "$RealBin/../lib";
use Chat qw(until_true);
use OpenAPI;
use Rig;
use Test::More;
use Time::HiRes qw(time);

my $time = qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/;
my $api = OpenAPI->new;
# The ingest on schedule must not come between.
my $rig = Rig->new(rate_ws => 0, rate_chat => 0, ws_per_address => 0, ingest_offset => (time - 30) % 900);
my $chat = Chat->new($rig, api => $api);

conversation('nginx', $chat, $chat);
people('nginx', $chat, $chat);
moderation($chat);
weather($chat);

# A second host, with a web server, programs and handlers of its own.
my $other = Chat->new(Rig->new(shared($rig), web => 'lighttpd', folder => $ENV{CUACA_TEST_VAR} && "$ENV{CUACA_TEST_VAR}-other"), api => $api);

conversation('lighttpd', $other, $other);
conversation('two', $chat, $other);
people('two', $chat, $other);
switched_off($chat, $other);
done_testing;

# What a second stack is given of the first one's: its limits, its servers, its key, when the ingest comes.
sub shared
{
	my ($from) = @_;
	my %conf = $from->read('etc/cuaca.conf') =~ /^(\w+) = (.*)$/mg;

	return map { ($_ => $conf{$_}) } qw(rate_ws rate_chat ws_per_address postgresql redis nats nats_token chat_secret ingest_offset);
}

# Everyone here has heard everything that was said before this. Only a room has an order: when the first message is
# there, what came before it in other rooms has come as far as the handler, and goes out before the second can.
sub fence
{
	my (@clients) = @_;

	for my $body (map { "fence $_ " . time } 1, 2) {
		is $clients[0]->say('broadcast', $body)->{type}, 'ack', '(a message to everybody)';
		$_->expect({ type => 'message', room => 'broadcast', body => $body }) for @clients;
	}
}

sub nothing_wrong
{
	is_deeply [map { $_->record->wrong } @_], [], 'nobody saw anything twice, out of order or with a gap';
	$_->close for @_;
}

# Alice and Bob are clients of one chat, Carol and Dave of the other; all but Dave are in a group.
sub conversation
{
	my ($tag, $here, $there) = @_;
	my $room = "group.talk-$tag";
	my $private = 'private.bob.carol';

	subtest "$tag: a conversation" => sub {
		$here->group("talk-$tag", qw(alice bob carol));
		my ($alice, $bob) = $here->connect(qw(alice bob));
		my ($carol, $dave) = $there->connect(qw(carol dave));
		my @all = ($alice, $bob, $carol, $dave);
		my @members = ($alice, $bob, $carol);

		my $ack = $alice->say($room, 'selamat pagi ☀');
		is $ack->{type}, 'ack', 'said in a group' or diag explain $ack;
		like $ack->{sent_at}, $time, '... at';
		for my $client (@members) {
			my $line = $client->expect({ type => 'message', room => $room });
			is_deeply [@$line{qw(seq from body sent_at)}], [$ack->{seq}, 'alice', 'selamat pagi ☀', $ack->{sent_at}],
				"$client->{name} has it";
		}

		my $private_ack = $bob->say('private.carol', 'between us');
		is $private_ack->{room}, $private, 'a private room has one name for both';
		is $_->expect({ room => $private })->{seq}, $private_ack->{seq}, "$_->{name} has it" for $bob, $carol;
		is $carol->say('private.bob', 'yes?')->{room}, $private, 'an answer';
		is $_->expect({ room => $private })->{from}, 'carol', "$_->{name} has it" for $bob, $carol;
		is $dave->say($room, 'let me in')->{code}, 'not_joined', 'who is no member cannot write';
		fence(@all);
		is $dave->seen({ room => $room }), 0, '... nor read';
		is $alice->seen({ room => $private }) + $dave->seen({ room => $private }), 0, 'private is private';

		$ack = $alice->say($room, 'once', mid => 'once');
		is_deeply [@{$alice->say($room, 'once', mid => 'once')}{qw(seq duplicate)}], [$ack->{seq}, Mojo::JSON::true],
			'the same mid again is acknowledged as what it was';
		is $bob->say($room, 'once too', mid => 'once')->{duplicate}, Mojo::JSON::false, "... by another user it isn't the same";
		fence(@all);
		is $carol->seen({ body => 'once' }), 1, '... and seen once';

		for my $n (1 .. 20) {
			$_->send({ type => 'message', id => "n$n", room => $room, body => "$n" }) for @members;
		}
		until_true(20, sub { 3 == grep { $_->seen({ body => '20' }) == 3 } @members });
		my @orders = map { join ' ', map { "$_->{seq}:$_->{from}:$_->{body}" } $_->record->got($room) } @members;
		is scalar(my @got = $alice->record->got($room)), 3 + 60, 'all talk at once';
		is_deeply [@orders[1, 2]], [@orders[0, 0]], '... in one order for all';
		history($here, $alice, $room);
		missed($there, $carol, $alice, $room);
		nothing_wrong(@all);
	};
}

# The history has what was delivered, as soon as the archive has it.
sub history
{
	my ($here, $client, $room) = @_;
	my $path = "/api/chat/history?room=$room&limit=200";
	my @got = $client->record->got($room);
	my %as = (token => $client->{token});
	my $items = sub { return $here->must(GET => "$path&after=" . ($got[0]{seq} - 1), %as)->{items} };

	until_true(20, sub { (($items->()->[-1] // {})->{seq} // 0) == $got[-1]{seq} });
	my @fields = qw(room seq from body mid sent_at);
	my $shown = sub { return [map { my %item = %$_; [@item{@fields}] } @_] };
	is_deeply $shown->(@{$items->()}), $shown->(@got), 'the history is what was delivered';
	is_deeply $shown->(@{$here->must(GET => $path, %as)->{items}}), $shown->(reverse @got), '... newest first, if asked without a place';
	is_deeply [map { $_->{body} } @{$here->must(GET => "$path&q=pagi", %as)->{items}}], ['selamat pagi ☀'], '... and can be searched';
	is $here->call(GET => $path, token => $here->token('dave'))->code, 403, '... but not by others';
}

# Who was away gets what was missed, then what is new.
sub missed
{
	my ($there, $client, $other, $room) = @_;
	my $before = scalar(my @got = $client->record->got($room));

	$client->drop;
	$other->say($room, "missed $_") for 1 .. 5;
	my ($entry) = grep { $_->{room} eq $room } @{$client->connect->{rooms}};
	is_deeply $entry->{recovered}, Mojo::JSON::true, 'connected again: what was missed can be had';
	$other->say($room, 'new');
	$client->expect({ room => $room, body => 'new' });
	@got = $client->record->got($room);
	is_deeply [map { $_->{body} } @got[$before .. $#got]], [(map { "missed $_" } 1 .. 5), 'new'], '... and comes before what is new';
}

# Who is there: users, not connections.
sub people
{
	my ($tag, $here, $there) = @_;
	my $room = "group.people-$tag";

	subtest "$tag: people" => sub {
		$here->group("people-$tag", qw(alice bob carol));
		my ($alice, $bob) = ($here->connect('alice'), $there->connect('bob'));
		my $who = sub { return $alice->ask({ type => 'who', room => $room }) };

		$alice->expect({ type => 'presence', room => $room, user => 'bob', event => 'join', members => 2 });
		my $again = $here->connect('bob');
		is_deeply [sort @{$who->()->{users}}], [qw(alice bob)], 'a user with two connections is there once';
		$again->close;
		my $carol = $there->connect('carol');
		$alice->expect({ type => 'presence', room => $room, user => 'carol', event => 'join', members => 3 });
		is $alice->seen({ type => 'presence', room => $room, user => 'bob' }), 0, '... and came once, and is still there';
		$bob->close;
		$alice->expect({ type => 'presence', room => $room, user => 'bob', event => 'leave', members => 2 });
		is $who->()->{members}, 2, '... until the last one is closed';
		is $alice->seen({ type => 'presence', room => $room, user => 'bob' }), 0, '... and left once';

		$carol->send({ type => 'typing', room => $room });
		$alice->expect({ type => 'typing', room => $room, user => 'carol' });
		$carol->say($room, 'done');
		is $alice->expect({ room => $room, body => 'done' })->{prev}, 0, 'typing is not in the log';
		is $carol->seen({ type => 'typing' }), 0, '... nor told to who types';
		nothing_wrong($alice, $carol);
	};
}

# Alice's group; Bob and Carol are members.
sub moderation
{
	my ($here) = @_;
	my $room = 'group.order';
	my $code = sub { my ($reply) = @_; return $reply->{code} // $reply->{type} };

	subtest 'order is kept' => sub {
		$here->group('order', qw(alice bob carol));
		my ($alice, $bob, $carol) = my @all = $here->connect(qw(alice bob carol));
		my $seq = $bob->say($room, 'speling')->{seq};

		is $code->($bob->ask({ type => 'edit', room => $room, seq => $seq, body => 'spelling' })), 'ack', 'one edits one\'s own';
		is $_->expect({ type => 'edit', target => $seq })->{body}, 'spelling', "$_->{name} is told" for @all;
		is $code->($carol->ask({ type => 'edit', room => $room, seq => $seq, body => 'no' })), 'forbidden', '... not another\'s';
		is $code->($carol->ask({ type => 'delete', room => $room, seq => $seq })), 'forbidden', '... nor deletes it';
		is $code->($alice->ask({ type => 'delete', room => $room, seq => $seq })), 'ack', 'the owner does';
		is $_->expect({ type => 'delete', target => $seq })->{from}, 'alice', "$_->{name} is told" for @all;

		is $code->($carol->ask({ type => 'mute', room => $room, user => 'bob' })), 'forbidden', 'members mute nobody';
		is $code->($alice->ask({ type => 'mute', room => $room, user => 'bob', minutes => 5 })), 'ack', 'the owner does';
		like $_->expect({ type => 'mute', user => 'bob' })->{until}, qr/Z\z/, "$_->{name} is told" for @all;
		ok until_true(20, sub { $code->($bob->say($room, 'what?')) eq 'muted' }), 'who is muted soon cannot write';
		is $code->($bob->say('broadcast', 'elsewhere')), 'ack', '... there';
		is $code->($alice->ask({ type => 'unmute', room => $room, user => 'bob' })), 'ack', 'and then';
		$bob->expect({ type => 'unmute', user => 'bob' });
		ok until_true(20, sub { $code->($bob->say($room, 'thanks')) eq 'ack' }), '... can again';

		is $code->($alice->ask({ type => 'ban', room => $room, user => 'carol' })), 'ack', 'banned';
		is $carol->expect({ type => 'left', room => $room })->{reason}, 'banned', '... and out';
		is $code->($bob->say($room, 'who is next?')), 'ack', '... the others go on';
		fence(@all);
		is $carol->seen({ body => 'who is next?' }), 0, '... unheard';
		is $code->($carol->join($room)), 'forbidden', '... and not to come back';
		is $code->($alice->ask({ type => 'unban', room => $room, user => 'carol' })), 'ack', 'until';
		ok until_true(20, sub { $carol->join($room)->{type} eq 'joined' }), '... that ends';
		my $kinds = sub { join ' ', map { $_->{kind} } @{$here->must(GET => "/api/chat/history?room=$room&limit=200", token => $here->token('alice'))->{items}} };
		ok until_true(20, sub { $kinds->() =~ /\bunban\b/ }), '... as the archive knows, before what it knows is copied to Redis with the group\'s end';

		$here->remove('order', 'alice', 'bob');
		is $bob->expect({ type => 'left', room => $room })->{reason}, 'removed', 'a member is removed';
		$alice->say($room, 'without bob');
		$carol->expect({ room => $room, body => 'without bob' });
		fence(@all);
		is $bob->seen({ body => 'without bob' }), 0, '... and hears no more';
		is $code->($bob->say($room, 'hello?')), 'not_joined', '... and says no more';
		$here->add('order', 'alice', 'bob');
		ok until_true(20, sub { $bob->join($room)->{type} eq 'joined' }), '... until added again';

		$here->must(DELETE => '/api/chat/rooms/order', token => $here->token('alice'));
		is $_->expect({ type => 'left', room => $room })->{reason}, 'deleted', "the group is deleted, for $_->{name}" for @all;
		is $code->($carol->join($room)), 'no_such_room', '... and gone';
		nothing_wrong(@all);
	};
}

# What is not available for a moment, on a machine that is busy, is asked for again, as any client does; so is the
# ingest, where it says that it has told nobody.
sub weather
{
	my ($here) = @_;

	subtest 'the weather' => sub {
		my $alice = $here->connect('alice');

		my $watching = until_true(20, sub {
			my $reply = $alice->ask({ type => 'watch', city => 'jakarta' });
			return ($reply->{code} // '') ne 'unavailable' && $reply;
		});
		is $watching->{type}, 'watching', 'watched';
		my $first = $alice->expect({ type => 'weather', city => 'jakarta' })->{current};
		is_deeply $first, $rig->get('/api/weather/current?city=jakarta')->json->{current}, 'the current weather at once';
		ok until_true(20, sub { $rig->ingest('--city', 'jakarta') !~ /another run is at work|published no further/ }), 'an ingest';
		ok $alice->expect({ type => 'weather', city => 'jakarta' })->{current}{observed_at}, '... and what an ingest brings';
		is $alice->ask({ type => 'unwatch', city => 'jakarta' })->{type}, 'unwatched', 'no longer';
		$alice->close;
	};
}

# The other host is switched off, without a word: who was there is gone from the rooms of this one within a minute.
sub switched_off
{
	my ($here, $there) = @_;

	subtest 'a host is switched off' => sub {
		$here->group('power', qw(alice carol));
		my ($alice, $carol) = ($here->connect('alice'), $there->connect('carol'));
		$alice->expect({ type => 'presence', room => 'group.power', user => 'carol', event => 'join' });
		my $off = time;

		kill KILL => $there->{rig}->pids('chat');
		$there->{rig}->stop('websocketd');
		is $carol->await_end, undef, 'Carol is cut off';
		$alice->expect({ type => 'presence', room => 'group.power', user => 'carol', event => 'leave' }, 75);
		cmp_ok time - $off, '<', 60, 'and is not there within 60 s';
		nothing_wrong($alice);
	};
}
