# SPDX-License-Identifier: ISC
#
# Every parser of outside bytes against libFuzzer, for a few seconds each; "make fuzz" goes on for longer.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

chdir abs_path(dirname(__FILE__) . '/../..') or die $!;
plan skip_all => 'once is enough: with the plain build' if ($ENV{CUACA_BUILD} // 'build') =~ /-(?:san|cov)\z/;

delete @ENV{grep { /^(CUACA_|MAKE|MFLAGS)/ } keys %ENV};
my $said = `make --no-print-directory -s fuzz FUZZ_SECONDS=2 2>&1`;

is $?, 0, 'no input does harm' or diag $said;
my @targets = glob 'tests/fuzz/f_*.c';
is scalar(() = $said =~ /^fuzz: /mg), @targets, '... and every target ran';
my @units = $said =~ /number_of_executed_units: (\d+)/g;
cmp_ok $_, '>', 100, "... with $_ inputs" for @units;

done_testing;
