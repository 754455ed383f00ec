# SPDX-License-Identifier: ISC
#
# Bad input: a 400 that names each parameter, whatever else is going on.

use strict;
use warnings;
use Mojo::JSON qw(decode_json);
use Test::More;

my $current = '/api/weather/current';
my $forecast = '/api/weather/forecast';
my $history = '/api/weather/history';

# Path with query, then each bad parameter with a part of what is said about it, in order.
my @bad = (
	# which place
	[$current, city => 'is needed'],
	["$current?", city => 'is needed'],
	["$current?&", city => 'is needed'],
	["$current?lat=1", lon => 'is needed'],
	["$current?lon=1", lat => 'is needed'],
	["$current?city=jakarta&lat=1&lon=2", lat => 'cannot be combined'],
	["$current?city=jakarta&lon=2", lon => 'cannot be combined'],
	["$current?city=jakarta&cities=jakarta", cities => 'cannot be combined'],
	['/api/cities?q=band&near=1,2', near => 'cannot be combined'],
	# unknown
	["$current?city=jakarta&utm=1", utm => 'not a parameter'],
	["$current?city=jakarta&utm", utm => 'not a parameter'],
	["$current?city=jakarta&City=bandung", City => 'not a parameter'],
	["$current?city=jakarta&city[]=bandung", 'city[]' => 'not a parameter'],
	["$current?city=jakarta&=x", '' => 'not a parameter'],
	["$current?city=jakarta&a=1&b=2", a => 'not a parameter', b => 'not a parameter'],
	['/api/cities?page=2', page => 'not a parameter'],
	['/api/cities/jakarta?lang=en', lang => 'not a parameter'],
	['/api/health?x=1', x => 'not a parameter'],
	['/api/ready?x=1', x => 'not a parameter'],
	['/api/openapi.json?x=1', x => 'not a parameter'],
	# repeated
	["$current?city=jakarta&city=jakarta", city => 'more than once'],
	["$current?city=jakarta&%63ity=bandung", city => 'more than once'],
	["$current?lat=1&lon=2&lat=1", lat => 'more than once'],
	['/api/cities?limit=1&limit=1', limit => 'more than once'],
	# empty
	["$current?city=", city => 'empty'],
	["$current?city", city => 'no value'],
	["$current?cities=", cities => 'empty'],
	["$current?cities=jakarta,", cities => 'item is empty'],
	["$current?cities=,jakarta", cities => 'item is empty'],
	["$current?lat=&lon=", lat => 'empty', lon => 'empty'],
	['/api/cities?q=', q => 'empty'],
	# ill-typed, out of range
	["$current?lat=91&lon=0", lat => 'between -90 and 90'],
	["$current?lat=0&lon=-180.01", lon => 'between -180 and 180'],
	(map { ["$current?lat=0&lon=$_", lon => 'not a number'] }
		qw(nan NaN inf -Infinity 0x10 1e999 1.2.3 -- north 1%2C5 1%20 %2B %D9%A1)),
	['/api/cities?near=1', near => 'latitude,longitude'],
	['/api/cities?near=1,2,3', near => 'not a number'],
	['/api/cities?near=91,0', near => 'between -90 and 90'],
	['/api/cities?near=nan,0', near => 'not a number'],
	(map { ["/api/cities?limit=$_", limit => 'between 1 and 100'] } qw(0 101 -1)),
	(map { ["/api/cities?limit=$_", limit => 'not a whole number'] } qw(ten 1.5 1e1 0x10 99999999999999999999), '+5'),
	['/api/cities?q=x', q => '2 to 80 characters'],
	['/api/cities?q=' . 'x' x 81, q => '2 to 80 characters'],
	["$current?city=" . 'x' x 81, city => '1 to 80 characters'],
	["$current?cities=" . join(',', ('jakarta') x 51), cities => 'at most 50'],
	["$current?cities=" . join(',', ('jakarta') x 60), cities => 'at most 50'],
	["$current?cities=jakarta," . 'x' x 81, cities => '80 characters'],
	# choices
	(map { ["$current?city=jakarta&units=$_", units => 'must be one of metric, imperial'] } 'Metric', 'si', 'metric%20', 'x' x 5000, '%D9%A1', "';--"),
	["$current?city=jakarta&units=", units => 'empty'],
	["$current?city=jakarta&units", units => 'no value'],
	["$current?city=jakarta&units=metric&units=metric", units => 'more than once'],
	["$current?city=jakarta&units=metric&lang=en&units=imperial", units => 'more than once'],
	["$current?city=jakarta&units=%00", units => 'a NUL'],
	(map { ["$current?city=jakarta&lang=$_", lang => 'must be one of en, id'] } 'EN', 'fr', 'en-US', 'en,id', '0'),
	(map { ["$current?city=jakarta&format=$_", format => 'must be one of json, text, csv, prometheus'] } qw(xml JSON html text/csv ../../x)),
	# forecasts
	[$forecast, city => 'is needed, or lat and lon'],
	["$forecast?cities=jakarta", cities => 'not a parameter'],
	["$forecast?city=jakarta&lat=1&lon=1", lat => 'cannot be combined'],
	(map { ["$forecast?city=jakarta&days=$_", days => 'between 1 and 7'] } qw(0 8 -1 4294967297)),
	(map { ["$forecast?city=jakarta&days=$_", days => 'not a whole number'] } qw(1.5 seven 1e0 0x1 99999999999999999999)),
	["$forecast?city=jakarta&days=1&days=1", days => 'more than once'],
	["$forecast?city=jakarta&days=9&units=x&lang=y&format=z", days => 'between', units => 'must be', lang => 'must be', format => 'must be'],
	# history
	[$history, city => 'is needed'],
	["$history?interval=day", city => 'is needed'],
	["$history?city=jakarta&lat=1", lat => 'not a parameter'],
	(map { ["$history?city=jakarta&interval=$_", interval => 'must be one of raw, hour, day'] } qw(week RAW 15m)),
	(map { my $time = $_; map { ["$history?city=jakarta&$_=$time", $_ => 'neither a date'] } qw(from to) } qw(yesterday 2026 2026-11 2026-13-01 2026-02-30
		2026-11-22T22:15Z 2026-11-22T22:15:00 1795385700 -2026-11-22 2026-11-22T22:15:00.5Z 2026-11-22T22:15:00%2B7 2026-11-22T24:00:00Z 2026%2F11%2F22), 'x' x 5000),
	["$history?city=jakarta&from=", from => 'empty'],
	["$history?city=jakarta&from=2026-01-01&from=2026-01-01", from => 'more than once'],
	["$history?city=jakarta&from=2026-01-02&to=2026-01-01", from => 'must be before to'],
	["$history?city=jakarta&from=2026-01-01&to=2026-01-01", from => 'must be before to'],
	["$history?city=jakarta&from=9999-01-01", from => 'must be in the past'],
	(map { ["$history?city=jakarta&limit=$_", limit => 'between 1 and 500'] } qw(0 501 -1)),
	["$history?city=jakarta&cursor=", cursor => 'empty'],
	["$history?city=jakarta&cursor=nonsense", cursor => 'is not one'],
	["$history?city=jakarta&cursor=" . 'f' x 81, cursor => '80 characters'],
	["$history?city=jakarta&cursor=%00", cursor => 'a NUL'],
	["$history?city=jakarta&format=prometheus", format => 'must be one of json, csv'],
	['/api/status?x=1', x => 'not a parameter'],
	# hostile
	["$current?city=" . 'a' x 8192, city => '80 characters'],
	["$current?city=jakarta&" . 'a' x 8192 . '=1', 'a' x 40 . "\x{2026}" => 'not a parameter'],
	["$current?city=%00", city => 'a NUL'],
	["$current?city=jakarta%00", city => 'a NUL'],
	["$current?city=%", city => 'broken'],
	["$current?city=%4", city => 'broken'],
	["$current?city=jakarta%zz", city => 'broken'],
	["$current?city=%%41", city => 'broken'],
	["$current?city=%FF", city => 'invalid UTF-8'],
	["$current?city=%C0%AF", city => 'invalid UTF-8'],
	["$current?city=%ED%A0%80", city => 'invalid UTF-8'],
	["$current?city=caf%E9", city => 'invalid UTF-8'],
	["$current?city=jakarta%0A", city => 'control characters'],
	["$current?city=jak%0D%0AX-Evil:%201", city => 'control characters'],
	["$current?city=%1B%5B31m", city => 'control characters'],
	["$current?city=%7F", city => 'control characters'],
	["$current?city=a%C2%85b", city => 'control characters'],
	["$current?cities=jakarta,ban%09dung", cities => 'control characters'],
	["$current?cities=jakarta%00", cities => 'a NUL'],
	["$current?ci%00ty=jakarta", '?' => 'a NUL'],
	["$current?%FF=jakarta", '?' => 'invalid UTF-8'],
	["$current?%=jakarta", '?' => 'broken'],
	['/api/cities?q=%00%00', q => 'a NUL'],
	["/api/cities?q=ab%FE", q => 'invalid UTF-8'],
);

# Bytes that no address may hold unescaped: what the web server lets pass is for the program to refuse.
my @raw = ("$current?city=caf\xe9", "$current?city=\xff\xfe", "$current?city=jak\x01arta", "$current?city=jak\x7farta",
	"$current?city=\xed\xa0\x80", "$current?\xff=1");

return sub {
	my ($rig, $http, $api, $web) = @_;
	# So that a cache would have an answer.
	$http->get($_) for "$current?city=jakarta", "$current?city=jakarta", "$current?lat=1&lon=2", '/api/cities/jakarta';

	for (@bad) {
		my ($path, @expected) = @$_;
		my $res = $http->get($path);
		my $errors = (eval { decode_json($res->body) } // {})->{errors} // [];
		my $shown = substr $path, 0, 80;

		is($res->code, 400, "$shown is a 400");
		$api->check(GET => $path, $res);
		while (my ($parameter, $detail) = splice @expected, 0, 2) {
			my $error = shift @$errors;
			is($error->{parameter}, $parameter, '... for ' . substr $parameter =~ s/[^ -~]/?/gr, 0, 20);
			like($error->{detail}, qr/\Q$detail/, "... that says: $detail");
		}
		cmp_ok(length $res->body, '<', 2000, '... in few words');
	}

	for my $path (@raw) {
		my $res = $http->get($path);

		is($res->code, 400, "unescaped bytes are a 400");
		$api->check(GET => $path, $res);
	}

	# Thousands of mistakes must not buy a long answer.
	my $res = $http->get("$current?" . 'a&' x 4000);
	is($res->code, 400, "thousands of unknown parameters");
	$api->check(GET => $current, $res);
	cmp_ok(length $res->body, '<', 8192, '... and a short answer');

	# And all is well afterwards.
	is($http->get("$current?city=jakarta")->code, 200, "still there");
};
