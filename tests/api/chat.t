#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The chat's part of the API through both web servers, on one stack. The parts are the files in chat/: each ends in a
# sub that gets a T, below, and the web server's name. Arguments choose parts:
#
#	prove -Itests/lib tests/api/chat.t :: accounts rooms

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Rig;
use Test::More;

# What the parts share: asking, and holding every answer against the description.
package T {
	use Chat;
	use Http;
	use Mojo::JSON qw(encode_json);
	use OpenAPI;
	use Test::More import => [qw(diag like)];

	sub new
	{
		my ($class, $rig, $web) = @_;

		return bless { rig => $rig, http => Http->new($rig->url), api => OpenAPI->new, chat => Chat->new($rig), web => $web }, $class;
	}

	sub rig { return $_[0]{rig} }
	sub chat { return $_[0]{chat} }

	# Names that neither this nor the other web server's turn has used.
	sub name { return "$_[1]-" . substr $_[0]{web}, 0, 1 }

	# Ask as the holder of this token (undef: nobody); the body is a text, or goes as JSON.
	sub ask
	{
		my ($self, $token, $method, $path, $body, %headers) = @_;

		$headers{Authorization} = "Bearer $token" if defined $token;
		$headers{'Content-Type'} //= 'application/json' if defined $body;
		$headers{'Content-Length'} //= 0 if !defined $body && $method ne 'GET';
		$headers{body} = ref $body ? encode_json($body) : $body if defined $body;
		my $res = $self->{http}->ask($method, $path, %headers);
		$self->{api}->check($method, $path, $res);
		return $res;
	}

	# The same, and the answer has this status. Returns what it says.
	sub is
	{
		my ($self, $status, $name, @asked) = @_;
		my $res = $self->ask(@asked);

		Test::More::is($res->code, $status, $name) or diag($res->body);
		return length $res->body ? $res->json : undef;
	}

	# The same, and the detail of the problem, or that of one of its errors, says so.
	sub says
	{
		my ($self, $status, $says, $name, @asked) = @_;
		my $problem = $self->is($status, $name, @asked) // {};

		return like(join("\n", $problem->{detail} // '', map { "$_->{parameter}: $_->{detail}" } @{$problem->{errors} // []}), $says, '... and says why');
	}

	# A registered user's token.
	sub register
	{
		my ($self, $name) = @_;

		return $self->is(201, "$name registers", undef, POST => '/api/auth/register', { username => $name, password => "password of $name" })->{token};
	}

	sub guest
	{
		my ($self, $name) = @_;

		return $self->is(201, "$name is a guest", undef, POST => '/api/auth/guest', { nickname => $name })->{token};
	}

	# A token that another program of the site made.
	sub minted { return shift->{chat}->token(@_) }
}

my @parts = @ARGV ? @ARGV : qw(accounts tokens bodies rooms sanctions history conversations limits away);
my %parts;

# Hashing costs little here; how it is done is not what this is about.
my $rig = Rig->new(debug_headers => 'on', processes => 1, password_memory => 8192, password_passes => 1, rate_login => 1000,
	chat_secret => 'k' x 40, chat_secret_previous => 'p' x 40);

for my $web (qw(nginx lighttpd)) {
	my ($status, $out) = $rig->up(web => $web);
	die $out if $status != 0;
	for my $part (@parts) {
		my $run = $parts{$part} //= do "$Bin/chat/$part.pl" or die "$part.pl: " . ($@ || $!);
		subtest "$web: $part" => sub { $run->(T->new($rig, $web)) };
	}
}

done_testing;
