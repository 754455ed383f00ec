#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Is the simulator the double of Open-Meteo it claims to be? Shape against the
# documented one, plausibility, the real service's messages, and each fault as a
# client sees it.
use strict;
use warnings;
use Compress::Zlib ();
use FindBin;
use IO::Socket::INET;
use Mojo::JSON qw(decode_json);
use Mojo::UserAgent;
use Test::More;
use utf8;

my $program = "$FindBin::RealBin/../simulator/open-meteo";
my $ua = Mojo::UserAgent->new(request_timeout => 20, max_response_size => 256 * 1024 * 1024);
my %running;	# URL => [process, pipe from it]; letting go of the pipe would wait for the process

END { local $?; kill TERM => map { $_->[0] } values %running if %running; }

sub start {
	my (@options) = @_;
	my $pid = open my $out, '-|', $^X, $program, '--quiet', '--listen', '127.0.0.1:0', @options
	    or die "$program: $!\n";
	my ($url) = (<$out> // '') =~ m{ready on (http://127\.0\.0\.1:\d+)$} or die "the simulator doesn't start\n";

	$running{$url} = [$pid, $out];
	return $url;
}

my $sim = start('--now', '2026-11-22T22:20:00Z');
my @CURRENT = qw(temperature_2m apparent_temperature relative_humidity_2m precipitation weather_code
    is_day cloud_cover pressure_msl wind_speed_10m wind_direction_10m wind_gusts_10m);
my %JAKARTA = (latitude => -6.2, longitude => 106.8);

# The response to GET path?query.
sub get {
	my ($query, $path, $url) = @_;

	return $ua->get(($url // $sim) . ($path // '/v1/forecast') => form => $query)->res;
}

sub control { return $ua->post("$sim/_sim/$_[0]" => json => $_[1])->res }
sub fault { return control(fault => ref $_[0] ? $_[0] : { fault => $_[0], count => 1 }) }
sub stats { return get({}, '/_sim/stats')->json }

subtest 'shape of one place' => sub {
	my $res = get({ %JAKARTA, current => join(',', @CURRENT), timezone => 'GMT' });
	my $body = $res->body;
	my @keys = $body =~ /"(\w+)":/g;

	is $res->code, 200, 'status';
	is $res->headers->server, 'cuaca-simulator', 'says what it is';
	is $res->headers->content_type, 'application/json; charset=utf-8', 'type';
	is_deeply \@keys, [qw(latitude longitude generationtime_ms utc_offset_seconds timezone
	    timezone_abbreviation elevation current_units time interval), @CURRENT,
	    qw(current time interval), @CURRENT], 'keys in the order of the real service and of the query';
	like $body, qr/"current":\{"time":"2026-11-22T22:15","interval":900,/, 'the quarter of an hour that began last';
	like $body, qr/"temperature_2m":-?\d+\.\d,"apparent_temperature":-?\d+\.\d,"relative_humidity_2m":\d+,
	    "precipitation":\d+\.\d\d,"weather_code":\d+,"is_day":[01],"cloud_cover":\d+,"pressure_msl":\d+\.\d,
	    "wind_speed_10m":\d+\.\d,"wind_direction_10m":\d+,"wind_gusts_10m":\d+\.\d\}/x, 'decimals';
	is_deeply $res->json->{current_units}, { time => 'iso8601', interval => 'seconds', temperature_2m => '°C',
	    apparent_temperature => '°C', relative_humidity_2m => '%', precipitation => 'mm',
	    weather_code => 'wmo code', is_day => '', cloud_cover => '%', pressure_msl => 'hPa',
	    wind_speed_10m => 'km/h', wind_direction_10m => '°', wind_gusts_10m => 'km/h' }, 'units';
	ok abs($res->json->{latitude} + 6.2) < 0.1, 'a grid cell near what was asked';
	is get({ %JAKARTA, current => join(',', @CURRENT), timezone => 'GMT' })->body, $body, 'the same again';
};

subtest 'several places' => sub {
	my $json = get({ latitude => '-6.2,51.5,40.7', longitude => '106.8,-0.1,-74', current => 'temperature_2m' })->json;

	is ref $json, 'ARRAY', 'an array';
	is_deeply [map { $_->{location_id} } @$json], [undef, 1, 2], 'location_id but in the first';
	is ref get({ %JAKARTA, current => 'temperature_2m' })->json, 'HASH', 'one place is an object';
	my %list = (latitude => join(',', (1) x 1000), longitude => join(',', (2) x 1000), current => 'is_day');
	is @{get(\%list)->json}, 1000, 'a thousand by GET';
	is @{$ua->post("$sim/v1/forecast" => form => \%list)->res->json}, 1000, 'by POST with form fields';
	my $posted = { latitude => [1, 2], longitude => [3, 4], current => ['is_day', 'rain'] };
	is_deeply $ua->post("$sim/v1/forecast" => json => $posted)->res->json,
	    get({ latitude => '1,2', longitude => '3,4', current => 'is_day,rain' })->json, 'by POST with JSON';
	is get({ %list, latitude => "$list{latitude},1", longitude => "$list{longitude},2" })->json->{reason},
	    'Only up to 1000 locations can be requested at once', 'not more';
};

subtest 'zones, formats and units' => sub {
	my $auto = get({ latitude => '-6.2,40.7', longitude => '106.8,-74', timezone => 'auto', hourly => 'rain',
	    forecast_hours => 2, current => 'rain' })->json;
	my $unix = get({ %JAKARTA, timezone => 'Asia/Jakarta', timeformat => 'unixtime', current => 'rain',
	    daily => 'sunrise', forecast_days => 1, past_days => 1 })->json;
	my %metric = (%JAKARTA, current => 'temperature_2m,wind_speed_10m,precipitation');
	my $imperial = get({ %metric, temperature_unit => 'fahrenheit', wind_speed_unit => 'mph',
	    precipitation_unit => 'inch' })->json;
	my $t = get(\%metric)->json->{current}{temperature_2m};

	is_deeply [map { @$_{qw(timezone timezone_abbreviation utc_offset_seconds)} } @$auto],
	    ['Asia/Jakarta', 'GMT+7', 25200, 'America/New_York', 'GMT-5', -18000], 'auto';
	is $auto->[0]{current}{time}, '2026-11-23T05:15', 'local time';
	is_deeply $auto->[1]{hourly}{time}, ['2026-11-22T17:00', '2026-11-22T18:00'], 'forecast_hours';
	is $unix->{current}{time}, 1795385700, 'unixtime';
	is_deeply $unix->{daily}{time}, [1795280400, 1795366800], 'a day is its local midnight';
	is $unix->{current_units}{time}, 'unixtime', 'and says so';
	is_deeply [@{$imperial->{current_units}}{qw(temperature_2m wind_speed_10m precipitation)}],
	    ['°F', 'mp/h', 'inch'], 'imperial units';
	cmp_ok abs($imperial->{current}{temperature_2m} - ($t * 1.8 + 32)), '<', 0.15, 'the same warmth';
};

subtest 'plausible and consistent' => sub {
	my @places = map { [$_ * 17 % 150 - 70, $_ * 47 % 360 - 180] } 1 .. 60;
	my $json = get({ latitude => join(',', map { $_->[0] } @places), longitude => join(',', map { $_->[1] } @places),
	    hourly => join(',', @CURRENT, qw(rain showers snowfall)), forecast_days => 2, timezone => 'auto',
	    timeformat => 'unixtime', daily => 'temperature_2m_max,precipitation_sum,weather_code,sunrise,sunset,'
	    . 'wind_gusts_10m_max' })->json;
	my %wrong;

	for my $place (@$json) {
		my ($h, $d) = @$place{qw(hourly daily)};

		for my $i (0 .. $#{$h->{time}}) {
			my %v = map { $_ => $h->{$_}[$i] } keys %$h;
			my $day = $i < 24 ? 0 : 1;
			my $sun = $d->{sunset}[$day] - $d->{sunrise}[$day];

			$wrong{gusts}++ if $v{wind_gusts_10m} < $v{wind_speed_10m};
			$wrong{pressure}++ if $v{pressure_msl} < 980 || $v{pressure_msl} > 1045;
			$wrong{warmth}++ if abs($v{temperature_2m}) > 60;
			$wrong{'dry rain'}++ if $v{precipitation} > 0 && $v{cloud_cover} < 80;
			$wrong{'code of rain'}++ if ($v{precipitation} > 0) != ($v{weather_code} > 50);
			$wrong{'warm snow'}++ if $v{snowfall} > 0 && $v{temperature_2m} > 2;
			$wrong{'code of snow'}++ if ($v{snowfall} > 0) != ($v{weather_code} =~ /^(?:7\d|8[56])$/ ? 1 : 0);
			$wrong{'night and day'}++ if $sun > 0 && $sun < 86400 && abs($v{time} - $d->{sunrise}[$day]) > 120
			    && abs($v{time} - $d->{sunset}[$day]) > 120 && abs($v{time} - $d->{time}[$day] - 43200) < 36000
			    && $v{is_day} != ($v{time} > $d->{sunrise}[$day] && $v{time} < $d->{sunset}[$day] ? 1 : 0);
		}
		for my $day (0, 1) {
			my @in = $day * 24 .. $day * 24 + 23;
			my ($warmest) = sort { $b <=> $a } @{$h->{temperature_2m}}[@in];
			my ($worst) = sort { $b <=> $a } @{$h->{weather_code}}[@in];
			my $sum = 0;

			$sum += $_ for @{$h->{precipitation}}[@in];
			$wrong{'day maximum'}++ if $warmest != $d->{temperature_2m_max}[$day];
			$wrong{'day code'}++ if $worst != $d->{weather_code}[$day];
			$wrong{'day sum'}++ if abs($sum - $d->{precipitation_sum}[$day]) > 0.005;
		}
	}
	is_deeply \%wrong, {}, '60 places, 48 hours, hours and days agree';

	control(now => { now => '2026-07-01T12:00:00Z' });
	my $both = get({ latitude => '48.1,-33.9', longitude => '11.6,151.2', current => join(',', @CURRENT),
	    hourly => join(',', @CURRENT), forecast_hours => 1 })->json;
	for my $place (@$both) {
		my %hour = map { $_ => $place->{hourly}{$_}[0] } 'time', @CURRENT;

		$hour{interval} = 900;
		# An hour's rain is four quarters of its current rain.
		$hour{precipitation} = sprintf('%.2f', $hour{precipitation} / 4) + 0;
		is_deeply $place->{current}, \%hour, 'current is the hour it stands on';
	}
	cmp_ok $both->[0]{current}{temperature_2m}, '>', $both->[1]{current}{temperature_2m}, 'summer in July, winter in July';
	control(now => { now => '2026-11-22T22:20:00Z' });
};

subtest 'archive' => sub {
	my %query = (%JAKARTA, start_date => '2024-02-28', end_date => '2024-03-01', hourly => 'temperature_2m');
	my $json = get(\%query, '/v1/archive')->json;

	is @{$json->{hourly}{time}}, 72, 'whole days, the leap day too';
	is $json->{hourly}{time}[-1], '2024-03-01T23:00', 'to the last hour';
	ok !exists $json->{current}, 'no current';
	like get({ %query, end_date => '2030-01-01' }, '/v1/archive')->json->{reason},
	    qr/^Parameter 'end_date' is out of allowed range from 1940-01-01 to 2026-11-22$/, 'not the future';
};

subtest 'the messages of the real service' => sub {
	my @cases = (
		['latitude out of range', { latitude => 91, longitude => 1 },
		    'Latitude must be in range of -90 to 90°. Given: 91.0.'],
		['not a number', { latitude => 'nan', longitude => 1 },
		    'Latitude must be in range of -90 to 90°. Given: nan.'],
		['counts', { latitude => '1,2', longitude => 1 },
		    "Parameter 'latitude' and 'longitude' must have the same number of elements"],
		['zones', { %JAKARTA, timezone => 'GMT,GMT' },
		    "Parameter 'timezone' and coordinates must have the same number of elements"],
		['no such zone', { %JAKARTA, timezone => 'Mars/Phobos' }, 'Invalid timezone'],
		['variable', { %JAKARTA, daily => 'xyz' },
		    "Data corrupted at path ''. Cannot initialize ForecastVariableDaily from invalid String value xyz."],
		['unit', { %JAKARTA, temperature_unit => 'kelvin' }, "Data corrupted at path 'temperature_unit'."
		    . ' Cannot initialize TemperatureUnit from invalid String value kelvin.'],
	);

	for (@cases) {
		my ($name, $query, $reason) = @$_;
		my $res = get($query);

		is_deeply [$res->code, $res->json], [400, { error => Mojo::JSON->true, reason => $reason }], $name;
	}
};

# What a client gets from two places under a fault.
my %TWO = (latitude => '1,2', longitude => '3,4', current => 'temperature_2m,weather_code');
sub spoiled {
	my ($fault, $query) = @_;

	is fault($fault)->code, 200, 'fault ' . (ref $fault ? $fault->{fault} : $fault);
	return get({ %TWO, %{$query // {}} });
}

sub strict_json { return eval { decode_json($_[0]->body); 1 } }

subtest 'faults: refusals' => sub {
	for ([400, 400], [500, 500], [503, 503], map { ["429_$_", 429] } qw(minutely hourly daily concurrent)) {
		my ($name, $status) = @$_;
		my $res = spoiled({ fault => $name, count => 1, order => 'reason' });

		is $res->code, $status, 'status';
		like $res->body, qr/^\{"reason":"[^"]+","error":true\}$/, 'the reason first';
		like spoiled({ fault => $name, count => 1, order => 'error' })->body,
		    qr/^\{"error":true,"reason":"[^"]+"\}$/, 'or the error';
	}
	like spoiled('502')->headers->content_type, qr/html/, 'a page of HTML';
	like spoiled('redirect')->headers->location, qr{^/}, 'to somewhere else';
};

subtest 'faults: 200 and yet no weather' => sub {
	is spoiled('empty200')->body, '', 'nothing';
	is spoiled('text200')->body, 'Unexpected error while streaming data: timeoutReached', 'text';
	ok spoiled('error200')->json->{error}, 'an error';
	is spoiled('not_object', { latitude => 1, longitude => 3 })->body, '42', 'a number';
	is_deeply spoiled('not_object')->json, [1, 1], 'as many numbers as places';
	is length spoiled('deep')->body, 200_000, 'deep';
	for my $name (qw(truncated tail200 trailing nan)) {
		my $res = spoiled($name);

		is $res->code, 200, 'status 200';
		like $res->body, qr/^\[\{"latitude":1\.0,/, 'begins well';
		ok !strict_json($res), 'but is no JSON';
	}
};

subtest 'faults: wrong shape and content' => sub {
	is @{spoiled('wrong_count')->json}, 1, 'one too few';
	is ref spoiled('object_for_many')->json, 'HASH', 'an object';
	is ref spoiled('array_for_one', { latitude => 1, longitude => 3 })->json, 'ARRAY', 'an array';
	is spoiled('swapped')->json->[0]{latitude}, 2, 'the second first';
	is spoiled('moved')->json->[0]{latitude}, -45, 'far away';
	ok !exists spoiled('missing_block')->json->[0]{current}, 'no current';
	ok !exists spoiled('missing_value')->json->[0]{current}{weather_code}, 'no weather_code';
	my $short = spoiled('short_series', { hourly => 'rain', current => '' })->json->[1]{hourly};
	is @{$short->{rain}}, @{$short->{time}} - 1, 'a value less than times';
	is_deeply [@{spoiled('null_values')->json->[1]{current}}{qw(temperature_2m weather_code)}], [undef, undef], 'nulls';
	my $some = spoiled({ fault => 'some_null', count => 1, place => 1 })->json;
	ok defined $some->[0]{current}{temperature_2m}, 'place 0 is well';
	ok !defined $some->[1]{current}{temperature_2m}, 'place 1 has a null';
	is spoiled('text_value')->json->[0]{current}{temperature_2m}, 'warm', 'a word';
	is spoiled('wrong_unit')->json->[0]{current_units}{temperature_2m}, 'furlong', 'a unit';
	is spoiled('out_of_range')->json->[0]{current}{temperature_2m}, 999, 'hot';
	is spoiled({ fault => 'out_of_range', count => 1, value => -300 })->json->[0]{current}{temperature_2m}, -300, 'cold';
	is_deeply [map { $_->{current}{weather_code} } @{spoiled('unknown_code')->json}], [97, 142], 'codes';
	is spoiled('old_time')->json->[0]{current}{time}, '2026-11-19T22:15', 'three days ago';
	is spoiled('future_time', { timeformat => 'unixtime' })->json->[0]{current}{time}, 1795385700 + 3 * 86400, 'in three days';
};

# A client of a few lines: what comes over one connection until the other side closes it.
sub raw {
	my ($seconds) = @_;
	my ($port) = $sim =~ /(\d+)$/;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "connect: $!\n";
	my $got = '';

	print $socket "GET /v1/forecast?latitude=1&longitude=2&current=rain HTTP/1.1\r\nHost: sim\r\n\r\n";
	eval {
		local $SIG{ALRM} = sub { die "alarm\n" };
		alarm $seconds;
		while (my $n = sysread $socket, $got, 65536, length $got) { }
		my $error = $!;
		alarm 0;
		$got .= $error if $got eq '' && $error;
	};
	alarm 0;
	return $@ || $got;
}

subtest 'faults: the wire' => sub {
	fault('cut');
	my ($promised, $body) = raw(5) =~ /Content-Length: (\d+)\r\n.*?\r\n\r\n(.*)/s;
	is length($body) + 1000, $promised, 'a thousand bytes short';
	fault('reset');
	like raw(5), qr/reset by peer/, 'reset before any answer';
	fault('stall');
	is raw(1), "alarm\n", 'no answer in a second';
	my $huge = spoiled('huge');
	is length $huge->body, 64 * 1024 * 1024, '64 MiB';
	my $garbage = do {
		fault('bad_deflate');
		my $tx = $ua->build_tx(GET => "$sim/v1/forecast");
		$ua->start($tx)->res;
	};
	is $garbage->headers->content_encoding, 'deflate', 'says deflate';
	ok !defined Compress::Zlib::uncompress($garbage->body), 'and is not';
	my $before = time;
	fault({ fault => 'slow', count => 1, delay_ms => 1100 });
	is get(\%TWO)->code, 200, 'late but well';
	cmp_ok time - $before, '>=', 1, 'late';
	is spoiled({ fault => 'drip', count => 1, delay_ms => 5 })->json->[1]{latitude}, 2, 'in pieces';
};

subtest 'which request a fault strikes' => sub {
	fault({ fault => 500, match => 'latitude=7' });
	fault({ fault => 503, count => 2 });
	is_deeply [map { get({ %JAKARTA, latitude => $_ })->code } 1, 7, 2, 7, 3], [503, 500, 503, 500, 200],
	    'the first that matches, as often as it says';
	is @{get({}, '/_sim/fault')->json}, 1, 'one is left';
	$ua->delete("$sim/_sim/fault");
	is get({ %JAKARTA, latitude => 7 })->code, 200, 'none after DELETE';
	is fault('earthquake')->code, 400, 'no such fault';
};

subtest 'compression' => sub {
	for my $how (qw(deflate gzip)) {
		my $tx = $ua->build_tx(GET => "$sim/v1/forecast?latitude=1,2&longitude=3,4&current=rain");

		$tx->req->headers->accept_encoding($how eq 'gzip' ? 'gzip' : 'gzip, deflate');
		$tx->res->content->auto_decompress(0);
		my $res = $ua->start($tx)->res;
		my $body = $res->body;
		is $res->headers->content_encoding, $how, $how;
		my $plain = $how eq 'gzip' ? Compress::Zlib::memGunzip($body) : Compress::Zlib::uncompress($body);
		is @{decode_json($plain)}, 2, 'unpacks';
	}
};

subtest 'accounts' => sub {
	$ua->delete("$sim/_sim/stats");
	get({ %TWO, apikey => 'x' });
	get({ %TWO, hourly => 'temperature_2m,rain,showers,snowfall,is_day,cloud_cover,visibility,uv_index,'
	    . 'pressure_msl,dew_point_2m,wind_speed_10m,wind_gusts_10m,weather_code', forecast_days => 14 });
	get({ latitude => 99 });
	my $stats = stats();
	is_deeply [@$stats{qw(requests places max_concurrent)}], [3, 4, 1], 'requests, places';
	is $stats->{weight}, 2 + 2 * 1.5 + 1, 'ten variables of fourteen days are 1, an error too';
	is_deeply $stats->{by_status}, { 200 => 2, 400 => 1 }, 'by status';
	is_deeply $stats->{last_query}, { latitude => 99 }, 'the last query';
};

subtest 'limits' => sub {
	my $url = start('--now', '2026-11-22T22:20:00Z', '--quota', '--serial');
	my %many = (latitude => join(',', (1) x 600), longitude => join(',', (2) x 600), current => 'is_day');
	my @codes;

	# The first is held back: one runs, five wait, one is too many.
	$ua->post("$url/_sim/fault" => json => { fault => 'slow', count => 1, delay_ms => 3000 });
	for (1 .. 7) {
		$ua->get("$url/v1/forecast?latitude=1&longitude=2&current=is_day" => sub {
			push @codes, $_[1]->res->code;
			Mojo::IOLoop->stop if @codes == 7;
		});
	}
	Mojo::IOLoop->start;
	is_deeply \@codes, [429, (200) x 6], 'one at a time, five queued';
	is get(\%many, undef, $url)->code, 200, 'up to the limit and once over it';
	my $res = get(\%many, undef, $url);
	is $res->code, 429, 'then no more';
	like $res->json->{reason}, qr/^Minutely /, 'this minute';
	$ua->post("$url/_sim/now" => json => { now => '2026-11-22T22:21:00Z' });
	is get(\%many, undef, $url)->code, 200, 'but in the next';
};

subtest 'start and stop' => sub {
	my ($address) = $sim =~ m{//(.*)};
	my $said = `$^X '$program' --listen $address 2>&1`;

	is $? >> 8, 111, 'a port that is taken';
	like $said, qr/^open-meteo: can't listen on \Q$address\E: Address already in use$/, 'says so';
	`$^X '$program' --fault earthquake 2>&1`;
	is $? >> 8, 100, 'bad usage';
	my $url = start('--fault', '503:1');
	is get({}, undef, $url)->code, 503, 'a fault from the start';
	my $lag = time - ($ua->get("$url/v1/forecast?latitude=1&longitude=2&current=is_day&timeformat=unixtime")
	    ->res->json->{current}{time});
	ok $lag >= 0 && $lag < 905, 'the real clock unless told';
	my ($pid, $pipe) = @{delete $running{$url}};
	kill TERM => $pid;
	close $pipe;	# waits
	is $?, 0, 'SIGTERM ends it';
};

done_testing;
