# SPDX-License-Identifier: ISC
#
# A client of the chat that does not give up, as every client should be: it connects again from where it was, and says
# everything until it is acknowledged, under the same mid.

package Chat::Stubborn;

use strict;
use warnings;
use Mojo::IOLoop;
use Time::HiRes qw(time);

use constant SILENCE => 5;	# seconds without an ack until a message is said again

# Errors that another try can help.
my %passing = map { ($_ => 1) } qw(unavailable rate_limited not_joined not_connected);

# A user of this chat, who wants to be in these rooms all the time.
sub new
{
	my ($class, $chat, $name, @rooms) = @_;
	my $self = bless { name => $name, rooms => \@rooms, in => {}, waiting => {}, acked => {}, wrong => [], mids => 0,
		count => { map { ($_ => 0) } qw(connects resends errors duplicates) } }, $class;

	$self->{client} = $chat->client($name, opened => sub { $self->greet }, hear => sub { $self->hear($_[1]) },
		lost => sub { $self->lost });
	$self->start;
	Mojo::IOLoop->recurring(1 => sub { $self->repeat(time - SILENCE) });
	return $self;
}

sub record { return $_[0]{client}->record }
sub rooms { return @{$_[0]{rooms}} }

# All that is acknowledged: mid => the ack. And what should not have happened.
sub acked { return $_[0]{acked} }
sub wrong { return (@{$_[0]{wrong}}, $_[0]->record->wrong) }

# Is there nothing left to say? Are we in all of our rooms?
sub settled { return !%{$_[0]{waiting}} }
sub present { return !grep { !$_[0]{in}{$_} } $_[0]->rooms }

sub say
{
	my ($self, $room, $body) = @_;
	my $mid = "$self->{name}-" . ++$self->{mids};

	$self->{waiting}{$mid} = { type => 'message', id => $mid, mid => $mid, room => $room, body => $body };
	$self->transmit($mid);
}

sub transmit
{
	my ($self, $mid) = @_;
	my $line = $self->{waiting}{$mid} // return;

	return if !$self->{in}{$line->{room}};
	$self->{count}{resends}++ if $self->{sent}{$mid};
	$self->{sent}{$mid} = time;
	$self->{client}->send($line);
}

# Say again what was last said before that moment, in the order of the mids.
sub repeat
{
	my ($self, $before) = @_;
	my %number = map { ($_ => /(\d+)\z/) } keys %{$self->{waiting}};

	for my $mid (sort { $number{$a} <=> $number{$b} } keys %number) {
		$self->transmit($mid) if ($self->{sent}{$mid} // 0) <= $before;
	}
}

# ---- The connection ----

sub start
{
	my ($self) = @_;

	$self->{connection} = ++$self->{count}{connects};
	$self->{client}->start;
}

sub greet
{
	my ($self) = @_;

	$self->{client}->send({ %{$self->{client}->greeting}, id => 'connect' });
}

sub lost
{
	my ($self) = @_;

	$self->{in} = {};
	Mojo::IOLoop->timer(0.1 + rand 0.4 => sub { $self->start });
}

# ---- What the server says ----

sub hear
{
	my ($self, $line) = @_;
	my $on = $self->can("on_$line->{type}");

	$self->$on($line) if $on;
	$self->{client}->forget;
}

sub on_connected
{
	my ($self, $line) = @_;

	$self->{in}{$_->{room}} = 1 for @{$line->{rooms}};
	$self->join($_) for grep { !$self->{in}{$_} } $self->rooms;
	$self->repeat(time);
}

# A room that we were in before will come by itself: it was in "resume".
sub join
{
	my ($self, $room) = @_;

	$self->{client}->send({ type => 'join', id => "join $room", room => $room }) if !defined $self->record->position($room);
}

sub on_joined
{
	my ($self, $line) = @_;

	$self->{in}{$line->{room}} = 1;
	$self->repeat(time);
}

sub on_ack
{
	my ($self, $line) = @_;

	$self->{count}{duplicates}++ if $line->{duplicate};
	delete $self->{waiting}{$line->{id}};
	push @{$self->{wrong}}, "$line->{id}: seq $self->{acked}{$line->{id}}{seq}, then $line->{seq}"
		if $self->{acked}{$line->{id}} && $self->{acked}{$line->{id}}{seq} != $line->{seq};
	$self->{acked}{$line->{id}} = $line;
}

sub on_error
{
	my ($self, $line) = @_;
	my $id = $line->{id} // '';

	$self->{count}{errors}++;
	push @{$self->{wrong}}, "$id: $line->{code}: $line->{message}" if !$passing{$line->{code}};
	my $connection = $self->{connection};
	Mojo::IOLoop->timer(($line->{retry_after_ms} // 500) / 1000 => sub {
		return if $connection != $self->{connection};	# the new one has begun with all of it
		$id =~ /^join (.+)/ ? $self->join($1) : $self->transmit($id);
	});
}

sub on_left { push @{$_[0]{wrong}}, "put out of $_[1]{room}" }

1;
