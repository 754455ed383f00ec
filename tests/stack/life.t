#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The life of a private stack: up, up again, other settings, each server killed, down, up again; and a second stack
# beside it, from a deep folder with blanks in its name, and a third one that is another web host of the first.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Chat;
use Rig;
use Test::More;
use Time::HiRes qw(sleep time);

my @services = qw(postgresql redis nats weather ops chat websocketd archive web simulator ingest partitions);

# The processes that the services of a stack are.
sub processes { my ($rig) = @_; return map { ($_ => $rig->pid($_)) } @services }

# Those that are other processes now than they were, in order.
sub changed
{
	my ($rig, %before) = @_;
	my %now = processes($rig);

	return join ' ', grep { ($now{$_} // '') ne ($before{$_} // '') } @services;
}

sub eventually
{
	my ($what, $seconds) = @_;

	for (my $end = time + $seconds; time < $end; sleep 0.2) {
		return 1 if $what->();
	}
	return 0;
}

sub ready { my ($rig) = @_; return ($rig->get('/api/ready')->json // {})->{status} // '' }

my $rig = Rig->new;
is(ready($rig), 'ready', 'make up ends with a site that is ready');
is($rig->get('/api/weather/current?city=jakarta')->json->{source}, 'simulator', 'and has weather, from the simulator');
is(join(' ', grep { !defined $rig->pid($_) } @services), '', 'every service runs');

my %before = processes($rig);
my ($status, $out) = $rig->up;
is($status, 0, 'a second make up succeeds');
like($out, qr/nothing has changed/, 'and says that nothing has changed');
is(changed($rig, %before), '', 'and restarted nothing');

($status, $out) = $rig->command('status');
is($status, 0, 'make status succeeds');
like($out, qr/^run: weather:/m, 'and lists the services');

subtest 'other settings restart what they concern' => sub {
	my %expect = (
		'web, its cache off' => [{ cache => 'off' }, 'web'],
		'whoever counts requests, at another rate' => [{ rate_api => 7 }, 'weather ops chat web'],
		'the FastCGI programs and the web server, whose kept connections go by them' => [{ threads => 16 }, 'weather ops chat web'],
		'the ingest, more often' => [{ ingest_interval => 600, ingest_offset => (time - 30) % 600 }, 'weather ops ingest'],
		'tokens that last longer' => [{ token_ttl => 100000 }, 'chat'],
		'another key for tokens' => [{ chat_secret => 'a key of the test, of 32 characters or more' }, 'chat'],
		'talk at another pace, for those that connect from now on' => [{ rate_chat => 50 }, ''],
		'the web server, which waits for the next ping' => [{ ws_ping => 20 }, 'web'],
		'room for fewer connections' => [{ ws_forks => 100 }, 'redis nats websocketd web'],
		'larger batches for the archive' => [{ archive_batch => 600 }, 'archive'],
		'all that keep a log, at another level' => [{ log_level => 'debug' }, 'weather ops chat archive'],
	);

	for my $name (sort keys %expect) {
		my ($settings, $services) = @{$expect{$name}};
		%before = processes($rig);
		($status, $out) = $rig->up(%$settings);
		is($status, 0, $name) or diag $out;
		is(changed($rig, %before), $services, $services ? "restarts $services alone" : 'restarts nothing');
	}
	$rig->up(rate_api => 0);
	%before = processes($rig);
	($status, $out) = $rig->up(web => 'lighttpd');
	is($status, 0, 'lighttpd takes over from nginx') or diag $out;
	is(changed($rig, %before), 'web', 'alone');
	like($rig->get('/')->headers->server, qr/lighttpd/, 'and answers');
	($status, $out) = $rig->up(web => 'nginx');
	like($rig->get('/')->headers->server, qr/nginx/, 'and nginx from lighttpd');
	($status, $out) = $rig->up(threads => 'many');
	is($status, 102, 'settings that cannot be are refused');
	like($out, qr/threads/, 'by name');
	is(ready($rig), 'ready', 'and the stack goes on');
	$rig->up(threads => 64);
};

for my $service (qw(web weather ops chat websocketd archive redis nats simulator postgresql)) {
	my $pid = $rig->pid($service);

	ok($rig->kill($service), "kill -9 of $service");
	ok(eventually(sub { my $p = $rig->pid($service); defined $p && $p != $pid && ready($rig) eq 'ready' }, 20),
		'is made good by the supervisor') or diag $rig->get('/api/ready')->body;
}

my ($worker) = $rig->pids('weather.fcgi');
kill KILL => $worker;
ok(eventually(sub { my @p = $rig->pids('weather.fcgi'); @p == 2 && !grep { $_ == $worker } @p }, 20), 'a killed worker is replaced');

subtest 'two at once' => sub {
	my $deep = tempdir('cuaca-deep-XXXXXX', TMPDIR => 1, CLEANUP => 1) . '/with blanks' . '/and-a-long-name' x 8;
	make_path($deep);
	my $other = Rig->new(folder => $deep, web => 'lighttpd');

	cmp_ok(length "$deep/run/.s.PGSQL.5432", '>', 107, 'the second one is in too deep a folder for sockets');
	is(ready($other), 'ready', 'it is ready all the same');
	is(ready($rig), 'ready', 'and so is the first one');
	my $run = $other->run_folder;
	is((stat $run)[2] & 07777, 0700, 'its sockets are in a folder for its owner alone');
	($status, $out) = $rig->up(http_port => $other->{settings}{http_port});
	is($status, 111, 'one does not take the port of the other');
	like($out, qr/port \d+ of 127\.0\.0\.1 is taken/, 'and says so plainly');
	$rig->{settings}{http_port} = $rig->old_port;
	is(ready($rig), 'ready', 'and goes on as it was');
	ends_clean($other);
	ok(!-e $run, 'the folder of its sockets is gone');
	is(ready($rig), 'ready', 'the first one runs on');
};

subtest 'a second web host' => sub {
	my $second = Rig->new(beside => $rig, web => 'lighttpd');

	is(join(' ', grep { defined $second->pid($_) } @services), 'weather ops chat websocketd web',
		'one that is told where the servers are has none, and no ingest and no archive');
	is(ready($second), 'ready', 'it is ready');
	is($second->get('/api/weather/current?city=jakarta')->body, $rig->get('/api/weather/current?city=jakarta')->body,
		'and has the weather of the first');
	my ($alice) = Chat->new($rig)->connect('alice');
	my ($bob) = Chat->new($second)->connect('bob');
	$alice->say('private.bob', 'over there?');
	ok($bob->expect({ type => 'message', room => 'private.alice.bob', body => 'over there?' }), 'and its people talk');
	($status, $out) = $second->up;
	like($out, qr/nothing has changed/, 'a second make up changes nothing');
	($status, $out) = $second->down;
	is($status, 0, 'it ends') or diag $out;
	is(ready($rig), 'ready', 'and the first one runs on');
};

my $rows = $rig->sql('SELECT count(*) FROM weather_data');
ends_clean($rig);
($status, $out) = $rig->up;
is($status, 0, 'make up after make down') or diag $out;
cmp_ok($rig->sql('SELECT count(*) FROM weather_data'), '>=', $rows, 'finds the data again');

subtest 'a machine that was switched off' => sub {
	my $supervisor = $rig->read('etc/supervisor.pid') + 0;
	my @all = everything($rig);

	kill KILL => $supervisor, @all;
	ok(eventually(sub { !grep { kill 0 => $_ } @all }, 10), 'everything is killed at once');
	($status, $out) = $rig->up;
	is($status, 0, 'make up after that') or diag $out;
	is(ready($rig), 'ready', 'is ready');
};

subtest 'a supervisor that was killed alone' => sub {
	kill KILL => $rig->read('etc/supervisor.pid') + 0;
	($status, $out) = $rig->up;
	is($status, 0, 'make up after that') or diag $out;
	is(ready($rig), 'ready', 'is ready');
	ends_clean($rig);
};

# Every process below the supervisor, by the parents in /proc.
sub everything
{
	my ($rig) = @_;
	my %ours = ($rig->read('etc/supervisor.pid') + 0 => 1);
	my %parent;

	for my $file (glob '/proc/[0-9]*/stat') {
		open my $in, '<', $file or next;
		$parent{$1} = $2 if (<$in> // '') =~ /^(\d+) \(.*\) \S+ (\d+)/;
	}
	for (my $more = 1; $more;) {
		$more = 0;
		for (grep { !$ours{$_} && $ours{$parent{$_}} } keys %parent) {
			$ours{$_} = $more = 1;
		}
	}
	return keys %ours;
}

sub ends_clean
{
	my ($rig) = @_;
	my @all = everything($rig);
	my $run = $rig->run_folder;

	cmp_ok(scalar @all, '>', 20, 'the stack has many processes');
	my ($status, $out) = $rig->down;
	is($status, 0, 'make down succeeds') or diag $out;
	is(join(' ', grep { kill 0 => $_ } @all), '', 'and leaves none of them');
	ok(!-e $run, 'and no socket');
	is($rig->get('/')->code, 0, 'and nobody answers');
}

done_testing;
