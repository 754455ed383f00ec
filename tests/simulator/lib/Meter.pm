# SPDX-License-Identifier: ISC
#
# What has been asked and what it cost: the figures of /_sim/stats, Open-Meteo's
# quota in its fixed clock windows, and its one-request-at-a-time rule.
package Meter;
use strict;
use warnings;

use constant QUEUE_MAX => 5;

my @WINDOWS = (['minutely', 60, 600], ['hourly', 3600, 5000], ['daily', 86400, 10_000]);

# options: quota, serial (true or false)
sub new {
	my ($class, %options) = @_;
	my $self = bless { %options, running => 0, queue => [], used => {} }, $class;

	$self->clear;
	return $self;
}

sub clear {
	my ($self) = @_;

	$self->{stats} = { requests => 0, places => 0, weight => 0, by_status => {}, max_concurrent => 0,
	    elsewhere => 0, last_path => undef, last_method => undef, last_query => {} };
}

sub stats { return $_[0]{stats} }

# Run $do now or when those before it are finished. False when the queue is full.
sub enter {
	my ($self, $do) = @_;

	if ($self->{serial} && $self->{running} > 0) {
		return 0 if @{$self->{queue}} >= QUEUE_MAX;
		push @{$self->{queue}}, $do;
		return 1;
	}
	my $running = ++$self->{running};
	$self->{stats}{max_concurrent} = $running if $running > $self->{stats}{max_concurrent};
	$do->();
	return 1;
}

# A request has ended: let the next one in.
sub leave {
	my ($self) = @_;

	$self->{running}--;
	$self->enter(shift @{$self->{queue}}) if @{$self->{queue}} && !$self->{running};
}

sub asked {
	my ($self, $method, $path, $params) = @_;
	my $stats = $self->{stats};

	$stats->{requests}++;
	@$stats{qw(last_method last_path last_query)} = ($method, $path, $params);
}

sub answered {
	my ($self, $status) = @_;

	$self->{stats}{by_status}{$status}++;
}

# The name of the window that is full now ('minutely', ...), or undef.
sub full_window {
	my ($self, $now) = @_;

	return undef if !$self->{quota};
	for (@WINDOWS) {
		my ($name, $seconds, $limit) = @$_;
		my $used = $self->{used}{$name};

		return $name if $used && $used->[0] == int($now / $seconds) && $used->[1] >= $limit;
	}
	return undef;
}

sub charge {
	my ($self, $now, $places, $weight) = @_;

	$self->{stats}{places} += $places;
	$self->{stats}{weight} += $weight;
	for (@WINDOWS) {
		my ($name, $seconds) = @$_;
		my $window = int($now / $seconds);
		my $used = $self->{used}{$name} //= [$window, 0];

		@$used = ($window, 0) if $used->[0] != $window;
		$used->[1] += $weight;
	}
}

1;
