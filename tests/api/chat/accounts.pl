# SPDX-License-Identifier: ISC
#
# Accounts: registering, logging in, guests, and the end of tokens.

use strict;
use warnings;
use MIME::Base64 qw(decode_base64url);
use Mojo::JSON qw(decode_json);
use Test::More;

my $rooms = '/api/chat/rooms';

return sub {
	my ($t) = @_;
	my $rig = $t->rig;
	my $alice = $t->name('alice');
	my $login = sub { [undef, POST => '/api/auth/login', { username => $_[0], password => $_[1] }] };
	my $register = sub { [undef, POST => '/api/auth/register', { username => $_[0], password => $_[1] }] };
	my $guest = sub { [undef, POST => '/api/auth/guest', { nickname => $_[0] }] };

	# Registering.
	my $made = $t->is(201, 'an account', @{$register->($alice, 'correct horse')});
	is_deeply($made->{user}, { name => $alice, guest => Mojo::JSON->false }, '... of that name');
	like($rig->sql("SELECT password_hash FROM chat_users WHERE name = '$alice'"), qr/\A\$argon2id\$v=19\$/, '... whose password is hashed');
	is(decode_json($rig->redis(GET => "chat:user:$alice"))->{guest}, 0, '... that Redis knows of');
	$t->is(200, '... and whose token is good', $made->{token}, GET => $rooms);
	$t->says(409, qr/taken/, 'the name is taken', @{$register->($alice, 'another one')});
	$t->says(409, qr/taken/, '... for guests too', @{$guest->($alice)});
	$rig->redis(SET => 'chat:name:' . $t->name('used'), 1, EX => 60);
	$t->says(409, qr/taken/, 'and so is one that somebody came with from elsewhere', @{$register->($t->name('used'), 'password')});
	$t->says(409, qr/taken/, '... for guests too', @{$guest->($t->name('used'))});

	# Names and passwords.
	for (['', qr/username: is empty/], ['ab', qr/3 to 32 characters/], ['a' x 33, qr/3 to 32 characters/], ['Alice', qr/no other characters/],
		['a b c', qr/no other characters/], ['alice.x', qr/no other characters/], ["al\xe9", qr/no other characters/], ["ali\n", qr/control characters/],
		['../etc', qr/no other characters/], ["abc\x{202e}", qr/no other characters/]) {
		my ($name, $says) = @$_;
		$t->says(400, $says, 'no name: ' . $name =~ s/[^ -~]/?/gr, @{$register->($name, 'password')});
		$says =~ s/username/nickname/;
		$t->says(400, qr/$says/, '... nor a guest\'s', @{$guest->($name)});
	}
	for (['1234567', qr/password: must have 8 to 128/], ['x' x 129, qr/8 to 128/], ["pass\tword", qr/control characters/], ["pass\x{85}word", qr/control characters/]) {
		$t->says(400, $_->[1], 'no password', @{$register->($t->name('carol'), $_->[0])});
	}
	$t->is(201, 'any other characters are fine', @{$register->($t->name('carol'), "\x{1f511} \"\\'%;--\x{e9}")});
	$t->is(200, '... and the same again', @{$login->($t->name('carol'), "\x{1f511} \"\\'%;--\x{e9}")});
	$t->is(201, 'the longest', @{$register->($t->name('dora'), "\x{1f511}" x 128)});
	$t->is(401, '... all of it counts', @{$login->($t->name('dora'), "\x{1f511}" x 127)});

	# Logging in.
	my $in = $t->is(200, 'logging in', @{$login->($alice, 'correct horse')});
	isnt($in->{token}, $made->{token}, '... gives another token');
	$t->is(200, '... that is good', $in->{token}, GET => $rooms);
	my @wrong = map { $t->ask(@$_)->json } $login->($alice, 'wrong'), $login->('nobody-at-all', 'wrong'), $login->('No Name!', 'x'), $login->($alice, 'Correct horse');
	is_deeply([map { [@$_{qw(status type detail)}] } @wrong], [([401, '/problems/unauthorized', $wrong[0]{detail}]) x 4],
		'a wrong password, and no such account: the same answer');
	$t->is(401, 'a guest has no password', @{$login->($t->name('gina'), 'password')});

	# Guests.
	my $gina = $t->is(201, 'a guest', @{$guest->($t->name('gina'))});
	is($gina->{user}{guest}, 1, '... who is one');
	$t->says(409, qr/taken/, 'the name is hers', @{$guest->($t->name('gina'))});
	$t->says(409, qr/taken/, '... and cannot be registered', @{$register->($t->name('gina'), 'password')});
	$rig->sql("UPDATE chat_users SET expires_at = now() - interval '1 second' WHERE name = '" . $t->name('gina') . "'");
	my $second = time;
	select undef, undef, undef, 0.05 while time == $second;	# a token counts in seconds
	$t->is(201, 'until her time is over', @{$register->($t->name('gina'), 'password')});
	$t->says(401, qr/taken back/, '... and her token with it', $gina->{token}, GET => $rooms);

	# New tokens.
	my $again = $t->is(200, 'a new token', $in->{token}, POST => '/api/auth/refresh');
	isnt($again->{token}, $in->{token}, '... which is another');
	$t->is(200, '... the old one stays good', $in->{token}, GET => $rooms);
	my $hugo = $t->guest($t->name('hugo'));
	$rig->sql("UPDATE chat_users SET expires_at = now() + interval '1 minute' WHERE name = '" . $t->name('hugo') . "'");
	$t->is(200, 'a guest\'s new token', $hugo, POST => '/api/auth/refresh');
	is($rig->sql("SELECT expires_at > now() + interval '1 hour' FROM chat_users WHERE name = '" . $t->name('hugo') . "'"), 't', '... keeps the name');
	$t->says(403, qr/made elsewhere/, 'who comes from elsewhere gets his there', $t->minted($t->name('ivan')), POST => '/api/auth/refresh');

	# A new token is not for who may not be here, whether or not Redis has heard of that.
	my @gone = (
		[nina => 401, qr/taken back/, 'that was taken back', sub { "INSERT INTO chat_revoked (user_name, jti, expires_at) VALUES ('$_[0]', '$_[1]', now() + interval '1 hour')" }],
		[nora => 401, qr/taken back/, 'that is void', sub { "UPDATE chat_users SET void_before = now() + interval '1 hour' WHERE name = '$_[0]'" }],
		[nick => 403, qr/banned/, 'of who is banned', sub { "INSERT INTO chat_sanctions (user_name, room, kind, by, created_at) VALUES ('$_[0]', 'site', 'ban', 'test', now())" }],
	);
	for (@gone) {
		my ($name, $status, $says, $what, $sql) = @$_;
		my $token = $t->register($t->name($name));
		my ($jti) = decode_base64url((split /\./, $token)[1]) =~ /"jti":"(\w+)"/;

		$rig->sql($sql->($t->name($name), $jti));
		$t->says($status, $says, "no new token for one $what", $token, POST => '/api/auth/refresh');
	}

	# Passwords.
	my $password = sub { [shift, POST => '/api/auth/password', { old_password => $_[0], new_password => $_[1] }] };
	$t->says(403, qr/old password is another/, 'the old password has to be right', @{$password->($in->{token}, 'wrong', 'battery staple')});
	$t->says(400, qr/new_password: must have 8/, 'the new one long enough', @{$password->($in->{token}, 'correct horse', 'short')});
	$t->says(403, qr/no password/, 'guests have none', @{$password->($hugo, 'x', 'battery staple')});
	$t->says(403, qr/no password/, '... nor who comes from elsewhere', @{$password->($t->minted($t->name('ivan')), 'x', 'battery staple')});
	my $new = $t->is(200, 'another password', @{$password->($in->{token}, 'correct horse', 'battery staple')})->{token};
	$t->is(200, '... comes with a token', $new, GET => $rooms);
	$t->says(401, qr/taken back/, '... the others are void', $_, GET => $rooms) for $in->{token}, $again->{token}, $made->{token};
	$t->is(401, '... the old password is', @{$login->($alice, 'correct horse')});
	my $late = $t->is(200, '... the new one is not', @{$login->($alice, 'battery staple')})->{token};
	$t->is(200, '... and what it gives is good at once', $late, GET => $rooms);
	my $newer = $t->is(200, 'and at once another', @{$password->($new, 'battery staple', 'battery staple')})->{token};
	$t->says(401, qr/taken back/, '... ends what was given out a moment ago', $_, GET => $rooms) for $new, $late;
	$new = $newer;
	$late = $t->is(200, '... the password is good', @{$login->($alice, 'battery staple')})->{token};
	$t->is(200, '... also when it is renewed', $t->is(200, 'renewed', $new, POST => '/api/auth/refresh')->{token}, GET => $rooms);

	# Logging out.
	$t->is(204, 'logging out', $late, POST => '/api/auth/logout');
	my $gone = $t->ask($late, GET => $rooms);
	is($gone->code, 401, '... ends the token');
	like($gone->headers->www_authenticate, qr/error="invalid_token", error_description="the token was taken back"/, '... and says so');
	$t->is(200, '... and no other', $new, GET => $rooms);
	is(scalar @{decode_json($rig->redis(GET => "chat:user:$alice"))->{revoked}}, 1, '... Redis tells the handlers');

	# Banned.
	my $mallory = $t->register($t->name('mallory'));
	my ($status) = $rig->sql("INSERT INTO chat_sanctions (user_name, room, kind, by, created_at) VALUES ('" . $t->name('mallory') . "', 'site', 'ban', 'test', now())");
	$t->says(403, qr/banned/, 'who is banned from the site cannot log in', @{$login->($t->name('mallory'), 'password of ' . $t->name('mallory'))});
	$t->is(401, '... and learns it only with the password', @{$login->($t->name('mallory'), 'wrong')});
	$rig->redis(DEL => 'chat:user:' . $t->name('mallory'), 'chat:mirror');
	$t->says(403, qr/banned from this site/, '... and his token is no good', $mallory, GET => $rooms);

	# Switched off, and passwords at another cost.
	my ($exit, $out) = $rig->up(chat_register => 'off', chat_guests => 'off', password_passes => 2);
	is($exit, 0, 'no accounts, no guests') or diag $out;
	$t->says(403, qr/nobody can register here/, 'registering is off', @{$register->($t->name('late'), 'password')});
	$t->says(403, qr/no guests here/, 'guests are off', @{$guest->($t->name('late'))});
	$t->is(200, 'logging in is not', @{$login->($alice, 'battery staple')});
	like($rig->sql("SELECT password_hash FROM chat_users WHERE name = '$alice'"), qr/\A\$argon2id\$v=19\$m=8192,t=2,p=1\$/, '... and hashes the password anew');
	$t->is(200, '... which is the same', @{$login->($alice, 'battery staple')});
	$t->is(200, '... and ends no token', $new, GET => $rooms);
	$t->is(200, '... nor who comes from elsewhere', $t->minted($t->name('ivan')), GET => $rooms);
	$rig->up(chat_register => 'on', chat_guests => 'on', password_passes => 1);
};
