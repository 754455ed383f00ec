# SPDX-License-Identifier: ISC
#
# Conversations: who was spoken to while away learns of it, in pages, and nobody else does.

use strict;
use warnings;
use Chat;
use Mojo::JSON qw(encode_json false true);
use Mojo::Util qw(url_escape);
use Nats;
use Test::More;
use Time::HiRes ();

return sub {
	my ($t) = @_;
	my $rig = $t->rig;
	my ($alice, $bob, $carol) = map { $t->name($_) } qw(calice cbob ccarol);
	my %token = map { ($_ => $t->register($_)) } $alice, $bob, $carol;
	my $nats = Nats->new($rig, 'chat.private.>');
	my $room = sub { 'private.' . join '.', sort @_ };
	my $say = sub {
		my ($from, $to, %event) = @_;
		my $in = $room->($from, $to);

		$nats->publish("in.chat.$in", encode_json({ kind => 'message', from => $from, mid => 'm' . rand, sent_at => int(1000 * Time::HiRes::time()), %event }));
		die "$in is silent" if !$nats->hears(qr/^chat\.\Q$in\E /);
	};
	my $ask = sub {
		my ($who, @more) = @_;
		my $query = join '&', map { $_->[0] . '=' . url_escape $_->[1] } @more;

		return [$token{$who} // $who, GET => '/api/chat/conversations' . ($query ne '' && "?$query")];
	};
	my $shown = sub { [map { "$_->{with}: " . ($_->{last}{body} // '(deleted)') } @{$_[0]{items}}] };
	my $list = sub { my ($who, @more) = @_; return $shown->($t->is(200, 'conversations', @{$ask->($who, @more)})) };
	my $archived = sub {
		my ($in, $body) = @_;
		return Chat::until_true(20, sub { $rig->sql("SELECT count(*) FROM chat_messages WHERE room = '$in' AND body = '$body'") });
	};

	my $none = $t->is(200, 'who has not talked with anybody', @{$ask->($alice)});
	is_deeply([@$none{qw(items next)}], [[], undef], '... has no conversations');

	# Bob is away all the time.
	$say->($alice, $bob, body => $_) for 'Bob?', 'are you there?';
	$say->($carol, $bob, body => 'call me');
	$say->($alice, $carol, body => 'lunch?');
	ok($archived->($room->($alice, $carol), 'lunch?'), 'what is said is archived');
	is_deeply($list->($bob), ["$carol: call me", "$alice: are you there?"], '... and who was away finds it, the newest first');
	is_deeply($list->($alice), ["$carol: lunch?", "$bob: are you there?"], '... as do those who wrote');
	my $page = $t->is(200, 'one at a time', @{$ask->($bob, [limit => 1])});
	my ($first) = @{$page->{items}};
	is($first->{room}, $room->($bob, $carol), '... its room');
	is_deeply([@{$first->{last}}{qw(room from kind deleted)}], [$first->{room}, $carol, 'message', false], '... its newest message');
	is($page->{next}, "$first->{last}{epoch}-$first->{last}{seq}", '... where it goes on');
	like($page->{archived}, qr/\A$first->{last}{epoch}-\d+\z/, '... and up to where that is known');
	$page = $t->is(200, 'the next', @{$ask->($bob, [limit => 1], [after => $page->{next}])});
	is_deeply($shown->($page), ["$alice: are you there?"], '... is the other');
	is($page->{next}, undef, '... and the last');
	my $theirs = $t->is(200, 'history has the same message', $token{$bob}, GET => "/api/chat/history?room=private.$alice&limit=1");
	is_deeply($theirs->{items}[0], $page->{items}[0]{last}, '... in the same form');

	# What becomes of it.
	my $seq = $page->{items}[0]{last}{seq};
	$say->($alice, $bob, kind => 'edit', target => $seq, body => 'are you at home?');
	ok(Chat::until_true(20, sub { "@{$list->($bob)}" =~ /at home/ }), 'an edit shows');
	$say->($alice, $bob, kind => 'delete', target => $seq);
	ok(Chat::until_true(20, sub { "@{$list->($bob)}" =~ /deleted/ }), '... and a deletion');
	is_deeply($list->($bob), ["$carol: call me", "$alice: (deleted)"], '... neither is news');
	$say->($bob, $alice, body => 'back again');
	ok($archived->($room->($alice, $bob), 'back again'), 'an answer');
	is_deeply($list->($bob), ["$alice: back again", "$carol: call me"], '... is');

	# To whom.
	is_deeply($list->($t->minted($bob, since => time + 5)), [], 'who has the name only since does not learn of what was before');
	is_deeply($list->($t->guest($t->name('cguest'))), [], 'nor does anybody else');
	$t->is(401, 'nobody without a token', undef, GET => '/api/chat/conversations');
	$t->says(400, qr/after: is neither/, "$_ is no place", @{$ask->($bob, [after => $_])}) for '-1', '1-', 'x', '1-2-3', '9' x 30;
	$t->says(400, qr/limit: must be between 1 and 200/, "$_ at once", @{$ask->($bob, [limit => $_])}) for 0, 201;
	is($t->ask(@{$ask->($bob)})->headers->header('X-Cuaca-Cost'), 'sql=1, redis=1', 'a page costs one statement and the look at who asks');
};
