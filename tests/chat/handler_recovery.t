#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The chat handler's promise, through pipes: of every room each message once and in order, whatever NATS goes through.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib abs_path(dirname(__FILE__));
use Mojo::JSON qw(encode_json decode_json true false);
use Pipes;
use Test::More;
use Time::HiRes qw(sleep time);

my $rig = Pipes->new;

$rig->group($_) for qw(dev ops);
$rig->user($_, groups => [qw(dev ops)]) for qw(alice bob);
$rig->user('carol');

# What the client got of a room, as bodies, in the order of arrival.
sub bodies { my ($room, @lines) = @_; return join ' ', map { $_->{body} } grep { ($_->{body} // '') ne '' && $_->{room} eq $room } @lines }

# So many messages, and whatever else comes.
sub messages { my ($client, $n) = @_; return ((map { $client->get(type => 'message') } 1 .. $n), $client->drain) }

sub room { my ($answer, $room) = @_; return (grep { $_->{room} eq $room } @{$answer->{rooms}})[0] }

sub position { my ($answer, $room) = @_; return [@{room($answer, $room) // {}}{qw(last_seq recovered)}] }

subtest 'resume' => sub {
	my @seq = map { $rig->publish('group.dev', 'carol', "d$_") } 1 .. 5;
	my $other = $rig->publish('group.ops', 'carol', 'o1');
	my $resume = sub { [{ room => 'group.dev', epoch => '1000', seq => $_[0] }] };
	my $alice = $rig->client('alice', resume => $resume->($seq[1]));
	my @lines = messages($alice, 3);

	is_deeply position($alice->{answer}, 'group.dev'), [$seq[4], true], 'recovered up to the last';
	is bodies('group.dev', @lines), 'd3 d4 d5', 'what was missed, in order';
	is_deeply [map { $_->{prev} } grep { $_->{type} eq 'message' } @lines], [@seq[1 .. 3]], '... each names the one before it';
	is_deeply position($alice->{answer}, 'group.ops'), [$other, false], 'a room without a position begins at its last';
	is bodies('group.ops', @lines), '', '... and shows nothing of before';
	my $live = $rig->publish('group.dev', 'carol', 'd6');
	is $alice->get(body => 'd6')->{prev}, $seq[4], 'then what is new';
	$alice = $rig->client('alice', resume => $resume->($live));
	is_deeply position($alice->{answer}, 'group.dev'), [$live, true], 'nothing was missed';
	is bodies('group.dev', $alice->drain), '', '... and nothing shown';
	$alice = $rig->client('alice', resume => $resume->(0));
	is_deeply position($alice->{answer}, 'group.dev'), [$live, true], 'all from the beginning';
	is bodies('group.dev', messages($alice, 6)), 'd1 d2 d3 d4 d5 d6', '... is shown';
	$alice = $rig->client('alice', resume => [{ room => 'group.dev', epoch => '999', seq => 1 }]);
	is_deeply position($alice->{answer}, 'group.dev'), [$live, false], 'a position in another epoch is worth nothing';
	$alice = $rig->client('alice', resume => $resume->($live + 100));
	is_deeply position($alice->{answer}, 'group.dev'), [$live, false], '... nor one of the future';
	is bodies('group.dev', $alice->drain), '', '... nothing is shown';
	my $carol = $rig->client('carol', resume => $resume->($seq[4]));
	is_deeply position($carol->{answer}, 'group.dev'), [$live, true], 'a public group that he had joined';
	$rig->group('closed', public => false);
	$carol = $rig->client('carol', resume => [{ room => 'group.closed' }, { room => 'group.none' }, { room => 'broadcast' }]);
	is_deeply [sort map { $_->{room} } @{$carol->{answer}{rooms}}], [qw(broadcast private)], 'rooms that he may not enter are left out';
};

subtest 'join and leave' => sub {
	my $carol = $rig->client('carol');
	my $top = $rig->publish('group.dev', 'alice', 'j1');
	my $joined = $carol->ask(type => 'join', room => 'group.dev');

	is_deeply [@$joined{qw(type room epoch last_seq recovered members)}], ['joined', 'group.dev', '1000', $top, false, 1], 'joined';
	my $seq = $rig->publish('group.dev', 'alice', 'j2');
	is $carol->get(body => 'j2')->{seq}, $seq, 'hears it';
	is_deeply $carol->ask(type => 'leave', room => 'group.dev'), { id => 3, type => 'left', room => 'group.dev' }, 'left';
	$rig->publish('group.dev', 'alice', "j$_") for 3 .. 5;
	is bodies('group.dev', $carol->drain), '', 'hears nothing';
	$carol->send({ id => 'j', type => 'join', room => 'group.dev', after => $seq });
	my @lines = map { $carol->get } 1 .. 4;
	is_deeply [map { $_->{type} } @lines], [qw(joined message message message)], 'joined again: what was missed comes after the answer';
	is_deeply [@{$lines[0]}{qw(last_seq recovered)}], [$lines[3]{seq}, true], 'recovered';
	is bodies('group.dev', @lines), 'j3 j4 j5', 'in order';
	my $again = $carol->ask(type => 'join', room => 'group.dev');
	is_deeply [@$again{qw(type last_seq recovered)}], ['joined', $lines[3]{seq}, true], 'joined already';
	$again = $carol->ask(type => 'join', room => 'group.dev', after => $lines[2]{seq});
	is bodies('group.dev', messages($carol, 1)), 'j5', 'back to an earlier position';
	$again = $carol->ask(type => 'join', room => 'group.dev', after => 1, epoch => '7');
	ok !$again->{recovered}, 'a position in another epoch';
	is $carol->ask(type => 'leave', room => 'private.bob')->{code}, 'bad_field', 'private conversations stay';
};

subtest 'all or nothing' => sub {
	my $first = $rig->publish('group.ops', 'carol', 'first');
	$rig->publish('group.ops', 'carol', "n$_") for 1 .. 300;
	my $alice = $rig->client('alice', resume => [{ room => 'group.ops', epoch => '1000', seq => $first }]);

	ok room($alice->{answer}, 'group.ops')->{recovered}, '300 messages';
	is bodies('group.ops', messages($alice, 300)), join(' ', map { "n$_" } 1 .. 300), '... all of them';
	my $last = $rig->publish('group.ops', 'carol', 'n301');
	is $alice->get(body => 'n301')->{seq}, $last, '... then the next';
	$alice = $rig->client('alice', resume => [{ room => 'group.ops', epoch => '1000', seq => $first }]);
	is_deeply position($alice->{answer}, 'group.ops'), [$last, false], '301 are too many';
	is bodies('group.ops', $alice->drain), '', '... none of them';
	$rig->publish('group.ops', 'carol', 'x' x 4000) for 1 .. 140;
	$alice = $rig->client('alice', resume => [{ room => 'group.ops', epoch => '1000', seq => $last }]);
	ok !room($alice->{answer}, 'group.ops')->{recovered}, 'more than 512 KiB are too much';
};

subtest 'private conversations' => sub {
	my $alice = $rig->client('alice');
	my $start = room($alice->{answer}, 'private')->{last_seq};
	my @seq = map { $rig->publish("private.$_->[0]", $_->[1], $_->[2]) } ['alice.bob', 'bob', 'p1'], ['alice.carol', 'carol', 'p2'],
	    ['aaa.alice', 'aaa', 'p3'], ['bob.carol', 'bob', 'not hers'], ['alice.bob', 'alice', 'p4'], ['aaa.alice', 'alice', 'p5'];
	my @got = map { $alice->get(body => $_) } qw(p1 p2 p3 p4 p5);

	is_deeply [map { $_->{seq} } @got], [@seq[0, 1, 2, 4, 5]], 'of all her conversations';
	is scalar(grep { ($_->{body} // '') eq 'not hers' } $alice->drain), 0, '... and of no others';
	for my $from (0 .. 5) {
		$alice = $rig->client('alice', resume => [{ room => 'private', epoch => '1000', seq => $from ? $seq[$from - 1] : $start }]);
		my @want = grep { $_->[0] >= $from && $_->[1] } [0, 'p1'], [1, 'p2'], [2, 'p3'], [3, ''], [4, 'p4'], [5, 'p5'];
		is join(' ', map { $_->{body} } grep { $_->{type} eq 'message' } messages($alice, scalar @want)), join(' ', map { $_->[1] } @want),
		    "recovered in one order from position $from";
		is_deeply position($alice->{answer}, 'private'), [$seq[5], true], '... up to the last';
	}
	my $bob = $rig->client('bob');
	$bob->send({ id => $_, type => 'message', room => 'private.alice', body => "b$_" }) for 1 .. 60;
	$rig->publish('private.aaa.alice', 'aaa', "a$_") for 1 .. 60;
	my @order = map { $_->{seq} } map { $alice->get(type => 'message') } 1 .. 120;
	is "@order", join(' ', sort { $a <=> $b } @order), '120 of two conversations: one order';
	my $guest = $rig->client('visitor', token => $rig->token('visitor', guest => true, since => int(time) + 5),
		resume => [{ room => 'private', epoch => '1000', seq => 0 }]);
	$rig->publish('private.bob.visitor', 'bob', 'for the visitor before');
	is scalar(grep { $_->{type} eq 'message' } $guest->drain), 0, 'a guest gets no letters to who had his name before';
};

# A stream that does not republish: the test does, all but what is to be lost.
my %last;
sub publish_lost { my ($room, $body) = @_; return $rig->publish($room, 'carol', $body) }

sub publish_heard
{
	my ($room, $body) = @_;
	my $seq = publish_lost($room, $body);

	$rig->republish($room, $seq, $last{$room} // 0);
	return $last{$room} = $seq;
}

subtest 'silent loss' => sub {
	$rig->js('DELETE', '');
	$rig->make_stream(1500, republish => undef);
	my $alice = $rig->client('alice');
	my $quick = $rig->raw(settings => { ws_ping => 2, ws_pong => 60 });

	$quick->connect('alice');
	$last{'group.dev'} = publish_lost('group.dev', "s$_") for 1 .. 3;
	publish_lost('private.alice.carol', 'sp');
	is bodies('group.dev', $alice->drain), '', 'messages that nobody hears of';
	publish_heard('group.dev', 's4');
	my @lines = map { $alice->get(type => 'message') } 1 .. 4;
	is bodies('group.dev', @lines), 's1 s2 s3 s4', 'the next one tells of them: they are shown before it';
	$last{'group.dev'} = publish_lost('group.dev', 's5');
	@lines = ();
	while (my $line = $quick->get) {
		push @lines, $line;
		last if $line->{type} eq 'ping' && $line->{tops}{'group.dev'} == $last{'group.dev'};
	}
	is bodies('group.dev', @lines), 's1 s2 s3 s4 s5', 'a ping finds them too';
	is bodies('private.alice.carol', @lines), 'sp', '... and a letter';
	is $lines[-1]{tops}{'group.dev'}, $last{'group.dev'}, '... before it names the last';
	publish_lost('private.alice.carol', 'first letter');
	publish_heard('private.alice.bob', 'second letter');
	is bodies('private.alice.carol', $alice->get(type => 'message'), $alice->get(type => 'message')), 'sp first letter',
		'a letter tells of one of another conversation';
	$last{'group.dev'} = publish_lost('group.dev', 'many') for 1 .. 301;
	my $last = publish_heard('group.dev', 'one more');
	my $joined = $alice->get(type => 'joined');
	is_deeply [@$joined{qw(room last_seq recovered)}, exists $joined->{id}], ['group.dev', $last, false, ''], 'more than 300: said to be lost';
	is bodies('group.dev', $alice->drain), '', '... and not shown in part';
	publish_heard('group.dev', 'after');
	is $alice->get(type => 'message')->{prev}, $last, '... then it goes on';
	$rig->republish('group.dev', $last + 1000, $last + 999);
	$joined = $alice->get(type => 'joined');
	is_deeply [@$joined{qw(room recovered)}], ['group.dev', false], 'one that was heard of and is not in the log';
};

subtest 'NATS is restarted' => sub {
	$rig->js('DELETE', '');
	$rig->make_stream(1700);
	my ($alice, $bob) = map { $rig->client($_) } qw(alice bob);
	my $before = $rig->publish('group.dev', 'carol', 'r1');

	ok $_->get(body => 'r1'), 'before' for $alice, $bob;
	$rig->signal(nats => 'KILL');
	my $answer = $alice->say('group.dev', 'while it is away', mid => 'away');
	is_deeply [$answer->{code}, $answer->{retry_after_ms} > 0], ['unavailable', 1], 'away';
	is $alice->ask(type => 'join', room => 'group.none')->{type}, 'error', 'join';
	$rig->start_nats;
	$rig->publish('group.dev', 'carol', "r$_") for 2 .. 4;
	my @lines = map { $alice->get(type => 'message') } 2 .. 4;
	is bodies('group.dev', @lines), 'r2 r3 r4', 'what came before the connection was back';
	is $lines[0]{prev}, $before, '... follows what was before';
	Pipes::until_true('published', sub { $alice->say('group.dev', 'while it is away', mid => 'away')->{type} eq 'ack' });
	ok $alice->say('group.dev', 'while it is away', mid => 'away')->{duplicate}, 'sent again: once in the log';
	is bodies('group.dev', messages($bob, 4)), 'r2 r3 r4 while it is away', 'nobody got anything twice';
};

subtest 'another epoch' => sub {
	my $alice = $rig->client('alice');

	$rig->js('DELETE', '');
	$rig->make_stream(2000);
	$rig->publish('group.dev', 'carol', "e$_") for 1 .. 3;
	$rig->tell('ctl.chat.all', { op => 'epoch' });
	my $joined = $alice->get(type => 'joined', room => 'group.dev');
	is_deeply [@$joined{qw(epoch last_seq recovered)}], ['2000', 3, false], 'every room is told';
	ok $alice->get(type => 'joined', room => $_), $_ for qw(group.ops broadcast private);
	my $seq = $rig->publish('group.dev', 'carol', 'e4');
	is_deeply [map { $_->{body} } grep { $_->{type} eq 'message' } messages($alice, 1)], ['e4'], 'and goes on with the new one';
	my $again = $rig->client('alice', resume => [{ room => 'group.dev', epoch => '1000', seq => 1 }]);
	is_deeply position($again->{answer}, 'group.dev'), [$seq, false], 'an old position';
	$rig->js(PURGE => { keep => 1 });
	$again = $rig->client('alice', resume => [{ room => 'group.dev', epoch => '2000', seq => 1 }]);
	is_deeply position($again->{answer}, 'group.dev'), [$seq, false], 'the log does not go back that far';
	$again = $rig->client('alice', resume => [{ room => 'group.dev', epoch => '2000', seq => $seq - 1 }]);
	is_deeply position($again->{answer}, 'group.dev'), [$seq, true], '... but so far';
};

# Twenty clients in three rooms and in private, NATS killed three times under them.
subtest 'everything at once' => sub {
	my @users = map { "user$_" } 1 .. 6;
	my @rooms = ('group.dev', 'group.ops', 'broadcast', 'private');
	my (%got, %acked, %epoch);
	my $n = 0;

	$rig->user($_, groups => [qw(dev ops)]) for @users;
	my @clients = map { $rig->client($_) } @users;
	my $take = sub {
		for my $i (0 .. $#clients) {
			for my $line (splice @{$clients[$i]{lines}}) {
				push @{$got{$i}}, $line if $line->{type} eq 'message';
				$acked{$line->{id}} = $line->{seq} if $line->{type} eq 'ack';
				delete $clients[$i]{waits}{$line->{id}} if $line->{type} eq 'ack';
				fail("not recovered: " . encode_json($line)) if $line->{type} eq 'joined';
			}
		}
	};
	my $publish = sub {
		for my $i (0 .. $#clients) {
			my $room = (@rooms[0 .. 2], 'private.' . $users[($i + 1) % @users])[$n % 4];
			my $request = { id => "m" . ++$n, type => 'message', room => $room, body => "body $n", mid => "m$n" };
			$clients[$i]{waits}{"m$n"} = $request;
			$clients[$i]->send($request);
		}
	};
	for my $round (1 .. 60) {
		$publish->();
		$_->fill(0.002) for @clients;
		$take->();
		next if $round % 20 != 10;
		$rig->signal(nats => 'KILL');
		$publish->() for 1 .. 3;
		$rig->start_nats;
	}
	my $end = time + 30;
	while (time < $end && grep { %{$_->{waits}} } @clients) {
		for my $c (@clients) {
			$c->send($_) for values %{$c->{waits}};
		}
		sleep 0.2;
		$_->fill(0) for (@clients) x 3;
		$take->();
	}
	is scalar(grep { %{$_->{waits}} } @clients), 0, "all $n were acknowledged at last";
	for my $round (1 .. 20) { $_->fill(0.05) for @clients; $take->() }
	my %seen = map { my $i = $_; my %of; push @{$of{$_->{room}}}, $_->{seq} for @{$got{$i}}; ($i => \%of) } 0 .. $#clients;
	for my $room (@rooms[0 .. 2]) {
		my %order = map { (join(' ', @{$seen{$_}{$room} // []}) => 1) } 0 .. $#clients;
		is scalar keys %order, 1, "$room: the same for all";
		my @seq = @{$seen{0}{$room}};
		is "@seq", join(' ', sort { $a <=> $b } @seq), '... in order, none twice';
	}
	for my $i (0 .. $#clients) {
		my @seq = map { $_->{seq} } grep { $_->{room} =~ /^private/ } @{$got{$i}};
		my %once = map { ($_ => 1) } @seq;
		is "@seq", join(' ', sort { $a <=> $b } keys %once), "$users[$i]: letters in order, none twice";
	}
	my %everywhere = map { ($_->{seq} => 1) } map { @$_ } values %got;
	is scalar(grep { !$everywhere{$_} } values %acked), 0, 'what was acknowledged was received';
	is scalar(keys %everywhere), $n, 'each once in the log';
};

done_testing;
