# SPDX-License-Identifier: ISC
#
# Units, languages and formats of the current weather: all of them made of the one body that Redis has, and cached
# under names of their own.

use strict;
use warnings;
use utf8;
use Encode qw(decode);
use Mojo::JSON qw(decode_json);
use Test::More;

my $current = '/api/weather/current';

return sub {
	my ($rig, $http, $api, $web) = @_;
	# Ask, and hold the answer against the description; the answer and its body as text.
	my $get = sub {
		my ($query, %headers) = @_;
		my $res = $http->get("$current?$query", %headers);

		$api->check(GET => "$current?$query", $res);
		return ($res, decode('UTF-8', $res->body));
	};
	my $json = sub { return decode_json(($get->(@_))[0]->body) };

	# A known observation, of a city that neither turn has asked for.
	my ($city, $name) = $web eq 'nginx' ? ('lima', 'Lima') : ('bogota', 'Bogotá');
	my $values = sub {
		my ($set) = @_;
		my $id = "(SELECT id FROM cities WHERE slug = '$city')";
		$rig->sql("UPDATE cities SET tracked = true WHERE slug = '$city';
			INSERT INTO weather_data (city_id, observed_at, collected_at, is_day, source) SELECT $id, max(observed_at), max(collected_at),
				true, 'simulator' FROM weather_data ON CONFLICT DO NOTHING;
			UPDATE weather_data SET is_day = true, $set WHERE city_id = $id");
		$rig->redis(DEL => "weather:$city:current");
	};
	$rig->up(cache => 'off');
	$values->('temperature = 27.4, apparent_temperature = 31.9, relative_humidity = 84, precipitation = 2.5, weather_code = 3,
		cloud_cover = 97, pressure_msl = 1009.8, wind_speed = 6.1, wind_direction = 210, wind_gusts = 14.4');

	# Units.
	my $metric = $json->("city=$city&units=metric");
	is_deeply($metric, $json->("city=$city"), 'metric units are what comes unasked');
	my $imperial = $json->("city=$city&units=imperial");
	is_deeply([@{$imperial->{current}}{qw(temperature apparent_temperature precipitation wind_speed wind_gusts pressure_msl relative_humidity)}],
		[81.3, 89.4, 0.098, 3.8, 8.9, 1009.8, 84], 'imperial: converted, and rounded as Open-Meteo does');
	is_deeply([@{$imperial->{units}}{qw(temperature apparent_temperature precipitation wind_speed wind_gusts pressure_msl wind_direction)}],
		['°F', '°F', 'inch', 'mph', 'mph', 'hPa', '°'], '... and named');
	is_deeply([map { $imperial->{$_} } qw(collected_at stale source)], [map { $metric->{$_} } qw(collected_at stale source)],
		'... all else is as it was');
	my $far = $json->('lat=-6.3&lon=106.9&units=imperial');
	is($far->{distance_km}, 11.3, 'with a distance, which is in km always');
	my $list = $json->("cities=$city,jakarta&units=imperial");
	is_deeply($list->{items}[0], $imperial, 'several: each as if asked for alone');

	# Languages.
	for (['', 'Overcast'], ['&lang=en', 'Overcast'], ['&lang=id', 'Berawan tebal'], ['&lang=id&units=imperial', 'Berawan tebal']) {
		is($json->("city=$city$_->[0]")->{current}{weather_desc}, $_->[1], "$_->[1] for city=$city$_->[0]");
	}
	my %accept = ('id' => 'id', 'ID' => 'id', 'id-ID,id;q=0.9,en-US;q=0.8,en;q=0.7' => 'id', 'in' => 'id', 'fr, id;q=0.5' => 'id',
		'en;q=0.5, id;q=0.9' => 'id', 'en;q=0.5,id' => 'id', 'id;q=0.9,fr' => 'id', 'en' => 'en', 'en-GB,en;q=0.9,id;q=0.8' => 'en',
		'fr' => 'en', '*' => 'en', 'id;q=0' => 'en', 'id;q=0.1,en' => 'en', 'idn' => 'en', ';;,,q=' => 'en', 'id;q=x' => 'en',
		'indonesia' => 'en', 'x' x 2000 => 'en', ',' x 2000 => 'en');
	for my $header (sort keys %accept) {
		my ($res) = $get->("city=$city", 'Accept-Language' => $header);
		is(decode_json($res->body)->{current}{weather_desc}, $accept{$header} eq 'id' ? 'Berawan tebal' : 'Overcast',
			'Accept-Language: ' . substr($header, 0, 40) . " is $accept{$header}");
		is($res->headers->vary, 'Accept-Language', '... and the answer says what it depends on');
	}
	my ($res) = $get->("city=$city&lang=en", 'Accept-Language' => 'id');
	is(decode_json($res->body)->{current}{weather_desc}, 'Overcast', 'the parameter comes before the header');
	is($res->headers->vary, undef, '... and then the header plays no part');
	for ([97, 'Heavy thunderstorm', 'Badai petir hebat'], [98, 'Unknown', 'Tidak diketahui'], [0, 'Clear sky', 'Cerah']) {
		my ($code, $en, $id) = @$_;
		$values->("weather_code = $code");
		is($json->("city=$city&lang=en")->{current}{weather_desc}, $en, "$code in English");
		is($json->("city=$city&lang=id")->{current}{weather_desc}, $id, '... and in Indonesian');
	}
	$values->('weather_code = 3');

	# A line of text.
	($res, my $text) = $get->("city=$city&format=text");
	is($text, "$name: 27.4 °C (feels like 31.9 °C), Overcast, humidity 84 %, wind 6.1 km/h from SSW\n", 'a line of text');
	is($res->headers->content_type, 'text/plain; charset=utf-8', '... of that type');
	like($res->headers->header('Link'), qr{<https://open-meteo.com/>.*creativecommons}, '... whose attribution is in a header');
	is(($get->("city=$city&format=text&units=imperial&lang=id"))[1],
		"$name: 81.3 °F (terasa seperti 89.4 °F), Berawan tebal, kelembapan 84 %, angin 3.8 mph dari SSW\n", 'in other units and words');
	like(($get->('lat=-6.3&lon=106.9&format=text'))[1], qr/\AJakarta, 11\.3 km away: /, 'with a distance');
	like(($get->("cities=$city,jakarta,tokyo&format=text"))[1], qr/\A\Q$name\E: .*\nJakarta: .*\nTokyo: .*\n\z/, 'a line for each of several');
	$values->('temperature = NULL, apparent_temperature = NULL, wind_speed = 0');
	is(($get->("city=$city&format=text"))[1], "$name: Overcast, humidity 84 %, calm\n", 'what is not known is left out');
	$values->('temperature = 27.4, apparent_temperature = 31.9, wind_speed = 6.1');

	# CSV.
	($res, $text) = $get->("cities=$city,jakarta&format=csv");
	is($res->headers->content_type, 'text/csv; charset=utf-8; header=present', 'CSV');
	my ($head, @lines) = split /\r\n/, $text;
	is($head, 'city,name,country,latitude,longitude,observed_at,temperature (°C),apparent_temperature (°C),relative_humidity (%),'
		. 'precipitation (mm),weather_code,weather_desc,is_day,cloud_cover (%),pressure_msl (hPa),wind_speed (km/h),wind_direction (°),'
		. 'wind_gusts (km/h),collected_at,source', '... names its columns and units');
	like($lines[0], qr/\A\Q$city,$name\E,[A-Z]{2},-?\d+\.\d{5},-?\d+\.\d{5},[^,]+Z,27\.4,31\.9,84,2\.5,3,Overcast,true,97,1009\.8,6\.1,210,14\.4,[^,]+Z,simulator\z/,
		'... and has a line for each city');
	is(scalar @lines, 2, '... no more');
	like(($get->("city=$city&format=csv&units=imperial"))[1], qr/temperature \(°F\).*,81\.3,89\.4,84,0\.098,/s, '... in other units');
	like(($get->('lat=-6.3&lon=106.9&format=csv'))[1], qr/,distance_km\r\n.*,11\.3\r\n\z/s, '... with a distance');

	# Prometheus.
	($res, $text) = $get->("cities=$city,jakarta&format=prometheus&units=imperial&lang=id");
	is($res->headers->content_type, 'text/plain; version=0.0.4; charset=utf-8', 'Prometheus');
	like($text, qr/^\Qcuaca_weather_temperature_celsius{city="$city",name="$name",country="\E[A-Z]{2}\Q",source="simulator"} 27.4\E$/m,
		'... metric whatever is asked for');
	for (qw(apparent_temperature_celsius relative_humidity_percent precipitation_millimeters code cloud_cover_percent pressure_msl_hectopascals
		wind_speed_kilometers_per_hour wind_direction_degrees wind_gusts_kilometers_per_hour is_day stale collected_timestamp_seconds
		observed_timestamp_seconds)) {
		is(() = $text =~ /^cuaca_weather_$_\{city="[^"]+",[^}]*\} [\d.]+$/mg, 2, "... cuaca_weather_$_ of both");
		is(() = $text =~ /^# TYPE cuaca_weather_$_ gauge$/mg, 1, '... described once');
	}

	# Errors are problems, whatever the format.
	($res) = $get->('city=nix&format=prometheus');
	is($res->headers->content_type, 'application/problem+json', 'an error is a problem in any format');

	# What it costs: the same as the plain answer.
	for ("city=$city&format=text", "city=$city&units=imperial", "cities=$city,jakarta&lang=id&format=csv") {
		$get->($_);
		is(($get->($_))[0]->headers->header('X-Cuaca-Cost'), 'sql=0, redis=1', "one round trip to Redis: $_");
	}

	# The web server's cache keeps them apart, and takes the same thing for the same.
	$rig->up(cache => 'on');
	my %expected = map { my $query = $_; map { ("$query $_" => ($get->($query, 'Accept-Language' => $_))[1]) } qw(en id) }
		"city=$city", "city=$city&units=imperial", "city=$city&lang=id", "city=$city&format=text", "city=$city&units=imperial&format=csv";
	is(scalar(keys %{{reverse %expected}}), 8, 'eight different answers to ten questions');
	for (sort keys %expected) {
		my ($query, $lang) = split / /;
		my ($again, $body) = $get->($query, 'Accept-Language' => $lang);
		is($body, $expected{$_}, "$_: the same again");
		is($again->headers->header('X-Cache-Status'), 'HIT', '... from the cache') if $web eq 'nginx';
		($again) = $get->($query, 'Accept-Language' => $lang, 'If-None-Match' => $again->headers->etag);
		is($again->code, 304, '... and not modified');
	}
	my ($one) = $get->("city=$city&units=imperial&format=csv");
	my ($other) = $get->("format=csv&units=imperial&city=$city");
	is($other->body, $one->body, 'in another order it is the same');
	is($other->headers->header('X-Cache-Status'), 'HIT', '... to the cache too') if $web eq 'nginx';
	my ($browser) = $get->("city=$city", 'Accept-Language' => 'id-ID,id;q=0.9,en-US;q=0.8');
	is($browser->headers->header('X-Cache-Status'), 'HIT', 'what browsers send is normalised') if $web eq 'nginx';
	my ($unclear) = $get->("city=$city", 'Accept-Language' => 'en;q=0.5, id;q=0.9');
	is(decode('UTF-8', $unclear->body), $expected{"city=$city id"}, 'and what is not clear at a glance is weighed by the program');
};
