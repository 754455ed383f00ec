# SPDX-License-Identifier: ISC
#
# An HTTP client that sends what it is told, byte for byte: a user agent would mend the addresses that the tests
# are about. Answers are Mojo::Message::Response objects.

package Http;

use strict;
use warnings;
use IO::Socket::INET;
use Mojo::Message::Response;

sub new
{
	my ($class, $url, %options) = @_;
	my ($host) = $url =~ m{^http://([^/]+)} or die "$url: not an address";

	return bless { host => $host, from => $options{from} // '127.0.0.1' }, $class;
}

# Ask for a path (with its query), with these headers; a header "body" is the body.
sub ask
{
	my ($self, $method, $path, %headers) = @_;

	return $self->answer($self->send($self->request($method, $path, %headers)), $method);
}

sub get { return shift->ask('GET', @_) }

# Ask for all of these paths before reading an answer.
sub get_at_once
{
	my ($self, @paths) = @_;

	return $self->ask_at_once(map { ['GET', $_] } @paths);
}

# The same, of arrays of what ask() takes.
sub ask_at_once
{
	my ($self, @asked) = @_;
	my @sockets = map { $self->send($self->request(@$_)) } @asked;

	return map { $self->answer($sockets[$_], $asked[$_][0]) } 0 .. $#asked;
}

sub request
{
	my ($self, $method, $path, %headers) = @_;
	my $body = delete $headers{body} // '';

	$headers{'Content-Length'} //= length $body if length $body;
	$headers{Connection} //= 'close';
	return join "\r\n", "$method $path HTTP/1.1", "Host: $self->{host}",
		(map { "$_: $headers{$_}" } sort keys %headers), '', $body;
}

# Open a connection and send these bytes.
sub send
{
	my ($self, $bytes) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => $self->{host}, LocalAddr => $self->{from}, Timeout => 10) or die "$self->{host}: $@";

	local $SIG{PIPE} = 'IGNORE';	# the server may have refused already
	$socket->syswrite($bytes);
	return $socket;
}

# Read the answer until the connection ends.
sub answer
{
	my ($self, $socket, $method) = @_;
	my $res = Mojo::Message::Response->new;

	$res->content->skip_body(1) if $method eq 'HEAD';
	return hear($res, $socket, sub { 0 });
}

# Read the answer to its own end: a connection that has become a WebSocket goes on.
sub answer_alone
{
	my ($self, $socket) = @_;
	my $res = Mojo::Message::Response->new;

	return hear($res, $socket, sub { $res->is_finished });
}

sub hear
{
	my ($res, $socket, $enough) = @_;
	my $bytes;

	local $SIG{ALRM} = sub { die "no answer within 20 s\n" };
	alarm 20;
	$res->parse($bytes) while !$enough->() && $socket->sysread($bytes, 65536);
	alarm 0;
	return $res;
}

1;
