#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# /v1/forecast against Open-Meteo's double: the same requests to both, for cities that we have, must bring the same
# JSON: members, order, units, times, decimals, and the values, since we had them from there. Then what is ours alone,
# and a published client that knows nothing of us.

use strict;
use warnings;
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Http;
use Mojo::JSON qw(decode_json);
use OpenAPI;
use Rig;
use Test::More;

my $rig = Rig->new(debug_headers => 'on');
my $api = OpenAPI->new;
my ($upstream) = $rig->read('etc/cuaca.conf') =~ m{^open_meteo_url = (\S+)}m;
my $simulator = Http->new($upstream);
my $http = Http->new($rig->url);

my @hourly = qw(temperature_2m apparent_temperature relative_humidity_2m precipitation precipitation_probability
	weather_code cloud_cover pressure_msl wind_speed_10m wind_direction_10m);
my @daily = qw(weather_code temperature_2m_max temperature_2m_min sunrise sunset precipitation_sum
	precipitation_probability_max wind_speed_10m_max wind_gusts_10m_max wind_direction_10m_dominant);
my @current = qw(temperature_2m apparent_temperature relative_humidity_2m precipitation weather_code cloud_cover
	pressure_msl wind_speed_10m wind_direction_10m wind_gusts_10m);

# West and east, with half an hour, at Greenwich.
my %city = map { ($_ => decode_json($http->get("/api/cities/$_")->body)) } qw(jakarta london delhi new-york-city tokyo);

# The places of these cities, as parameters.
sub at
{
	my (@slugs) = @_;
	my @pairs;

	for my $key (qw(latitude longitude)) {
		push @pairs, "$key=" . join ',', map { $city{$_}{$key} } @slugs;
	}
	return join '&', @pairs;
}

# ---- The forecasts, as the ingest stores them ----

sub array { return "'{" . join(',', map { $_ // 'NULL' } @{$_[0]}) . "}'" }

sub store_forecast
{
	my ($slug) = @_;
	my $query = at($slug) . '&past_days=2&forecast_days=9&timeformat=unixtime&timezone=' . $city{$slug}{timezone} . '&hourly=' . join(',', @hourly)
		. '&daily=' . join(',', @daily);
	my $f = decode_json($simulator->get("/v1/forecast?$query")->body);
	my $offset = $f->{utc_offset_seconds};

	$rig->sql("DELETE FROM weather_forecast WHERE city_id = (SELECT id FROM cities WHERE slug = '$slug')");
	$rig->sql("INSERT INTO weather_forecast SELECT id, now(), $offset, 'simulator', to_timestamp($f->{hourly}{time}[0]), "
		. "(to_timestamp($f->{daily}{time}[0] + $offset) AT TIME ZONE 'UTC')::date, "
		. join(', ', (map { array($f->{hourly}{$_}) } @hourly), map { array($f->{daily}{$_}) } @daily)
		. " FROM cities WHERE slug = '$slug'");
	$rig->redis('DEL', "weather:$slug:forecast");
}

# Local midnight must not come between either: all is stored and asked for again if a quarter of an hour has begun.
sub store_all
{
	$rig->ingest;
	store_forecast($_) for grep { $_ ne 'tokyo' } keys %city;
}

# ---- The same requests to both ----

# What may differ: the time it took, and elevation and position, where Open-Meteo has its grid's.
sub common
{
	my ($body) = @_;

	$body =~ s/"(latitude|longitude|generationtime_ms|elevation)":-?[0-9.e-]+/"$1":0/g;
	return $body;
}

sub ours { return $http->get("/v1/forecast?$_[0]") }

my $quarter;
sub same
{
	my ($query, $name, %mend) = @_;
	my ($mine, $theirs);

	do {
		store_all() if ($quarter // 0) != int(time / 900);
		$quarter = int(time / 900);
		$mine = ours($query);
		$theirs = $simulator->get("/v1/forecast?$query");
	} while $quarter != int(time / 900);
	$api->check(GET => "/v1/forecast?$query", $mine, "$name: as described");
	is($mine->code, $theirs->code, "$name: the status");
	is($mine->headers->content_type, 'application/json; charset=utf-8', '... and the type');
	return same_json($mine->body, $theirs->body, $name) if $mine->code == 200;
	is_deeply(decode_json($mine->body), decode_json($theirs->body), '... and the same words');
}

# The same text but for what may differ; where that has no luck, numbers, rounded before they are converted, may be off by two in the last place.
sub same_json
{
	my ($mine, $theirs, $name) = map { common($_) } @_;
	my @mine = split /(?<![\w"-])(-?\d+(?:\.\d+)?)(?=[,}\]])/, $mine;
	my @theirs = split /(?<![\w"-])(-?\d+(?:\.\d+)?)(?=[,}\]])/, $theirs;
	my $off = 0;

	return pass("$name: the same text") if $mine eq $theirs;
	for my $i (0 .. $#theirs) {
		next if ($mine[$i] // '') eq $theirs[$i];
		my ($decimals) = map { length } $theirs[$i] =~ /\.(\d+)/, '';
		my $close = $i % 2 && ($mine[$i] // '') =~ /^-?\d+(?:\.\d{$decimals})?\z/
			&& abs($mine[$i] - $theirs[$i]) <= 2.001 * 10 ** -$decimals;
		$off = 1 if !$close;
		return is($mine[$i], $theirs[$i], "$name: piece $i after " . substr($theirs[$i - 1] // '', -60)) if !$close;
	}
	return is(scalar @mine, scalar @theirs, "$name: the same text, numbers rounded once more");
}

my $everything = '&current=' . join(',', @current) . '&hourly=' . join(',', @hourly) . '&daily=' . join(',', @daily);

for my $slug (sort grep { $_ ne 'tokyo' } keys %city) {
	my $zone = "timezone=$city{$slug}{timezone}";

	same(at($slug) . "&$zone$everything", "all that there is of $slug");
	same(at($slug) . "&$zone&timeformat=unixtime$everything", '... in UNIX time');
	same(at($slug) . "&$zone&temperature_unit=fahrenheit&wind_speed_unit=mph&precipitation_unit=inch$everything", '... in imperial units');
	same(at($slug) . "&$zone&wind_speed_unit=ms$everything", '... in m/s');
	same(at($slug) . "&$zone&wind_speed_unit=kn$everything", '... in knots');
}
my $jakarta = at('jakarta');
same("$jakarta&timezone=Asia/Jakarta&forecast_days=3&hourly=temperature_2m&daily=sunrise", 'fewer days');
same("$jakarta&timezone=Asia/Jakarta&forecast_days=0&hourly=temperature_2m&daily=sunrise", 'no days');
same("$jakarta&timezone=Asia/Jakarta&forecast_hours=5&hourly=temperature_2m", 'hours from now on');
same(at($_) . '&past_days=1&hourly=temperature_2m,precipitation&current=weather_code', "a day before and a week of hours of $_ in GMT")
	for qw(jakarta london new-york-city);
same("$jakarta&hourly=temperature_2m&timezone=$_", "hours in $_") for qw(Pacific/Kiritimati Pacific/Pago_Pago);
same("$jakarta&current=temperature_2m,is_day", 'the time of day');
same("$jakarta&current=temperature_2m&timezone=$_", "in $_") for qw(GMT UTC Europe/Berlin America/St_Johns Asia/Kathmandu EST5EDT Etc/GMT%2B9);
same("$jakarta&current=$_", "current=$_") for @current;
same(at(qw(jakarta london delhi)) . "&timezone=Asia/Jakarta,Europe/London,Asia/Kolkata$everything", 'three places in their zones');
same(at(qw(jakarta london)) . '&current=weather_code,cloud_cover', 'two in one');
same($jakarta, 'nothing of a place');
same("$jakarta&current=", 'nothing by an empty list');
same("$jakarta&current=cloud_cover&apikey=x&models=best_match&cell_selection=nearest&elevation=nan&utm=1", 'what other clients send');
same("$jakarta&current=cloud_cover&elevation=12.5", 'an elevation');
like(ours("$jakarta&elevation=12.5")->body, qr/"elevation":12\.5[,}]/, '... is repeated');

# ---- Mistakes ----

same(@$_) for
	['', 'nothing at all'],
	['latitude=1', 'no longitude'],
	['latitude=1,2&longitude=3', 'one longitude for two'],
	['latitude=91&longitude=1', 'too far north'],
	['latitude=1&longitude=-180.5', 'too far west'],
	['latitude=nan&longitude=1', 'not a number'],
	['latitude=x&longitude=1', 'not at all a number'],
	["$jakarta&hourly=temperature_3m", 'an unknown variable'],
	["$jakarta&hourly=temperature_2m,%22%5C", 'one with a quote'],
	["$jakarta&daily=temperature_2m", 'an hourly one in the days'],
	["$jakarta&current=sunrise", 'a daily one now'],
	["$jakarta&temperature_unit=kelvin", 'an unknown unit'],
	["$jakarta&wind_speed_unit=m", '... of wind'],
	["$jakarta&precipitation_unit=cm", '... of water'],
	["$jakarta&timeformat=rfc3339", 'an unknown form of time'],
	["$jakarta&timezone=Nowhere", 'an unknown zone'],
	["$jakarta&timezone=Asia/Jakarta,GMT", 'two zones for a place'],
	["$jakarta&timezone=../../../etc/passwd", 'a file'],
	["$jakarta&past_days=94", 'too far back'],
	["$jakarta&past_days=-1", 'backwards'],
	["$jakarta&forecast_days=17", 'too far ahead'],
	["$jakarta&forecast_days=x", 'no number of days'],
	["$jakarta&models=gfs_seamless", 'another model'],
	["$jakarta&cell_selection=air", 'another cell'],
	["$jakarta&start_date=2026-01-01", 'a start without an end'],
	["$jakarta&start_date=2026-01-01&end_date=x", 'an end that is no date'],
	["$jakarta&start_date=1950-01-01&end_date=1950-01-02", 'long ago'],
	["$jakarta&elevation=1,2", 'two elevations for a place'];

# From here on one answer is held against another, or against what was stored today.
sleep 1 while grep { (time + $_) % 86400 >= 86400 - 60 } 7 * 3600, 5 * 3600 + 1800, 0;
store_all() if $quarter != int(time / 900);

# ---- What is described ----

# Each parameter with the example that the description gives it, and all of them at once.
my (@pairs, %enum);
for my $parameter (@{$api->document->{paths}{'/v1/forecast'}{get}{parameters}}) {
	my ($name, $example) = @$parameter{qw(name example)};

	$enum{$name} = $parameter->{schema}{items}{enum} if $parameter->{schema}{items};
	push @pairs, "$name=" . (ref $example ? join ',', @$example : $example) if defined $example && $name !~ /^(?:past|forecast)_hours$/;
}
is(ours(join '&', @pairs)->code, 200, 'all examples together');
my (undef, $all) = answer("$jakarta&timezone=auto&" . join '&', map { "$_=" . join ',', @{$enum{$_}} } qw(current hourly daily));
for my $block (qw(current hourly daily)) {
	is_deeply([sort grep { !/^(?:time|interval)$/ } keys %{$all->{$block}}], [sort @{$enum{$block}}], "the variables of $block are those described");
}

# ---- What is ours ----

sub answer
{
	my ($query) = @_;
	my $res = ours($query);

	$api->check(GET => "/v1/forecast?$query", $res);
	return ($res->code, decode_json($res->body), $res);
}

my ($status, $json, $res) = answer("$jakarta&timezone=auto&current=is_day");
is($json->{timezone}, 'Asia/Jakarta', 'auto is the zone of the city');
is($res->headers->header('X-Cuaca-Cost'), 'sql=1, redis=1', 'an answer costs one query and one round trip');
(undef, $json) = answer("$jakarta&timezone=auto&hourly=is_day&daily=daylight_duration,sunrise,sunset&timeformat=unixtime");
is_deeply([map { $_ & ~1 } @{$json->{hourly}{is_day}}], [(0) x 168], 'hours are of the day or of the night');
is_deeply($json->{daily}{daylight_duration}, [map { $json->{daily}{sunset}[$_] - $json->{daily}{sunrise}[$_] } 0 .. 6],
	'days last from sunrise to sunset');
is_deeply($json->{daily_units}, { time => 'unixtime', daylight_duration => 's', sunrise => 'unixtime', sunset => 'unixtime' }, '... seconds');

(undef, $json) = answer("$jakarta&timezone=auto&past_days=3&forecast_days=11&hourly=temperature_2m&daily=weather_code");
is_deeply([map { defined ? 1 : 0 } @{$json->{hourly}{temperature_2m}}], [(0) x 24, (1) x 264, (0) x 48], 'hours that are not stored are null');
is_deeply([map { defined ? 1 : 0 } @{$json->{daily}{weather_code}}], [0, (1) x 11, 0, 0], '... and so are days');

my (undef, $utc) = answer(at('delhi') . '&hourly=temperature_2m&past_days=1&timeformat=unixtime');
my (undef, $ist) = answer(at('delhi') . '&hourly=temperature_2m&past_days=1&timeformat=unixtime&timezone=auto');
my %shown;
@shown{@{$ist->{hourly}{time}}} = @{$ist->{hourly}{temperature_2m}};
is_deeply([map { $utc->{hourly}{temperature_2m}[$_] } 24 .. 90], [map { $shown{$utc->{hourly}{time}[$_] - 1800} } 24 .. 90],
	'half-hour zones show the hours of UTC half an hour before');

(undef, $json) = answer("$jakarta&current_weather=true&windspeed_unit=ms");
is_deeply([sort keys %{$json->{current_weather}}], [sort qw(time interval temperature windspeed winddirection is_day weathercode)], 'the old current_weather');
is($json->{current_weather_units}{windspeed}, 'm/s', '... in its old units');
(undef, $json) = answer("$jakarta&hourly=windspeed_10m,weathercode,cloudcover,relativehumidity_2m&daily=windgusts_10m_max,winddirection_10m_dominant");
ok(exists $json->{hourly}{windspeed_10m} && exists $json->{daily}{windgusts_10m_max}, 'names from before are taken, and repeated');

(undef, $json) = answer("$jakarta&current=temperature_2m&current=cloud_cover&current%5B%5D=is_day&wind_speed_unit=kmh&wind_speed_unit=ms");
is_deeply([sort keys %{$json->{current}}], [sort qw(time interval temperature_2m cloud_cover is_day)], 'lists may come in pieces');
(undef, $json) = answer("latitude=$city{jakarta}{latitude}&latitude=$city{london}{latitude}&longitude=$city{jakarta}{longitude}&longitude=$city{london}{longitude}");
is_deeply([map { $_->{location_id} } @$json], [undef, 1], '... of places too');

$rig->sql("DELETE FROM weather_forecast WHERE city_id = (SELECT id FROM cities WHERE slug = 'tokyo')");
$rig->redis('DEL', 'weather:tokyo:forecast');
for (["latitude=0&longitude=-30&current=is_day", 400, 'No data is available for this location', 'the ocean'],
	["latitude=-6.59444&longitude=106.78917", 400, 'No data is available for this location', 'a city 43 km from a tracked one'],
	['latitude=' . join(',', (1) x 51) . '&longitude=' . join(',', (1) x 51), 400, 'Only up to 50 locations can be requested at once', '51 places'],
	["$jakarta&minutely_15=temperature_2m", 400, "Parameter 'minutely_15' must not be set", 'what we do not have'],
	["$jakarta&format=flatbuffers", 400, "Data corrupted at path 'format'. Cannot initialize ForecastResultFormat from invalid String value flatbuffers.", 'another format'],
	["$jakarta&hourly=%ff", 400, 'The query has a broken escape or is not UTF-8', 'bytes'],
	[at('tokyo') . '&current=is_day', 200, undef, 'a city without a forecast, now'],
	[at('tokyo') . '&hourly=is_day', 503, 'No data has been collected for this location yet', '... and later']) {
	my ($query, $code, $reason, $name) = @$_;

	($status, $json) = answer($query);
	is($status, $code, "$name: the status");
	is($json->{reason}, $reason, '... and the reason') if defined $reason;
}

my @many = (at(('jakarta') x 50) . '&hourly=temperature_2m,weather_code&daily=sunrise&current=is_day&timezone=auto');
($status, $json) = answer($many[0]);
is(scalar @$json, 50, '50 places at once');
($status, $json) = answer(at(('jakarta') x 50) . '&past_days=93&hourly=' . join(',', @hourly));
is_deeply([$status, $json->{reason} =~ /^Your API call requests too much data/], [400, 1], 'too much of them');

for my $method (qw(HEAD OPTIONS POST)) {
	my $answer = $http->ask($method, "/v1/forecast?$jakarta");
	$api->check($method => "/v1/forecast?$jakarta", $answer);
}
is($http->get("/v1/$_")->body, '{"error":true,"reason":"Not Found"}', "/v1/$_") for qw(archive nothing);

my $key = $http->get("/v1/forecast?$jakarta", 'X-API-Key' => 'x' x 40);
$api->check(GET => "/v1/forecast?$jakarta", $key);
is($key->code, 401, 'a key that is none');

# As many different ones, out of PostgreSQL and then out of Redis.
my @apart = map { [split /\|/] } split /\n/, $rig->sql("SELECT latitude, longitude FROM cities JOIN weather_forecast ON city_id = id"
	. " WHERE tracked ORDER BY population DESC LIMIT 50");
my $apart = 'latitude=' . join(',', map { $_->[0] } @apart) . '&longitude=' . join(',', map { $_->[1] } @apart);
$rig->redis('FLUSHALL');
for my $from (qw(PostgreSQL Redis)) {
	($status, $json) = answer("$apart&hourly=temperature_2m&daily=sunrise&current=is_day");
	is_deeply([$status, ref $json eq 'ARRAY' ? scalar @$json : $json], [200, 50], "50 cities out of $from");
}

# Redis away, and what it forgot.
$rig->redis('FLUSHALL');
($status) = answer("$jakarta&current=is_day&hourly=is_day");
is($status, 200, 'what Redis forgot comes from PostgreSQL');
$rig->stop('redis');
($status) = answer("$jakarta&current=is_day&hourly=is_day");
is($status, 200, '... and all of it, while Redis is away');
$rig->start('redis');
$rig->stop('postgresql');
($status, $json) = answer("$jakarta&current=is_day");
is_deeply([$status, $json], [503, { error => Mojo::JSON->true, reason => 'The service is overloaded' }], 'PostgreSQL away');
$rig->start('postgresql');
for (1 .. 200) { last if ours("$jakarta&current=is_day")->code == 200; select undef, undef, undef, 0.1 }

# None of this cost anything upstream.
$simulator->ask('DELETE', '/_sim/stats');
ours("$jakarta$everything") for 1 .. 20;
is(decode_json($simulator->get('/_sim/stats')->body)->{requests}, 0, 'no request here becomes one there');

# ---- A client of Open-Meteo ----

SKIP: {
	my $folder = tempdir(CLEANUP => 1);

	skip 'no npm', 1 if system('command -v node npm >/dev/null 2>&1') != 0;
	copy("$Bin/client/$_", "$folder/$_") or die "$_: $!" for qw(package.json forecast.mjs);
	skip 'npm cannot install the client', 1
		if system("cd '$folder' && npm install --ignore-scripts --no-audit --no-fund --no-package-lock >npm.log 2>&1") != 0;
	store_forecast('jakarta');
	local $ENV{OPEN_METEO_API_URL} = $rig->url;
	my $mine = decode_json($rig->output('node', "$folder/forecast.mjs", @{$city{jakarta}}{qw(latitude longitude)}));
	$ENV{OPEN_METEO_API_URL} = $upstream;
	my $theirs = decode_json($rig->output('node', "$folder/forecast.mjs", @{$city{jakarta}}{qw(latitude longitude)}));
	$_->{timezone} = $_->{warmest} = $_->{places} = undef for $theirs;	# its "auto" is another town's
	is_deeply({ %$mine, timezone => undef, warmest => undef, places => undef }, $theirs, 'a published client finds here what it finds there');
	is(scalar @{$mine->{places}}, 2, '... of several places too');
}

# ---- Both web servers ----

for my $web (qw(lighttpd nginx)) {
	my ($exit, $out) = $rig->up(web => $web, rate_api => 1);

	is($exit, 0, $web) or diag $out;
	is(ours("$jakarta&current=is_day")->code, 200, "... has it");
	is($http->get('/v1/archive')->code, 404, '... and no more');
	my @refused = grep { $_->code == 429 } $http->get_at_once(("/v1/forecast?$jakarta") x 40);
	ok(@refused > 10, '... limits it');
	$api->check(GET => '/v1/forecast', $refused[0]);
	is($refused[0]->body, '{"error":true,"reason":"Too many concurrent requests"}', '... in words that clients know');
	$rig->stop('weather');
	sleep 2;
	my $away = ours($jakarta);
	$api->check(GET => '/v1/forecast', $away);
	is($away->body, '{"error":true,"reason":"The service is overloaded"}', '... and answers while the program is away');
	$rig->start('weather');
}

done_testing;
