#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# sql/migrate: again, by two at once, with changed and failing migrations, with newer data.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Pg;
use Test::More;

my $pg = Pg->new;
my $sql = "$pg->{dir}/a copy of sql";
my $all = join '', map { m{([^/]+)\.sql$} ? "applied $1\n" : () } sort glob "$Pg::ROOT/sql/migrations/*.sql";

sub migrate { return $pg->run("$sql/migrate", $pg->conninfo($_[0])) }

sub append
{
	my ($file, $text) = @_;

	open my $f, '>>', "$sql/$file" or die "$file: $!";
	print $f $text;
	close $f;
}

sub edit
{
	my ($file, $change) = @_;

	local $_ = Pg::slurp("$sql/$file");
	$change->();
	unlink "$sql/$file";
	append($file, $_);
}

# All that a second run might have touched, with the transactions that wrote it.
sub state_of
{
	return $pg->sql($_[0], q{
		SELECT md5(string_agg(c::text || xmin, ',' ORDER BY id)) FROM cities c;
		SELECT string_agg(m::text || xmin, ',' ORDER BY name) FROM schema_migrations m;
		SELECT md5(string_agg(oid || relname || xmin, ',' ORDER BY oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind <> 'i'
			AND relname NOT LIKE 'cities%'});
}

$pg->run('cp', '-r', "$Pg::ROOT/sql", $sql);

my $db = $pg->database;
my ($status, $out, $err) = migrate($db);
is($status, 0, 'a new database') or diag($err);
is($out, $all, '... gets every migration, in order');
is($err, '', '... without a warning');

my $before = state_of($db);
($status, $out, $err) = migrate($db);
is($status, 0, 'again');
is("$out$err", '', '... has nothing to do');
is(state_of($db), $before, '... and changes nothing');

# A newer gazetteer: one place changed, one new and tracked, one new and not.
$pg->sql($db, q{UPDATE cities SET tracked = (slug = 'bogor') WHERE slug IN ('jakarta', 'bogor')});
edit('data/cities.csv', sub { s/8540121$/8540122/m });
append('data/cities.csv', "99000001,newtown-a,Newtown A,ID,,-1,101,Asia/Jakarta,15000\n" .
	"99000002,newtown-b,Newtown B,ID,Aceh,-2,102,Asia/Jakarta,15000\n");
append('data/tracked.csv', "newtown-a\n");
($status, $out, $err) = migrate($db);
is("$status$err", '0', 'newer data');
is($pg->sql($db, q{SELECT slug, population, tracked FROM cities WHERE slug ~ '^(newtown-.|jakarta|bogor|medan)$' ORDER BY slug}),
	join("\n", qw(bogor|1099422|t jakarta|8540122|f medan|2435252|t newtown-a|15000|t newtown-b|15000|f)),
	'... changes what it says, adds, and leaves tracked alone');

append('data/tracked.csv', "no-such-place\n");
edit('data/cities.csv', sub { s/8540122$/8540123/m });
($status, $out, $err) = migrate($db);
is($status, 3, 'an unknown place in tracked.csv is an error');
like($err, qr/not in cities\.csv: no-such-place/, '... that names it');
is($pg->sql($db, q{SELECT population FROM cities WHERE slug = 'jakarta'}), 8540122, '... and nothing is loaded');
edit('data/tracked.csv', sub { s/^no-such-place\n//m });

append('migrations/0099_bad.sql', "CREATE TABLE half (a integer);\nSELECT 1 / 0;\n");
($status, $out, $err) = migrate($db);
is($status, 3, 'a failing migration');
like($err, qr/0099_bad\.sql:2: .*division by zero/, '... says where');
is($pg->sql($db, q{SELECT to_regclass('half') IS NULL, count(*) FROM schema_migrations WHERE name = '0099_bad'}), 't|0', '... is undone');
unlink "$sql/migrations/0099_bad.sql";

append('migrations/0002_cities.sql', "-- changed\n");
append('migrations/0099_good.sql', "CREATE TABLE good (a integer);\n");
($status, $out, $err) = migrate($db);
is($status, 3, 'a changed migration');
like($err, qr/0002_cities\.sql was changed after it was applied/, '... is named');
is($pg->sql($db, q{SELECT to_regclass('good') IS NULL}), 't', '... and none after it is applied');

$db = $pg->database;
my @jobs = map { $pg->spawn("$Pg::ROOT/sql/migrate", $pg->conninfo($db)) } 1 .. 2;
my @done = map { [$pg->finish($_)] } @jobs;
is_deeply([map { "$_->[0]$_->[2]" } @done], [0, 0], 'two at once: both succeed');
is(join('', map { $_->[1] } @done), $all, '... and each migration is applied once');

is(($pg->run("$sql/migrate"))[0], 100, 'no argument: usage');
is(($pg->run("$sql/migrate", 'host=/nonexistent'))[0], 2, 'no server');

my $latin = 'cuaca_latin_' . $$;
push @{$pg->{databases}}, $latin;
$pg->sql('postgres', "CREATE DATABASE $latin TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'");
like((migrate($latin))[2], qr/must be in UTF8/, 'a database in another encoding is refused');

done_testing;
