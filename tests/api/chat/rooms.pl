# SPDX-License-Identifier: ISC
#
# Groups and who belongs to them: who may do what, and that the handlers hear of it.

use strict;
use warnings;
use Mojo::JSON qw(decode_json false true);
use Nats;
use Test::More;

my $rooms = '/api/chat/rooms';

return sub {
	my ($t) = @_;
	my $rig = $t->rig;
	my ($alice, $bob, $carol, $open, $closed) = map { $t->name($_) } qw(ralice rbob rcarol open closed);
	my %token = map { ($_ => $t->register($_)) } $alice, $bob, $carol;
	my $guest = $t->guest($t->name('rguest'));
	my $nats = Nats->new($rig, 'ctl.chat.>');
	my $in_redis = sub { decode_json($rig->redis(GET => "chat:user:$_[0]")) };
	my $members = sub { [map { $_->{username} } @{$t->is(200, "the members of $_[0]", $token{$alice}, GET => "$rooms/$_[0]/members")->{items}}] };
	my $member = sub { ["$rooms/$_[0]/members", { username => $_[1] }] };

	# New ones.
	my $made = $t->is(201, 'a public group', $token{$alice}, POST => $rooms, { name => $open, title => "Open \x{1f600}", public => true });
	like(delete $made->{created_at}, qr/\A20/, '... made now');
	is_deeply($made, { room => "group.$open", name => $open, title => "Open \x{1f600}", public => true, owner => $alice, member => true, members => 1 }, '... as it was asked for');
	ok($nats->hears(qr/^ctl\.chat\.room\.group\.\Q$open\E \{"op":"recheck"\}$/), '... handlers are told of the group');
	ok($nats->hears(qr/^ctl\.chat\.user\.\Q$alice\E \{"op":"recheck"\}$/), '... and of its owner');
	is_deeply(decode_json($rig->redis(GET => "chat:group:$open")), { title => "Open \x{1f600}", public => true, owner => $alice }, '... Redis has it');
	is_deeply([@{$in_redis->($alice)}{qw(groups owns)}], [[$open], [$open]], '... and whose it is');
	$made = $t->is(201, 'one for members', $token{$alice}, POST => $rooms, { name => $closed });
	is_deeply([@$made{qw(title public)}], [$closed, false], '... where nothing else is said');
	$t->says(409, qr/there is a group of this name/, 'a name is given once', $token{$bob}, POST => $rooms, { name => $open });
	$t->says(409, qr/something else/, "nor is $_ a name", $token{$alice}, POST => $rooms, { name => $_ }) for qw(broadcast site);
	$t->says(403, qr/guests cannot/, 'guests make none', $guest, POST => $rooms, { name => $t->name('guests') });
	$t->says(403, qr/guests cannot/, '... nor guests that another program vouches for', $t->minted($t->name('visitor'), guest => true), POST => $rooms, { name => $t->name('guests') });
	$t->says(400, qr/name: may have no other/, 'a name like a subject', $token{$alice}, POST => $rooms, { name => 'a.*.>' });
	$t->says(400, qr/title: must have 1 to 100/, 'a long title', $token{$alice}, POST => $rooms, { name => 'abc', title => 'x' x 101 });

	# Which there are.
	my $list = sub { [map { $_->{name} } grep { $_->{owner} eq $alice } @{$t->is(200, 'the groups', $token{$_[0]}, GET => "$rooms?limit=500")->{items}}] };
	is_deeply($list->($alice), [sort $open, $closed], 'the owner sees both');
	is_deeply($list->($bob), [$open], 'others the public one');

	# Members.
	$t->says(403, qr/owner of the room adds/, 'nobody adds himself to a closed group', $token{$bob}, POST => @{$member->($closed, $bob)});
	$t->says(403, qr/for the owner/, '... nor another', $token{$bob}, POST => @{$member->($closed, $carol)});
	$t->says(403, qr/for the owner/, '... nor another to an open one', $token{$bob}, POST => @{$member->($open, $carol)});
	is_deeply($t->is(201, 'the owner does', $token{$alice}, POST => @{$member->($closed, $bob)}), { room => "group.$closed", username => $bob }, '... and is told so');
	ok($nats->hears(qr/^ctl\.chat\.user\.\Q$bob\E /), '... handlers are told');
	is_deeply($in_redis->($bob)->{groups}, [$closed], '... and Redis knows');
	$t->is(200, 'once is enough', $token{$alice}, POST => @{$member->($closed, $bob)});
	$t->is(201, 'anybody adds himself to an open group', $token{$carol}, POST => @{$member->($open, $carol)});
	$t->is(201, '... also a guest', $guest, POST => @{$member->($open, $t->name('rguest'))});
	$t->is(201, '... also who comes from elsewhere', $t->minted($t->name('rphp')), POST => @{$member->($open, $t->name('rphp'))});
	$t->says(409, qr/taken/, '... whose name nobody can register then', undef, POST => '/api/auth/register', { username => $t->name('rphp'), password => 'password' });
	$t->says(404, qr/has been here/, 'a name that is nobody\'s', $token{$alice}, POST => @{$member->($open, 'nobody-yet')});
	$rig->redis(SET => 'chat:name:' . $t->name('seen'), 1, EX => 60);
	$t->is(201, '... somebody who has been here is somebody', $token{$alice}, POST => @{$member->($open, $t->name('seen'))});
	is_deeply($members->($open), [sort $alice, $carol, map { $t->name($_) } qw(rguest rphp seen)], 'all of them');
	is_deeply($members->($closed), [sort $alice, $bob], '... and those of the closed one');
	my $page = $t->is(200, 'a page of one', $token{$alice}, GET => "$rooms/$open/members?limit=1");
	my @paged;
	for (my $next = ''; defined $next; ) {
		my $got = $t->is(200, 'a page', $token{$alice}, GET => "$rooms/$open/members?limit=2" . ($next && "&after=$next"));
		push @paged, map { $_->{username} } @{$got->{items}};
		$next = $got->{next};
	}
	is_deeply(\@paged, $members->($open), 'in pages they are the same');
	is_deeply($list->($bob), [sort $open, $closed], 'a member sees the closed one');
	$t->is(200, '... and who is in it', $token{$bob}, GET => "$rooms/$closed/members");
	$t->says(403, qr/for its members/, 'others do not', $token{$carol}, GET => "$rooms/$closed/members");
	$t->says(404, qr/no such room/, 'no such group', $token{$bob}, GET => "$rooms/$_/members") for 'none-here', 'No-Name', 'broadcast', 'a%2Ab';

	# Leaving.
	$t->is(403, 'nobody removes another', $token{$carol}, DELETE => "$rooms/$open/members?username=$alice");
	$t->is(204, 'anybody leaves', $token{$carol}, DELETE => "$rooms/$open/members?username=$carol");
	$t->is(404, '... once', $token{$carol}, DELETE => "$rooms/$open/members?username=$carol");
	$t->is(204, 'the owner removes a member, here by a body', $token{$alice}, DELETE => @{$member->($closed, $bob)});
	ok($nats->hears(qr/^ctl\.chat\.user\.\Q$bob\E /), '... handlers are told');
	is_deeply($in_redis->($bob)->{groups}, [], '... and Redis knows');
	$t->is(403, '... who is out then', $token{$bob}, GET => "$rooms/$closed/members");
	$t->says(409, qr/only delete/, 'the owner stays', $token{$alice}, DELETE => "$rooms/$open/members?username=$alice");

	# Admins.
	$rig->sql("UPDATE chat_users SET admin = true WHERE name = '$carol'");
	$t->is(200, 'an admin sees who is in a closed group', $token{$carol}, GET => "$rooms/$closed/members");
	$t->is(201, '... adds', $token{$carol}, POST => @{$member->($closed, $bob)});
	$t->is(204, '... and removes', $token{$carol}, DELETE => "$rooms/$closed/members?username=$bob");
	$t->is(404, '... but not the owner', $token{$carol}, DELETE => "$rooms/$closed/members?username=$alice");

	# The end.
	$t->is(403, 'nobody deletes another\'s group', $token{$bob}, DELETE => "$rooms/$open");
	$t->is(204, 'the owner deletes it', $token{$alice}, DELETE => "$rooms/$open");
	ok($nats->hears(qr/^ctl\.chat\.room\.group\.\Q$open\E /), '... handlers are told');
	is($rig->redis(GET => "chat:group:$open"), '', '... Redis has it no more');
	is_deeply($in_redis->($alice)->{groups}, [$closed], '... nor that anybody is in it');
	$t->is(404, '... it is gone', $token{$alice}, GET => "$rooms/$open/members");
	$t->is(404, '... once', $token{$alice}, DELETE => "$rooms/$open");
	$t->says(409, qr/or was one/, '... and its name too', $token{$alice}, POST => $rooms, { name => $open });
	$t->is(204, 'an admin deletes any', $token{$carol}, DELETE => "$rooms/$closed");
};
