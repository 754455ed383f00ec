# SPDX-License-Identifier: ISC
#
# A client of a stack's NATS: hears what is published to some subjects, in the order it comes, and publishes.
#
#	my $nats = Nats->new($rig, 'ctl.chat.>');
#	ok($nats->hears(qr/^ctl\.chat\.user\.bob /), 'handlers are told');

package Nats;

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Mojo::JSON qw(encode_json);
use Time::HiRes qw(time);

use constant PATIENCE => 10;	# seconds

sub new
{
	my ($class, $rig, @subjects) = @_;
	my $conf = $rig->read('etc/cuaca.conf');
	my ($address) = $conf =~ m{^nats = nats://(\S+)$}m or die 'no nats in the settings';
	my ($token) = $conf =~ m{^nats_token = (.*)$}m;
	my $socket = IO::Socket::INET->new(PeerAddr => $address, Timeout => 5) or die "$address: $@";
	my $self = bless { socket => $socket, in => '', heard => [] }, $class;
	my $n = 0;

	$socket->syswrite('CONNECT ' . encode_json({ verbose => \0, pedantic => \0, headers => \1, length $token ? (auth_token => $token) : () }) . "\r\n"
		. join('', map { "SUB $_ " . ++$n . "\r\n" } @subjects) . "PING\r\n");
	$self->wait(sub { $self->{ready} }) or die 'NATS does not answer';
	return $self;
}

# Wait for a message that matches, as "subject payload"; takes it, and all before it. Undef where none comes.
sub hears
{
	my ($self, $pattern) = @_;
	my $found;

	$self->wait(sub {
		while (defined(my $message = shift @{$self->{heard}})) {
			return $found = $message if $message =~ $pattern;
		}
		return 0;
	});
	return $found;
}

sub publish
{
	my ($self, $subject, $payload) = @_;

	$self->{socket}->syswrite("PUB $subject " . length($payload) . "\r\n$payload\r\n");
}

# Read until the condition holds. False where it doesn't in time.
sub wait
{
	my ($self, $condition) = @_;
	my $until = time + PATIENCE;
	my $select = IO::Select->new($self->{socket});

	until ($condition->()) {
		return 0 if time > $until;
		next if !$select->can_read(0.5);
		$self->{socket}->sysread($self->{in}, 65536, length $self->{in}) or die 'NATS is gone';
		$self->take;
	}
	return 1;
}

# What is complete of what was read.
sub take
{
	my ($self) = @_;

	while ($self->{in} =~ /\A([^\r\n]*)\r\n/) {
		my ($line, $length) = ($1, $+[0]);

		# "MSG subject sid [reply] size", or "HMSG subject sid [reply] size-of-headers size", headers being before the payload.
		if (my ($with_headers, $subject, $sizes) = $line =~ /\A(H?)MSG (\S+) \S+ (?:[^\d ]\S*)? *((?:\d+ )?\d+)\z/) {
			my ($head, $size) = $with_headers ? split / /, $sizes : (0, $sizes);

			return if length $self->{in} < $length + $size + 2;
			push @{$self->{heard}}, "$subject " . substr $self->{in}, $length + $head, $size - $head;
			$length += $size + 2;
		}
		$self->{ready} = 1 if $line eq 'PONG';
		$self->{socket}->syswrite("PONG\r\n") if $line eq 'PING';
		substr $self->{in}, 0, $length, '';
	}
}

1;
