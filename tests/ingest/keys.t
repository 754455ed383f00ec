#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# When API keys were last used: from Redis, where the API notes it, to PostgreSQL.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Ingest;
use Test::More;

my $NOW = 1795306560;	# 2026-11-22T00:16:00Z
my $rig = Ingest->new('2026-11-22T00:16:00Z');
my %PATIENT = (fetch_timeout => 5000);

sub used { $rig->redis('ZADD', 'apikeys:used', reverse @_) }

sub last_used {
	return scalar $rig->sql("SELECT string_agg(name || ' ' || coalesce(extract(epoch FROM last_used_at)::bigint::text, '-'), ', ' ORDER BY id)"
	    . ' FROM api_keys');
}

$rig->sql("INSERT INTO api_keys (name, hash, rate) SELECT n, sha256(n::bytea), 5 FROM unnest('{a,b,c}'::text[]) n");

used(1, $NOW - 100);
used(3, $NOW - 50);
$rig->run(\%PATIENT, '--dry-run');
is last_used(), 'a -, b -, c -', 'a dry run moves nothing';
is $rig->redis('--raw', 'ZCARD', 'apikeys:used'), "2\n", '... and takes nothing';

is $rig->run(\%PATIENT)->{exit}, 0, 'a run';
is last_used(), "a @{[$NOW - 100]}, b -, c @{[$NOW - 50]}", '... moves them';
is $rig->redis('--raw', 'EXISTS', 'apikeys:used'), "0\n", '... and they have left Redis';

used(1, $NOW - 200);
used(2, $NOW);
used(99, $NOW);
used(@$_) for ["it's", $NOW], ['-1', $NOW], ['9' x 30, $NOW], [3, '+inf'], ['', 1];
my $run = $rig->run(\%PATIENT);
is $run->{exit}, 0, 'with others among them';
is scalar(Ingest::said($run, 'when keys were last used is forgotten')), 0, '... which do no harm';
is last_used(), "a @{[$NOW - 100]}, b $NOW, c @{[$NOW - 50]}", 'a later time stays';
is $rig->redis('--raw', 'EXISTS', 'apikeys:used'), "0\n", 'none is left';

used(1, $NOW);
$rig->sql('REVOKE UPDATE (last_used_at) ON api_keys FROM cuaca_ingest');
$run = $rig->run(\%PATIENT);
is $run->{exit}, 0, 'what cannot be stored fails no run';
is_deeply [map { $_->{keys} } Ingest::said($run, 'when keys were last used is forgotten')], [1], '... and the log says so';

Ingest::stop('redis');
is $rig->run(\%PATIENT)->{exit}, 0, 'nor does Redis away';

done_testing;
