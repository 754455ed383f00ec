# SPDX-License-Identifier: ISC
#
# PostgreSQL away: what Redis holds is served, and of current weather the last that there was.

use strict;
use warnings;
use Mojo::JSON qw(decode_json);
use Test::More;
use Time::HiRes qw(sleep time);

my $current = '/api/weather/current';

return sub {
	my ($rig, $http, $api, $web) = @_;
	my $get = sub {
		my ($path) = @_;
		my $res = $http->get($path);

		$api->check(GET => $path, $res);
		return ($res, decode_json($res->body));
	};
	my ($status, $out) = $rig->up(cache => 'off');
	is($status, 0, 'the cache is off') or diag $out;
	my $last = decode_json($rig->redis(GET => 'weather:jakarta:last'));

	$rig->stop('postgresql');
	$rig->redis(DEL => map { ("weather:$_:current") } qw(jakarta tokyo));
	my ($res, $now) = $get->("$current?city=jakarta");
	is($res->code, 200, 'the last current weather is served');
	is_deeply([@$now{qw(city current collected_at)}], [@$last{qw(city current collected_at)}], '... as it was');
	is($rig->redis(EXISTS => 'weather:jakarta:current'), 0, '... and not kept, since PostgreSQL may know better');
	my $old = $rig->redis(GET => 'weather:tokyo:last') =~ s/"(collected_at|next_update_at)":"\d{4}/"$1":"2025/gr;
	$rig->redis(SET => 'weather:tokyo:last', $old, 'KEEPTTL');
	for ('', '&units=imperial', '&format=text') {
		$res = $http->get("$current?city=tokyo$_");
		is($res->code, 200, "however old it is ($_)");
		like($res->body, /text/ ? qr/\(observed / : qr/"stale":true/, '... and stale then');
		like($res->headers->cache_control, qr/max-age=[1-5],/, '... for some seconds');
	}
	($res, $now) = $get->("$current?cities=jakarta,tokyo");
	is_deeply([map { $_->{stale} ? 1 : 0 } @{$now->{items}}], [$now->{items}[0]{stale} ? 1 : 0, 1], 'several');
	$rig->redis(DEL => 'weather:tokyo:last');
	is(($get->("$current?city=tokyo"))[0]->code, 503, 'where there is none, nobody knows');

	$rig->start('postgresql');
	my $until = time + 20;
	sleep 0.2 while time < $until && ($http->get('/api/ready')->json // {})->{status} ne 'ready';
	sleep 0.2 while time < $until && $http->get("$current?city=tokyo")->code != 200;
	is(($get->("$current?city=tokyo"))[0]->code, 200, 'PostgreSQL is back');
	$rig->ingest('--city', 'tokyo');
	$rig->up(cache => 'on');
};
