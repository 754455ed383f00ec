# SPDX-License-Identifier: ISC
#
# A client of the chat. It answers pings, keeps a record of what it got in every room (Chat::Record) and connects
# again from there. Lines that answer a request go to who asked; the others wait for expect().
#
# Where something has to happen and doesn't, methods die with what came instead.

package Chat::Client;

use strict;
use warnings;
use Chat::Record;
use Mojo::IOLoop;
use Mojo::JSON qw(decode_json encode_json);
use Mojo::UserAgent;

use constant PATIENCE => 20;

# "url" of the WebSocket, "name", "token"; "pong" 0: pings are not answered; "headers" of the handshake; "socket",
# options of IO::Socket::IP; and what is called when a connection is "opened" or "lost", or to "hear" a line.
sub new
{
	my ($class, %with) = @_;

	return bless { pong => 1, headers => {}, socket => {}, record => Chat::Record->new, id => 0, lines => [], replies => {}, %with }, $class;
}

sub name { return $_[0]{name} }
sub record { return $_[0]{record} }

# ---- The connection ----

# Begin a handshake; {open} is then true, or {refused} the status of who refused it.
sub start
{
	my ($self) = @_;
	my $ua = $self->{ua} = Mojo::UserAgent->new(connect_timeout => PATIENCE, inactivity_timeout => 0);

	$ua->socket_options($self->{socket});
	delete @$self{qw(open refused bye gone)};
	$ua->websocket($self->{url} => $self->{headers} => sub {
		my (undef, $tx) = @_;

		if (!$tx->is_websocket) {
			$self->{refused} = $tx->res->code || 'no answer';
			return $self->ended;
		}
		$self->{tx} = $tx;
		$self->{open} = 1;
		$tx->on(text => sub { $self->take($_[1]) });
		$tx->on(finish => sub { $self->ended });
		$self->{opened}->($self) if $self->{opened};
	});
}

sub ended
{
	my ($self) = @_;

	delete @$self{qw(tx open)};
	$self->{gone} = 1;
	$self->{lost}->($self) if $self->{lost};
}

sub open
{
	my ($self) = @_;

	$self->start;
	Chat::until_true(PATIENCE, sub { $self->{open} || $self->{gone} });
	return $self->{open};
}

# The line that says who we are, and from where on we lack messages.
sub greeting
{
	my ($self, %with) = @_;
	my $resume = $self->record->resume;

	return { type => 'connect', token => $self->{token}, (@$resume ? (resume => $resume) : ()), %with };
}

# Open and say who we are; the server's "connected".
sub connect
{
	my ($self, %with) = @_;

	$self->open or die "$self->{name}: the handshake was refused: $self->{refused}\n";
	my $reply = $self->ask($self->greeting(%with));
	die "$self->{name}: not connected: " . show($reply) . "\n" if $reply->{type} ne 'connected';
	return $reply;
}

# Say goodbye, or just be gone.
sub close
{
	my ($self) = @_;

	$self->{tx}->finish if $self->{tx};
	$self->await_end;
}

sub drop
{
	my ($self) = @_;

	Mojo::IOLoop->stream($self->{tx}->connection)->close if $self->{tx};
	$self->await_end;
}

# Stop reading: what the server sends stays in the socket. thaw() reads on, if there is still something to read.
sub freeze { Mojo::IOLoop->stream($_[0]{tx}->connection)->stop }
sub thaw { Mojo::IOLoop->stream($_[0]{tx}->connection)->start if $_[0]{tx} }

# Wait until the server has ended the connection; its "bye".
sub await_end
{
	my ($self, $seconds) = @_;

	Chat::until_true($seconds // PATIENCE, sub { $self->{gone} }) or die "$self->{name}: the connection does not end\n";
	return $self->{bye};
}

# ---- Lines ----

sub take
{
	my ($self, $bytes) = @_;
	my $line = eval { decode_json($bytes) } // die "$self->{name}: not a line of JSON: $bytes\n";

	if ($line->{type} eq 'ping') {
		$self->record->tops($line->{tops});
		$self->send({ type => 'pong' }) if $self->{pong};
	}
	$self->{bye} = $line if $line->{type} eq 'bye';
	$self->record->take($line);
	$self->{hear}->($self, $line) if $self->{hear};
	if (defined $line->{id} && exists $self->{replies}{$line->{id}}) {
		$self->{replies}{$line->{id}} = $line;
	} else {
		push @{$self->{lines}}, $line;
	}
}

sub send
{
	my ($self, $line) = @_;

	$self->send_text(encode_json($line));
}

# One text frame with these bytes.
sub send_text
{
	my ($self, $bytes) = @_;

	$self->{tx}->send([1, 0, 0, 0, 1, $bytes]) if $self->{tx};
}

# One frame of this opcode, or these very bytes instead of one.
sub send_frame { $_[0]{tx}->send([1, 0, 0, 0, $_[1], $_[2]]) }
sub send_bytes { Mojo::IOLoop->stream($_[0]{tx}->connection)->write($_[1]) }

# Send a line and wait for its reply, whatever that says; a "bye" instead of one counts as the reply.
sub ask
{
	my ($self, $line, $seconds) = @_;
	my $id = $line->{id} // ++$self->{id};

	$self->{replies}{$id} = undef;
	$self->send({ %$line, id => $id });
	my $reply = Chat::until_true($seconds // PATIENCE, sub { $self->{replies}{$id} // ($self->{gone} && ($self->{bye} // { type => 'gone' })) })
		or die "$self->{name}: no reply to " . show($line) . "\n";
	delete $self->{replies}{$id};
	return $reply;
}

# Say something; the ack, or what came instead.
sub say
{
	my ($self, $room, $body, %with) = @_;

	return $self->ask({ type => 'message', room => $room, body => "$body", %with });
}

# Join a room, from a position on if one is given; the reply.
sub join
{
	my ($self, $room, $after) = @_;

	$self->record->start_at($room, $after) if defined $after;
	return $self->ask({ type => 'join', room => $room, (defined $after ? (after => $after) : ()) });
}

# Wait for the first line that is like this and hasn't been waited for yet, and take it out.
sub expect
{
	my ($self, $like, $seconds) = @_;
	my $at;
	my $there = sub { return defined($at = $self->find($like)) || $self->{gone} };

	Chat::until_true($seconds // PATIENCE, $there);
	return splice @{$self->{lines}}, $at, 1 if defined $at;
	die "$self->{name}: nothing like " . show($like) . ($self->{gone} ? ' before the end' : '') . "; there is:\n"
		. CORE::join '', map { '  ' . show($_) . "\n" } @{$self->{lines}};
}

# How many lines like this have come and were not expected. Only what came before something else that was waited for
# can be known not to come.
sub seen
{
	my ($self, $like) = @_;

	return scalar grep { like($_, $like) } @{$self->{lines}};
}

sub forget { $_[0]{lines} = [] }

sub find
{
	my ($self, $like) = @_;

	for my $i (0 .. $#{$self->{lines}}) {
		return $i if like($self->{lines}[$i], $like);
	}
	return undef;
}

# Does the line have all these members? A value may be a pattern.
sub like
{
	my ($line, $like) = @_;

	for my $key (keys %$like) {
		my ($is, $wanted) = ($line->{$key}, $like->{$key});
		return 0 if !defined $is || (ref $wanted eq 'Regexp' ? $is !~ $wanted : $is ne $wanted);
	}
	return 1;
}

sub show
{
	my ($line) = @_;
	my $text = encode_json({ map { ($_ => ref $line->{$_} eq 'Regexp' ? "$line->{$_}" : $line->{$_}) } keys %$line });

	return length $text > 300 ? substr($text, 0, 300) . '...' : $text;
}

1;
