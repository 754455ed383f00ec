#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The chat handler through pipes: who is where, and rights that change while people are connected.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use lib abs_path(dirname(__FILE__));
use Mojo::JSON qw(true false);
use Pipes;
use Test::More;
use Time::HiRes qw(sleep time);

my $rig = Pipes->new;

$rig->group($_) for qw(dev ops);
$rig->user($_, groups => ['dev']) for qw(alice bob carol);

sub news { return join ' ', map { "$_->{event}:$_->{user}:$_->{members}" } grep { $_->{type} eq 'presence' } @_ }

sub rooms_of { return join ' ', sort map { $_->{room} } @{$_[0]{answer}{rooms}} }

subtest 'presence' => sub {
	my $alice = $rig->client('alice');
	my $bob = $rig->client('bob');

	is_deeply $alice->get(type => 'presence'), { type => 'presence', room => 'group.dev', user => 'bob', event => 'join', members => 2 }, 'joins';
	my $second = $rig->client('bob');
	is_deeply $alice->ask(type => 'who', room => 'group.dev'), { id => 2, type => 'who', room => 'group.dev', members => 2,
		users => [qw(alice bob)] }, 'who';
	is $alice->ask(type => 'who', room => 'broadcast')->{members}, 2, '... in broadcast';
	is_deeply $alice->ask(type => 'who', room => 'private.bob')->{users}, [qw(alice bob)], '... in private';
	is_deeply $alice->ask(type => 'who', room => 'private.carol')->{users}, ['alice'], '... with somebody who is not there';
	$bob->close;
	is news($alice->drain), '', 'one of two connections leaves: nothing to tell';
	$second->close;
	is news($alice->get(type => 'presence')), 'leave:bob:1', 'the last one leaves';
	is $alice->ask(type => 'leave', room => 'group.dev')->{type}, 'left', 'leave';
	is $rig->redis(HLEN => 'presence:group.dev:users'), 0, '... is there no more';
	is $alice->ask(type => 'join', room => 'group.dev')->{members}, 1, 'join';
};

subtest 'a member of very many groups' => sub {
	my @groups = map { sprintf 'a-group-with-a-long-name-%05d', $_ } 1 .. 6000;

	$rig->user('mia', groups => ['dev', @groups]);
	my $mia = $rig->client('mia');
	is length $rig->redis(HGET => "ws:sessions:$mia->{answer}{conn}", 'groups') // '', length join(',', 'dev', @groups), 'is recorded';
	is $mia->ask(type => 'who', room => 'group.dev')->{members}, 1, '... and present';
};

subtest 'a host that is switched off' => sub {
	my $alice = $rig->raw(settings => { ws_ping => 1, ws_pong => 60 });
	my $bob = $rig->raw(settings => { ws_ping => 1, ws_pong => 60 });

	$_->[0]->connect($_->[1]) for [$alice, 'alice'], [$bob, 'bob'];
	ok $alice->get(type => 'presence', event => 'join'), 'there';
	my $session = (grep { $rig->redis(HGET => $_, 'username') eq 'bob' } @{$rig->redis(KEYS => 'ws:sessions:*')})[0];
	cmp_ok $rig->redis(TTL => $session), '<=', 36, 'its session ends';
	$alice->drain(0);
	$bob->kill;
	my ($line, $pings) = (undef, 0);
	$pings++ while ($line = $alice->get) && $line->{type} eq 'ping';
	is news($line // ()), 'leave:bob:1', 'gone';
	cmp_ok $pings, '<=', 13, '... within two pings and ten seconds';
};

# A session, and nothing of presence: one script with each ping.
subtest 'who is banned from the room for all' => sub {
	my $scripts = sub { my $stats = $rig->redis(INFO => 'commandstats'); my $n = 0; $n += $1 while $stats =~ /cmdstat_eval:calls=(\d+)/g; $n };

	$rig->user('dave', bans => { broadcast => 0 });
	my $dave = $rig->raw(settings => { ws_ping => 2, ws_pong => 30 });
	is rooms_of({ answer => $dave->connect('dave') }), 'private', 'is in no room that has presence';
	$dave->get(type => 'ping');
	my $before = $scripts->();
	$dave->get(type => 'ping') for 1 .. 3;
	is $scripts->() - $before, 3, '... and Redis is not asked for it';
};

subtest 'typing' => sub {
	my ($alice, $bob, $carol) = map { $rig->client($_) } qw(alice bob carol);

	$alice->send({ type => 'typing', room => 'group.dev' });
	is_deeply $_->get(type => 'typing'), { type => 'typing', room => 'group.dev', user => 'alice' }, 'told to the others' for $bob, $carol;
	sleep 1;
	$bob->send({ type => 'typing', room => 'private.alice' });
	is $alice->get(type => 'typing')->{room}, 'private.alice.bob', '... in private';
	is scalar(grep { $_->{type} eq 'typing' } map { $_->drain } $bob, $carol), 0, '... to nobody else';
	is $rig->js(INFO => {})->{state}{messages}, 0, 'and not kept';
};

subtest 'members added and removed' => sub {
	my $alice = $rig->client('alice');

	is rooms_of($alice), 'broadcast group.dev private', 'a member of one';
	$rig->group('secret', public => false);
	$rig->user('alice', groups => [qw(dev secret)]);
	my $joined = $alice->get(type => 'joined');
	is_deeply [@$joined{qw(room recovered members)}], ['group.secret', false, 1], 'added to another: joined';
	my $seq = $rig->publish('group.secret', 'carol', 'for members');
	is $alice->get(type => 'message')->{seq}, $seq, '... and hears it';
	$rig->user('alice', groups => ['dev']);
	is_deeply $alice->get(type => 'left'), { type => 'left', room => 'group.secret', reason => 'removed' }, 'removed';
	$rig->publish('group.secret', 'carol', 'no longer hers');
	is scalar(grep { $_->{type} eq 'message' } $alice->drain), 0, '... hears nothing';
	is $alice->say('group.secret', 'x')->{code}, 'not_joined', '... says nothing';
	is $alice->ask(type => 'join', room => 'group.secret', after => 0)->{code}, 'forbidden', '... and reads nothing';
	my $again = $rig->client('alice', resume => [{ room => 'group.secret', epoch => '1000', seq => 0 }]);
	is rooms_of($again), 'broadcast group.dev private', '... nor by resuming';
	is scalar(grep { $_->{type} eq 'message' } $again->drain), 0, '... nothing';
	$rig->redis(DEL => 'chat:group:dev');
	$rig->tell('ctl.chat.room.group.dev', { op => 'recheck' });
	is_deeply [@{$_->get(type => 'left')}{qw(room reason)}], ['group.dev', 'deleted'], 'the group is deleted' for $alice, $again;
	$rig->group('dev');
	is $alice->ask(type => 'join', room => 'group.ops')->{type}, 'joined', 'a public group';
	$rig->group('ops', public => false);
	$rig->tell('ctl.chat.room.group.ops', { op => 'recheck' });
	is $alice->get(type => 'left')->{reason}, 'removed', '... that becomes one for members';
	$rig->group('ops');
};

subtest 'mutes and bans' => sub {
	my $bob = $rig->client('bob');

	$rig->user('bob', groups => ['dev'], mutes => { 'group.dev' => 0 });
	Pipes::until_true('muted', sub { ($bob->say('group.dev', 'x')->{code} // '') eq 'muted' });
	is $bob->say('broadcast', 'x')->{type}, 'ack', 'muted in one room only';
	$rig->user('bob', groups => ['dev'], bans => { 'group.dev' => 0 });
	is_deeply [@{$bob->get(type => 'left')}{qw(room reason)}], ['group.dev', 'banned'], 'banned';
	is $bob->ask(type => 'join', room => 'group.dev')->{code}, 'forbidden', '... may not join';
	is rooms_of($rig->client('bob')), 'broadcast private', '... nor by connecting';
	$rig->user('bob', groups => ['dev'], bans => { 'group.dev' => int(time) + 2 });
	Pipes::until_true('allowed again', sub { sleep 0.2; $bob->ask(type => 'join', room => 'group.dev')->{type} eq 'joined' });
	$rig->user('bob', bans => { site => 0 });
	is_deeply [@{$bob->get(type => 'bye')}{qw(code reconnect)}], ['unauthorized', false], 'banned from the site';
	is $bob->wait, 0, '... out';
	$rig->user('bob', groups => ['dev']);
};

subtest 'a ban said in the chat' => sub {
	$rig->user('owner', groups => ['dev'], owns => ['dev']);
	my ($owner, $bob) = map { $rig->client($_) } qw(owner bob);

	is $owner->ask(type => 'mute', room => 'group.dev', user => 'bob', minutes => 1)->{type}, 'ack', 'mute';
	Pipes::until_true('muted', sub { ($bob->say('group.dev', 'x')->{code} // '') eq 'muted' });
	is $owner->ask(type => 'unmute', room => 'group.dev', user => 'bob')->{type}, 'ack', 'unmute';
	Pipes::until_true('not muted', sub { $bob->say('group.dev', 'x')->{type} eq 'ack' });
	is $owner->ask(type => 'ban', room => 'group.dev', user => 'bob')->{type}, 'ack', 'ban';
	is_deeply [@{$bob->get(type => 'left')}{qw(room reason)}], ['group.dev', 'banned'], 'holds at once';
	is $bob->ask(type => 'join', room => 'group.dev')->{code}, 'forbidden', '... and goes on to';
	is rooms_of($rig->client('bob')), 'broadcast private', '... for all his connections';
	is $owner->ask(type => 'unban', room => 'group.dev', user => 'bob')->{type}, 'ack', 'unban';
	Pipes::until_true('may join', sub { $bob->ask(type => 'join', room => 'group.dev')->{type} eq 'joined' });
	$rig->redis(SET => 'chat:name:visitor', 1);
	is $owner->ask(type => 'ban', room => 'group.dev', user => 'visitor')->{type}, 'ack', 'somebody from elsewhere';
	$rig->redis(DEL => 'chat:name:visitor');
	is $rig->client('visitor')->ask(type => 'join', room => 'group.dev')->{code}, 'forbidden', '... too';
	is $rig->redis(EXISTS => 'chat:name:visitor'), 1, '... whose name stays taken, though something is known of him';
	$rig->user('dora', void_before => 1);
	$rig->client('dora');
	is $rig->redis(EXISTS => 'chat:name:dora'), 0, '... as that of an account does by itself';
};

subtest 'an admin' => sub {
	$rig->user('chief', admin => true, bans => { 'group.dev' => 0 }, mutes => { 'group.dev' => 0 });
	my $chief = $rig->client('chief');

	is $chief->ask(type => 'join', room => 'group.dev')->{type}, 'joined', 'is not kept out by the owner of a room';
	is $chief->say('group.dev', 'x')->{type}, 'ack', '... nor kept quiet';
	$rig->user('chief', admin => true, bans => { site => 0 });
	is $chief->get(type => 'bye')->{code}, 'unauthorized', '... but by another admin, everywhere';
};

subtest 'sent away' => sub {
	my ($alice, $other, $carol) = map { $rig->client($_) } qw(alice alice carol);

	$rig->tell('ctl.chat.user.alice', { op => 'kick', room => 'group.dev' });
	is_deeply [@{$_->get(type => 'left')}{qw(room reason)}], ['group.dev', 'removed'], 'out of a room' for $alice, $other;
	$rig->tell('ctl.chat.user.alice', { op => 'kick', reason => 'enough' });
	is_deeply [@{$_->get(type => 'bye')}{qw(code message)}], ['unauthorized', 'enough'], 'out' for $alice, $other;
	$rig->user('carol', groups => ['dev'], revoked => ['t-carol']);
	is $carol->get(type => 'bye')->{code}, 'unauthorized', 'a revoked token';
	$rig->user('carol', groups => ['dev']);
	$carol = $rig->raw(settings => { ws_ping => 1 });
	$carol->connect('carol');
	my $state = $rig->redis(GET => 'chat:user:carol');
	$rig->redis(SET => 'chat:user:carol', $state =~ s/"void_before":0/'"void_before":' . (int(time) + 5)/er);
	is $carol->get(type => 'bye')->{code}, 'unauthorized', 'a revoked one is found out with a ping, too';
	$rig->redis(SET => 'chat:user:carol', $state);
	$carol = $rig->client('carol');
	my $next = $rig->client('carol', conn => $carol->{answer}{conn});
	is_deeply [@{$carol->get(type => 'bye')}{qw(code reconnect)}], ['replaced', false], 'replaced by a new connection of the same client';
	is $next->ask(type => 'who', room => 'broadcast')->{type}, 'who', '... which stays';
	$rig->tell('ctl.chat.user.carol', { op => 'replace', conn => '0123456789abcdef' });
	$rig->tell('ctl.chat.user.carol', { nonsense => 1 });
	$rig->tell('ctl.chat.all', { op => 'recheck' });
	is $next->ask(type => 'who', room => 'broadcast')->{type}, 'who', '... whatever else is told';
};

subtest 'the mirror is being made' => sub {
	$rig->redis('FLUSHALL');
	my $alice = $rig->client('alice');

	is rooms_of($alice), 'broadcast private', 'groups are not known yet';
	is $alice->ask(type => 'join', room => 'group.dev')->{code}, 'unavailable', 'nor can be joined';
	is $alice->say('private.bob', 'hello')->{type}, 'ack', 'letters can be written';
	$rig->group('dev');
	$rig->redis(SET => 'chat:mirror', 1);
	$rig->user('alice', groups => ['dev']);
	is $alice->get(type => 'joined')->{room}, 'group.dev', 'then they are joined';
};

done_testing;
