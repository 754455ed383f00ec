# SPDX-License-Identifier: ISC
#
# GET /api/weather/history: ranges, intervals, pages that neither overlap nor leave a gap, faces, what it costs, and the
# one page that Redis keeps.

use strict;
use warnings;
use utf8;
use Encode qw(decode);
use Mojo::JSON qw(decode_json);
use Mojo::Util qw(url_escape);
use POSIX qw(strftime);
use Test::More;

my $path = '/api/weather/history';

my sub iso { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

return sub {
	my ($rig, $http, $api, $web) = @_;
	my $get = sub {
		my ($query, %headers) = @_;
		my $res = $http->get("$path?$query", %headers);

		$api->check(GET => "$path?$query", $res);
		return $res;
	};
	my $json = sub { return decode_json($get->(@_)->body) };
	my $times = sub { return [map { $_->{observed_at} // $_->{time} } @{$json->(@_)->{items}}] };

	# Three days of a city up to an hour ago, every quarter of an hour. Temperature counts the quarters of the day, from -40 up.
	my ($city, $empty) = $web eq 'nginx' ? qw(nairobi hanoi) : qw(toronto dubai);
	my $now = time;
	my $last = $now - 3600 - $now % 900;
	my $quarters = 3 * 96;
	my $first = $last - ($quarters - 1) * 900;
	$rig->up(cache => 'off');
	my $id = "(SELECT id FROM cities WHERE slug = '$city')";
	my $values = 'ARRAY(SELECT %s FROM generate_series(0, ' . ($quarters - 1) . ') i)';
	my $each = sub { return sprintf $values, $_[0] };
	$rig->sql("UPDATE cities SET tracked = true WHERE slug IN ('$city', '$empty');
		DELETE FROM weather_data WHERE city_id IN (SELECT id FROM cities WHERE slug IN ('$city', '$empty'));
		DELETE FROM weather_hour WHERE city_id = $id; DELETE FROM weather_day WHERE city_id = $id;
		SELECT weather_store(" . join(', ', map({ $each->($_) } "$id", "$first + i * 900::bigint"), "$now",
			map({ $each->($_) } "(($first / 900 + i) % 96 - 40)::real", '20::real', '(50 + i % 2)::smallint', '0.25::real', '3::smallint', 'true', '50::smallint',
				'1000::real', '10::real', '180::smallint', '20::real'), "'simulator'", 'false') . ')');
	$rig->redis(DEL => map { ("weather:$_:current", "weather:$_:history:page1") } $city, $empty);
	my $all = [map { iso($last - 900 * $_) } 0 .. $quarters - 1];	# the newest first
	my $range = 'from=' . iso($first) . '&to=' . iso($last + 1);

	# Ranges.
	my $of_a_day = sub { my $from = time + 1 - 86400; return scalar grep { $_ ge iso($from) } @$all };
	my $most = $of_a_day->();
	my $page = $json->("city=$city");
	my $least = $of_a_day->();	# one less where a quarter of an hour has just begun
	is_deeply([map { $_->{observed_at} } @{$page->{items}}], [@$all[0 .. $#{$page->{items}}]], 'unasked: observations, the newest first');
	ok($least <= @{$page->{items}} && @{$page->{items}} <= $most, '... of a day') or diag "$least, @{[scalar @{$page->{items}}]}, $most";
	is_deeply([@$page{qw(interval next)}], ['raw', undef], '... all on one page');
	is_deeply($page->{city}, $json->("city=$city&limit=1")->{city}, '... with the city');
	is_deeply([@{$page->{items}[0]}{qw(temperature relative_humidity precipitation weather_desc is_day source)}],
		[($last / 900) % 96 - 40, 50 + ($quarters - 1) % 2, 0.25, 'Overcast', Mojo::JSON::true, 'simulator'], '... and the values');
	is_deeply($times->("city=$city&$range&limit=500"), $all, 'all there is');
	is_deeply($times->("city=$city&from=" . iso($last) . '&to=' . iso($last + 1)), [iso($last)], '"from" is in it');
	is_deeply($times->("city=$city&from=" . iso($last - 900) . '&to=' . iso($last)), [iso($last - 900)], '"to" is not');
	my $plus = url_escape(strftime('%Y-%m-%dT%H:%M:%S+07:00', gmtime $last + 7 * 3600));
	is_deeply($times->("city=$city&from=$plus"), [iso($last)], 'an offset is one');
	is_deeply($times->("city=$city&from=" . ($plus =~ s/%2B/+/r)), [iso($last)], '... also where its plus is not escaped');
	my $day = strftime('%Y-%m-%d', gmtime $last);
	is_deeply($times->("city=$city&from=$day&limit=500"), [grep { $_ ge $day } @$all], 'a date is its midnight in UTC');
	is_deeply($times->("city=$city&from=0001-01-01&to=0001-01-02"), [], 'nothing in the year 1');
	is_deeply($times->("city=$city&from=9999-12-30&to=9999-12-31"), [], '... nor in 9999');
	is_deeply($times->("city=$city&from=0001-01-01T00:00:00%2B14:00&to=9999-12-31T23:59:59-12:00&limit=1"), [$all->[0]], 'all the time there is');
	is_deeply($times->("city=$city&to=" . iso($first + 900)), [iso($first)], 'without "from": the day before "to"');

	# Pages.
	for my $limit (1, 7, 100, 287, 288, 500) {
		my (@got, $cursor);
		my $pages = 0;
		for (;;) {
			my $next = $json->("city=$city&$range&limit=$limit" . ($cursor ? "&cursor=$cursor" : ''));
			push @got, map { $_->{observed_at} } @{$next->{items}};
			cmp_ok(scalar @{$next->{items}}, '<=', $limit, "page of $limit") if $limit > 1;
			$cursor = $next->{next};
			last if !$cursor || ++$pages > 300 || $limit == 1 && $pages == 20;
		}
		is_deeply(\@got, $limit == 1 ? [@$all[0 .. 19]] : $all, "pages of $limit: nothing twice, nothing left out");
	}
	my $one = $json->("city=$city&limit=10&$range");
	$rig->sql("INSERT INTO weather_data (city_id, observed_at, collected_at, is_day, source) VALUES ($id, to_timestamp(@{[$last + 900]}), now(), true, 'simulator')");
	my $two = $json->("city=$city&limit=10&cursor=$one->{next}");
	is($two->{items}[0]{observed_at}, $all->[10], 'what is collected in between does not shift the pages');
	$rig->sql("DELETE FROM weather_data WHERE city_id = $id AND observed_at > to_timestamp($last)");
	is($json->("city=$city&limit=10&cursor=$one->{next}&$range")->{items}[0]{observed_at}, $all->[10], 'the range may be said again');

	# Cursors that are none.
	my $hours = $json->("city=$city&interval=hour&limit=2")->{next};
	ok($hours, 'hours have pages too');
	for (["city=$city&cursor=$hours", 'another interval'], ["city=jakarta&cursor=$one->{next}", 'another city'], ["city=$city&cursor=x", 'a word'],
		["city=$city&cursor=" . ($one->{next} =~ s/.\z/x/r), 'another end'], ["city=$city&cursor=" . ('0' x 30), 'zeros'],
		["city=$city&cursor=" . uc $one->{next}, 'upper case'], ["city=$city&cursor=$one->{next}0", 'one digit more'],
		["city=$city&cursor=%27%3B--", 'SQL']) {
		next if $_->[1] eq 'upper case' && $one->{next} !~ /[a-f]/;
		my $res = $get->($_->[0]);
		is_deeply([$res->code, map { $_->{parameter} } @{$res->json->{errors}}], [400, 'cursor'], "a cursor for $_->[1] is none");
	}
	is($get->("city=$city&cursor=$one->{next}&from=2020-01-01")->json('/errors/0/parameter'), 'from', 'nor is one for another range');

	# Hours and days.
	my %hour;
	push @{$hour{substr $_->[0], 0, 13}}, $_->[1] for map { [$all->[$_], (($last - 900 * $_) / 900) % 96 - 40] } 0 .. $#$all;
	my $summary = $json->("city=$city&interval=hour&$range&limit=500");
	is_deeply([map { substr $_->{time}, 0, 13 } @{$summary->{items}}], [grep { "$_:00:00Z" ge iso($first) } reverse sort keys %hour],
		'hours that begin in the range, the newest first');
	for my $item (@{$summary->{items}}[0, 1, 30]) {
		my @t = sort { $a <=> $b } @{$hour{substr $item->{time}, 0, 13}};
		my $sum = 0;
		$sum += $_ for @t;
		is_deeply($item->{temperature}, { min => $t[0], max => $t[-1], mean => 0 + sprintf('%.1f', $sum / @t) }, "$item->{time}: least, most, mean");
		is_deeply([$item->{observations}, $item->{precipitation}], [scalar @t, { sum => 0.25 * @t }], '... of how many, and the sum');
	}
	is($summary->{items}[1]{relative_humidity}{mean}, 50.5, 'a mean of whole numbers need not be one');
	my $days = $json->("city=$city&interval=day");
	is_deeply([map { $_->{time} } @{$days->{items}}], [reverse map { iso($_) } grep { $_ % 86400 == 0 } $first - $first % 86400 .. $last], 'days');
	is_deeply([@{$days->{items}[1]}{qw(observations temperature precipitation)}], [96, { min => -40, max => 55, mean => 7.5 }, { sum => 24 }], '... whole ones');
	is_deeply($days->{units}, { map({ ($_ => '°C') } qw(temperature apparent_temperature)), map({ ($_ => '%') } qw(relative_humidity cloud_cover)),
		pressure_msl => 'hPa', precipitation => 'mm', map({ ($_ => 'km/h') } qw(wind_speed wind_gusts)) }, '... with their units');

	# Faces.
	my $imperial = $json->("city=$city&interval=day&units=imperial");
	is_deeply([@{$imperial->{items}[1]}{qw(temperature precipitation)}], [{ min => -40, max => 131, mean => 45.5 }, { sum => 0.945 }], 'imperial');
	is($json->("city=$city&limit=1&units=imperial")->{items}[0]{wind_speed}, 6.2, '... observations too');
	is($json->("city=$city&limit=1&lang=id")->{items}[0]{weather_desc}, 'Berawan tebal', 'Indonesian');
	my $res = $get->("city=$city&format=csv&limit=2");
	my @lines = split /\r\n/, decode('UTF-8', $res->body);
	is_deeply(\@lines, ['observed_at,temperature (°C),apparent_temperature (°C),relative_humidity (%),precipitation (mm),weather_code,weather_desc,is_day,'
		. 'cloud_cover (%),pressure_msl (hPa),wind_speed (km/h),wind_direction (°),wind_gusts (km/h),source',
		map { sprintf '%s,%.1f,20.0,%d,0.25,3,Overcast,true,50,1000.0,10.0,180,20.0,simulator', $all->[$_], (($last / 900) - $_) % 96 - 40, 50 + ($quarters - 1 - $_) % 2 } 0, 1],
		'CSV');
	my ($next) = ($res->headers->header('Link') // '') =~ /<\?([^>]+)>; rel="next"/;
	like(($get->($next // '')->body), qr/^\Q$all->[2]\E,/m, '... whose next page is in a header');
	like(decode('UTF-8', $get->("city=$city&format=csv&interval=day&limit=1")->body), qr/\Atime,observations,temperature_min \(°C\),.*,precipitation_sum \(mm\)\r\n\S+Z,\d+,/,
		'... of days');

	# What isn't there.
	is_deeply($times->("city=$empty"), [], 'nothing collected yet is an empty list');
	is($get->('city=nix')->json('/type'), '/problems/unknown-city', 'no such city');
	is($get->('city=N%2Fx')->json('/type'), '/problems/unknown-city', 'what can be no slug');
	is($get->('city=bogor')->json('/type'), '/problems/not-tracked', 'known, but not tracked');
	$rig->sql("UPDATE cities SET tracked = false WHERE slug = '$city'");
	$rig->redis(DEL => "weather:$city:current", "weather:$city:history:page1");
	is(scalar @{$json->("city=$city&limit=5")->{items}}, 5, 'what was collected once is shown, tracked or not');
	$rig->sql("UPDATE cities SET tracked = true WHERE slug = '$city'");

	# What it costs, and the page that is kept.
	my $costs = sub {
		my ($expected, $query, $name) = @_;
		my $answer = $get->($query);
		is($answer->headers->header('X-Cuaca-Cost'), $expected, $name);
		return $answer;
	};
	$rig->redis(DEL => "weather:$city:current", "weather:$city:history:page1");
	$http->get("/api/weather/current?city=$city");
	my $made = $costs->('sql=1, redis=2', "city=$city", 'the first page: one statement, and Redis asked and told');
	my $kept = $costs->('sql=0, redis=1', "city=$city", '... then one round trip');
	is($kept->body, $made->body, '... the same bytes');
	is($rig->redis(GET => "weather:$city:history:page1"), $made->body =~ s/\s+\z//r, '... which Redis has');
	my $ttl = $rig->redis(TTL => "weather:$city:history:page1");
	ok($ttl > 3500 && $ttl <= 3600, '... for an hour');
	is($get->("city=$city", 'If-None-Match' => $made->headers->etag)->code, 304, '... not modified');
	ok($made->headers->last_modified, '... and says since when');
	$costs->('sql=0, redis=1', "city=$city&limit=96&interval=raw&units=metric", '... however its parameters are put');
	$costs->('sql=1, redis=1', "city=$city&$_", "another page: one statement ($_)") for 'limit=95', 'units=imperial', 'format=csv', 'interval=hour', 'lang=id';
	$rig->redis(SET => "weather:$city:history:page1", $made->body =~ s/\{"observed_at".*?\},//r);
	is($costs->('sql=1, redis=2', "city=$city", 'a page that lacks the newest observation is made anew')->json('/items/0/observed_at'), $all->[0],
		'... and has it');
	$rig->redis(SET => "weather:jakarta:history:page1", 'old');
	$rig->ingest('--city', 'jakarta');
	is($rig->redis(EXISTS => "weather:jakarta:history:page1"), 0, 'an ingest that brings something new drops it');

	# Caches.
	$rig->up(cache => 'on');
	my $a = $get->("city=$city&interval=day&limit=3");
	my $b = $get->("limit=3&interval=day&city=$city");
	is($b->body, $a->body, 'the order of parameters does not matter');
	is($b->headers->header('X-Cache-Status'), 'HIT', '... to the cache either') if $web eq 'nginx';
	isnt($get->("city=$city&interval=hour&limit=3")->body, $a->body, 'but the interval does');
	isnt($get->("city=$city&interval=day&limit=2")->body, $a->body, '... and the limit');
	isnt($get->("city=$city&interval=day&limit=3&to=$day")->body, $a->body, '... and the range');
	$rig->sql("UPDATE cities SET tracked = false WHERE slug IN ('$city', '$empty')");
};
