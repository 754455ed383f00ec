# SPDX-License-Identifier: ISC
#
# Scripts that drive a browser, as tests: Debian's chromium, and playwright-core, which make check installs into
# build/browser with npm. Where one of them is missing the test is skipped and says so.
#
# A script tells what it found, and asks for what it cannot do itself, a line of JSON each: {"ok":true,"name":"…"},
# {"do":"stop","with":["websocketd"]}, which is answered with {"done":…} when it is done.

package Browser;

use strict;
use warnings;
use FindBin qw($Bin);
use IPC::Open2;
use Mojo::JSON qw(decode_json encode_json);
use Rig;
use Test::More;

use constant DEADLINE => 600;	# seconds for a script: only a guard

my $folder = "$Rig::BUILD/browser";

# What is missing for these tests, in words; undef where nothing is.
sub missing
{
	return 'node is not installed' if system('command -v node >/dev/null');
	return 'chromium is not installed' if system('command -v chromium >/dev/null');
	return "playwright-core is not in $folder: npm could not get it" if !-d "$folder/node_modules/playwright-core";
	return undef;
}

# Run a script of this folder with these arguments; %do is what it may ask for. Its results become ours.
sub run
{
	my ($script, $arguments, %do) = @_;
	local $SIG{ALRM} = sub { die "$script takes longer than " . DEADLINE . " s\n" };
	local $ENV{CUACA_BROWSER} = $folder;

	alarm DEADLINE;
	my $pid = open2(my $out, my $in, 'node', "$Bin/$script", @$arguments);
	while (my $line = <$out>) {
		my $said = decode_json($line);
		if (exists $said->{do}) {
			my $done = $do{$said->{do}}->(@{$said->{with}});
			print $in encode_json({ done => $done }), "\n";
			$in->flush;
			next;
		}
		ok($said->{ok}, $said->{name}) or diag $said->{why} // '';
	}
	waitpid $pid, 0;
	alarm 0;
	is($?, 0, "$script came to its end");
}

1;
