# SPDX-License-Identifier: ISC
#
# Runs cuacactl as a script would: no terminal, an environment without settings of the caller's.

package Ctl;

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use POSIX ();

our $ROOT = abs_path(dirname(__FILE__) . '/../..');
our $PROGRAM = "$ROOT/" . ($ENV{CUACA_BUILD} // 'build') . '/cron/cuacactl';

my $dir = tempdir('cuaca-ctl-XXXXXX', TMPDIR => 1, CLEANUP => 1);

# "settings" and "env" are of all its runs, "arguments" come before those of each.
sub new
{
	my ($class, %with) = @_;

	return bless { program => $PROGRAM, arguments => [], settings => {}, env => {}, %with }, $class;
}

# Another one with other settings.
sub with
{
	my ($self, %settings) = @_;

	return bless { %$self, settings => { %{$self->{settings}}, %settings } }, ref $self;
}

# Exit status, standard output and standard error.
sub run
{
	my ($self, @arguments) = @_;
	my $pid = fork // die "fork: $!";

	if ($pid == 0) {
		delete @ENV{grep { /^(CUACA_|PG)/ } keys %ENV};
		$ENV{'CUACA_' . uc} = $self->{settings}{$_} for keys %{$self->{settings}};
		@ENV{keys %{$self->{env}}} = values %{$self->{env}};
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/out";
		open STDERR, '>', "$dir/err";
		exec { $self->{program} } 'cuacactl', @{$self->{arguments}}, @arguments or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return ($? >> 8 || $?, slurp("$dir/out"), slurp("$dir/err"));
}

sub slurp
{
	my ($path) = @_;

	open my $in, '<', $path or die "$path: $!";
	local $/;
	return <$in> // '';
}

1;
