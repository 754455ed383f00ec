# SPDX-License-Identifier: ISC
#
# What the ingest talks to, for tests of it: a migrated PostgreSQL with three tracked cities, a Redis, a NATS
# server with a subscriber, the simulator of Open-Meteo. All of them private, and gone when the test ends.
package Ingest;

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Mojo::JSON qw(decode_json);
use Mojo::UserAgent;
use Pg;
use Time::HiRes qw(sleep time);

our $BUILD = "$Pg::ROOT/" . ($ENV{CUACA_BUILD} // 'build');
our @CITIES = qw(jakarta london tokyo);	# far from each other

my $program = "$BUILD/cron/weather-ingest";
my $ua = Mojo::UserAgent->new;
my %pid;	# of what is ours, by what it is

END { local $?; stop($_) for keys %pid }

# The rig, with nothing ingested yet but forecasts of $now, so that runs near to it are about current weather alone.
# Its clock and the simulator's stand still at $now. More are options of the simulator.
sub new {
	my ($class, $now, @simulator) = @_;
	my $self = bless { pg => Pg->new, now => $now }, $class;

	$self->{dir} = $self->{pg}{dir};
	$self->{db} = $self->{pg}->migrated;
	$self->track(@CITIES);
	$self->forecasts;
	$self->{redis} = "$self->{dir}/redis.sock";
	$self->{nats_port} = free_port();
	$self->start_redis;
	$self->start_nats;
	$self->{sim} = start_simulator($now, @simulator);
	mkdir "$self->{dir}/$_" or die "$_: $!" for qw(metrics state);
	return $self;
}

sub track {
	my ($self, @slugs) = @_;
	my $list = join ',', map { "'$_'" } @slugs;

	$self->sql("UPDATE cities SET tracked = slug IN ($list) WHERE tracked <> (slug IN ($list))");
}

# Forecasts as of now for all tracked places, of one hour and one day.
sub forecasts {
	my ($self) = @_;
	my @columns = split /\n/, $self->sql(q{SELECT attname || ' ' || format_type(atttypid, NULL) FROM pg_attribute}
	    . q{ WHERE attrelid = 'weather_forecast'::regclass AND attnum > 6 AND attname LIKE ANY (ARRAY['hourly\_%', 'daily\_%'])}
	    . q{ AND attname NOT LIKE '%from' ORDER BY attnum});
	my $names = join ', ', map { (split)[0] } @columns;
	my $values = join ', ', map { /bigint/ ? q('{0}'::bigint[]) : q('{1}'::real[]) } @columns;

	$self->sql("INSERT INTO weather_forecast (city_id, collected_at, utc_offset_seconds, source, hourly_from, daily_from, $names)"
	    . " SELECT id, '$self->{now}', 0, 'simulator', '$self->{now}', '$self->{now}', $values FROM cities WHERE tracked"
	    . ' ON CONFLICT (city_id) DO UPDATE SET collected_at = excluded.collected_at');
}

sub sql { return $_[0]{pg}->sql($_[0]{db}, $_[1]) }

# A child that is ended with the test.
sub launch {
	my ($what, @command) = @_;

	$pid{$what} = fork // die "fork: $!";
	return if $pid{$what};
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', '/dev/null';
	open STDERR, '>', '/dev/null';
	exec { $command[0] } @command or POSIX::_exit(127);
}

sub stop {
	my ($what) = @_;
	my $pid = delete $pid{$what} or return;

	kill TERM => $pid;
	waitpid $pid, 0;
}

sub wait_for {
	my ($what, $try) = @_;

	for (1 .. 400) {
		my $result = $try->();

		return $result if $result;
		sleep 0.05;
	}
	die "$what doesn't come\n";
}

sub free_port { return IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport }

sub start_redis {
	my ($self) = @_;

	launch('redis', 'redis-server', '--port', 0, '--unixsocket', $self->{redis}, '--save', '',
	    '--dir', $self->{dir});
	wait_for('redis', sub { IO::Socket::UNIX->new(Peer => $self->{redis}) });
}

sub start_nats {
	my ($self) = @_;

	launch('nats', 'nats-server', '-a', '127.0.0.1', '-p', $self->{nats_port});
	wait_for('nats', sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$self->{nats_port}") });
}

my $simulator;	# its standard output: to close it is to wait for its end

sub start_simulator {
	my ($now, @options) = @_;
	my $pid = open $simulator, '-|', $^X, "$Pg::ROOT/tests/simulator/open-meteo", @options, qw(--quiet --listen 127.0.0.1:0 --now), $now
	    or die "simulator: $!";
	$pid{simulator} = $pid;
	my ($url) = (<$simulator> // '') =~ m{ready on (http://127\.0\.0\.1:\d+)$} or die "the simulator doesn't start\n";
	return $url;
}

# The simulator's controls.
sub fault {
	my ($self, $fault, %more) = @_;
	my $res = $ua->post("$self->{sim}/_sim/fault" => json => { fault => $fault, %more })->res;

	die 'fault: ' . $res->body if $res->code != 200;
}

sub clear {
	my ($self) = @_;

	$ua->delete("$self->{sim}/_sim/$_") for qw(fault stats);
	$self->forget;
}

sub clear_stats { $ua->delete("$_[0]{sim}/_sim/stats") }
sub clear_faults { $ua->delete("$_[0]{sim}/_sim/fault") }

# What earlier runs have spent, and what they thought of the upstream.
sub forget {
	my ($self) = @_;
	my @keys = map { split /\n/, $self->redis('--raw', 'KEYS', $_) } 'breaker:*', 'quota:*';

	$self->redis('DEL', @keys) if @keys;
	$self->sql('DELETE FROM quota_spent');
	unlink glob "$self->{dir}/state/*";
}

sub stats { return $ua->get("$_[0]{sim}/_sim/stats")->res->json }

sub set_now {
	my ($self, $now) = @_;

	$self->{now} = $now;
	$ua->post("$self->{sim}/_sim/now" => json => { now => $now });
}

sub environment {
	my ($self, %settings) = @_;
	my %all = (postgresql => "$self->{pg}{server} dbname=$self->{db} user=cuaca_ingest", redis => $self->{redis},
	    nats => "nats://127.0.0.1:$self->{nats_port}", open_meteo_url => $self->{sim}, source => 'simulator',
	    fetch_timeout => 5000, fetch_tries => 2, metrics_dir => "$self->{dir}/metrics",
	    state_dir => "$self->{dir}/state", open_meteo_archive_url => $self->{sim}, %settings);

	return map { ("CUACA_\U$_" => $all{$_}) } keys %all;
}

# Start the ingest with some settings of its own and options; end() it.
sub begin {
	my ($self, $settings, @options) = @_;
	my %env = $self->environment(%$settings);
	local @ENV{keys %env} = values %env;

	return $self->{pg}->spawn($program, @options);
}

# What came of it: exit, out, err, log (lines as hashes).
sub end {
	my ($self, $job) = @_;
	my ($exit, $out, $err) = $self->{pg}->finish($job);

	return { exit => $exit, out => $out, err => $err,
	    log => [map { eval { decode_json($_) } // { msg => "no JSON: $_" } } split /\n/, $err] };
}

# Run it at the rig's time.
sub run {
	my ($self, $settings, @options) = @_;

	return $self->end($self->begin($settings // {}, '--now', $self->{now}, @options));
}

# The log lines of a run that say $msg.
sub said {
	my ($run, $msg) = @_;

	return grep { $_->{msg} eq $msg } @{$run->{log}};
}

# The last line of a run's log, without what differs from run to run.
sub summary {
	my ($run) = @_;
	my %last = %{$run->{log}[-1] // {}};

	return { map { $_ => $last{$_} } qw(msg places stored refused failed requests retries weight) };
}

# The metrics file: name => value.
sub metrics {
	my ($self) = @_;
	my $text = Pg::slurp("$self->{dir}/metrics/weather-ingest.prom");

	return { $text =~ /^(\w+(?:\{[^}]*\})?) (\S+)$/mg };
}

# All that is stored and served: rows of PostgreSQL and bodies of Redis.
sub served {
	my ($self) = @_;

	return join "\n", $self->sql('SELECT * FROM weather_data ORDER BY city_id, observed_at'),
	    map { "$_ $self->{cached}{$_}" } sort keys %{$self->{cached} = $self->cached};
}

# Redis: the bodies by slug.
sub cached {
	my ($self) = @_;
	my %body;

	for my $key (split /\n/, $self->redis('--raw', 'KEYS', 'weather:*:current')) {
		my ($slug) = $key =~ /\Aweather:(.+):current\z/ or die "key $key";

		chomp($body{$slug} = $self->redis('--raw', 'GET', $key));
	}
	return \%body;
}

sub redis {
	my ($self, @command) = @_;
	my ($exit, $out, $err) = $self->{pg}->run('redis-cli', '-s', $self->{redis}, @command);

	die "redis-cli @command: $err" if $exit != 0;
	return $out;
}

# Listen to all new weather; received() has what came.
sub subscribe {
	my ($self) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$self->{nats_port}") or die "nats: $!";

	print $socket "CONNECT {\"verbose\":false}\r\nSUB weather.updated.> 1\r\nPING\r\n";
	$self->{subscriber} = { socket => $socket, text => '' };
	$self->hear(qr/PONG\r\n/);
}

# Read until the text so far matches.
sub hear {
	my ($self, $until) = @_;
	my $sub = $self->{subscriber};
	my $ready = IO::Select->new($sub->{socket});
	my $end = time + 20;

	while ($sub->{text} !~ $until && time < $end && $ready->can_read(20)) {
		sysread($sub->{socket}, $sub->{text}, 65536, length $sub->{text}) or last;
	}
}

# Subject => payload of every message since the last call. A PING behind them makes sure they are all here.
sub received {
	my ($self) = @_;
	my $sub = $self->{subscriber};
	my %message;

	$sub->{text} = '';
	print { $sub->{socket} } "PING\r\n";
	$self->hear(qr/PONG\r\n\z/);
	while ($sub->{text} =~ /\GMSG (\S+) 1 (\d+)\r\n/gc) {
		$message{$1} = substr $sub->{text}, pos $sub->{text}, $2;
		pos($sub->{text}) += $2 + 2;
	}
	return \%message;
}

1;
