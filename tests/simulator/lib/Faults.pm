# SPDX-License-Identifier: ISC
#
# What can be wrong with an answer, on demand. Faults wait in a list; a request
# takes the first that matches it and has some left. Each is one row of a table:
# the step at which it strikes, and what it does there.
#
#   reply   instead of reading the request: returns { status, body, type?, headers? }
#   answer  alters the answer before it is written (see Shape)
#   body    alters the JSON text
#   wire    names a way of sending (see Wire)
package Faults;
use strict;
use warnings;
use Exporter 'import';
use Time::Local qw(timegm_modern);
use Shape qw(error_text);

our @EXPORT_OK = qw(fault_add fault_clear fault_list fault_take fault_step fault_apply
    fault_names error_reply %LIMIT_REASON);

use constant DAY => 86400;

my $TIMEOUT = 'Unexpected error while streaming data: timeoutReached';

our %LIMIT_REASON = (
	minutely => 'Minutely API request limit exceeded. Please try again in one minute.',
	hourly => 'Hourly API request limit exceeded. Please try again in the next hour.',
	daily => 'Daily API request limit exceeded. Please try again tomorrow.',
	concurrent => 'Too many concurrent requests',
);

my %FAULT = (
	(map {
		my $reason = $LIMIT_REASON{$_};
		"429_$_" => [reply => sub { error_reply(429, $reason, $_[0]{order}) }];
	} keys %LIMIT_REASON),
	400 => [reply => sub { error_reply(400, "Data corrupted at path ''. Cannot initialize"
	    . ' ForecastVariableDaily from invalid String value fault.', $_[0]{order}) }],
	500 => [reply => sub { error_reply(500, 'Something went wrong.', $_[0]{order}) }],
	502 => [reply => sub { { status => 502, type => 'text/html', body => "<html>\r\n<head><title>502 Bad"
	    . " Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>\r\n" } }],
	503 => [reply => sub { error_reply(503, 'The service is overloaded', $_[0]{order}) }],
	redirect => [reply => sub { { status => 302, body => '', headers => { Location => '/_sim/elsewhere' } } }],
	error200 => [reply => sub { error_reply(200, 'Something went wrong.', $_[0]{order}) }],
	empty200 => [reply => sub { { status => 200, body => '' } }],
	text200 => [reply => sub { { status => 200, body => $TIMEOUT } }],
	deep => [reply => sub { { status => 200, body => '[' x 100_000 . ']' x 100_000 } }],
	bad_deflate => [reply => sub { { status => 200, body => "\x78\x9c" . "\xff\x00\xaa" x 500,
	    headers => { 'Content-Encoding' => 'deflate' } } }],

	wrong_count => [answer => sub { pop @{$_[0]{places}}; $_[0]{many} = 1 }],
	object_for_many => [answer => sub { $_[0] = { many => 0, places => [$_[0]{places}[0]] } }],
	array_for_one => [answer => sub { $_[0]{many} = 1 }],
	swapped => [answer => sub { @{$_[0]{places}} = reverse @{$_[0]{places}} }],
	moved => [answer => each_place(sub { $_[0]{head}[0][1] = $_[0]{head}[0][1] > 0 ? '-45.0' : '45.0' })],
	missing_block => [answer => each_place(sub { shift @{$_[0]{blocks}} })],
	missing_value => [answer => each_place(sub { splice @{$_[0]{blocks}[0]{columns}}, -1 })],
	null_values => [answer => each_place(sub { fill($_, 'null') for columns($_[0]) })],
	some_null => [answer => each_place(sub { fill((columns($_[0]))[0], 'null') })],
	nan => [answer => each_place(sub { fill((columns($_[0]))[0], 'nan') })],
	text_value => [answer => each_place(sub { fill((columns($_[0]))[0], '"warm"') })],
	wrong_unit => [answer => each_place(sub { (columns($_[0]))[0][1] = 'furlong' })],
	out_of_range => [answer => each_place(sub { fill((columns($_[0]))[0], $_[1]{value} // '999.0') })],
	unknown_code => [answer => each_place(sub {
		my ($place, $fault, $i) = @_;
		fill($_, $fault->{value} // ($i % 2 ? 142 : 97)) for grep { $_->[0] eq 'weather_code' } columns($place);
	})],
	short_series => [answer => each_place(sub { pop @$_ for grep { ref } (columns($_[0]))[0][2] })],
	old_time => [answer => each_place(sub { shift_time($_[0], $_[1]{value} // -3 * DAY) })],
	future_time => [answer => each_place(sub { shift_time($_[0], $_[1]{value} // 3 * DAY) })],
	other_zone => [answer => each_place(sub { other_zone($_[0], $_[1]{value} // 3600) })],

	not_object => [body => sub { $_[0] = $_[0] =~ /\A\[/ ? '[' . join(',', (1) x $_[1]) . ']' : '42' }],
	truncated => [body => sub { $_[0] = substr $_[0], 0, length($_[0]) / 2 }],
	tail200 => [body => sub { $_[0] = substr($_[0], 0, length($_[0]) / 2) . $TIMEOUT }],
	trailing => [body => sub { $_[0] .= $TIMEOUT }],

	map { $_ => ['wire'] } qw(slow stall drip cut reset huge),
);

my $errors = 0;

# An error as a reply. The real server's encoder has no fixed key order, so they take turns unless
# $order ('error' or 'reason', the key to come first) says.
sub error_reply {
	my ($status, $reason, $order) = @_;

	$order //= $errors++ % 2 ? 'reason' : 'error';
	return { status => $status, body => error_text($reason, $order eq 'reason') };
}

# A fault that does the same to each place, or to the one it names.
sub each_place {
	my ($do) = @_;

	return sub {
		my ($answer, $fault) = @_;
		my $places = $answer->{places};

		for my $i (defined $fault->{place} ? $fault->{place} : 0 .. $#$places) {
			$do->($places->[$i], $fault, $i) if $i <= $#$places;
		}
	};
}

# A place's columns that hold weather.
sub columns {
	my ($place) = @_;

	return grep { $_->[0] ne 'time' && $_->[0] ne 'interval' } map { @{$_->{columns}} } @{$place->{blocks}};
}

sub fill {
	my ($column, $text) = @_;

	$column->[2] = ref $column->[2] ? [($text) x @{$column->[2]}] : $text;
}

# Move the times of the first block, `current` when there is one.
sub shift_time {
	my ($place, $seconds) = @_;
	my $time = $place->{blocks}[0]{columns}[0];

	$_ = moved_time($_, $seconds) for ref $time->[2] ? @{$time->[2]} : $time->[2];
}

# As in a zone that is ahead of the place's: all days begin earlier. Places share columns of time, so these are new.
sub other_zone {
	my ($place, $seconds) = @_;

	for (@{$place->{blocks}}) {
		my $time = $_->{columns}[0];

		$_->{columns}[0] = [@$time[0, 1], ref $time->[2] ? [map { moved_time($_, -$seconds) } @{$time->[2]}]
		    : moved_time($time->[2], -$seconds)];
	}
	$_->[1] += $seconds for grep { $_->[0] eq 'utc_offset_seconds' } @{$place->{head}};
}

sub moved_time {
	my ($text, $seconds) = @_;

	return $text + $seconds if $text =~ /\A\d+\z/;
	my ($y, $mo, $d, $h, $mi) = $text =~ /(\d+)-(\d+)-(\d+)(?:T(\d+):(\d+))?/;
	my @u = gmtime(timegm_modern(0, $mi // 0, $h // 0, $d, $mo - 1, $y) + $seconds);
	my $date = sprintf '%04d-%02d-%02d', $u[5] + 1900, $u[4] + 1, $u[3];
	return defined $h ? sprintf('"%sT%02d:%02d"', $date, @u[2, 1]) : qq("$date");
}

my @waiting;

# Take a fault into the list. Returns what is wrong with it, or undef.
sub fault_add {
	my ($fault) = @_;
	my %number = (count => 1, delay_ms => 0, place => 0);

	return 'no such fault; there are: ' . join(' ', fault_names()) if !$FAULT{$fault->{fault} // ''};
	for my $key (sort keys %number) {
		next if !defined $fault->{$key};
		return "$key must be a whole number, $number{$key} or more"
		    if $fault->{$key} !~ /\A\d{1,9}\z/ || $fault->{$key} < $number{$key};
	}
	return 'order must be error or reason' if ($fault->{order} // 'error') !~ /\A(?:error|reason)\z/;
	push @waiting, { map { $_ => $fault->{$_} } qw(fault count delay_ms place match value order) };
	return undef;
}

sub fault_clear { @waiting = () }
sub fault_list { return \@waiting }
sub fault_names { return sort keys %FAULT }

# The fault for a request of which $text is path?query, or undef.
sub fault_take {
	my ($text) = @_;

	for my $i (0 .. $#waiting) {
		my $fault = $waiting[$i];

		next if defined $fault->{match} && index($text, $fault->{match}) < 0;
		splice @waiting, $i, 1 if defined $fault->{count} && --$fault->{count} == 0;
		return $fault;
	}
	return undef;
}

# The step at which a fault strikes; '' for no fault.
sub fault_step { return $_[0] ? $FAULT{$_[0]{fault}}[0] : '' }

# Do what the fault does: its arguments are those of its step, and may be altered in place.
sub fault_apply {
	my $fault = shift;

	return $FAULT{$fault->{fault}}[1]->(@_);
}

1;
