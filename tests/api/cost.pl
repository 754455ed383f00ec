# SPDX-License-Identifier: ISC
#
# What an answer costs, counted by the programs themselves: statements to PostgreSQL and round trips to Redis. The
# web server's cache is off, so that every request is counted.

use strict;
use warnings;
use Test::More;

my $current = '/api/weather/current';

return sub {
	my ($rig, $http, $api, $web) = @_;
	my ($status, $out) = $rig->up(cache => 'off');
	is($status, 0, 'the cache is off') or diag $out;
	my $cold = $web eq 'nginx' ? 'moscow' : 'beijing';
	my $forget = sub { $rig->redis(DEL => map { "weather:$_:current" } @_) };

	# Ask, and compare the cost.
	my $costs = sub {
		my ($expected, $path, $name) = @_;
		my $res = $http->get($path);

		$api->check(GET => $path, $res);
		is($res->headers->header('X-Cuaca-Cost'), $expected, $name);
		return $res;
	};

	$forget->($cold);
	my $first = $costs->('sql=1, redis=2', "$current?city=$cold", 'a miss: one statement, and Redis asked and told');
	my $again = $costs->('sql=0, redis=1', "$current?city=$cold", 'a hit: one round trip');
	is($again->body, $first->body, '... with the same bytes');
	is($rig->redis(GET => "weather:$cold:current"), $first->body, 'Redis has these bytes');
	my $ttl = $rig->redis(TTL => "weather:$cold:current");
	ok($ttl >= 1 && $ttl <= 600, 'and keeps them for ten minutes at most') or diag $ttl;

	$http->get("$current?cities=jakarta,tokyo,london");	# Redis may have forgotten them
	$costs->('sql=0, redis=1', "$current?cities=$cold,jakarta,tokyo,london", 'several hits: one round trip');
	$costs->('sql=1, redis=1', "$current?lat=-6.2&lon=106.8", 'a point: one statement to find the city');
	$costs->('sql=1, redis=1', "$current?city=bogor", 'not tracked: that it is wanted is told later');
	$costs->('sql=2, redis=1', "$current?city=jakrata", 'unknown: another statement for what may have been meant');
	$costs->('sql=1, redis=1', "$current?city=JAKRATA", 'what can be no slug is not looked up');
	$costs->('sql=1, redis=0', '/api/cities?q=band', 'the gazetteer');
	$costs->('sql=1, redis=0', '/api/cities/jakarta', '... and one city of it');
	$costs->('sql=0, redis=0', "$current?lat=91&lon=0", 'bad input costs nothing');
	$costs->('sql=0, redis=0', '/api/health', 'nor does the health check');
	$costs->('sql=0, redis=0', '/api/openapi.json', 'nor the description');
	$costs->('sql=1, redis=1', '/api/ready', 'readiness asks each once');

	# One filler. PostgreSQL is held up until all have asked, so that all of them miss.
	$forget->($cold);
	my $run = $rig->run_folder;
	open my $lock, '|-', 'psql', '-qXAt', '-h', $run, '-U', 'postgres', '-d', 'cuaca' or die "psql: $!";
	$lock->autoflush;
	print $lock "BEGIN; LOCK TABLE cities IN ACCESS EXCLUSIVE MODE;\n";
	my $waits = sub { $rig->sql("SELECT count(*) FROM pg_locks WHERE relation = 'cities'::regclass AND mode = '$_[0]' AND granted = $_[1]") };
	for (1 .. 200) { last if $waits->('AccessExclusiveLock', 'true') > 0; select undef, undef, undef, 0.1 }
	my $reads = sub { return $rig->redis(qw(INFO commandstats)) =~ /^cmdstat_mget:calls=(\d+)/m ? $1 : 0 };
	my $before = $reads->();
	my @sockets = map { $http->send($http->request('GET', "$current?city=$cold")) } 1 .. 50;
	for (1 .. 200) { last if $waits->('AccessShareLock', 'false') > 0 && $reads->() >= $before + 50; select undef, undef, undef, 0.1 }
	select undef, undef, undef, 0.3;	# from Redis to the one who fills it is a moment more
	is($waits->('AccessShareLock', 'false'), 1, 'of fifty at once that miss, one asks PostgreSQL');
	print $lock "COMMIT;\n";
	close $lock;
	my @answers = map { $http->answer($_, 'GET') } @sockets;
	my $statements = 0;
	$statements += $_->headers->header('X-Cuaca-Cost') =~ /sql=(\d+)/ ? $1 : 99 for @answers;
	is($statements, 1, '... and that is the only statement');
	is_deeply([map { $_->code } @answers], [(200) x 50], '... for all of them');
	is_deeply([grep { $_->body ne $first->body } @answers], [], '... with the same answer');
};
