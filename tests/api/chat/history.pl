# SPDX-License-Identifier: ISC
#
# History: in pages both ways, search, and only for those who may read the room.

use strict;
use warnings;
use Chat;
use Mojo::JSON qw(decode_json encode_json false true);
use Mojo::Util qw(url_escape);
use Nats;
use Test::More;

return sub {
	my ($t) = @_;
	my $rig = $t->rig;
	my ($alice, $bob, $carol, $open, $closed) = map { $t->name($_) } qw(halice hbob hcarol hopen hclosed);
	my %token = map { ($_ => $t->register($_)) } $alice, $bob, $carol;
	my $private = 'private.' . join '.', sort $alice, $bob;
	my $nats = Nats->new($rig, 'chat.>');
	my $say = sub {
		my ($room, %event) = @_;
		my $now = int(1000 * Time::HiRes::time());

		$nats->publish("in.chat.$room", encode_json({ kind => 'message', from => $alice, mid => 'm' . rand, sent_at => $now, %event }));
		die "$room is silent" if !$nats->hears(qr/^chat\.\Q$room\E /);
	};
	my $history = sub {
		my ($who, $room, @more) = @_;
		my $query = join '&', "room=$room", map { $_->[0] . '=' . url_escape $_->[1] } @more;

		return [$token{$who} // $who, GET => "/api/chat/history?$query"];
	};
	my $bodies = sub { [map { $_->{body} } @{$_[0]{items}}] };

	$t->is(201, 'an open group', $token{$alice}, POST => '/api/chat/rooms', { name => $open, public => true });
	$t->is(201, 'a closed one', $token{$alice}, POST => '/api/chat/rooms', { name => $closed });

	# What is said is in the archive a moment later, as it is then.
	$say->("group.$open", body => "message $_") for 1 .. 25;
	$say->("group.$closed", body => 'secret plans');
	$say->($private, body => 'between us');
	$say->("group.$open", body => "besok hujan-hujanan \x{1f327}");
	my $archived = sub {
		my ($room, $n) = @_;
		return Chat::until_true(20, sub { $rig->sql("SELECT count(*) FROM chat_messages WHERE room = '$room' AND kind = 'message'") >= $n });
	};
	ok($archived->("group.$open", 26), 'what is said is archived');
	ok($archived->($_, 1), "... also in $_") for "group.$closed", $private;

	my $page = $t->is(200, 'the newest', @{$history->($bob, "group.$open", [limit => 3])});
	is_deeply($bodies->($page), ["besok hujan-hujanan \x{1f327}", 'message 25', 'message 24'], '... come first');
	my ($first) = @{$page->{items}};
	like($first->{epoch}, qr/\A\d+\z/, '... each with its log');
	is_deeply([@$first{qw(room from kind deleted)}], ["group.$open", $alice, 'message', false], '... and who said it');
	is($page->{next}, "$page->{items}[2]{epoch}-$page->{items}[2]{seq}", '... and where it goes on');
	my @all;
	for (my @more; ; @more = ([before => $page->{next}])) {
		$page = $t->is(200, 'a page', @{$history->($bob, "group.$open", [limit => 7], @more)});
		push @all, @{$bodies->($page)};
		last if !defined $page->{next};
	}
	is_deeply(\@all, ["besok hujan-hujanan \x{1f327}", map { "message $_" } reverse 1 .. 25], 'page by page all of it, once');
	$page = $t->is(200, 'the other way', @{$history->($bob, "group.$open", [after => 0], [limit => 10])});
	is_deeply($bodies->($page), [map { "message $_" } 1 .. 10], '... the oldest first');
	my $tenth = $page->{items}[9];
	$page = $t->is(200, '... on from there', @{$history->($bob, "group.$open", [after => $page->{next}], [limit => 2])});
	is_deeply($bodies->($page), ['message 11', 'message 12'], '... goes on');
	$page = $t->is(200, 'a bare place', @{$history->($bob, "group.$open", [before => $tenth->{seq}], [limit => 2])});
	is_deeply($bodies->($page), ['message 9', 'message 8'], '... is one of the log that is now');
	$page = $t->is(200, 'after all', @{$history->($bob, "group.$open", [after => "$first->{epoch}-$first->{seq}"])});
	is_deeply($page, { room => "group.$open", items => [], next => undef, archived => $page->{archived} }, '... there is nothing');
	is($page->{archived}, $rig->sql("SELECT epoch || '-' || seq FROM chat_archive"), '... and up to where that is known');

	# Search.
	my $search = sub { $bodies->($t->is(200, "search: $_[0]", @{$history->($bob, "group.$open", [q => $_[0]], @_[1 .. $#_])})) };
	is_deeply($search->('hujan'), ["besok hujan-hujanan \x{1f327}"], 'a word of the same stem is found');
	is_deeply($search->('message 17'), ['message 17'], 'all of several words');
	is_deeply($search->('"message 1"'), ['message 1'], 'a phrase');
	is_deeply($search->('message -25', [limit => 2]), ['message 24', 'message 23'], 'without a word');
	is_deeply($search->('message', [after => 0], [limit => 2]), ['message 1', 'message 2'], 'the oldest first');
	$page = $t->is(200, 'search in pages', @{$history->($bob, "group.$open", [q => 'message'], [limit => 20])});
	is_deeply($bodies->($t->is(200, '...', @{$history->($bob, "group.$open", [q => 'message'], [before => $page->{next}])})), [map { "message $_" } reverse 1 .. 5], '... goes on too');
	is_deeply($search->($_), [], '... and this finds nothing') for 'secret', 'us', '!!!', "';DROP TABLE chat_users;--", '"', '-', ':*', '\\';

	# Edited, deleted.
	$say->("group.$open", kind => 'edit', target => $tenth->{seq}, body => 'message ten, corrected');
	$say->("group.$open", kind => 'delete', target => $first->{seq});
	ok(Chat::until_true(20, sub { $rig->sql("SELECT count(*) FROM chat_messages WHERE room = 'group.$open' AND (edited_at IS NOT NULL OR deleted_at IS NOT NULL)") == 2 }), 'an edit and a deletion');
	$page = $t->is(200, '... show', @{$history->($bob, "group.$open", [limit => 200])});
	is(scalar @{$page->{items}}, 26, '... in their messages, not as messages');
	is_deeply([@{$page->{items}[0]}{qw(body deleted)}], [undef, true], '... what is deleted has no text');
	my ($edited) = grep { $_->{seq} == $tenth->{seq} } @{$page->{items}};
	is($edited->{body}, 'message ten, corrected', '... what is edited has its last one');
	like($edited->{edited_at}, qr/Z\z/, '... and says when');
	is_deeply($search->('hujan'), [], '... what is deleted is not found');
	is_deeply($search->('corrected'), ['message ten, corrected'], '... what is edited is, by its last text');

	# Long messages: a page is never too long to be answered.
	$say->("group.$open", body => "\x{1f600}" x 4000) for 1 .. 3;
	$say->("group.$open", body => "\n" x 4000) for 1 .. 60;
	ok($archived->("group.$open", 89), 'long messages');
	$page = $t->is(200, '... come', @{$history->($bob, "group.$open", [limit => 200])});
	ok(@{$page->{items}} < 63 && defined $page->{next}, '... in several pages') or diag scalar @{$page->{items}};
	my $rest = $t->is(200, '... of which the next', @{$history->($bob, "group.$open", [limit => 200], [before => $page->{next}])});
	is(@{$page->{items}} + @{$rest->{items}}, 89, '... has the rest');

	# Who may read what.
	$t->is(200, 'a member reads the closed group', @{$history->($alice, "group.$closed")});
	for my $who ($bob, $t->minted($t->name('hphp')), $t->guest($t->name('hguest'))) {
		$t->says(403, qr/for its members/, 'others do not', @{$history->($who, "group.$closed")});
		$t->says(403, qr/for its members/, '... nor search in it', @{$history->($who, "group.$closed", [q => 'secret'])});
		$t->is(200, '... the open one they do', @{$history->($who, "group.$open", [limit => 1])});
		$t->is(200, '... and broadcast', @{$history->($who, 'broadcast')});
	}
	$t->is(401, 'without a token nobody reads anything', undef, GET => '/api/chat/history?room=broadcast');
	is_deeply($bodies->($t->is(200, 'one of the two', @{$history->($alice, $private)})), ['between us'], '... reads what was said in private');
	is_deeply($bodies->($t->is(200, '... by either name', @{$history->($bob, "private.$alice")})), ['between us'], '... the other too');
	$t->says(400, qr/room: must be/, 'a third cannot even ask', @{$history->($carol, $private)});
	is_deeply($bodies->($t->is(200, 'what he asks for', @{$history->($carol, "private.$alice")})), [], '... is another conversation');
	is_deeply($bodies->($t->is(200, 'who has the name only since', $t->minted($bob, since => time + 5), GET => "/api/chat/history?room=$private")), [], '... does not see what was before');
	$t->says(404, qr/no such room/, 'no such group', @{$history->($alice, 'group.none-here')});
	$t->says(400, qr/room: must be/, "$_ is no room", @{$history->($alice, url_escape $_)})
		for 'group', 'group.', 'group.*', 'group.a.b', 'private', 'private.', "private.$alice", 'private.>', 'Broadcast', 'in.chat.broadcast', "group.$open!";
	$t->says(400, qr/after: cannot be combined/, 'both ways at once', @{$history->($alice, 'broadcast', [before => 5], [after => 1])});
	$t->says(400, qr/before: is neither/, "$_ is no place", @{$history->($alice, 'broadcast', [before => $_])}) for '-1', '1-', '-', 'x', '1-2-3', '1.5', '9' x 30;
	$t->says(400, qr/limit: must be between 1 and 200/, 'too many at once', @{$history->($alice, 'broadcast', [limit => 201])});

	# Gone with the group.
	$t->is(204, 'the open group is deleted', $token{$alice}, DELETE => "/api/chat/rooms/$open");
	$t->is(404, '... and its history is not shown', @{$history->($bob, "group.$open")});
	is($t->ask(@{$history->($alice, "group.$closed")})->headers->header('X-Cuaca-Cost'), 'sql=2, redis=1', 'a page costs two statements and the look at who asks');
};
