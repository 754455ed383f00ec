# SPDX-License-Identifier: ISC
#
# How a reply goes out over a Mojolicious transaction: whole and compressed when
# the client likes that, or in one of the ways a network spoils it.
package Wire;
use strict;
use warnings;
use feature 'current_sub';
use Compress::Zlib ();
use Exporter 'import';
use Mojo::IOLoop;
use Socket qw(SOL_SOCKET SO_LINGER);

our @EXPORT_OK = qw(wire_send);

use constant { HUGE => 64 * 1024 * 1024, PIECE => 64 * 1024 };

my %WAY = (stall => \&stall, drip => \&drip, cut => \&cut, reset => \&reset_connection, huge => \&huge);

# Send { status, body, type?, headers? }, spoiled by the fault if it is one of the wire.
sub wire_send {
	my ($c, $reply, $fault) = @_;
	my $way = $WAY{$fault ? $fault->{fault} : ''} // \&whole;

	$c->res->code($reply->{status});
	$c->res->headers->content_type($reply->{type} // 'application/json; charset=utf-8');
	$c->res->headers->header($_ => $reply->{headers}{$_}) for keys %{$reply->{headers} // {}};
	$way->($c, $reply->{body}, $fault);
}

sub whole {
	my ($c, $body) = @_;
	my $headers = $c->res->headers;
	my $accepted = $c->req->headers->accept_encoding // '';

	# Deflate first, as the real server does.
	if (length $body && !$headers->content_encoding && $accepted =~ /\b(deflate|gzip)\b/) {
		my $how = $accepted =~ /\bdeflate\b/ ? 'deflate' : 'gzip';

		$headers->content_encoding($how);
		$body = $how eq 'gzip' ? Compress::Zlib::memGzip($body) : Compress::Zlib::compress($body);
	}
	$c->render(data => $body);
}

# Never answer. The connection stays until the client has had enough.
sub stall {
	my ($c) = @_;

	Mojo::IOLoop->stream($c->tx->connection)->timeout(0);
}

# A piece every delay_ms (100 by default), forty pieces in all.
sub drip {
	my ($c, $body, $fault) = @_;
	my $size = int(length($body) / 40) + 1;
	my $tx = $c->tx;	# the controller's own reference is weak

	$c->res->headers->content_length(length $body);
	my $step = sub {
		my $piece = substr $body, 0, $size, '';

		return if $tx->is_finished;
		$c->write($piece);
		Mojo::IOLoop->timer(($fault->{delay_ms} || 100) / 1000 => __SUB__) if length $body;
	};
	$step->();
}

# Close a connection, but not under the feet of the server code that calls us.
sub close_soon {
	my ($stream) = @_;

	Mojo::IOLoop->next_tick(sub { $stream->close_gracefully });
}

# Promise more than is sent, then close.
sub cut {
	my ($c, $body) = @_;
	my $stream = Mojo::IOLoop->stream($c->tx->connection);

	$c->res->headers->content_length(length($body) + 1000);
	$c->write($body => sub { close_soon($stream) });
}

# RST before any answer: that is what closing with a linger time of zero does.
sub reset_connection {
	my ($c) = @_;
	my $stream = Mojo::IOLoop->stream($c->tx->connection);

	setsockopt $stream->handle, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) or die "setsockopt: $!\n";
	close_soon($stream);
}

# JSON that begins well and goes on for 64 MiB.
sub huge {
	my ($c) = @_;
	my $left = HUGE;
	my $tx = $c->tx;

	my $more = sub {
		my $size = $left < PIECE ? $left : PIECE;

		return if $tx->is_finished;
		return $c->write_chunk('') if $size == 0;
		$c->write_chunk(($left == HUGE ? '[0' : ',0') . ',0' x ($size / 2 - 1) => __SUB__);
		$left -= $size;
	};
	$more->();
}

1;
