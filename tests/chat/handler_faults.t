#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The chat handler through pipes: clients that do not read, do not answer or go; Redis and NATS that are away; signals.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib abs_path(dirname(__FILE__));
use Mojo::JSON qw(encode_json true false);
use Pipes;
use Test::More;
use Time::HiRes qw(sleep);

my $rig = Pipes->new;

$rig->group('dev');
$rig->user($_, groups => ['dev']) for qw(alice bob);

# The quickest of some tries, for a machine that has more to do.
sub leaves_in
{
	my ($make) = @_;
	my $best = 1e9;

	for (1 .. 5) {
		my ($status, $seconds) = $make->()->close;
		die "status $status" if $status;
		$best = $seconds if $seconds < $best;
		last if $best < 0.1;
	}
	return $best;
}

subtest 'the client leaves' => sub {
	cmp_ok leaves_in(sub { $rig->raw }), '<', 0.1, 'before it has said anything';
	cmp_ok leaves_in(sub { $rig->client('alice') }), '<', 0.1, 'connected';
	is_deeply $rig->redis(KEYS => 'ws:*'), [], 'nothing is left of it';
	is_deeply $rig->redis(KEYS => 'presence:*'), [], '... anywhere';
	my $alice = $rig->raw;
	$alice->put('{"id":1,"type":"connect","token":"' . $rig->token('alice') . '"');
	is(($alice->close)[0], 0, 'in the middle of a line');
	$alice = $rig->client('alice');
	close $alice->{out};
	$rig->publish('group.dev', 'bob', 'to nobody');
	delete $alice->{out};
	$alice->{blocked} = 1;
	is $alice->wait, 0, 'nobody takes its output';
	my $quiet = $rig->client('alice');
	cmp_ok leaves_in(sub { my $c = $rig->client('bob'); $rig->signal(redis => 'STOP') if !$rig->{stopped}++; $c }), '<', 0.1, 'while Redis hangs'
	    if !$rig->{stopped};
	$rig->signal(redis => 'CONT');
	cmp_ok leaves_in(sub { $rig->signal(nats => 'CONT'); my $c = $rig->client('bob'); $rig->signal(nats => 'STOP'); $c }), '<', 1, 'while NATS hangs';
	$rig->signal(nats => 'CONT');
};

subtest 'a client that does not read' => sub {
	my $slow = $rig->raw(settings => { ws_queue => 131_072 });
	my $quick = $rig->client('bob');

	is $slow->connect('alice')->{type}, 'connected', 'connected';
	$slow->{blocked} = 1;
	for my $n (1 .. 80) {
		$rig->publish('group.dev', 'carol', "$n " . 'x' x 3900);
		ok $quick->get(type => 'message'), 'the others are not delayed' if $n % 40 == 0;
	}
	is $slow->wait, 0, 'is let go soon';
	my @lines = $slow->drain(0);
	is_deeply [@{$lines[-1]}{qw(type code reconnect)}], ['bye', 'slow_consumer', true], '... and could read why' if @lines && $lines[-1]{type} eq 'bye';
	my @seen = map { $_->{body} =~ /^(\d+)/ } grep { $_->{type} eq 'message' } @lines;
	is "@seen", join(' ', 1 .. @seen), 'what it got is whole and in order';
	my $log = do { open my $in, '<', "$rig->{folder}/handlers.log"; local $/; <$in> };
	like $log, qr/"bye":"slow_consumer"/, 'the log has it';
	unlike $log, qr/xxx|eyJ/, '... but no message and no token';
	is $rig->redis(HGET => 'metrics:chat', 'byes_slow_consumer'), 1, 'counted';
};

subtest 'a client that begins to read again' => sub {
	my $slow = $rig->raw(settings => { ws_queue => 131_072 });

	$slow->connect('alice');
	$slow->{blocked} = 1;
	$rig->publish('group.dev', 'carol', "$_ " . 'x' x 3900) for 1 .. 60;
	Pipes::until_true('its bye is written', sub { -s "$rig->{folder}/handlers.log" && $rig->redis(HGET => 'metrics:chat', 'byes_slow_consumer') >= 2
		|| do { $slow->fill(0.01); 0 } });
	my @lines = $slow->drain;
	is_deeply [@{$lines[-1]}{qw(type code)}], ['bye', 'slow_consumer'], 'reads its bye at the end';
	my @seen = map { $_->{body} =~ /^(\d+)/ } grep { $_->{type} eq 'message' } @lines;
	is "@seen", join(' ', 1 .. @seen), 'after whole lines in order';
};

subtest 'recovery is as quick as the client reads' => sub {
	my $first = $rig->publish('group.dev', 'carol', 'first');

	$rig->publish('group.dev', 'carol', "$_ " . 'x' x 3900) for 1 .. 100;
	my $slow = $rig->raw(settings => { ws_queue => 131_072 });
	my $answer = $slow->connect('alice', resume => [{ room => 'group.dev', epoch => '1000', seq => $first }]);
	ok +(grep { $_->{room} eq 'group.dev' && $_->{recovered} } @{$answer->{rooms}}), '400 KB for a queue of 128 KiB';
	sleep 0.3;
	my @got = map { $slow->get(type => 'message') } 1 .. 100;
	is join(' ', map { $_->{body} =~ /^(\d+)/ } @got), join(' ', 1 .. 100), 'all of them';
	ok $slow->ask(type => 'who', room => 'broadcast'), '... and it goes on';
};

subtest 'silence' => sub {
	my $alice = $rig->raw(settings => { ws_ping => 6, ws_pong => 5 });
	my $patient = $rig->raw(settings => { ws_ping => 1, ws_pong => 5 });
	my $mute = $rig->raw(settings => { ws_connect => 5 });
	my $other = $rig->raw(settings => { ws_connect => 5 });

	$other->send({ type => 'pong' });
	$_->connect('alice') for $alice, $patient;
	for (1, 2) {
		is_deeply [sort keys %{$alice->get(type => 'ping')->{tops}}], [qw(broadcast group.dev private)], 'a ping';
		$alice->send({ type => 'pong' });
	}
	is $alice->get(type => 'bye')->{code}, 'idle', 'no answer to one';
	is $alice->wait, 0, '... out';
	is $patient->get(type => 'bye')->{code}, 'idle', 'nor to several';
	is $mute->get(type => 'bye')->{code}, 'idle', 'nothing said';
	is $other->get(type => 'bye')->{code}, 'unauthorized', 'no token shown';
};

subtest 'signals' => sub {
	for my $signal (qw(TERM INT)) {
		my $alice = $rig->client('alice');

		$alice->signal($signal);
		my $bye = $alice->get(type => 'bye');
		is_deeply [@$bye{qw(code reconnect)}], ['shutdown', true], $signal;
		cmp_ok $bye->{retry_after_ms}, '>', 0, '... with when to come back';
		is $alice->wait, 0, '... and out';
	}
};

subtest 'Redis is away' => sub {
	my $alice = $rig->client('alice');

	$rig->signal(redis => 'KILL');
	is $alice->say('group.dev', 'still here')->{type}, 'ack', 'those who are there go on';
	is $alice->get(type => 'message')->{body}, 'still here', '... and hear';
	is $alice->ask(type => 'who', room => 'group.dev')->{code}, 'unavailable', 'who';
	is $alice->ask(type => 'watch', city => 'jakarta')->{code}, 'unavailable', 'watch';
	my $bob = $rig->client('bob');
	is join(' ', sort map { $_->{room} } @{$bob->{answer}{rooms}}), 'broadcast private', 'others come in, into the rooms for all';
	is $bob->ask(type => 'join', room => 'group.dev')->{code}, 'unavailable', '... groups are not known';
	my $joined = $bob->ask(type => 'join', room => 'broadcast');
	is_deeply [$joined->{type}, exists $joined->{members}, $joined->{members}], ['joined', 1, undef], '... nor how many are there';
	is $bob->say('private.alice', 'hello')->{type}, 'ack', '... letters are';
	my $walker = $rig->client('walker');
	my $limited = $rig->raw(settings => { rate_chat => 5 });
	$limited->connect('alice');
	$limited->send({ id => "r$_", type => 'message', room => 'broadcast', body => "$_" }) for 1 .. 100;
	my @answers = map { $limited->get(id => "r$_")->{code} // 'ack' } 1 .. 100;
	cmp_ok scalar(grep { $_ eq 'rate_limited' } @answers), '>=', 10, 'and the rate is limited still';
	$rig->start_redis;
	$rig->group('dev');
	$rig->user('bob', groups => ['dev']);
	$rig->redis(SET => 'chat:mirror', 1);
	is $bob->get(type => 'joined')->{room}, 'group.dev', 'it is back: the groups come';
	Pipes::until_true('who came meanwhile can be written to', sub { $rig->redis(EXISTS => 'chat:name:walker') }, 20);
	Pipes::until_true('presence is back', sub { ($bob->ask(type => 'who', room => 'group.dev')->{members} // 0) == 1 });
};

subtest 'Redis is away when a client comes back' => sub {
	my $mirror = sub {
		$rig->group($_) for qw(dev open);
		$rig->user('alice', groups => ['dev']);
		$rig->redis(SET => 'chat:mirror', 1);
	};
	$mirror->();
	my ($alice, $carol) = map { $rig->client($_) } qw(alice carol);
	is $carol->ask(type => 'join', room => 'group.open')->{type}, 'joined', 'a group that is open to all';
	ok !$alice->{answer}{partial}, 'that all groups are there is said';
	my @resume = map { { room => "group.$_->[0]", epoch => $alice->{answer}{epoch}, seq => $_->[1]->say("group.$_->[0]", 'before')->{seq} } }
		['dev', $alice], ['open', $carol];
	$alice->close;

	$rig->signal(redis => 'KILL');
	$carol->say('group.open', "missed $_") for 1 .. 3;
	my $again = $rig->client('alice', resume => [@resume, { room => 'group.gone' }]);
	is join(' ', sort map { $_->{room} } @{$again->{answer}{rooms}}), 'broadcast private', 'no group is known';
	ok $again->{answer}{partial}, '... which is said, too';
	is $again->say('group.dev', 'too soon')->{code}, 'unavailable', '... so that who writes there is to try again';
	$rig->start_redis;
	$mirror->();
	my %joined = map { ($_->{room} => $_->{recovered}) } map { $again->get(type => 'joined') } @resume;
	is_deeply \%joined, { 'group.dev' => true, 'group.open' => true }, 'it is back: the groups go on from where the client was';
	is $again->get(type => 'message')->{body}, "missed $_", "... with what was missed: $_" for 1 .. 3;
	is $again->get(type => 'left', room => 'group.gone')->{reason}, 'deleted', '... and one that is none any more is left';
};

subtest 'NATS is away' => sub {
	$rig->signal(nats => 'KILL');
	my $late = $rig->raw(settings => { ws_connect => 3 });
	is $late->connect('alice')->{code}, 'unavailable', 'nobody comes in';
	is_deeply [@{$late->get(type => 'bye')}{qw(code reconnect)}], ['shutdown', true], '... but may come back';
	my $patient = $rig->raw;
	$patient->send({ id => 1, type => 'connect', token => $rig->token('alice') });
	sleep 0.3;
	$rig->start_nats;
	is $patient->get(id => 1)->{type}, 'connected', 'who waits comes in when it is back';
	$rig->js('DELETE', '');
	is $patient->say('broadcast', 'x')->{code}, 'unavailable', 'no stream';
	$rig->make_stream(3000);
	is $patient->get(type => 'joined', within => 1) // 'nothing', 'nothing', 'a new one is not heard of by itself';
	$rig->tell('ctl.chat.all', { op => 'epoch' });
	is $patient->get(type => 'joined', room => 'broadcast')->{epoch}, '3000', '... until it is told';
};

# Only pings that are far away would find out by themselves what is told here while nobody hears it.
subtest 'what is told while NATS is away' => sub {
	my $weather = sub { $rig->redis(SET => 'weather:jakarta:last', encode_json({ current => { temperature => $_[0] } })) };

	$rig->group('dev');
	$rig->user('alice', groups => ['dev']);
	$weather->(27);
	my $alice = $rig->raw(settings => { ws_ping => 300 });
	$alice->connect('alice');
	$alice->ask(type => 'watch', city => 'jakarta');
	is $alice->get(type => 'weather')->{current}{temperature}, 27, 'the weather';
	$rig->signal(nats => 'KILL');
	my $state = $rig->redis(GET => 'chat:user:alice');
	$rig->redis(SET => 'chat:user:alice', $state =~ s/"bans":\{/$&"group.dev":0/r);
	$weather->(28);
	$rig->start_nats;
	my $left = $alice->get(type => 'left', within => 20) // {};
	is_deeply [@$left{qw(room reason)}], ['group.dev', 'banned'], 'rights are read again';
	my $news = $alice->get(type => 'weather', within => 20) // {};
	is $news->{current}{temperature}, 28, '... and the weather';
};

# A connection waits for the log; its name in Redis tells that it has read its rights.
sub waiting
{
	my ($name) = @_;
	my $client = $rig->raw(settings => { ws_ping => 300, ws_connect => 300 });

	$client->send({ id => 1, type => 'connect', token => $rig->token($name) });
	Pipes::until_true("$name waits", sub { $rig->redis(ZCARD => "ws:user:$name") }, 20);
	return $client;
}

subtest 'what is told before a client is connected' => sub {
	$rig->user($_, groups => ['dev']) for qw(erin frank);
	$rig->js('DELETE', '');
	my ($erin, $frank) = map { waiting($_) } qw(erin frank);

	$rig->user('erin', groups => ['dev'], bans => { 'group.dev' => 0 });
	Pipes::until_true('sent away', sub { $rig->tell('ctl.chat.user.frank', { op => 'kick' }); $frank->get(type => 'bye', within => 0.2) }, 20);
	is $frank->wait, 0, 'who is sent away does not come in';
	$rig->make_stream(4000);
	is $erin->get(id => 1, within => 20)->{type}, 'connected', 'others do';
	my $left = $erin->get(type => 'left', within => 20) // {};
	is_deeply [@$left{qw(room reason)}], ['group.dev', 'banned'], '... and are what they are by then';
};

done_testing;
