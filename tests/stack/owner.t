#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Who runs the stack: as an ordinary user that user, as root the user postgres, who may not even be able to enter the
# folder that the project is in.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Temp qw(tempdir);
use Rig;
use Test::More;

plan skip_all => 'only root can be somebody else' if $> != 0;

# The user of each process of the stack's services.
sub owners
{
	my ($rig) = @_;
	my %users = map { ((getpwuid((stat "/proc/$_")[4]))[0] => 1) } map { $rig->pids($_) }
		qw(postgres redis-server nats-server weather.fcgi ops.fcgi chat.fcgi websocketd chat-archive nginx open-meteo snooze);

	return join ' ', sort keys %users;
}

sub works
{
	my ($rig, $user) = @_;

	is($rig->get('/api/ready')->json->{status}, 'ready', 'is ready');
	is(owners($rig), $user, "every service is $user\'s");
	like($rig->ingest, qr/"stored":\d/, 'make ingest works');
	my ($status, $out) = $rig->up;
	like($out, qr/nothing has changed/, 'a second make up changes nothing');
	($status, $out) = $rig->down;
	is($status, 0, 'make down works') or diag $out;
}

# What a stack needs of the project, built, in a folder of this mode.
sub copy_project
{
	my ($mode) = @_;
	my $copy = tempdir('cuaca-copy-XXXXXX', TMPDIR => 1, CLEANUP => 1);

	mkdir "$copy/tests";
	system('cp', '-R', "$Rig::ROOT/etc", "$Rig::ROOT/www", "$Rig::ROOT/sql", $copy) == 0 or die;
	system('cp', '-R', "$Rig::ROOT/tests/simulator", "$copy/tests") == 0 or die;
	system('cp', '-R', $Rig::BUILD, "$copy/build") == 0 or die;
	chmod $mode, $copy;
	return $copy;
}

# The copies are built into build/, whichever build is tested.
local $ENV{CUACA_BUILD} = 'build';

subtest 'an ordinary user' => sub {
	my $folder = tempdir('cuaca-user-XXXXXX', TMPDIR => 1, CLEANUP => 1);

	chown +(getpwnam 'nobody')[2, 3], $folder;
	works(Rig->new(root => copy_project(0755), folder => $folder, as => [qw(runuser -u nobody --)]), 'nobody');
};

subtest 'root, in a folder that nobody else may enter' => sub {
	my $closed = copy_project(0700);

	works(Rig->new(root => $closed, folder => "$closed/var"), 'postgres');
};

done_testing;
