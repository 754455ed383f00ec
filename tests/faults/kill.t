#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Servers are killed with SIGKILL under load: every request for a city that Redis or the web server's cache holds is
# still answered with 200, and all is well again without a hand.
use strict;
use warnings;
use FindBin qw($RealBin);
use Rig;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { SECONDS => 3, CONNECTIONS => 16 };

my $path = '/api/weather/current?city=jakarta';

# Load for SECONDS, with code run one second into it. Returns requests a second and failed requests.
sub under_load {
	my ($rig, $code) = @_;
	my @wrk = ('wrk', '-t1', '-c' . CONNECTIONS, '-d' . SECONDS . 's', '--timeout', '5s', '-s',
		"$RealBin/../bench/report.lua", $rig->url . $path);

	open my $out, '-|', @wrk or die "wrk: $!";
	sleep 1;
	$code->();
	my ($line) = grep { /^cuaca\t/ } <$out> or die 'wrk printed no figures';
	close $out;
	chomp $line;
	my (undef, $rate, undef, undef, $errors) = split /\t/, $line;
	return ($rate, $errors);
}

sub never_fails {
	my ($name, $rig, $code) = @_;
	my ($rate, $errors) = under_load($rig, $code);

	note "$name: $rate requests/s";
	cmp_ok $rate, '>', 0, "$name: requests are answered";
	is $errors, 0, "$name: none of them failed";
}

# Wait until /api/ready says that all is well.
sub recovers {
	my ($name, $rig) = @_;
	my $until = time + 30;
	my $status = '';

	while (time < $until && $status ne 'ready') {
		$status = ($rig->get('/api/ready')->json // {})->{status} // '';
		sleep 0.2;
	}
	is $status, 'ready', "$name: recovered without a hand";
}

sub kill_workers {
	my ($rig, $signal) = @_;

	for (1 .. 3) {
		my @pids = $rig->pids('weather.fcgi');
		kill $signal => $pids[0] if @pids;
		sleep 0.6;
	}
}

for my $web (qw(nginx lighttpd)) {
	my $rig = Rig->new(web => $web, cache => 'off');
	my %kill = (
		'a worker' => sub { kill_workers($rig, 'KILL') },
		'a worker, politely' => sub { kill_workers($rig, 'TERM') },
		Redis => sub { $rig->kill('redis') },
		PostgreSQL => sub { $rig->kill('postgresql') },
		NATS => sub { $rig->kill('nats') },
	);

	for my $what (sort keys %kill) {
		never_fails("$web, kill $what", $rig, $kill{$what});
		recovers("$web, kill $what", $rig);
	}
	next if $web eq 'lighttpd';

	# The count counts: with nobody left to ask, requests do fail.
	my (undef, $errors) = under_load($rig, sub { $rig->stop($_) for qw(redis postgresql) });
	cmp_ok $errors, '>', 0, 'without Redis and PostgreSQL, uncached requests fail';
	$rig->start($_) for qw(redis postgresql);
	recovers('Redis and PostgreSQL stopped', $rig);

	$rig->up(cache => 'on');
	never_fails('nginx with its cache, everything behind it killed', $rig, sub {
		$rig->kill($_) for qw(redis postgresql);
		kill_workers($rig, 'KILL');
	});
	recovers('everything behind nginx killed', $rig);
}

done_testing;
