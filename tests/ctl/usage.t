#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# cuacactl without any server: wrong usage, wrong settings, help, peers that are away, programs it starts. The
# manual page is held against the table of commands.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use lib abs_path(dirname(__FILE__) . '/../lib');
use Ctl;
use Mojo::JSON qw(decode_json);
use Test::More;

my $dir = tempdir('cuaca-usage-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my %nowhere = (postgresql => "host=$dir dbname=cuaca", redis => "$dir/redis.sock", nats => 'nats://127.0.0.1:1');
my $ctl = Ctl->new(settings => \%nowhere);

sub write_file
{
	my ($path, $text, $mode) = @_;

	make_path(dirname($path));
	open my $out, '>', $path or die "$path: $!";
	print $out $text;
	close $out;
	chmod $mode // 0644, $path;
	return $path;
}

subtest 'wrong usage is 100, says what is wrong, and prints nothing' => sub {
	my @rows = (
		[[], qr/no command; cuacactl help lists them/],
		[['stat'], qr/stat: no such command/],
		[['city'], qr/city: say which one: list wanted search track untrack/],
		[['city', 'lst'], qr/city: say which one/],
		[['ingest', 'later'], qr/ingest: say which one: now/],
		[['status', 'x'], qr/x: nothing comes after status/],
		[['city', 'track'], qr/usage: cuacactl city track slug \.\.\. \[--force\]/],
		[['key', 'create'], qr/usage: cuacactl key create name/],
		[['key', 'revoke', 'a', 'b'], qr/usage: cuacactl key revoke name/],
		[['help', 'me'], qr/me: no such command/],
		[['status', '--force'], qr/status takes no --force/],
		[['city', 'list', '--limit', 3], qr/city list takes no --limit/],
		[['key', 'list', '--rate', 3], qr/key list takes no --rate/],
		[['migrate', '--json'], qr/migrate takes no --json/],
		[['ingest', 'now', '--json'], qr/ingest now takes no --json/],
		[['city', 'search', 'x', '--limit', '0'], qr/0 cannot be used here/],
		[['key', 'create', 'x', '--rate', '1e3'], qr/1e3 cannot be used here/],
		[['key', 'create', ''], qr/"": a key's name is 1 to 64 visible ASCII characters/],
		[['key', 'create', 'two words'], qr/"two words": a key's name/],
		[['key', 'create', 'x' x 65], qr/a key's name/],
		[['key', 'create', 'clé'], qr/a key's name/],
		[['--colour', 'status'], qr/unrecognized option '--colour'/],
	);

	for my $row (@rows) {
		my ($arguments, $message) = @$row;
		my ($exit, $out, $err) = $ctl->run(@$arguments);

		is $exit, 100, "cuacactl @$arguments";
		is $out, '', '... without output';
		like $err, $message, '... says why';
	}
};

subtest 'settings' => sub {
	my $bad = write_file("$dir/bad.conf", "threads = many\n");
	my ($exit, $out, $err) = $ctl->run('-c', $bad, 'status');

	is $exit, 102, 'wrong ones are 102';
	like $err, qr/\Q$bad\E:1: threads: "many" is not a whole number/, '... and the message has the line';
	is +($ctl->run('status', '-c', "$dir/none"))[0], 102, 'so is a missing file, also behind the command';
	is +($ctl->run('-t'))[0], 0, '-t';
	like +($ctl->run('-T'))[1], qr/^CUACA_QUOTA_DAY='10000'$/m, '-T';
	is +($ctl->run('-h'))[1], "usage: cuacactl [-dhtT] [-c file] [--json] command ...\n", '-h';
};

subtest 'help, and the manual page' => sub {
	my ($exit, $out) = $ctl->run('help');
	my $page = Ctl::slurp("$Ctl::ROOT/cron/cuacactl/cuacactl.8");
	my @lines = grep { /^[a-z].*  / } split /\n/, $out;

	is $exit, 0, 'help';
	is scalar @lines, 27, '... has all commands';
	is scalar(keys %{{ map { /^(.*?  +)\S/ ? (length $1 => 1) : () } @lines }}), 1, '... aligned';
	for (@lines) {
		my ($command, $usage) = /^((?:(?:city|key|ingest|chat) )?[a-z]+) ?(.*?)  /;

		like $page, qr/^\.It Cm $command( |$)/m, "the page has $command";
		like $page, qr/^\.It Cm $command .*Fl -$1\b/m, "... with --$1" if $usage =~ /--(\w+)/;
	}
	is +(grep { /^key / } split /\n/, ($ctl->run('help', 'key'))[1]), 3, 'help for a group';
	is system("mandoc -Tlint -Wwarning '$Ctl::ROOT/cron/cuacactl/cuacactl.8'"), 0, 'the page is well-formed';
};

subtest 'servers that are away' => sub {
	for my $command (['status'], ['status', '--json'], ['city', 'list'], ['city', 'track', 'jakarta'],
		['key', 'create', 'x'], ['key', 'revoke', 'x']) {
		my ($exit, $out, $err) = $ctl->run(@$command);

		is $exit, 1, "@$command";
		is $out, '', '... without output';
		like $err, qr/postgresql.*\Q$dir\E.*No such file.*\ncuacactl: PostgreSQL cannot be reached\n\z/s, '... says why';
	}

	my ($exit, $out, $err) = $ctl->run('check');

	is $exit, 1, 'check';
	like $out, qr/^settings +fine: no file/m, '... settings';
	like $out, qr/^$_ +down$/m, "... $_" for qw(postgresql redis nats);
	($exit, $out) = $ctl->run('check', '--json');
	is $exit, 1, 'check --json';
	is_deeply [map { $_->{status} } @{decode_json($out)->{dependencies}}{qw(postgresql redis nats)}], [('down') x 3],
		'... says so';
};

# A copy of cuacactl among programs that tell what they were given.
my $bin = "$dir/tree/build/cron";

make_path($bin);
copy($Ctl::PROGRAM, "$bin/cuacactl") or die "copy: $!";
chmod 0755, "$bin/cuacactl";

my $copy = Ctl->new(program => "$bin/cuacactl", settings => \%nowhere);
my $tell = "#!/bin/sh\necho \"\$PGUSER: \$*\"\n";

subtest 'ingest now' => sub {
	SKIP: {
		skip 'Cuaca is installed here', 2 if -e '/usr/local/lib/cuaca/weather-ingest';

		my ($exit, undef, $err) = $copy->run('ingest', 'now');

		is $exit, 111, 'a missing program is 111';
		like $err, qr{/lib/cuaca/weather-ingest: No such file.*\Q$bin\E/weather-ingest}, '... and named';
	}
	write_file("$bin/weather-ingest", "${tell}exit 7\n", 0755);
	my $conf = write_file("$dir/good.conf", "threads = 3\n");

	is_deeply [$copy->run('ingest', 'now')], [7, "cuaca_ingest: \n", ''], 'its exit status is ours';
	is_deeply [$copy->run('-c', $conf, 'ingest', 'now')], [7, "cuaca_ingest: -c $conf\n", ''], '-c is passed on';
	is +(Ctl->new(%$copy, env => { PGUSER => 'me' })->run('ingest', 'now'))[1], "me: \n", 'so is PGUSER';
};

subtest 'migrate' => sub {
	my $migrate = "$dir/tree/sql/migrate";

	write_file($migrate, $tell, 0755);
	is_deeply [$copy->run('migrate')], [0, "postgres: $nowhere{postgresql}\nthe database is up to date\n", ''],
		'the database of the settings, as postgres';
	is +($copy->run('migrate', 'dbname=other'))[1], "postgres: dbname=other\nthe database is up to date\n", 'another';
	write_file($migrate, "#!/bin/sh\nexit 3\n", 0755);
	is_deeply [$copy->run('migrate')], [1, '', "cuacactl: the migration failed; what was applied before stays\n"],
		'a failure is 1';
	my ($exit, undef, $err) = $ctl->run('migrate');
	is $exit, 1, 'the real one, without a server';
	like $err, qr/psql: error: connection to server/, '... says why';
};

done_testing;
