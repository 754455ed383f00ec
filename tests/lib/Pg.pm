# SPDX-License-Identifier: ISC
#
# A PostgreSQL to test against: the server that CUACA_TEST_DB names (conninfo of a superuser, as key=value
# pairs), or else one of our own in a temporary folder, on a UNIX socket only, which ends with the test.
# Databases that were made here are dropped again; the roles of sql/migrate stay on a server that is not ours.

package Pg;

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use POSIX ();

our $ROOT = abs_path(dirname(__FILE__) . '/../..');

my ($bindir) = sort { ($b =~ /(\d+)/)[0] <=> ($a =~ /(\d+)/)[0] } grep { -x "$_/initdb" } glob '/usr/lib/postgresql/*/bin';
$ENV{PATH} = "$bindir:$ENV{PATH}" if $bindir;
$ENV{PGOPTIONS} = '';
$SIG{INT} = $SIG{TERM} = sub { exit 1 };	# so that the END block of the last object runs

my @open;
END { local $?; $_->stop for @open }

sub new
{
	my ($class) = @_;
	my $self = bless { dir => tempdir('cuaca-pg-XXXXXX', TMPDIR => 1, CLEANUP => 1), databases => [] }, $class;

	if (defined $ENV{CUACA_TEST_DB}) {
		$self->{server} = $ENV{CUACA_TEST_DB};
	} else {
		$self->start;
	}
	push @open, $self;
	return $self;
}

# PostgreSQL refuses to run as root: then it is the user postgres's.
sub as_server
{
	my ($self, @command) = @_;

	unshift @command, qw(runuser -u postgres --) if $> == 0;
	my ($status, $out, $err) = $self->run(@command);
	die "@command: $out$err" . $self->log if $status != 0;
}

sub start
{
	my ($self) = @_;
	my $home = "$self->{dir}/server";

	chmod 0755, $self->{dir};
	mkdir $home or die "$home: $!";
	chown +(getpwnam 'postgres')[2, 3], $home if $> == 0;
	$self->as_server('initdb', '-D', "$home/data", qw(-U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync));
	$self->{server} = "host=$home user=postgres";
	$self->as_server('pg_ctl', '-D', "$home/data", '-l', "$home/log", '-w', '-o',
		"-k $home -c listen_addresses= -c fsync=off -c full_page_writes=off -c autovacuum=off", 'start');
	$self->{data} = "$home/data";
}

sub stop
{
	my ($self) = @_;

	if (my $data = delete $self->{data}) {
		$self->as_server('pg_ctl', '-D', $data, qw(-m immediate stop));
	} elsif (defined $ENV{CUACA_TEST_DB}) {
		$self->sql('postgres', "DROP DATABASE IF EXISTS $_ WITH (FORCE)") for splice @{$self->{databases}};
	}
}

sub log
{
	my ($self) = @_;

	return slurp("$self->{dir}/server/log");
}

sub conninfo
{
	my ($self, $database) = @_;

	return "$self->{server} dbname=$database";
}

# A new, empty database; its name.
sub database
{
	my ($self) = @_;
	my $name = sprintf 'cuaca_test_%d_%d', $$, scalar @{$self->{databases}};

	push @{$self->{databases}}, $name;
	$self->sql('postgres', "CREATE DATABASE $name TEMPLATE template0 ENCODING UTF8 LOCALE 'C.UTF-8'");
	return $name;
}

# A new database with the schema and the gazetteer; its name.
sub migrated
{
	my ($self) = @_;
	my $name = $self->database;
	my ($status, $out, $err) = $self->run("$ROOT/sql/migrate", $self->conninfo($name));

	die "sql/migrate: $err" if $status != 0;
	return $name;
}

# Run a psql script. In list context exit status, output, errors; otherwise the output, and death on an error.
sub sql
{
	my ($self, $database, $script) = @_;
	my ($file) = $self->file($script);
	my ($status, $out, $err) = $self->run(qw(psql -X -q -A -t -v ON_ERROR_STOP=1 -d), $self->conninfo($database), '-f', $file);

	chomp $out;
	return ($status, $out, $err) if wantarray;
	die "$script: $err" if $status != 0;
	return $out;
}

# The named statements of sql/queries: their texts by name.
sub statements
{
	my %text;

	for my $file (glob "$ROOT/sql/queries/*.sql") {
		my $all = slurp($file);
		$text{$1} = $2 while $all =~ /^-- name: (\w+) \(\w+\)\n(.*?);\n*(?=^-- name:|\z)/msg;
	}
	return \%text;
}

# Prepare and execute one of them as this role, with arguments as text, as the programs do; a $verb may stand
# before EXECUTE. Returns as sql() does.
sub execute
{
	my ($self, $database, $role, $name, $args, $verb) = @_;
	my $text = statements()->{$name} // die "no statement $name";
	my $list = join ', ', map { defined ? "'" . s/'/''/gr . "'" : 'NULL' } @$args;

	return $self->sql($database, "SET SESSION AUTHORIZATION $role; PREPARE q AS $text;\n"
		. ($verb // '') . ' EXECUTE q' . (@$args ? "($list)" : '') . ';');
}

sub run
{
	my ($self, @command) = @_;

	return $self->finish($self->spawn(@command));
}

# Start a command and don't wait: finish() does, and returns exit status, output and errors.
sub spawn
{
	my ($self, @command) = @_;
	my %job = (out => $self->file(''), err => $self->file(''));

	$job{pid} = fork // die "fork: $!";
	if ($job{pid} == 0) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', $job{out};
		open STDERR, '>', $job{err};
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	return \%job;
}

sub finish
{
	my ($self, $job) = @_;

	waitpid $job->{pid}, 0;
	return ($? >> 8 || $?, slurp($job->{out}), slurp($job->{err}));
}

# A new file with this text; its path.
sub file
{
	my ($self, $text) = @_;
	my $path = "$self->{dir}/" . $self->{files}++;

	open my $f, '>', $path or die "$path: $!";
	print $f $text;
	close $f;
	return $path;
}

sub slurp
{
	my ($path) = @_;

	open my $f, '<', $path or return '';
	local $/;
	return scalar <$f>;
}

1;
