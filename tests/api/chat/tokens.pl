# SPDX-License-Identifier: ISC
#
# Tokens: which are taken, and what those are told that are not.

use strict;
use warnings;
use MIME::Base64 qw(encode_base64url);
use Mojo::JSON qw(encode_json);
use OpenAPI;
use Test::More;

my $rooms = '/api/chat/rooms';

# The PHP of the manual page, as a program that prints a token for a user.
sub php
{
	my ($page, $secret_file) = @_;
	my ($function) = $page =~ /^(function cuaca_token.*?^\})$/ms or die 'chat.fcgi.8 has no PHP';

	$function =~ s{/etc/cuaca/chat\.secret}{$secret_file};
	$function =~ s/\\e/\\/g;
	return "$function echo cuaca_token(\$argv[1]);";
}

return sub {
	my ($t) = @_;
	my $rig = $t->rig;
	my $name = $t->name('tina');
	my $good = $t->minted($name);
	my ($header, $claims, $signature) = split /\./, $good;

	$t->is(200, 'what another program signs is good', $good, GET => $rooms);
	$t->is(200, '... with the key before it too', $t->minted($name, key => 'p' x 40), GET => $rooms);
	$t->is(200, '... without iat', $t->minted($name, iat => undef), GET => $rooms);
	$t->is(200, '... a minute early', $t->minted($name, iat => time + 50, nbf => time + 50), GET => $rooms);
	$t->is(200, '... with claims of its own', $t->minted($name, iss => 'the site', roles => ['x']), GET => $rooms);
	my $res = $t->ask(undef, GET => $rooms, undef, Authorization => "bearer $good");
	is($res->code, 200, 'the word Bearer in any letters');

	my %bad = (
		'alg none' => [encode_base64url(encode_json({ alg => 'none' })) . ".$claims.", qr/./],
		'alg none, signed' => [$t->minted($name, header => { alg => 'none' }), qr/./],
		'alg HS512' => [$t->minted($name, header => { alg => 'HS512' }), qr/./],
		'alg RS256' => [$t->minted($name, header => { alg => 'RS256' }), qr/./],
		'no alg' => [$t->minted($name, header => { typ => 'JWT' }), qr/./],
		'another key' => [$t->minted($name, key => 'x' x 40), qr/sign/],
		'an empty key' => [$t->minted($name, key => ''), qr/sign/],
		'claims of another' => ["$header." . encode_base64url(encode_json({ sub => 'admin', exp => time + 99, jti => 'x' })) . ".$signature", qr/sign/],
		'no signature' => ["$header.$claims.", qr/./],
		'half a signature' => ["$header.$claims." . substr($signature, 0, 20), qr/./],
		'expired' => [$t->minted($name, exp => time - 1), qr/expired/],
		'not yet' => [$t->minted($name, nbf => time + 3600), qr/./],
		'made tomorrow' => [$t->minted($name, iat => time + 86400), qr/./],
		'no sub' => [$t->minted($name, sub => undef), qr/./],
		'no exp' => [$t->minted($name, exp => undef), qr/./],
		'no jti' => [$t->minted($name, jti => undef), qr/./],
		'exp as text' => [$t->minted($name, exp => 'never'), qr/./],
		'sub is no name' => [$t->minted('Not A Name'), qr/./],
		'sub with a wildcard' => [$t->minted('a.*.>'), qr/./],
		'garbage' => ['garbage', qr/./],
		'dots' => ['..', qr/./],
		'too long' => ['x' x 6000, qr/./],
	);
	for my $what (sort keys %bad) {
		my ($token, $says) = @{$bad{$what}};
		my $res = $t->ask($token, GET => $rooms);

		is($res->code, 401, "$what: refused");
		like($res->json('/detail'), $says, '... with a reason');
		is($res->headers->www_authenticate, 'Bearer realm="cuaca", error="invalid_token", error_description="' . $res->json('/detail') . '"', '... that programs are told as well');
	}

	for (['no token' => {}], ['an empty one' => { Authorization => 'Bearer ' }], ['a password' => { Authorization => 'Basic YTpi' }],
		['a token in another header' => { 'X-API-Key' => $good }]) {
		my ($what, $headers) = @$_;
		my $res = $t->ask(undef, GET => $rooms, undef, %$headers);

		is($res->code, 401, "$what: refused");
		is($res->headers->www_authenticate, 'Bearer realm="cuaca"', '... but not called wrong');
	}
	$t->is(401, 'a token in the address is none', undef, GET => "$rooms?token=$good");
	$t->is(401, 'who is nobody is not told more', undef, POST => $rooms, 'not even JSON');

	# What the token costs: one look into Redis, which counts the request as well.
	my $alice = $t->register($t->name('tanja'));
	$res = $t->ask($alice, GET => $rooms);
	is($res->headers->header('X-Cuaca-Cost'), 'sql=1, redis=1', 'a token costs one round trip');
	$rig->stop('archive');	# which makes the mirror whole again
	$rig->redis(DEL => 'chat:user:' . $t->name('tanja'), 'chat:mirror');
	$res = $t->ask($alice, GET => $rooms);
	$rig->start('archive');
	is($res->headers->header('X-Cuaca-Cost'), 'sql=2, redis=1', '... and a statement where Redis has not all of it');

	SKIP: {
		skip 'no php here', 1 if system('php -v >/dev/null 2>&1') != 0;
		$rig->output('sh', '-c', 'printf "%s\n" "$1" >"$2"', '-', $t->chat->secret, "$rig->{folder}/php.secret");
		my $token = $rig->output('php', '-r', php(OpenAPI::slurp("$Rig::ROOT/fcgi-bin/chat/chat.fcgi.8"), "$rig->{folder}/php.secret"), '--', $t->name('php-user'));
		$t->is(200, 'the PHP of the manual page makes good ones', $token, GET => $rooms);
	}
};
