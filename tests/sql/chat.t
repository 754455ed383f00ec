#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The chat: who gets which name, who may what in which room, what Redis is to mirror, and the archived log: replays,
# whose turn it is to write, history and search, by which index, and upkeep.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use JSON::PP;
use Pg;
use Test::More;

use constant { LATER => 4102444800, EPOCH => 1767225600000, DAY => 86400 };	# 2100-01-01; 2026-01-01, in ms

my $pg = Pg->new;
my $db = $pg->migrated;
my %text = %{Pg::statements()};
my $now = sql('SELECT extract(epoch FROM now())::bigint');

sub sql { return scalar $pg->sql($db, $_[0]) }

sub as
{
	my ($role, $name, @args) = @_;

	return scalar $pg->execute($db, "cuaca_$role", $name, \@args);
}

# Of history and search without the last column, which says how far the archive has got; the row with nothing else is none.
sub chat { my $out = as('chat', @_); return $_[0] =~ /^(history|search)_/ ? $out =~ s/^\|*[\d-]*$//mgr =~ s/\|[\d-]*$//mgr : $out }
sub archive { return as('archive', @_) }
sub admin { return as('admin', @_) }
sub state_of { my $json = archive('mirror_user', $_[0]); return $json eq '' ? undef : decode_json($json) }

# The error of a statement that must fail, run as this role.
sub refused
{
	my ($role, $statement) = @_;
	my ($status, $out, $err) = $pg->sql($db, "SET SESSION AUTHORIZATION $role; $statement");

	return $status == 0 ? 'not refused' : $err;
}

# Accounts.
my $hash = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$aGFzaA';
is(chat('user_register', 'alice', $hash, $now), 't', 'user_register');
is(chat('user_register', 'alice', $hash, $now), 'f', '... a name once');
is(chat('user_guest', 'alice', $now + DAY, $now), 'f', '... and not to a guest either');
is(chat('user_get', 'alice'), "$hash|f|f|$now||$now|f", 'user_get');
is(chat('user_get', $_), '', "... nobody: '$_'") for 'bob', 'Alice', '', "x' OR true --";
is(chat('user_guest', 'visitor', $now + DAY, $now), 't', 'user_guest');
is(chat('user_get', 'visitor'), "|t|f|$now|@{[$now + DAY]}|$now|f", '... has no password, and an end');
is(chat($_->[0], 'visitor', $_->[1], $now), 'f', "... whose name nobody else gets: $_->[0]") for ['user_guest', $now + 2 * DAY], ['user_register', $hash];
like(($pg->execute($db, 'cuaca_chat', 'user_register', [$_, $hash, $now]))[2], qr/chat_name_check/, "no name: '$_'") for
	'ab', 'Alice', 'a.b', 'a b', "alice\n", 'a' x 33, 'ålice', '';
like(($pg->execute($db, 'cuaca_chat', 'user_register', ['bob', 'secret', $now]))[2], qr/password_hash_check/, 'no password as it is');

is(chat('user_password', 'alice', "$hash-2", $hash, $now + 5), $now + 5, 'user_password');
is(chat('user_password', 'alice', "$hash-3", $hash, $now + 6), '', '... not by who still thinks of the old one');
is(chat('user_get', 'alice'), "$hash-2|f|f|$now||@{[$now + 5]}|f", '... which makes older tokens void');
is(chat('user_password', 'alice', "$hash-2", "$hash-2", $now + 5), $now + 6, '... in the same second again: those of the first time too');
chat('user_rehash', 'alice', "$hash-4", $_) for $hash, "$hash-2";
is(chat('user_get', 'alice'), "$hash-4|f|f|$now||@{[$now + 6]}|f", 'user_rehash: nothing else changes');
is(chat('user_extend', 'visitor', $now + 2 * DAY), 'visitor', 'user_extend');
is(chat('user_extend', 'visitor', $now + DAY), 'visitor', '... never to an earlier end');
is((split /\|/, chat('user_get', 'visitor'))[4], $now + 2 * DAY, '... keeps the later one');
is(chat('user_extend', $_, LATER), '', "... not $_") for 'alice', 'nobody';
is(admin('user_admin', 'alice', 't'), 't', 'user_admin');
is(admin('user_admin', 'elsewhere', 't'), 'f', '... says so of somebody without an account');
is(admin('user_admin', 'elsewhere', 'f'), 't', '... once');
is(admin('user_admin', 'visitor', 't'), '', '... no guest');
is(chat('user_register', 'elsewhere', $hash, $now), 'f', '... whose name is taken then');
is(admin('user_void', 'elsewhere', $now, 'f'), 'elsewhere', 'user_void') for 1, 2;
is((split /\|/, chat('user_get', 'elsewhere'))[5], $now + 1, '... in the same second again: those of the first time too');
is(admin('user_void', 'nobody', $now, 'f'), '', '... nobody');
is(admin('user_void', 'distant', $now, 't'), 'distant', '... who has been here from elsewhere');
is(chat('user_get', 'distant'), "|f|f|" . ((split /\|/, chat('user_get', 'distant'))[3]) . "||$now|f", '... without an account otherwise');
sql("DELETE FROM chat_users WHERE name = 'distant'");
is(admin('users_list', 'i', '', 10) =~ s/\d{10}/T/gr, "alice|f|t|T||0|f\nvisitor|t|f|T|T|0|f", 'users_list: with a part of their names');
is(admin('users_list', '', 'alice', 2) =~ s{\|.*}{}gmr, "cuacactl\nelsewhere", '... page by page');

# A guest's name when the time is over. The tokens of who had it before are void, and the groups are left.
chat('room_create', 'readers', 'Readers', 'f', 'alice');
chat('member_add', 'readers', $_, 'alice') for 'visitor', 'stranger';
sub expire { sql("UPDATE chat_users SET expires_at = now() - interval '1 second' WHERE name = '$_[0]'") }
expire('visitor');
is(chat('user_extend', 'visitor', LATER), '', 'a guest whose time is over has to come anew');
{
	my $list = join ', ', map { "'$_'" } 'visitor', $now + DAY, $now + 9;
	my $script = "SET SESSION AUTHORIZATION cuaca_chat; PREPARE q AS $text{user_guest}; BEGIN; EXECUTE q($list); SELECT pg_sleep(0.2); COMMIT;";
	my @jobs = map { $pg->spawn(qw(psql -X -q -A -t -v ON_ERROR_STOP=1 -d), $pg->conninfo($db), '-f', $pg->file($script)) } 1 .. 4;
	is(join('', sort map { ($pg->finish($_))[1] =~ s/\s//gr } @jobs), 'ffft', 'of four who want the name at once one gets it');
}
is_deeply(state_of('visitor'), { guest => JSON::PP::true, admin => JSON::PP::false, void_before => $now + 9,
	groups => [], owns => [], bans => {}, mutes => {}, revoked => [] }, '... without the groups');
expire('visitor');
is(chat('user_register', 'visitor', $hash, $now + 10), 't', 'registered after a guest');
is(chat('user_get', 'visitor'), "$hash|f|f|@{[$now + 10]}||@{[$now + 10]}|f", '... as if nobody had had it');
is(chat('user_register', 'stranger', $hash, $now), 'f', 'a name that is in a group belongs to somebody, with or without an account');
is(chat('user_guest', 'stranger', LATER, $now), 'f', '... also for guests');
chat('user_guest', 'troll', LATER, $now);
chat('sanction_set', 'troll', 'site', 'ban', 0, undef, 'alice', $now * 1000);
expire('troll');
is(chat('user_guest', 'troll', LATER, $now), 'f', 'nobody comes back under a banned name');
chat('sanction_lift', 'troll', 'site', 'ban', 'alice', $now * 1000 + 1);
is(chat('user_guest', 'troll', LATER, $now), 't', '... until that is lifted');

# Groups.
is(chat('room_create', 'lounge', 'The lounge', 't', 'bob') =~ /^\d+$/, 1, 'room_create');
is(chat('room_create', 'lounge', 'Mine', 't', 'alice'), '', '... a name once');
is(chat('room_create', 'den', 'Den', 't', 'troll'), '', '... no group of a guest');
like(($pg->execute($db, 'cuaca_chat', 'room_create', ['den', $_, 't', 'bob']))[2], qr/title_check/, '... no title of ' . length) for '', 'x' x 101;
is(chat('member_add', 'lounge', 'carol', 'bob'), 't', 'member_add');
is(chat('member_add', 'lounge', 'carol', 'bob'), 'f', '... who was there');
is(chat('member_add', 'nowhere', 'carol', 'bob'), '', '... in no group');
is(chat('members_list', 'lounge', '', 10) =~ s/\|\d+\|/|T|/gr, "bob|bob|T|t\ncarol|bob|T|f", 'members_list');
is(chat('members_list', 'lounge', 'bob', 1) =~ s/\|.*//r, 'carol', '... page by page');
is(chat('member_remove', 'lounge', 'carol'), 'carol', 'member_remove');
is(chat('member_remove', 'lounge', $_), '', "... not $_") for 'carol', 'bob';
is(chat('rooms_list', 'alice', '', 10) =~ s/\|\d+$//mgr, "lounge|The lounge|t|bob|f|1\nreaders|Readers|f|alice|t|2", 'rooms_list: public ones, and where one is a member');
is(chat('rooms_list', 'carol', '', 10) =~ s/\|.*//r, 'lounge', '... and no others');
is(chat('rooms_list', 'alice', 'lounge', 1) =~ s/\|.*//r, 'readers', '... page by page');
is(admin('rooms_all', '', 10) =~ s/\|.*//mgr, "lounge\nreaders", 'rooms_all');

# What who may: known, public, owner, member, admin, banned, muted, readable.
for (['broadcast', 'carol', 't|t|f|f|f|f|f|t'], ['group.lounge', 'carol', 't|t|f|f|f|f|f|t'], ['group.lounge', 'bob', 't|t|t|t|f|f|f|t'],
	['group.readers', 'alice', 't|f|t|t|t|f|f|t'], ['group.readers', 'stranger', 't|f|f|t|f|f|f|t'], ['group.readers', 'carol', 't|f|f|f|f|f|f|f'],
	['group.nowhere', 'alice', 'f|f|f|f|t|f|f|f'], ['group.lounge.x', 'bob', 'f|f|f|f|f|f|f|f'], ['elsewhere', 'bob', 'f|f|f|f|f|f|f|f'],
	['private.alice.bob', 'bob', 't|f|f|t|f|f|f|t'], ['private.alice.bob', 'carol', 'f|f|f|t|f|f|f|f']) {
	my ($room, $user, $rights) = @$_;
	is(chat('room_rights', $room, $user), $rights, "room_rights: $user in $room");
}

# Sanctions: the last word by its own time counts.
my $t = $now * 1000;
is(chat('sanction_set', 'carol', 'group.lounge', 'mute', LATER, 'loud', 'bob', $t), 't', 'sanction_set');
is(chat('sanction_set', 'carol', 'group.lounge', 'mute', 0, 'earlier', 'bob', $t - 1), 'f', '... not an older one');
is(chat('sanction_set', 'carol', 'group.lounge', 'mute', 0, 'again', 'bob', $t), 'f', '... nor the same again');
is(chat('room_rights', 'group.lounge', 'carol'), 't|t|f|f|f|f|t|t', '... she may read');
is(chat('room_rights', 'broadcast', 'carol'), 't|t|f|f|f|f|f|t', '... and write elsewhere');
is(chat('sanctions_list', 'group.lounge', 10), 'carol|group.lounge|mute|' . LATER . "|loud|bob|$now", 'sanctions_list');
is(admin('sanction_set', 'carol', 'site', 'ban', 0, undef, 'cuacactl', $t + 1000), 't', 'without end, everywhere');
is(chat('room_rights', $_, 'carol') =~ s/.*(.....)$/$1/r, 't|' . (/lounge/ ? 't' : 'f') . '|f', "... and so not in $_") for 'broadcast', 'group.lounge', 'private.bob.carol';
is(admin('sanctions_all', 10) =~ s/\n.*//sr, 'carol|site|ban|||cuacactl|' . ($now + 1), '... the newest first');
is_deeply(state_of('carol'), { guest => JSON::PP::false, admin => JSON::PP::false, void_before => 0, groups => [], owns => [],
	bans => { site => 0 }, mutes => { 'group.lounge' => LATER }, revoked => [] }, '... as Redis has it');
is(chat('sanction_lift', 'carol', 'site', 'ban', 'alice', $t + 999), 'f', 'sanction_lift: not before it was said');
is(chat('sanction_lift', 'carol', 'site', 'ban', 'alice', $t - 5000 + 6001), 't', '... but after');
is(chat('room_rights', 'broadcast', 'carol'), 't|t|f|f|f|f|f|t', '... she may come again');
is(chat('sanction_lift', 'dave', 'broadcast', 'mute', 'alice', $t), 't', 'lifting what is not there');
is(chat('sanction_set', 'dave', 'broadcast', 'mute', 0, undef, 'bob', $t - 1), 'f', '... forestalls what is still on its way');
sql("UPDATE chat_sanctions SET until = now() - interval '1 ms' WHERE user_name = 'carol'");
is_deeply(state_of('carol'), undef, 'what has ended is not mirrored');
is(chat('sanctions_list', 'group.lounge', 10) . admin('sanctions_all', 10), '', '... nor listed');
chat('sanction_set', 'alice', 'group.lounge', $_, 0, undef, 'bob', $t) for 'ban', 'mute';
is(chat('room_rights', 'group.lounge', 'alice'), 't|t|f|f|t|f|f|t', 'the owner of a room keeps no admin out of it');
chat('sanction_set', 'alice', 'site', 'mute', 0, undef, 'cuacactl', $t);
is(chat('room_rights', 'group.lounge', 'alice'), 't|t|f|f|t|f|t|t', '... the site does');
sql("DELETE FROM chat_sanctions WHERE user_name = 'alice'");
like(refused('cuaca_chat', "SELECT chat_sanction('carol', '$_', 'mute', NULL, NULL, 'alice', now())"), qr/chat_sanctions_room_check/, "no room: '$_'") for
	'lounge', 'group.', 'private.a', 'site ';

# Tokens.
chat('user_revoke', 'alice', 'a1', LATER) for 1, 2;
chat('user_revoke', 'alice', 'a0', $now - 1);
chat('user_revoke', 'bob', 'a1', LATER);
is_deeply(state_of('alice')->{revoked}, ['a1'], 'user_revoke: until the token would have ended');

# What changed is noted.
sub touched
{
	sql("UPDATE chat_touched SET at = now() - interval '1 hour'");
	$_[0]->();
	return join ' ', map { s/\|.*//sr } map { split /\n/, archive($_, 60, '', 100) } qw(mirror_groups mirror_users);
}
for (['an account' => sub { chat('user_register', 'erin', $hash, $now) }, 'erin'],
	['a password' => sub { chat('user_password', 'erin', $hash, $hash, $now) }, 'erin'],
	['an admin' => sub { admin('user_admin', 'erin', 't') }, 'erin'],
	['a group' => sub { chat('room_create', 'kitchen', 'Kitchen', 't', 'erin') }, 'kitchen erin'],
	['a member' => sub { chat('member_add', 'kitchen', 'frank', 'erin') }, 'frank'],
	['a member who was one' => sub { chat('member_add', 'kitchen', 'frank', 'erin') }, ''],
	['a sanction' => sub { chat('sanction_set', 'frank', 'group.kitchen', 'ban', 0, undef, 'erin', $t) }, 'frank'],
	['a token' => sub { chat('user_revoke', 'erin', 'e1', LATER) }, 'erin'],
	['a member gone' => sub { chat('member_remove', 'kitchen', 'frank') }, 'frank'],
	['a group gone' => sub { chat('member_add', 'kitchen', 'bob', 'erin'); sql("UPDATE chat_touched SET at = now() - interval '1 hour'"); chat('room_delete', 'kitchen') }, 'kitchen bob erin']) {
	my ($what, $change, $names) = @$_;
	is(touched($change), $names, "touched: $what");
}

# A deleted group stays as a tombstone.
is(join(' ', sort split /\n/, chat('room_delete', 'readers')), 'alice stranger', 'room_delete: these were members');
is(chat('room_delete', 'readers'), '', '... once');
is(chat('room_create', 'readers', 'Readers', 't', 'bob'), '', '... its name is never given again');
is(chat('member_add', 'readers', 'bob', 'alice'), '', '... nobody joins');
is(chat('room_rights', 'group.readers', 'alice'), 'f|f|f|f|t|f|f|f', '... nor reads');
is(chat('mirror_group', 'readers'), '', '... and Redis forgets it');
is_deeply(decode_json(chat('mirror_group', 'lounge')), { title => 'The lounge', public => JSON::PP::true, owner => 'bob' }, 'mirror_group');
is_deeply([@{state_of('bob')}{qw(groups owns)}], [['lounge'], ['lounge']], 'mirror_user: groups');
is(archive('mirror_user', 'nobody'), '', '... of nobody');
is(chat('user_register', 'stranger', $hash, $now), 't', 'a name is free when its groups are gone');
{
	my @paged;
	for (my $after = ''; my @page = map { s/\|.*//sr } split /\n/, archive('mirror_users', 0, $after, 3); $after = $page[-1]) {
		push @paged, @page;
	}
	is(join(' ', @paged), sql("SELECT string_agg(name, ' ' ORDER BY name) FROM chat_touched WHERE what = 'user'"), 'mirror_users: everybody, page by page');
	is(archive('mirror_groups', 0, '', 10), "kitchen|\nlounge|" . chat('mirror_group', 'lounge') . "\nreaders|", 'mirror_groups');
}

# Whose turn it is to archive.
is(archive('archive_store', 'one', EPOCH, 1, '[]'), '', 'archive_store: not without a lease');
is(archive('archive_lease', 'one', 30, EPOCH, 0), EPOCH . '|0', 'archive_lease');
is(archive('archive_lease', 'two', 30, EPOCH, 0), '', "... one at a time");
is(archive('archive_lease', 'one', 0, EPOCH, 0), EPOCH . '|0', '... given back');
is(archive('archive_lease', 'two', 30, EPOCH, 0), EPOCH . '|0', '... and taken by the next');

# A batch: [seq, room, event], its texts in UTF-8 already.
sub batch { return JSON::PP->new->encode([map { { seq => $_->[0], room => $_->[1], event => $_->[2] } } @_]) }
sub said { my ($kind, $from, $at, @more) = @_; return { kind => $kind, from => $from, mid => "m$at", sent_at => $t + $at, @more } }
my @log = (
	[1, 'group.lounge', said('message', 'alice', 1, body => "Besok hujan?\n\"ya\" \\ tidak")],
	[2, 'group.lounge', said('message', 'bob', 2, body => 'Pelatihan memasak')],
	[3, 'group.lounge', said('edit', 'alice', 3, body => 'Besok cerah', target => 1)],
	[4, 'group.lounge', said('edit', 'bob', 4, body => 'not yours', target => 1)],
	[5, 'broadcast', said('edit', 'alice', 5, body => 'not there', target => 1)],
	[6, 'group.lounge', said('delete', 'alice', 6, target => 2)],
	[7, 'group.lounge', said('mute', 'bob', 7, user => 'carol', until => 0)],
	[8, 'broadcast', said('ban', 'alice', 8, user => 'eve', until => LATER, site => JSON::PP::true)],
	[9, 'group.lounge', said('mute', 'bob', 9, user => 'Not a name', until => 9e18)],
	[10, 'group.lounge', said('message', 'carol', -1e14, body => '')],
);
is(archive('archive_store', 'one', EPOCH, 10, batch(@log)), '', 'archive_store: not when it is another\'s turn');
is(archive('archive_store', 'two', EPOCH, 11, batch(@log)), 10, '... when it is');
my $lounge = join "\n",
	EPOCH . '|10|message|carol||m-100000000000000|0||f|||f',
	EPOCH . "|9|mute|bob||m9|@{[$t + 9]}||f|Not a name|253402300799|f",
	EPOCH . "|7|mute|bob||m7|@{[$t + 7]}||f|carol||f",
	EPOCH . "|2|message|bob||m2|@{[$t + 2]}||t|||f",
	EPOCH . "|1|message|alice|Besok cerah|m1|@{[$t + 1]}|@{[$t + 3]}|f|||f";
is(chat('history_before', 'group.lounge', undef, undef, 'alice', undef, 50), $lounge, 'history: edited, deleted, muted; nothing forged');
is(sql('SELECT body, deleted_by, site FROM chat_messages WHERE seq IN (2, 8) ORDER BY seq'), "Pelatihan memasak|alice|f\n||t", '... and the archive keeps what was');
is(sql('SELECT body FROM chat_messages WHERE seq = 1'), qq{Besok hujan?\n"ya" \\ tidak}, '... as it was said');
is_deeply([map { state_of($_) && @{state_of($_)}{qw(bans mutes)} } 'carol', 'eve'], [{}, { 'group.lounge' => 0 }, { site => LATER }, {}], '... and sanctions take effect');
is(archive('archive_lease', 'two', 30, EPOCH, 14), EPOCH . '|11', '... up to where it said');
like(as('ops', 'archive_status'), qr/^@{[EPOCH]}\|11\|3\|\d+\|\d+\|$now\|9$/, 'archive_status: three wait');
chat('sanction_lift', 'carol', 'group.lounge', 'mute', 'bob', $t + 20);
is(archive('archive_store', 'two', EPOCH, 5, batch(@log)), 0, 'a replay adds nothing');
is(chat('history_before', 'group.lounge', undef, undef, 'alice', undef, 50), $lounge, '... changes nothing');
is_deeply(state_of('carol'), undef, '... and mutes nobody again');
is(archive('archive_lease', 'two', 30, EPOCH, 14), EPOCH . '|11', '... and nothing is to be archived again');
is((($pg->execute($db, 'cuaca_archive', 'archive_store', ['two', EPOCH, 13, batch([12, 'broadcast', said('message', 'bob', 12, body => 'x')], [13, 'broadcast', { kind => 'rumour' }])]))[0]),
	3, 'a batch with something else in it');
is(sql('SELECT count(*) FROM chat_messages WHERE seq >= 12') . archive('archive_lease', 'two', 30, EPOCH, 14), '0' . EPOCH . '|11', '... is refused as a whole');
is(archive('archive_lease', 'two', 30, EPOCH + 5, 3), EPOCH + 5 . '|0', 'a new log begins');
is(archive('archive_lease', 'two', 30, EPOCH, 3), EPOCH + 5 . '|0', '... and no old one comes back');

# A log that goes on from another, and one that goes on from that.
{
	my $store = sub { my ($epoch, @events) = @_; return archive('archive_lease', 'two', 30, $epoch, 9) && archive('archive_store', 'two', $epoch, $events[-1][0], batch(@events)) };
	my ($one, $two, $three) = map { EPOCH + $_ } 5 .. 7;
	$store->($one, [1, 'group.epochs', said('message', 'kim', 1, body => 'one')], [2, 'group.epochs', said('message', 'kim', 2, body => 'two')], [3, 'group.epochs', said('message', 'kim', 3, body => 'three')]);
	archive('archive_renew', $two, $one, 2);
	$store->($two, [3, 'group.epochs', said('message', 'kim', 4, body => 'other three')], [4, 'group.epochs', said('edit', 'kim', 5, body => 'two!', target => 2)],
		[5, 'group.epochs', said('edit', 'kim', 6, body => 'three!', target => 3)]);
	archive('archive_renew', $three, $two, 4);
	$store->($three, [5, 'group.epochs', said('delete', 'kim', 7, target => 1)], [6, 'group.epochs', said('edit', 'kim', 8, body => 'three?', target => 3)],
		[7, 'group.epochs', said('edit', 'lee', 9, body => 'forged', target => 2)]);
	is(sql(q{SELECT string_agg(coalesce(body, 'deleted'), ', ' ORDER BY epoch, seq) FROM chat_history WHERE room = 'group.epochs'}), 'deleted, two!, three, three?', 'edits and deletions find what was said in a log before');
	is(archive('archive_event', $three, @$_[0 .. 3]), $_->[4], "archive_event: $_->[5]") for [2, 'kim', 'm2', $t + 2, 't', 'of the first log'], [3, 'kim', 'm4', $t + 4, 't', 'of the second'],
		[6, 'kim', 'm8', $t + 8, 't', 'of the third'], [3, 'kim', 'm3', $t + 3, 'f', 'another'], [3, 'kim', 'm4', $t + 5, 'f', 'of another time'], [3, '', '', 0, 'f', 'what is no event'],
		[8, 'kim', 'm8', $t + 8, '', 'nothing there'];
}

# Random logs, archived in batches of all sizes, some of them again: the same as if read line by line.
{
	srand(my $seed = $ENV{CUACA_TEST_SEED} // 4);
	my ($epoch, @events, %message, %sanction) = (EPOCH + 8);
	my $pick = sub { $_[rand @_] };
	my @rooms = qw(group.one group.two broadcast private.ann.ben private.ann.cat private.ben.cat);
	for my $seq (1 .. 400) {
		my ($room, $from) = ($pick->(@rooms), $pick->('ann', 'ben', 'cat'));
		my $kind = $pick->(('message') x 4, qw(edit edit edit delete mute unmute ban unban));
		my %more = $kind eq 'message' ? (body => "said $seq") : $kind eq 'edit' ? (body => "edited $seq") : ();
		if ($kind =~ /^(edit|delete)$/) {
			my $m = $message{$more{target} = 1 + int rand $seq};
			($room, $from) = @$m{qw(room from)} if $m && rand() < 0.7;
			if ($m && $m->{room} eq $room && $m->{deleted} eq 'f') {
				@$m{qw(body edited)} = ($more{body}, $t + $seq) if $kind eq 'edit' && $m->{from} eq $from;
				@$m{qw(body edited deleted)} = ('', '', 't') if $kind eq 'delete';
			}
		} elsif ($kind ne 'message') {
			%more = (user => $pick->('dan', 'eva'), site => $pick->(JSON::PP::true, JSON::PP::false));
			$more{until} = $pick->(0, LATER) if $kind !~ /^un/;
			my ($un, $what) = $kind =~ /^(un)?(.*)/;
			$sanction{$more{user}}{"${what}s"}{$more{site} ? 'site' : $room} = $un ? undef : $more{until};
		}
		$message{$seq} = { room => $room, from => $from, body => "said $seq", edited => '', deleted => 'f' } if $kind eq 'message';
		push @events, [$seq, $room, said($kind, $from, $seq, %more)];
	}
	my @script = ('SET SESSION AUTHORIZATION cuaca_archive', "PREPARE lease AS $text{archive_lease}", "PREPARE q AS $text{archive_store}", "EXECUTE lease('two', 30, $epoch, 400)");
	for (my $from = 0; $from < @events; ) {
		my $to = $from + rand() < 0.3 ? $from : $from + int rand 60;
		$to = $#events if $to > $#events;
		push @script, map { "EXECUTE q('two', $epoch, $events[$to][0], '" . s/'/''/gr . "')" } (batch(@events[$from .. $to])) x (rand() < 0.3 ? 2 : 1);
		$from = rand() < 0.3 ? $from + int(($to - $from) / 2) + ($to == $from) : $to + 1;
	}
	my @got = grep { /^\d+$/ } split /\n/, sql(join(";\n", @script, 'SELECT -1'));
	my $stored = 0;
	$stored += $_ for @got;
	is($stored, 400, "a random log (seed $seed, " . @got . ' batches): each event is stored once');
	my $is = sql("SELECT string_agg(concat_ws('|', seq, room, username, body, chat_ms(edited_at), deleted), E'\n' ORDER BY seq) FROM (SELECT seq, room, username,
		coalesce(body, '') AS body, edited_at, deleted FROM chat_history WHERE epoch = $epoch AND kind = 'message') x");
	is($is, join("\n", map { my $m = $message{$_}; join '|', $_, @$m{qw(room from body)}, ($m->{edited} || ()), $m->{deleted} } sort { $a <=> $b } keys %message), '... messages are what they became');
	for my $user (sort keys %sanction) {
		my $state = state_of($user);
		for my $what (qw(mutes bans)) {
			my $s = $sanction{$user}{$what};
			is_deeply($state ? $state->{$what} : {}, { map { defined $s->{$_} ? ($_ => $s->{$_}) : () } keys %$s }, "... $what of $user");
		}
	}
	my %newest;
	for my $seq (sort { $a <=> $b } keys %message) {
		my (undef, $one, $other) = split /\./, $message{$seq}{room};
		@newest{"$one|$other", "$other|$one"} = ("$one|$other|$seq", "$other|$one|$seq") if defined $other;
	}
	my $conversations = sub { sql('SELECT username, partner, seq FROM chat_conversations ORDER BY 1, 2') };
	is($conversations->(), join("\n", map { $newest{$_} } sort keys %newest), '... conversations are known by their newest message');
	my ($fill) = Pg::slurp("$Pg::ROOT/sql/migrations/0017_chat_conversations.sql") =~ /^(INSERT INTO chat_conversations.*?;)/ms;
	sql("DELETE FROM chat_conversations; $fill");
	is($conversations->(), join("\n", map { $newest{$_} } sort keys %newest), '... those of before there was a list of them as well');
}

# History: pages across logs, both ways. Two logs, the later one from 1 again, with one host's clock a minute off.
sql(qq{
	INSERT INTO chat_messages (epoch, seq, sent_at, kind, room, username, body)
	SELECT @{[EPOCH]} + 100 * e, n, to_timestamp($now - 10800 + e * 3600 + n - CASE n % 3 WHEN 0 THEN 60 ELSE 0 END),
		CASE n % 10 WHEN 4 THEN 'edit' ELSE 'message' END, CASE n % 2 WHEN 0 THEN 'group.pages' ELSE 'private.alice.stranger' END, 'bob', 'no ' || n
	FROM generate_series(1, 2) e, generate_series(1, 60) n;
	UPDATE chat_archive SET epoch = @{[EPOCH]} + 200});
sub places { return join ' ', map { my @c = split /\|/; ($c[0] - EPOCH) / 100 . ".$c[1]" } split /\n/, $_[0] }
my @expected = map { my $e = $_; map { "$e.$_" } grep { $_ % 2 == 0 && $_ % 10 != 4 } 1 .. 60 } 1, 2;
for my $size (7, 24, 100) {
	my (@back, @forth);
	for (my @at = (undef, undef); my @page = split / /, places(chat('history_before', 'group.pages', @at, 'carol', undef, $size)); ) {
		push @back, @page;
		@at = map { $_->[0] * 100 + EPOCH, $_->[1] } [split /\./, $page[-1]];
	}
	is(join(' ', reverse @back), "@expected", "history_before: every message by $size, newest first");
	for (my @at = (EPOCH, 0); my @page = split / /, places(chat('history_after', 'group.pages', @at, 'carol', undef, $size)); ) {
		push @forth, @page;
		@at = map { $_->[0] * 100 + EPOCH, $_->[1] } [split /\./, $page[-1]];
	}
	is("@forth", "@expected", "history_after: every message by $size, oldest first");
}
is(places(chat('history_before', 'group.pages', undef, 6, 'carol', undef, 3)), '2.2 1.60 1.58', 'history_before: a bare seq is of the newest log');
is(places(chat('history_after', 'group.pages', undef, 56, 'carol', undef, 3)), '2.58 2.60', 'history_after: the same');
is(places(chat('history_before', 'group.pages', EPOCH + 100, undef, 'carol', undef, 1)), '1.60', 'history_before: the end of a log');
is(chat($_, 'group.nowhere', EPOCH, 0, 'carol', undef, 3), '', "$_: a room nobody wrote in") for 'history_before', 'history_after';

# Whose name came later doesn't see what was said to who had it before.
sql("UPDATE chat_users SET created_at = to_timestamp($now - 3600 + 51) WHERE name = 'stranger'");
my $private = sub { return places(chat('history_before', 'private.alice.stranger', undef, undef, $_[0], $_[1], 100)) };
is($private->('stranger', undef), '2.59 2.55 2.53', 'private history begins with the account');
is(scalar(split / /, $private->('elsewhere', undef)), 60, '... but who logs in elsewhere always had the name');
is($private->('elsewhere', $now - 3600 + 55), '2.59 2.55', '... and a token says since when');
is($private->('stranger', $now - 7200), '2.59 2.55 2.53', '... which makes nothing earlier visible');
is(scalar(split / /, places(chat('history_before', 'group.pages', undef, undef, 'stranger', $now, 100))), 48, '... all that is not for groups');

# Conversations: by their newest message, page by page, and nothing from before the account here either.
{
	my $log = EPOCH + 250;
	my $list = sub { join ' ', map { my @c = split /\|/; $c[0] eq '' ? () : "$c[13].$c[1]" } split /\n/, chat('conversations', @_) };
	archive('archive_lease', 'two', 30, $log, 0);
	is(chat('conversations', 'stranger', undef, undef, undef, 5), '|' x 12 . "$log-0|", 'conversations: none, and up to where that is known');
	archive('archive_store', 'two', $log, 21, batch((map { [$_, 'private.' . join('.', sort 'stranger', 'pal' . $_ % 7), said('message', $_ % 2 ? 'stranger' : 'pal' . $_ % 7, 1000 * $_, body => "no $_")] } 1 .. 20),
		[21, 'private.pal5.stranger', said('edit', 'stranger', 21000, target => 19, body => 'not 19')]));
	is($list->('stranger', undef, undef, undef, 50), 'pal6.20 pal5.19 pal4.18 pal3.17 pal2.16 pal1.15 pal0.14', 'conversations: the newest first');
	is($list->('stranger', undef, undef, undef, 3), 'pal6.20 pal5.19 pal4.18', '... page by page');
	is($list->('stranger', undef, $log, 18, 3), 'pal3.17 pal2.16 pal1.15', '... on from a place');
	is($list->('stranger', undef, undef, 15, 3), 'pal0.14', '... in the newest log');
	is($list->('pal5', undef, undef, undef, 3), 'stranger.19', '... each for both');
	is(chat('conversations', 'pal5', undef, undef, undef, 3), join('|', $log, 19, 'message', 'stranger', 'not 19', 'm19000', $t + 19000, $t + 21000, 'f', '', '', 'f', "$log-21", 'stranger'), '... with that message as it is now');
	is($list->('stranger', $now + 18, undef, undef, 50), 'pal6.20 pal5.19 pal4.18', '... since a time');
	sql("UPDATE chat_users SET created_at = to_timestamp($now + 19) WHERE name = 'stranger'");
	is($list->('stranger', undef, undef, undef, 50), 'pal6.20 pal5.19', '... since there is the account');
	sql("UPDATE chat_users SET created_at = to_timestamp($now - 3600 + 51) WHERE name = 'stranger'");
}

# Search.
{
	my @said = ('Pelatihan memasak makanan pedas', 'Ayo makan di warung', 'makan-makan!', 'RUNNING late, it rains', 'São Paulo 東京 https://cuaca.example/peta', 'hujan hujan hujan',
		"naik kereta api\nke Bandung", 'x' x 3000, 'dihapus', 'kereta dari api');
	my $n = 0;
	archive('archive_lease', 'two', 30, EPOCH + 300, 0);
	archive('archive_store', 'two', EPOCH + 300, 20, batch(map({ [++$n, 'group.words', said('message', 'alice', $n, body => $_)] } @said),
		[11, 'group.words', said('delete', 'alice', 11, target => 9)], [12, 'group.words', said('edit', 'alice', 12, target => 6, body => 'panas terik')],
		[13, 'group.other', said('message', 'alice', 13, body => 'makan')]));
	my $found = sub { return join ' ', chat('search_before', 'group.words', undef, undef, 'alice', undef, 50, $_[0]) =~ /^\d+\|(\d+)\|message/mg };
	is($found->($_->[0]), $_->[1], "search: $_->[0]") for
		['memasak', '1'], ['latihan', '1'], ['dilatih', '1'], ['latih', '1'], ['masa', ''], ['makan', '3 2 1'], ['makanan', '3 2 1'], ['MAKAN', '3 2 1'], ['running', '4'], ['Rains', '4'], ['late rains', '4'], ['late snow', ''],
		['paulo', '5'], ['东京', ''], ['東京', '5'], ['cuaca.example', '5'], ['hujan', ''], ['panas', '6'], ['"kereta api"', '7'], ['kereta api', '10 7'], ['kereta -bandung', '10'],
		['bandung or pedas', '7 1'], ['dihapus', ''], ['pela', ''];
	is($found->($_), '', "search for nothing: '$_'") for '', '  ', '!!', '&|()<->:*', '"', q{\\'};
	is(chat('search_after', 'group.words', EPOCH + 300, 1, 'alice', undef, 1, 'makan') =~ s/^\d+\|(\d+).*/$1/sr, 2, 'search_after: the oldest first, as many as asked for');
	is(places(chat('search_before', 'group.words', EPOCH + 300, 3, 'alice', undef, 50, 'makan')), '3.2 3.1', 'search_before: from a place on');
	is(places(chat('search_before', 'private.alice.stranger', undef, undef, 'stranger', undef, 50, '53 or 51')), '2.53', '... of a private conversation only what is to be seen');
}
is(admin('history_user', 'alice', $t + 3, 10) =~ s/\|\d+\|\d+\|/|/mgr, "@{[$t + 2]}|group.words|Ayo makan di warung|f\n@{[$t + 1]}|group.words|Pelatihan memasak makanan pedas|f\n@{[$t + 1]}|group.lounge|Besok cerah|f",
	'history_user: what somebody said, the newest first');

# Upkeep: months, and what is over. Seven whole months with as much in each, whatever day it is: of one with little in
# it the planner rightly reads all.
sql(qq{
	DELETE FROM chat_messages WHERE sent_at < '2000-01-01';
	INSERT INTO chat_messages (epoch, seq, sent_at, kind, room, username, body)
	SELECT 1, n, first + (past - first) * (n / 24001.0), 'message', CASE n % 4 WHEN 0 THEN 'broadcast' ELSE 'group.g' || n % 41 END, 'user' || n % 83,
		'pesan ' || n || ' tentang ' || (ARRAY['hujan', 'makanan', 'perjalanan'])[1 + n % 3] || ' kata' || n % 997
	FROM generate_series(1, 24000) n, date_trunc('month', now()) month,
		LATERAL (SELECT month - interval '6 months' AS first, month + interval '1 month' AS past) range;
	INSERT INTO chat_conversations (epoch, seq, sent_at, username, partner) SELECT epoch, seq, sent_at, username, 'p' || seq FROM chat_messages WHERE epoch = 1});
my $default = sql('SELECT count(*) FROM chat_messages_default');
cmp_ok($default, '>', 15000, 'old months are in the default partition');
chat('user_guest', 'gone', $now + DAY, $now);
chat('member_add', 'lounge', 'gone', 'bob');
sql(qq{UPDATE chat_users SET expires_at = now() - interval '2 days' WHERE name = 'gone';
	INSERT INTO chat_revoked VALUES ('gone', 'old', now() - interval '2 hours'), ('bob', 'new', now() + interval '2 hours');
	UPDATE chat_sanctions SET until = now() - interval '401 days' WHERE user_name = 'dave'});
is(archive('archive_upkeep', 0), "$default|0", 'archive_upkeep gives them months of their own');
is(archive('archive_upkeep', 0), '0|0', '... and has nothing to do again');
is(sql(q{SELECT count(*) FROM chat_users WHERE name = 'gone'}) . sql(q{SELECT count(*) FROM chat_members WHERE user_name = 'gone'}), '00', '... guests of the past leave with their groups');
is(sql(q{SELECT string_agg(jti, ' ' ORDER BY jti) FROM chat_revoked WHERE user_name <> 'alice' AND user_name <> 'erin'}), 'a1 new', '... and ended tokens');
is(sql(q{SELECT count(*) FROM chat_sanctions WHERE user_name = 'dave'}), 0, '... and what was long lifted');
like(archive('mirror_users', 60, 'fz', 1), qr/^gone\|$/, '... Redis is told of it');
sql(q{UPDATE chat_touched SET at = now() - interval '25 hours'});
archive('archive_upkeep', 0);
is(sql(q{SELECT string_agg(name, ' ' ORDER BY name) FROM chat_touched WHERE name IN ('gone', 'bob', 'dave')}), 'bob', '... and in the end it is as if they had never been');
is(sql(q{SET timezone = 'UTC'; SELECT count(*) FROM pg_class WHERE relname ~ '^chat_messages_p' AND relkind = 'r' AND relowner = 'cuaca_owner'::regrole
	AND to_date(substr(relname, 16), 'YYYY_MM') > now()}), 4, 'there are four months ahead');
like(refused('cuaca_archive', "SELECT chat_upkeep($_)"), qr/not a number of days/, "$_ days are refused") for -1, 'NULL';
is(sql(q{SET SESSION AUTHORIZATION cuaca_archive; SET timezone = 'Asia/Jakarta'; SELECT moved FROM chat_upkeep(0); SHOW search_path; SHOW timezone}), qq{0\n"\$user", public\nAsia/Jakarta},
	"upkeep leaves the session's settings alone");

# What the queries read.
sql('VACUUM ANALYZE chat_messages, chat_conversations');
sub explain_run { return scalar $pg->execute($db, 'cuaca_' . ($_[0] eq 'history_user' ? 'admin' : $_[0] eq 'archive_status' ? 'ops' : 'chat'), $_[0], [@_[1 .. $#_]], 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)') }

# What of a plan was about a partition and ran, and found something; the most rows that came out of one.
sub partitions { return join "\n", grep { /chat_messages_(p|default)/ && !/never executed/ } split /\n/, $_[0] }
sub fruitful { return join "\n", grep { !/rows=0/ } split /\n/, partitions($_[0]) }
sub most { my $most = 0; for ($_[0] =~ /chat_messages_\w+ .*?actual rows=(\d+)/g) { $most = $_ if $_ > $most } return $most }

my $months = sql(q{SELECT count(*) FROM pg_inherits WHERE inhparent = 'chat_messages'::regclass});
for (['history_before', 'broadcast', undef, undef, 'alice', undef, 51], ['history_after', 'broadcast', 1, 12000, 'alice', undef, 51], ['history_before', 'group.g7', 1, 20000, 'alice', undef, 51]) {
	my $plan = explain_run(@$_);
	like($plan, qr/Index Scan( Backward)? using chat_messages_p\w+_room_epoch_seq_idx/, "$_->[0] in $_->[1] uses its index");
	unlike(fruitful($plan), qr/Seq Scan|Bitmap/, '... and no other');
	unlike($plan, qr/Rows Removed/, '... for all of what is asked');
	cmp_ok(most($plan), '<=', 51, '... and reads what it shows');
}
my $plan = explain_run('history_before', 'private.alice.stranger', undef, undef, 'alice', $now - 3 * DAY, 51);
cmp_ok(scalar(split /\n/, partitions($plan)), '<=', $months - 5, 'a bound in time leaves out all months that end before');
for (['search_before', 'broadcast', undef, undef, 'alice', undef, 51, 'kata17'], ['search_after', 'group.g7', 1, 10, 'alice', undef, 51, 'perjalanan']) {
	$plan = explain_run(@$_);
	like($plan, qr/Bitmap Index Scan on chat_messages_p\w+_room_chat_words_idx/, "$_->[0] uses its index");
	unlike(fruitful($plan), qr/Seq Scan|_room_epoch_seq_idx/, '... for the room and the words, and no other');
}
for ([undef, undef], [1, 12000]) {
	$plan = explain_run('conversations', 'user7', undef, @$_, 51);
	like($plan, qr/Index Scan Backward using chat_conversations_newest/, 'conversations uses its index');
	unlike($plan, qr/Rows Removed/, '... for all of what is asked');
	like(fruitful($plan), qr/Index Scan using chat_messages_p\w+_(pkey|sent_at_idx)/, '... and that of the messages');
	unlike(fruitful($plan), qr/Seq Scan|Bitmap/, '... and no other');
	cmp_ok(most($plan), '<=', 1, '... for one at a time');
}
sql(q{INSERT INTO chat_sanctions (user_name, room, kind, by, created_at) SELECT 'user' || n, 'group.grp' || n % 100, 'mute', 'bob', now() FROM generate_series(100, 5100) n; ANALYZE chat_sanctions});
like(explain_run('sanctions_list', 'group.grp7', 51), qr/ (using|on) chat_sanctions_room\b/, 'sanctions_list uses its index');
like(explain_run('history_user', 'user7', $t, 51), qr/chat_messages_p\w+_username_sent_at_idx/, 'history_user uses its index');
$plan = explain_run('archive_status');
like($plan, qr/chat_messages_p\w+_sent_at_idx/, 'archive_status uses its index');
unlike(fruitful($plan), qr/Seq Scan/, '... and no other');
like(sql("PREPARE q AS $text{history_before}; EXECUTE q('broadcast', NULL, NULL, 'alice', NULL, 1); EXECUTE q('broadcast', 1, 5, 'alice', 1, 1);
	SELECT generic_plans, custom_plans FROM pg_prepared_statements"), qr/^2\|0$/m, "history isn't planned anew each time");

is(archive('archive_upkeep', 45) =~ /^0\|[45]$/, 1, 'retention drops the months that are over');
is(sql("SELECT min(sent_at) > now() - interval '80 days' FROM chat_messages"), 't', '... and keeps the last');
is(sql('SELECT count(*) > 0, bool_and(EXISTS (SELECT FROM chat_messages m WHERE (m.epoch, m.seq) = (c.epoch, c.seq))) FROM chat_conversations c'), 't|t', '... and conversations of which there is something left');

# Rights, where they matter most.
like(refused($_->[0], $_->[1]), qr/permission denied/, "$_->[0] can't: $_->[1]") for
	[cuaca_chat => 'UPDATE chat_users SET admin = true'], [cuaca_chat => 'DELETE FROM chat_users'], [cuaca_chat => "INSERT INTO chat_users (name) VALUES ('mallory')"],
	[cuaca_chat => 'DELETE FROM chat_sanctions'], [cuaca_chat => 'DELETE FROM chat_revoked'], [cuaca_chat => "UPDATE chat_groups SET owner = 'mallory'"],
	[cuaca_chat => "INSERT INTO chat_messages (epoch) VALUES (1)"], [cuaca_chat => 'UPDATE chat_messages SET body = NULL'], [cuaca_chat => 'SELECT chat_upkeep(1)'],
	[cuaca_archive => 'SELECT password_hash FROM chat_users'], [cuaca_archive => "UPDATE chat_messages SET body = 'forged'"], [cuaca_archive => 'DELETE FROM chat_messages'],
	[cuaca_archive => "SELECT chat_user_create('mallory', NULL, NULL, now())"], [cuaca_admin => 'SELECT password_hash FROM chat_users'],
	[cuaca_admin => "UPDATE chat_users SET password_hash = 'x'"], [cuaca_admin => 'DELETE FROM chat_messages'], [cuaca_ops => 'SELECT body FROM chat_messages'],
	[cuaca_ops => 'SELECT name FROM chat_users'], map({ [$_ => 'SELECT name FROM chat_users'], [$_ => 'SELECT seq FROM chat_messages'] } qw(cuaca_weather cuaca_ingest));

done_testing;
