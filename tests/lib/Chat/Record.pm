# SPDX-License-Identifier: ISC
#
# What a client got of every room, and what was wrong with it: a message twice, out of order, or missing according to
# "prev" of the next one, to the tops of a ping, or to the server's own words. It lives longer than a connection:
# resume() tells the next one where to go on. The pseudo-room "private" stands for all private conversations at once.

package Chat::Record;

use strict;
use warnings;

sub new
{
	my ($class) = @_;

	return bless { epoch => undef, at => {}, got => {}, wrong => [] }, $class;
}

# Everything that was wrong, in words; the lines of a room in the order they came; how far we are there.
sub wrong { return @{$_[0]{wrong}} }
sub got { return @{$_[0]{got}{$_[1]} // []} }
sub position { return $_[0]{at}{$_[1]} }

# How far we are, room by room, as "connect" wants it.
sub resume
{
	my ($self) = @_;

	return [map { { room => $_, epoch => $self->{epoch}, seq => $self->{at}{$_} } } sort keys %{$self->{told}}];
}

# Look at a line from the server.
sub take
{
	my ($self, $line) = @_;

	if ($line->{type} eq 'connected') {
		$self->begin($_, $line->{epoch}) for @{$line->{rooms}};
	} elsif ($line->{type} eq 'joined') {
		$self->begin($line, $line->{epoch});
	} elsif ($line->{type} eq 'left') {
		delete $self->{$_}{$line->{room}} for qw(told at last);
	} elsif (defined $line->{prev}) {
		$self->message($line);
	}
}

# A room begins, or goes on where we were: what was missed comes next.
sub begin
{
	my ($self, $room, $epoch) = @_;
	my $name = $room->{room};
	my $known = $self->{told}{$name} && ($self->{epoch} // $epoch) eq $epoch;

	$self->{epoch} = $epoch;
	push @{$self->{wrong}}, "$name: what came after $self->{at}{$name} is not recovered, on with $room->{last_seq}"
		if $self->{told}{$name} && !$room->{recovered};
	$self->{told}{$name} = 1;
	return if $known && $room->{recovered};
	$self->{at}{$name} = $room->{last_seq};
	delete $self->{last}{$name};
}

sub message
{
	my ($self, $line) = @_;
	my ($room, $seq, $prev) = @$line{qw(room seq prev)};
	my ($at, $last) = ($self->{at}{$room} // 0, $self->{last}{$room});

	push @{$self->{got}{$room}}, $line;
	if ($seq <= $at) {
		push @{$self->{wrong}}, "$room: $seq came after $at";
		return;
	}
	push @{$self->{wrong}}, "$room: $seq came after $at, but before it was $prev" if defined $last ? $prev != $last : $room !~ /^private\./ && $prev > $at;
	$self->{at}{$room} = $self->{last}{$room} = $seq;
	$self->{at}{private} = $seq if $room =~ /^private\./ && $seq > ($self->{at}{private} // 0);
}

# From here on we want this room: as if we had been there.
sub start_at
{
	my ($self, $room, $seq) = @_;

	$self->{told}{$room} = 1;
	$self->{at}{$room} = $seq;
}

# What the server believes to have sent, as its ping says. That of "private" runs ahead of the last message.
sub tops
{
	my ($self, $tops) = @_;

	for my $room (keys %$tops) {
		my $at = $self->{at}{$room} // next;
		if ($room eq 'private') {
			$self->{at}{private} = $tops->{private};
			next;
		}
		push @{$self->{wrong}}, "$room: the top is $tops->{$room}, but we are at $at" if $tops->{$room} > $at;
	}
}

1;
