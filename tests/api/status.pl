# SPDX-License-Identifier: ISC
#
# GET /api/status: what everybody may know.

use strict;
use warnings;
use Mojo::JSON qw(decode_json false true);
use Test::More;

return sub {
	my ($rig, $http, $api, $web) = @_;
	my $status = sub {
		my $res = $http->get('/api/status');
		$api->check(GET => '/api/status', $res);
		return decode_json($res->body);
	};

	$rig->up(cache => 'off');
	$rig->redis(DEL => 'breaker:open-meteo');
	my $s = $status->();
	is_deeply([@{$s->{weather}}{qw(status source)}], ['fresh', 'simulator'], 'the weather is fresh');
	cmp_ok($s->{weather}{next_update_at}, 'gt', $s->{weather}{collected_at}, '... until the next update');
	is($s->{cities}{tracked}, $rig->sql('SELECT count(*) FROM cities WHERE tracked'), 'how many cities are tracked');
	is($s->{cities}{served}, $s->{cities}{tracked}, '... and served');
	is_deeply([@{$s->{quota}}{qw(day hour minute)}], [10000, 5000, 600], 'what the source grants');
	is_deeply($s->{breaker}, { state => 'closed', opened_at => undef, until => undef }, 'the breaker is closed');
	like($s->{schema}, qr/\A\d{4}_/, 'and which schema there is');

	$rig->sql("INSERT INTO demand (city_id, requests, wanted_at, granted_until) SELECT id, 5, now(), now() + interval '1 day' FROM cities WHERE NOT tracked ORDER BY population DESC LIMIT 3
			ON CONFLICT (city_id) DO UPDATE SET granted_until = excluded.granted_until;
		INSERT INTO ingest_run (started_at, finished_at, exit_code, places, stored, refused, failed, requests, retries, weight)
			VALUES ('2026-11-22T22:16:00Z', '2026-11-22T22:16:07Z', 1, 90, 89, 0, 1, 2, 1, 91)");
	$rig->redis(HSET => 'breaker:open-meteo', state => 'open', opened_at => 1795385763, until => 1795385793);
	$s = $status->();
	is($s->{cities}{served}, $s->{cities}{tracked} + 3, 'cities in demand are served as well');
	is_deeply($s->{last_run}, { started_at => '2026-11-22T22:16:00Z', finished_at => '2026-11-22T22:16:07Z', good => false }, 'the last run, which failed');
	is_deeply($s->{breaker}, { state => 'open', opened_at => '2026-11-22T22:16:03Z', until => '2026-11-22T22:16:33Z' }, '... and opened the breaker');
	$rig->sql("DELETE FROM demand; DELETE FROM ingest_run WHERE started_at = '2026-11-22T22:16:00Z'");
	$rig->redis(DEL => 'breaker:open-meteo');

	my $res = $http->get('/api/status');
	is($res->headers->header('X-Cuaca-Cost'), 'sql=1, redis=1', 'it asks each once');
	like($res->headers->cache_control, qr/\Apublic, max-age=10,/, '... and may be kept for some seconds');
	$rig->up(cache => 'on');
};
