# SPDX-License-Identifier: ISC
#
# Mutes and bans: who may say so, where they hold, and that the log has them.

use strict;
use warnings;
use Mojo::JSON qw(decode_json false true);
use Nats;
use Test::More;

my $rooms = '/api/chat/rooms';

return sub {
	my ($t) = @_;
	my $rig = $t->rig;
	my ($alice, $bob, $admin, $group) = map { $t->name($_) } qw(salice sbob sadmin squad);
	my %token = map { ($_ => $t->register($_)) } $alice, $bob, $admin;
	my $at = "$rooms/$group/sanctions";
	my $site = "$rooms/broadcast/sanctions";
	my $history = "/api/chat/history?room=group.$group";
	my $in_redis = sub { decode_json($rig->redis(GET => "chat:user:$_[0]")) };

	$rig->sql("UPDATE chat_users SET admin = true WHERE name = '$admin'");
	$t->is(201, 'a group', $token{$alice}, POST => $rooms, { name => $group, public => true });
	my $nats = Nats->new($rig, 'ctl.chat.user.>', 'chat.>');

	# Who may.
	my %ban = (username => $bob, kind => 'ban');
	$t->says(403, qr/for the owner of the room/, 'a member may not ban', $token{$bob}, POST => $at, { username => $alice, kind => 'ban' });
	$t->says(403, qr/for the owner of the room/, '... nor see who is', $token{$bob}, GET => $at);
	$t->says(403, qr/for the owner of the room/, 'the owner of a group may not in broadcast', $token{$alice}, POST => $site, \%ban);
	$t->says(400, qr/site: only goes with/, 'everywhere is not said in a group', $token{$admin}, POST => $at, { %ban, site => true });
	$t->says(400, qr/site: only goes with/, '... nor asked for there', $token{$alice}, GET => "$at?site=true");
	$t->says(403, qr/for the owner of the room/, '... and the site has no owner but admins', $token{$alice}, GET => "$site?site=true");
	$t->says(400, qr/username: is your own/, 'nobody bans himself', $token{$alice}, POST => $at, { username => $alice, kind => 'ban' });
	$t->is(404, 'no such group', $token{$admin}, POST => "$rooms/none-here/sanctions", \%ban);

	# A ban in a group.
	$t->is(200, 'bob may read', $token{$bob}, GET => $history);
	my $made = $t->is(201, 'until he is banned', $token{$alice}, POST => $at, { %ban, minutes => 60, reason => 'advertises' });
	is_deeply([@$made{qw(username room kind reason by)}], [$bob, "group.$group", 'ban', 'advertises', $alice], '... as it was asked for');
	ok($nats->hears(qr/^ctl\.chat\.user\.\Q$bob\E \{"op":"recheck"\}$/), '... handlers are told');
	my $event = $nats->hears(qr/^chat\.group\.\Q$group\E /);
	my $json = decode_json($event =~ /^\S+ (.*)/ ? $1 : '{}');
	is_deeply([@$json{qw(kind from user site)}], ['ban', $alice, $bob, false], '... and the log has it');
	my ($until) = values %{$in_redis->($bob)->{bans}};
	is($json->{until}, $until, '... until the same second as Redis');
	$t->says(403, qr/banned from this room/, '... bob may not read', $token{$bob}, GET => $history);
	$t->is(200, '... but elsewhere', $token{$bob}, GET => '/api/chat/history?room=broadcast');
	is_deeply($t->is(200, 'it is in the list', $token{$alice}, GET => $at)->{items}, [$made], '... as it was made');
	$t->is(204, 'lifted', $token{$alice}, DELETE => "$at?username=$bob&kind=ban");
	like($nats->hears(qr/^chat\.group\.\Q$group\E /), qr/"kind":"unban"/, '... the log has that too');
	$t->is(200, '... and bob may read', $token{$bob}, GET => $history);
	is_deeply($t->is(200, '... the list is empty', $token{$alice}, GET => $at)->{items}, [], '... indeed');
	$t->is(204, 'lifting what is not there is no mistake', $token{$alice}, DELETE => $at, { username => $bob, kind => 'ban' });

	# A mute, without end; the last word counts.
	$made = $t->is(201, 'a mute without end', $token{$admin}, POST => $at, { username => $bob, kind => 'mute' });
	is_deeply([@$made{qw(until reason by)}], [undef, undef, $admin], '... has none, and needs no reason');
	is_deeply($in_redis->($bob)->{mutes}, { "group.$group" => 0 }, '... Redis knows');
	$t->is(200, '... who is muted may read', $token{$bob}, GET => $history);
	$t->is(201, 'another takes its place', $token{$alice}, POST => $at, { username => $bob, kind => 'mute', minutes => 1 });
	is(scalar @{$t->is(200, '... which makes one', $token{$alice}, GET => $at)->{items}}, 1, '... not two');

	# Admins are for all rooms.
	$t->is(201, 'the owner may say that an admin is banned', $token{$alice}, POST => $at, { username => $admin, kind => 'ban' });
	$t->is(200, '... who may still read', $token{$admin}, GET => $history);
	$t->is(200, '... and moderate', $token{$admin}, GET => $at);
	$t->is(204, '... lifted', $token{$alice}, DELETE => $at, { username => $admin, kind => 'ban' });

	# Everywhere.
	$made = $t->is(201, 'a ban from the site', $token{$admin}, POST => $site, { %ban, site => true });
	is($made->{room}, 'site', '... holds everywhere');
	$event = $nats->hears(qr/^chat\.broadcast /);
	like($event, qr/"kind":"ban".*"site":true/, '... the log has it in broadcast');
	$t->says(403, qr/banned from this site/, '... whatever bob asks', $token{$bob}, GET => $rooms);
	is_deeply([grep { $_->{username} eq $bob } @{$t->is(200, 'the list of the site', $token{$admin}, GET => "$site?site=true")->{items}}], [$made], '... has it');
	$t->is(204, 'lifted', $token{$admin}, DELETE => "$site?username=$bob&kind=ban&site=true");
	$t->is(200, '... bob is back', $token{$bob}, GET => $rooms);
	$t->is(201, 'a mute in broadcast alone', $token{$admin}, POST => $site, { username => $bob, kind => 'mute', minutes => 5 });
	is_deeply([sort keys %{$in_redis->($bob)->{mutes}}], ['broadcast', "group.$group"], '... is a room like another');

	# The archive has them in order.
	my $ask = sub { $t->chat->call(GET => "$history&after=0", token => $token{$alice}) };
	my $kinds = '';
	ok(Chat::until_true(20, sub { $kinds = join ' ', map { $_->{kind} } @{$ask->()->json('/items') // []}; $kinds =~ /mute mute ban unban/ }), 'they are archived');
	is($kinds, 'ban unban unban mute mute ban unban', '... in order');
	$t->is(200, '... and as described', $token{$alice}, GET => $history);
};
