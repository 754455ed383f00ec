#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# sql/gen.awk: what it makes of the queries compiles without a warning and says what the files say, and
# malformed files are refused with their line.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Temp qw(tempdir);
use Test::More;

my $root = "$Bin/../..";
my $dir = tempdir(CLEANUP => 1);

sub write_file
{
	my ($name, $text) = @_;

	open my $f, '>', "$dir/$name" or die "$name: $!";
	print $f $text;
	close $f;
	return "$dir/$name";
}

# Run gen.awk; its exit status, and what it wrote to stdout and stderr together.
sub gen
{
	my ($what, @files) = @_;
	my $out = qx{awk -f '$root/sql/gen.awk' -v what=$what @{[map { "'$_'" } @files]} 2>&1};

	return ($? >> 8, $out);
}

# Compile the C made of these files, and let it print every statement.
sub statements
{
	my (@files) = @_;

	for my $what (qw(h c)) {
		my ($status, $out) = gen($what, @files);
		is($status, 0, "sql.$what made") or diag($out);
		write_file("sql.$what", $out);
	}
	write_file('main.c', <<'C');
#include <stdio.h>
#include "sql.h"
int
main(void)
{
	for (int i = 0; i < SQL__MAX; i++)
		printf("%s %d %s\n%s%c", stmts[i].name, stmts[i].nargs, stmts[i].readonly ? "read" : "write", stmts[i].text, 0);
	return 0;
}
C
	my $out = qx{cd '$dir' && cc -std=c11 -Wall -Wextra -Wpedantic -Wno-overlength-strings -Werror -o main main.c sql.c 2>&1 && ./main};
	is($?, 0, 'compiled') or diag($out);
	return split /\0/, $out;
}

my @expected;
for my $file (glob "$root/sql/queries/*.sql") {
	open my $f, '<', $file or die "$file: $!";
	my $text = do { local $/; <$f> };
	while ($text =~ /^-- name: (\w+) \((\w+)\)\n(.*?)(?=^-- name:|\z)/msg) {
		my ($name, $kind, $body) = ($1, $2, $3);
		my $nargs = 0;
		$body =~ s/^--.*\n|^\n//mg;
		$body =~ s/;\n\z//;
		$nargs = $1 > $nargs ? $1 : $nargs while $body =~ /\$(\d+)/g;
		push @expected, "$name $nargs $kind\n$body";
	}
}
is_deeply([statements(glob "$root/sql/queries/*.sql")], \@expected, 'the C says what the files say');

my $odd = "-- name: odd (write)\n-- Quotes.\nSELECT '\\n \"%s\" \\\\ \$1'\n\n\t|| \$2;\n";
is_deeply([statements(write_file('a.sql', $odd), write_file('b.sql', "-- name: b (read)\n-- B.\nSELECT 1\n"))],
	["odd 2 write\nSELECT '\\n \"%s\" \\\\ \$1'\n\t|| \$2", "b 0 read\nSELECT 1"], 'quotes, backslashes, two files');

my @bad = (
	[ 'no statements', "-- nothing\n", qr/no statements/ ],
	[ 'text before a name', "SELECT 1;\n", qr/:1: text before/ ],
	[ 'no kind', "-- name: a\n-- A.\nSELECT 1;\n", qr/:1: expected/ ],
	[ 'unknown kind', "-- name: a (rw)\n-- A.\nSELECT 1;\n", qr/:1: expected/ ],
	[ 'no name', "-- name: (read)\n-- A.\nSELECT 1;\n", qr/:1: expected/ ],
	[ 'upper case', "-- name: A (read)\n-- A.\nSELECT 1;\n", qr/:1: expected/ ],
	[ 'badly spaced', "--name: a (read)\n-- A.\nSELECT 1;\n", qr/:1: expected/ ],
	[ 'twice', "-- name: a (read)\n-- A.\nSELECT 1;\n-- name: a (read)\n-- A.\nSELECT 2;\n", qr/:4: statement a is there twice/ ],
	[ 'no text', "-- name: a (read)\n-- A.\n-- name: b (read)\n-- B.\nSELECT 1;\n", qr/:3: statement a has no text/ ],
	[ 'no text at the end', "-- name: a (read)\n-- A.\n", qr/statement a has no text/ ],
	[ 'no comment', "-- name: a (read)\nSELECT 1;\n", qr/statement a has no comment/ ],
	[ 'a gap', "-- name: a (read)\n-- A.\nSELECT \$1, \$3;\n", qr/statement a uses \$3 but not \$2/ ],
);
for (@bad) {
	my ($name, $text, $message) = @$_;
	my ($status, $out) = gen('c', write_file('bad.sql', $text));
	is($status, 1, "refused: $name");
	like($out, $message, '... saying why');
	unlike($out, qr/struct/, '... and making nothing');
}
is((gen('x', write_file('b.sql', '')))[0], 1, 'refused: not h or c');

done_testing;
