# SPDX-License-Identifier: ISC
#
# The chat of a stack, as a site and its users have it: tokens, the routes below /api, and clients of the WebSocket.
#
#	my $chat = Chat->new($rig);
#	$chat->group('developers', 'alice', 'bob');	# alice's, and bob is a member
#	my ($alice, $bob) = $chat->connect(qw(alice bob));
#	$alice->say('group.developers', 'hi');
#	$bob->expect({ type => 'message', body => 'hi' });
#
# Nothing here sleeps: whoever waits, waits for something and until a deadline (until_true).

package Chat;

use strict;
use warnings;
use Chat::Client;
use Digest::SHA qw(hmac_sha256);
use Exporter qw(import);
use MIME::Base64 qw(encode_base64url);
use Mojo::IOLoop;
use Mojo::JSON qw(encode_json);
use Mojo::UserAgent;
use Time::HiRes qw(time);

our @EXPORT_OK = qw(until_true);

use constant PATIENCE => 20;	# seconds that anything may take before it counts as not happening

my $serial = 0;

# The chat of this rig's stack. "api" may be an OpenAPI: then each answer is held against it.
sub new
{
	my ($class, $rig, %with) = @_;

	return bless { rig => $rig, %with }, $class;
}

# Run the event loop until the condition holds; what it returned, or false after so many seconds.
sub until_true
{
	my ($seconds, $condition) = @_;
	my $end = time + $seconds;
	my $tick = Mojo::IOLoop->recurring(0.02 => sub { });
	my $result;

	Mojo::IOLoop->one_tick until ($result = $condition->()) || time >= $end;
	Mojo::IOLoop->remove($tick);
	return $result;
}

# ---- Tokens ----

# The key that signs tokens.
sub secret
{
	my ($self) = @_;

	return $self->{secret} //= $self->find_secret;
}

sub find_secret
{
	my ($self) = @_;
	my $rig = $self->{rig};

	return $rig->{settings}{chat_secret} if defined $rig->{settings}{chat_secret};
	my $conf = $rig->read('etc/cuaca.conf');
	return $1 if $conf =~ /^chat_secret = (.+)$/m;
	my ($file) = $conf =~ /^chat_secret_file = (.+)$/m or die "the stack has no chat_secret\n";
	open my $in, '<', $file or die "$file: $!\n";
	chomp(my $secret = <$in>);
	return $secret;
}

# A token as a site of its own would make it. %claims are added, or replaced, or left out where undef; "header" and
# "key" are not claims, but make tokens that nobody should take.
sub token
{
	my ($self, $name, %claims) = @_;
	my $header = delete $claims{header} // { alg => 'HS256', typ => 'JWT' };
	my $key = delete $claims{key} // $self->secret;
	my %all = (sub => $name, iat => int time, exp => int(time) + 3600, jti => sprintf('t%d-%d-%x', $$, ++$serial, rand 2**31), %claims);

	delete @all{grep { !defined $all{$_} } keys %all};
	my $signed = join '.', map { encode_base64url(encode_json($_)) } $header, \%all;
	return "$signed." . encode_base64url(hmac_sha256($signed, $key));
}

# ---- REST ----

# The answer, as Mojo::Message::Response. A token goes as Authorization, a body as JSON.
sub call
{
	my ($self, $method, $path, %with) = @_;
	my $ua = Mojo::UserAgent->new(request_timeout => PATIENCE, connect_timeout => 5);
	my %headers = defined $with{token} ? (Authorization => "Bearer $with{token}") : ();
	my $tx = $ua->build_tx($method, $self->{rig}->url . $path, \%headers, defined $with{body} ? (json => $with{body}) : ());
	my $res = $ua->start($tx)->res;

	$self->{api}->check($method, $path, $res) if $self->{api};
	return $res;
}

# The same where it has to work: what the answer says.
sub must
{
	my ($self, $method, $path, %with) = @_;
	my $res = $self->call($method, $path, %with);

	die "$method $path: " . ($res->code // 'no answer') . ' ' . $res->body . "\n" if !$res->is_success;
	return $res->json;
}

# Nobody can be added to a group who has never been here.
sub introduce
{
	my ($self, @names) = @_;

	$_->close for $self->connect(grep { !$self->{known}{$_}++ } @names);
}

# A private group with these members, the first of whom owns it.
sub group
{
	my ($self, $name, $owner, @members) = @_;

	$self->make_group($name, $owner, \0);
	$self->add($name, $owner, $_) for @members;
}

# A group that anybody may join.
sub public_group
{
	my ($self, $name, $owner) = @_;

	$self->make_group($name, $owner, \1);
}

sub make_group
{
	my ($self, $name, $owner, $public) = @_;

	$self->must(POST => '/api/chat/rooms', token => $self->token($owner),
		body => { name => $name, title => "The $name", public => $public });
}

sub add
{
	my ($self, $name, $owner, $member) = @_;

	$self->introduce($member);
	$self->must(POST => "/api/chat/rooms/$name/members", token => $self->token($owner), body => { username => $member });
}

sub remove
{
	my ($self, $name, $owner, $member) = @_;

	$self->must(DELETE => "/api/chat/rooms/$name/members", token => $self->token($owner), body => { username => $member });
}

# ---- Clients ----

# A client that is not connected yet; see Chat::Client.
sub client
{
	my ($self, $name, %with) = @_;

	return Chat::Client->new(url => $self->{rig}->url =~ s/^http/ws/r . '/ws', name => $name, token => $self->token($name), %with);
}

# Connected clients of these users.
sub connect
{
	my ($self, @names) = @_;
	my @clients = map { $self->client($_) } @names;

	$_->connect for @clients;
	return wantarray ? @clients : $clients[0];
}

1;
