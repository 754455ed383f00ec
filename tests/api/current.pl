# SPDX-License-Identifier: ISC
#
# GET /api/weather/current: its exact shape, each way to say where, what isn't there,
# and what becomes of old data.

use strict;
use warnings;
use Mojo::Date;
use Mojo::JSON qw(decode_json);
use Test::More;

my $time = qr/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"/;
my $number = qr/-?\d+\.\d/;
my $body = qr/\A
	\{"city":\{"slug":"[a-z0-9-]+","name":"[^"]+","country":"[A-Z]{2}","latitude":-?\d+\.\d{1,5},"longitude":-?\d+\.\d{1,5},"timezone":"[^"]+"\},
	"current":\{"observed_at":$time,"temperature":$number,"apparent_temperature":$number,"relative_humidity":\d+,
	"precipitation":\d+\.\d{1,2},"weather_code":\d+,"weather_desc":"[A-Z][a-z ]+","is_day":(?:true|false),"cloud_cover":\d+,
	"pressure_msl":$number,"wind_speed":$number,"wind_direction":\d+,"wind_gusts":$number\},
	"units":\{"temperature":"°C","apparent_temperature":"°C","relative_humidity":"%","precipitation":"mm","cloud_cover":"%",
	"pressure_msl":"hPa","wind_speed":"km\/h","wind_direction":"°","wind_gusts":"km\/h"\},
	"collected_at":$time,"next_update_at":$time,"stale":(?:true|false),"source":"(?:simulator|open-meteo)",
	"attribution":\{"text":"Weather\ data\ by\ Open-Meteo\.com","url":"https:\/\/open-meteo\.com\/","licence":"CC\ BY\ 4\.0"\}/x;

return sub {
	my ($rig, $http, $api, $web) = @_;
	# Ask, and hold the answer against the description; the answer and its decoded body.
	my $get = sub {
		my ($path) = @_;
		my $res = $http->get($path);

		$api->check(GET => $path, $res);
		return ($res, eval { decode_json($res->body) });
	};
	# Forget what Redis has of a city.
	my $forget = sub { $rig->redis(DEL => "weather:$_[0]:current") };

	my ($res, $json) = $get->('/api/weather/current?city=jakarta');
	is($res->code, 200, "a city");
	like($res->body, qr/$body\}\z/, '... has exactly the members of the contract, in their order');
	is_deeply($json->{city}, { slug => 'jakarta', name => 'Jakarta', country => 'ID', latitude => -6.21462,
		longitude => 106.84513, timezone => 'Asia/Jakarta' }, '... and is that city');
	is($json->{source}, 'simulator', '... with its source');
	ok(!$json->{stale}, '... and fresh');
	cmp_ok($json->{collected_at}, 'lt', $json->{next_update_at}, '... until the next update');

	($res, $json) = $get->('/api/weather/current?lat=-6.3&lon=106.9');
	like($res->body, qr/$body,"distance_km":\d+\.\d\}\z/, "a point has a distance behind the same members");
	is($json->{city}{slug}, 'jakarta', '... to the nearest tracked city');
	is($json->{distance_km}, 11.3, '... along the great circle');
	for (['90', '0'], ['-90', '180'], ['0', '-180'], ['-6.2146200', '106.84513'], ['1e1', '1.5e1']) {
		($res, $json) = $get->("/api/weather/current?lat=$_->[0]&lon=$_->[1]");
		is($res->code, 200, "$_->[0], $_->[1] is a point");
	}

	($res, $json) = $get->('/api/weather/current?cities=tokyo,jakarta,london,jakarta');
	is_deeply([map { $_->{city}{slug} } @{$json->{items}}], [qw(tokyo jakarta london jakarta)], "several, in the order asked for");
	my $one = $http->get('/api/weather/current?city=tokyo')->body;
	is(substr($res->body, 0, length($one) + 11), "{\"items\":[$one,", '... each as if asked for alone');
	my @tracked = split /\n/, $rig->sql('SELECT slug FROM cities WHERE tracked ORDER BY id LIMIT 50');
	($res, $json) = $get->('/api/weather/current?cities=' . join ',', @tracked);
	is_deeply([map { $_->{city}{slug} } @{$json->{items}}], \@tracked, "as many as fifty");

	# What isn't there.
	for (['jakrata', 'jakarta'], ['Jakarta', 'jakarta'], ['londn', 'london'], ['S%C3%A3o%20Paulo', 'sao-paulo']) {
		my ($asked, $meant) = @$_;
		($res, $json) = $get->("/api/weather/current?city=$asked");
		is($json->{type}, '/problems/unknown-city', "no city is called $asked");
		ok(scalar(grep { $_->{slug} eq $meant } @{$json->{suggestions}}), "... but $meant may have been meant")
			or diag($res->body);
	}
	($res, $json) = $get->('/api/weather/current?city=qqqqqqqqqqqq');
	is_deeply($json->{suggestions}, [], "nothing may have been meant");

	($res, $json) = $get->('/api/weather/current?city=bogor');
	is($json->{type}, '/problems/not-tracked', "known, but not tracked");
	is($res->code, 404, '... is not found');
	ok($res->headers->header('Retry-After') >= 1 && $res->headers->header('Retry-After') <= 900, '... until the next ingest, perhaps');
	($res, $json) = $get->('/api/weather/current?cities=jakarta,bogor,qqqqqqqqqqqq');
	is_deeply([map { "$_->{parameter}: $_->{detail}" } @{$json->{errors}}],
		['cities: bogor: not tracked', 'cities: qqqqqqqqqqqq: no such city'], "each of several that has no weather is named");
	($res, $json) = $get->('/api/weather/current?cities=qqqqqqqqqqqq,bogor');
	is($json->{type}, '/problems/unknown-city', '... and the first one decides which problem it is');

	# A city that nobody has asked for yet, in this web server's turn: no cache knows it.
	my ($city, $other, $new) = $web eq 'nginx' ? qw(medan makassar reims) : qw(palembang manado rouen);
	my $id = "(SELECT id FROM cities WHERE slug = '$city')";
	$rig->sql("UPDATE weather_data SET source = 'open-meteo', temperature = NULL WHERE city_id = $id");
	$forget->($city);
	($res, $json) = $get->("/api/weather/current?city=$city");
	is($json->{source}, 'open-meteo', "the source is the row's");
	is($json->{current}{temperature}, undef, '... and what is not known is null');

	$id = "(SELECT id FROM cities WHERE slug = '$other')";
	$rig->sql("DELETE FROM weather_data WHERE city_id = $id AND observed_at <> (SELECT max(observed_at) FROM weather_data WHERE city_id = $id);
		UPDATE weather_data SET observed_at = '2025-03-01T12:00Z', collected_at = '2025-03-01T12:01:05Z' WHERE city_id = $id");
	$forget->($other);
	($res, $json) = $get->("/api/weather/current?city=$other");
	is($res->code, 200, "the last good row is served, however old");
	ok($json->{stale}, '... and is stale');
	is($json->{current}{observed_at}, '2025-03-01T12:00:00Z', '... with its own time');
	is($json->{collected_at}, '2025-03-01T12:01:05Z', '... and when it was collected');
	cmp_ok($res->headers->header('Cache-Control') =~ /max-age=(\d+)/ && $1, '<=', 5, '... and is not kept for long');
	is(Mojo::Date->new($res->headers->last_modified)->epoch, Mojo::Date->new($json->{next_update_at})->epoch - 900,
		'... and was modified when the last update did not come');

	# One that the quota carries in every fourth run.
	my $collected = time - 1200;
	$rig->sql("UPDATE weather_data SET observed_at = date_trunc('hour', now()) - interval '1 hour', collected_at = to_timestamp($collected) WHERE city_id = $id;
		INSERT INTO ingest_pace SELECT $id, 4");
	$forget->($other);
	for ('', '&units=imperial') {	# out of the row, then out of the body that was made of it
		($res, $json) = $get->("/api/weather/current?city=$other&lang=en$_");
		ok(!$json->{stale}, 'what is collected in one of four runs is not stale after two');
		cmp_ok(Mojo::Date->new($json->{next_update_at})->epoch, '>', $collected + 2700, '... but due in the fourth');
		cmp_ok($res->headers->header('Cache-Control') =~ /max-age=(\d+)/ && $1, '>', 5, '... and kept until then');
	}
	$rig->sql("DELETE FROM ingest_pace");

	$rig->sql("UPDATE cities SET tracked = true WHERE slug = '$new'");
	($res, $json) = $get->("/api/weather/current?city=$new");
	$rig->sql("UPDATE cities SET tracked = false WHERE slug = '$new'");
	is($json->{type}, '/problems/no-data-yet', "tracked, but not collected yet");
	is($res->code, 503, '... is unavailable for now');
};
