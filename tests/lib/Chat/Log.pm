# SPDX-License-Identifier: ISC
#
# The log of a stack's chat, without handlers in between: an event is put there, and its place is what comes back. Bears
# that the server is killed: every failure is an exception, after which there is a new connection.
#
#	my $log = Chat::Log->new($rig);
#	my $seq = $log->event('group.x', { from => 'alice', body => 'hi' });

package Chat::Log;

use strict;
use warnings;
use IO::Socket::INET;
use Mojo::JSON qw(decode_json encode_json);
use Time::HiRes qw(sleep time);

use constant PATIENCE => 30;

my $serial = 0;

# The server of this rig's stack.
sub new
{
	my ($class, $rig) = @_;
	my $conf = $rig->read('etc/cuaca.conf');
	my ($address) = $conf =~ m{^nats = nats://(\S+)$}m or die "the stack has no NATS\n";
	my ($token) = $conf =~ /^nats_token = (\S+)$/m;

	return bless { address => $address, token => $token, messages => [] }, $class;
}

# ---- The connection ----

sub connection
{
	my ($self) = @_;

	return $self->{socket} if $self->{socket};
	my $socket = IO::Socket::INET->new(PeerAddr => $self->{address}, Timeout => 5) or die "nats: $!\n";
	$self->{socket} = $socket;
	$self->{rest} = '';
	$self->{inbox} = sprintf '_INBOX.test%d.%x', $$, rand 2**31;
	$self->{subscriptions} = 0;
	$self->line(5);	# INFO
	$self->send('CONNECT ' . encode_json({ auth_token => $self->{token}, verbose => \0, headers => \1, no_responders => \1, name => 'test' })
		. "\r\n");
	$self->subscribe("$self->{inbox}.*");
	return $socket;
}

sub lost
{
	my ($self, $why) = @_;

	delete $self->{socket};
	$self->{messages} = [];
	die "nats: $why\n";
}

sub send
{
	my ($self, $text) = @_;

	local $SIG{PIPE} = 'IGNORE';
	print {$self->{socket}} $text or $self->lost("write: $!");
	$self->{socket}->flush;
}

sub subscribe
{
	my ($self, $subject) = @_;

	$self->connection;
	$self->send("SUB $subject " . ++$self->{subscriptions} . "\r\n");
}

# Have so many bytes to read.
sub fill
{
	my ($self, $enough, $end) = @_;

	while (!$enough->()) {
		my $left = $end - time;
		vec(my $bits = '', fileno $self->{socket}, 1) = 1;
		$self->lost('nothing came in time') if $left <= 0 || !select $bits, undef, undef, $left;
		$self->lost('closed') if !sysread $self->{socket}, $self->{rest}, 65536, length $self->{rest};
	}
}

sub line
{
	my ($self, $seconds) = @_;

	$self->fill(sub { $self->{rest} =~ /\r\n/ }, time + $seconds);
	$self->{rest} =~ s/^(.*?)\r\n//s;
	return $1;
}

sub bytes
{
	my ($self, $n) = @_;

	$self->fill(sub { length $self->{rest} >= $n + 2 }, time + PATIENCE);
	my $data = substr $self->{rest}, 0, $n, '';
	substr($self->{rest}, 0, 2) = '';
	return $data;
}

# ---- Messages ----

# The next one, { subject, data, headers }, that the condition holds for; the others are kept.
sub next
{
	my ($self, $wanted) = @_;

	for my $i (0 .. $#{$self->{messages}}) {
		return splice @{$self->{messages}}, $i, 1 if $wanted->($self->{messages}[$i]);
	}
	while (1) {
		my $message = $self->receive // next;
		return $message if $wanted->($message);
		push @{$self->{messages}}, $message;
	}
}

sub receive
{
	my ($self) = @_;
	my $line = $self->line(PATIENCE);

	if ($line eq 'PING') {
		$self->send("PONG\r\n");
	} elsif ($line =~ /^MSG (\S+) \S+ +(?:\S+ +)?(\d+)$/) {
		return { subject => $1, data => $self->bytes($2), headers => '' };
	} elsif ($line =~ /^HMSG (\S+) \S+ +(?:\S+ +)?(\d+) (\d+)$/) {
		my ($subject, $headers) = ($1, $2);
		my $all = $self->bytes($3);

		return { subject => $subject, headers => substr($all, 0, $headers), data => substr $all, $headers };
	} elsif ($line =~ /^-ERR/) {
		$self->lost($line);
	}
	return;
}

# Publish, and return the answer.
sub request
{
	my ($self, $subject, $data, %headers) = @_;

	$self->connection;
	my $reply = "$self->{inbox}." . ++$serial;
	my $head = %headers ? join('', "NATS/1.0\r\n", (map { "$_: $headers{$_}\r\n" } sort keys %headers), "\r\n") : '';
	my $size = length $data;
	$self->send($head ne ''
		? sprintf("HPUB %s %s %d %d\r\n%s%s\r\n", $subject, $reply, length $head, $size + length $head, $head, $data)
		: "PUB $subject $reply $size\r\n$data\r\n");
	my $message = $self->next(sub { $_[0]{subject} eq $reply });
	die "nats: $subject: nobody answers\n" if $message->{headers} =~ m{^NATS/1.0 503};
	return $message;
}

# Have these bytes stored in the chat's log; their place there.
sub store
{
	my ($self, $room, $data, %headers) = @_;
	my $answer = decode_json($self->request("in.chat.$room", $data, %headers)->{data});

	die "nats: $answer->{error}{description}\n" if $answer->{error};
	return $answer->{seq};
}

# The same for an event; what it lacks is made up.
sub event
{
	my ($self, $room, $event) = @_;
	my %whole = (kind => 'message', from => 'alice', mid => sprintf('m%d-%d', $$, ++$serial), sent_at => int(time * 1000), %$event);

	return $self->store($room, encode_json(\%whole), 'Nats-Msg-Id' => "$whole{from}/$room/$whole{mid}");
}

# The same again and again until it is stored, whatever happens to the server.
sub surely
{
	my ($self, $room, $event) = @_;
	my %whole = (mid => sprintf('s%d-%d', $$, ++$serial), sent_at => int(time * 1000), %$event);
	my $end = time + 2 * PATIENCE;
	my $seq;

	until (defined($seq = eval { $self->event($room, \%whole) })) {
		die $@ if time > $end;
		sleep 0.1;
	}
	return $seq;
}

1;
