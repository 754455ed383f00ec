# SPDX-License-Identifier: ISC
#
# A private stack to test against: everything that "make up" starts, in a folder of its own, on free ports, with the
# simulator as upstream. It ends with the test; if that failed, it shows its logs first. With CUACA_TEST_VAR the
# stack lives in that folder instead, and goes on after the test, for the next one.
#
#	my $rig = Rig->new(web => 'lighttpd', cache => 'off');	# any settings of etc/cuaca.conf
#	$rig->get('/api/health')->json;
#
# Unless the test says so, no address is limited, a slow Redis is waited for, and the ingest on schedule does not come
# between: it is due in a quarter of an hour less some seconds. A second web host uses the PostgreSQL, Redis and NATS
# of the first:
#
#	my $second = Rig->new(beside => $rig, web => 'lighttpd');

package Rig;

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Mojo::UserAgent;
use POSIX ();
use Test::More ();

our $ROOT = abs_path(dirname(__FILE__) . '/../..');
our $BUILD = $ENV{CUACA_BUILD} // 'build';
$BUILD = "$ROOT/$BUILD" if $BUILD !~ m{^/};

my @open;
my $owner = $$;
END { if ($$ == $owner) { local $?; $_->end for splice @open } }
$SIG{INT} = $SIG{TERM} = sub { exit 1 };	# so that END runs

# "root" is another copy of the project to start from, "folder" where the stack is to live, "as" the command that
# goes before every command, to run it as somebody else.
sub new
{
	my ($class, %settings) = @_;
	my $first = delete $settings{beside};
	my $self = bless { root => delete $settings{root} // $ROOT, folder => delete $settings{folder} // $ENV{CUACA_TEST_VAR},
		as => delete $settings{as} // [] }, $class;

	$self->{keep} = defined $ENV{CUACA_TEST_VAR};
	$self->{folder} //= $self->{temporary} = tempdir('cuaca-rig-XXXXXX', TMPDIR => 1);
	$self->{settings} = { http_port => $self->{keep} && $self->old_port || free_port(), open_meteo_url => 'simulator',
		rate_api => 0, rate_ws => 0, ws_per_address => 0, redis_timeout => 2000, ingest_offset => (time - 30) % 900, $first ? $first->servers : (), %settings,
		var => $self->{folder} };
	push @open, $self;
	my ($status, $out) = $self->up;
	die "the stack did not start:\n$out" if $status != 0;
	return $self;
}

# The settings by which another stack uses the servers of this one and believes its tokens.
sub servers
{
	my ($self) = @_;
	my %own = $self->read('etc/cuaca.conf') =~ /^(\w+) = (.*)$/mg;

	return map { ($_ => $own{$_}) } qw(postgresql redis nats nats_token chat_secret source open_meteo_url ingest_offset);
}

sub free_port
{
	return IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport;
}

sub old_port
{
	my ($self) = @_;

	open my $in, '<', "$self->{folder}/etc/web.port" or return;
	chomp(my $port = <$in>);
	return $port;
}

# Run a command of etc/stack with the settings of this stack and, of ours, only what a build needs. Returns its exit
# status and all it said.
sub command
{
	my ($self, $name, @arguments) = @_;
	my $settings = $self->{settings};
	local %ENV = map { ($_ => $ENV{$_}) } grep { !/^CUACA_/ || $_ eq 'CUACA_BUILD' } keys %ENV;

	$ENV{'CUACA_' . uc} = $settings->{$_} for keys %$settings;
	my $pid = open my $out, '-|';
	die "fork: $!" if !defined $pid;
	if ($pid == 0) {
		open STDIN, '<', '/dev/null';
		open STDERR, '>&', \*STDOUT;
		exec @{$self->{as}}, "$self->{root}/etc/stack/$name", @arguments or POSIX::_exit(127);
	}
	my $text = do { local $/; <$out> } // '';
	close $out;
	return ($? >> 8, $text);
}

# Start the stack, or take it to other settings.
sub up
{
	my ($self, %settings) = @_;

	$self->{settings} = { %{$self->{settings}}, %settings };
	return $self->command('up');
}

sub down { return $_[0]->command('down') }

sub url { return "http://127.0.0.1:$_[0]{settings}{http_port}" }

# The answer to a GET, as Mojo::Message::Response; with status 0 where there is none.
sub get
{
	my ($self, $path, %headers) = @_;
	my $tx = Mojo::UserAgent->new(request_timeout => 20, connect_timeout => 5)->get($self->url . $path, \%headers);

	return $tx->res->code ? $tx->res : Mojo::Message::Response->new(code => 0);
}

# One ingest with these options; dies if it fails. Returns its log.
sub ingest
{
	my ($self, @options) = @_;
	my ($status, $log) = $self->command('ingest', @options);

	die "the ingest failed ($status):\n$log" if $status != 0;
	return $log;
}

# The folder of the sockets, as the programs know it.
sub run_folder
{
	my ($self) = @_;
	my ($run) = $self->read('etc/cuaca.conf') =~ m{^redis = (.*)/redis\.sock$}m;

	return $run;
}

# What the query returns, unaligned, as the superuser.
sub sql
{
	my ($self, $query) = @_;

	return $self->output('psql', '-qXAt', '-h', $self->run_folder, '-U', 'postgres', '-d', 'cuaca', '-v', 'ON_ERROR_STOP=1',
		'-c', $query);
}

sub redis
{
	my ($self, @command) = @_;

	return $self->output('redis-cli', '-s', $self->run_folder . '/redis.sock', @command);
}

sub output
{
	my ($self, @command) = @_;

	open my $out, '-|', @command or die "$command[0]: $!";
	my $text = do { local $/; <$out> } // '';
	close $out or die "@command: exit $?";
	chomp $text;
	return $text;
}

sub read
{
	my ($self, $file) = @_;

	open my $in, '<', "$self->{folder}/$file" or return '';
	local $/;
	return <$in> // '';
}

sub log { return $_[0]->read("log/$_[1]/current") }

# The process that a service is, as its supervisor knows it; undef while it is down.
sub pid
{
	my ($self, $service) = @_;

	return $self->read("service/$service/supervise/pid") =~ /(\d+)/ ? $1 : undef;
}

# The processes of the stack's services with this name: weather.fcgi, nginx. The dead are none, reaped or not.
sub pids
{
	my ($self, $name) = @_;
	my %group = map { ($_ => 1) } map { $self->read("service/$_/group") =~ / (\d+)/ ? $1 : () }
		map { m{/([^/]+)/group$} } glob "\Q$self->{folder}\E/service/*/group";
	my @found;

	for my $file (glob '/proc/[0-9]*/stat') {
		open my $in, '<', $file or next;
		my ($pid, $comm, $pgrp) = (<$in> // '') =~ /^(\d+) \((.*)\) [^ZX] \d+ (\d+)/ or next;
		push @found, $pid if $group{$pgrp} && $comm eq $name;
	}
	return @found;
}

# kill -9 the process of a service.
sub kill
{
	my ($self, $service) = @_;

	return kill KILL => $self->pid($service);
}

# Have a service stay down: sv kills it where it does not leave, and says that it failed.
sub stop
{
	my ($self, $service) = @_;

	eval { $self->output('sv', '-w', 60, 'force-stop', "$self->{folder}/service/$service") };
	for (1 .. 200) {
		return if !defined $self->pid($service);
		select undef, undef, undef, 0.1;
	}
	die "$service does not stop: $@";
}

# Have it run again.
sub start { return $_[0]->output('sv', '-w', 20, 'start', "$_[0]{folder}/service/$_[1]") }

sub end
{
	my ($self) = @_;

	if (!Test::More->builder->is_passing) {
		my (undef, $logs) = $self->command('logs', '-n');
		print STDERR map { "# $_\n" } split /\n/, $logs;
	}
	return if $self->{keep};
	my ($status, $out) = $self->down;
	print STDERR "# make down: $out" if $status != 0;
	remove_tree($self->{temporary}) if $self->{temporary};
}

1;
