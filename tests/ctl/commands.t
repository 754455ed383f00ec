#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# cuacactl in a stack: every command, for people and with --json, and what it leaves in the database.

use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use lib abs_path(dirname(__FILE__) . '/../lib');
use Ctl;
use Encode qw(decode_utf8);
use Mojo::JSON qw(decode_json);
use Rig;
use Test::More;

my $rig = Rig->new;
my $ctl = Ctl->new(arguments => ['-c', "$rig->{folder}/etc/cuaca.conf"]);
my $time = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;
my @city = qw(slug name country admin1 latitude longitude timezone population tracked);

# The output of a command that must do well and say nothing else.
sub good
{
	my (@command) = @_;
	my ($exit, $out, $err) = (ref $command[0] ? shift @command : $ctl)->run(@command);

	is_deeply [$exit, $err], [0, ''], "cuacactl @command";
	return decode_utf8($out);
}

sub json
{
	my ($exit, $out) = $ctl->run(@_, '--json');

	is $exit, 0, "cuacactl @_ --json";
	like $out, qr/\A\{.*\}\n\z/, '... is one line';
	return decode_json($out);
}

# The command must fail like this, and without output.
sub bad
{
	my ($with, $status, $message, @command) = @_;
	my ($exit, $out, $err) = $with->run(@command);

	is $exit, $status, "cuacactl @command: $status";
	is $out, '', '... without output';
	like decode_utf8($err), $message, '... says why';
}

# An object has these members and no other; all of @$things are like that.
sub has
{
	my ($things, @members) = @_;

	for my $thing (@$things) {
		next if join(' ', sort keys %$thing) eq join ' ', sort @members;
		return is_deeply([sort keys %$thing], [sort @members], '... members');
	}
	return pass('... members');
}

sub tracked { return $rig->sql("SELECT tracked FROM cities WHERE slug = '$_[0]'") }

$rig->sql('TRUNCATE ingest_run, quota_spent, demand, api_keys RESTART IDENTITY');
$rig->sql("UPDATE cities SET tracked = true WHERE slug IN ('jakarta', 'tokyo')");
my $tracked = $rig->sql('SELECT count(*) FROM cities WHERE tracked');

subtest 'status' => sub {
	sleep 1 while time % 3600 >= 3600 - 60;	# what is spent now is spent in this hour
	$rig->sql(<<~'END');
		INSERT INTO ingest_run (started_at, finished_at, exit_code, places, stored, refused, failed, requests, retries, weight)
			SELECT now() - n * interval '15 minutes', now() - n * interval '15 minutes' + interval '3 s', 0, 90, 90, 0, 0, 1, 0, 90
			FROM generate_series(6, 1, -1) n;
		UPDATE ingest_run SET exit_code = 1, stored = 88, refused = 2, note = E'two of \u001b[31mthem\u009b1m' WHERE id = 6;
		INSERT INTO ingest_run (started_at) VALUES (now());
		INSERT INTO quota_spent SELECT 'open-meteo', date_bin('1 minute', now(), 'epoch'), 92.5, 2;
		INSERT INTO quota_spent SELECT 'elsewhere', date_bin('1 minute', now(), 'epoch'), 1000, 1;
		END
	my $out = good('status');
	my $day = $tracked * 96 + $tracked * 8;

	like $out, qr/^weather  fresh, collected \d+ (s|min) ago from simulator; next run in \d+ (s|min)$/m, '... weather';
	like $out, qr/^cities   $tracked tracked, 0 on demand; 0 of them stale$/m, '... cities';
	like $out, qr/^spent    today 92\.5 of 10000, this hour 92\.5 of 5000, this minute (92\.5|0) of 600$/m, '... quota';
	like $out, qr/^planned  $tracked cities × 96 runs × 1 \+ $tracked × 4 forecasts × 2 = $day a day$/m, '... plan';
	like $out, qr/^schema   \d{4}_\w+$/m, '... schema';
	like $out, qr/^RUN +TOOK +EXIT.*NOTE\n$time +running +- +0 .*\n$time +3 s +1 +90 +88 +2 +0 .* two of \?\[31mthem\?\?1m\n/m,
		'... runs, the newest first, and nothing that a terminal would take for a command';
	is scalar(() = $out =~ /^$time /mg), 5, '... five of them';
	like $out, qr/^weather_data +\d+ +[\d.]+ [KM]iB$/m, '... sizes';
	unlike $out, qr/[\t\e]| $/m, '... no tabs, colours or blanks at the end';

	my $json = json('status');

	has([$json], qw(weather cities quota runs sizes breaker));
	has([$json->{weather}], qw(status collected_at next_update_at source schema));
	like $json->{weather}{$_}, qr/\A$time\z/, "... $_" for qw(collected_at next_update_at);
	is_deeply $json->{cities}, { tracked => $tracked, on_demand => 0, stale => 0 }, '... cities';
	has([$json->{quota}], qw(minute hour day planned));
	is_deeply $json->{quota}{day}, { spent => 92.5, limit => 10000 }, '... quota';
	is_deeply $json->{quota}{planned}, { current => $tracked * 96, forecasts => $tracked * 8, day => $day,
		fits => Mojo::JSON::true }, '... plan';
	has($json->{runs}, qw(id started_at finished_at exit places stored refused failed requests retries weight note));
	is_deeply [map { $_->{exit} } @{$json->{runs}}], [undef, 1, 0, 0, 0], '... runs';
	has($json->{sizes}, qw(table rows_about bytes));

	$ctl->{settings} = { stale_after => 0, ingest_interval => 60, quota_day => 0 };
	$rig->sql("UPDATE weather_data SET collected_at = collected_at - interval '1 hour'");
	$out = good('status');
	like $out, qr/^weather  stale, /m, 'old weather';
	like $out, qr/; $tracked of them stale$/m, '... of all cities';
	like $out, qr/today 92.5, this hour 92.5 of/, 'no limit';
	$rig->sql("UPDATE weather_data SET collected_at = collected_at + interval '1 hour'");
	$ctl->{settings} = {};
	my $past = sub { $rig->sql("UPDATE weather_data SET observed_at = observed_at + interval '$_[0]'"
		. " WHERE city_id IN (SELECT id FROM cities WHERE slug = '$_[1]' OR '$_[1]' = 'all')") };
	$past->('-5 hours', 'jakarta');
	$out = good('status');
	like $out, qr/^weather  fresh, /m, 'a city that has but a backfill';
	like $out, qr/; 1 of them stale$/m, '... is stale';
	$past->('5 hours', 'jakarta');
	$past->('-5 hours', 'all');
	like good('status'), qr/^weather  (?!fresh)/m, 'nothing but backfills is no fresh weather';
	$past->('5 hours', 'all');
	like good($ctl->with(quota_day => 100), 'status'), qr/ a day, MORE THAN THE QUOTA$/m, 'a plan that does not fit';
};

subtest 'the breaker' => sub {
	my $until = time + 1000;
	my $state = "$rig->{folder}/tmp/state";

	mkdir $state or die "$state: $!";

	like good('status'), qr/^breaker  closed$/m, 'nothing known is closed';
	$rig->redis('HSET', 'breaker:open-meteo', state => 'open', until => $until, reason => 'limit-hourly');
	like good('status'), qr/^breaker  open until $time: limit-hourly$/m, 'open';
	my $breaker = json('status')->{breaker};
	has([$breaker], qw(state until reason));
	like $breaker->{until}, qr/\A$time\z/, '... until then';
	$rig->redis('HSET', 'breaker:open-meteo', until => time - 1);
	like good('status'), qr/^breaker  open, the next run may try: limit-hourly$/m, 'its time is over';
	$rig->redis('HSET', 'breaker:open-meteo', state => 'closed');
	like good('status'), qr/^breaker  closed$/m, 'closed again';
	is_deeply json('status')->{breaker}, { state => 'closed', until => undef, reason => 'limit-hourly' }, '... once open';
	$rig->redis('DEL', 'breaker:open-meteo');

	my $away = $ctl->with(redis => "$rig->{folder}/none");

	like +($away->run('status'))[1], qr/^breaker  unknown$/m, 'Redis is away';
	open my $out, '>', "$state/breaker-open-meteo" or die "$state: $!";
	print $out "state=half-open\nuntil=$until\nreason=server-error\n";
	close $out;
	like +($away->with(state_dir => $state)->run('status'))[1], qr/^breaker  half-open: server-error$/m, '... and its file there';
};

subtest 'city list, and wanted' => sub {
	$rig->sql(<<~'END');
		INSERT INTO demand SELECT id, 8, now() - interval '6 hours', now() + interval '1 hour' FROM cities WHERE slug = 'bogor';
		INSERT INTO demand SELECT id, 2, now(), NULL FROM cities WHERE slug = 'cirebon';
		END
	my @lines = split /\n/, good('city', 'list');

	is scalar @lines, 1 + $tracked + 1, 'a line for each city that is served';
	like $lines[0], qr/^CITY +NAME +SERVED +OBSERVED +COLLECTED +FORECAST +REQUESTS$/, '... under titles';
	is_deeply [@lines[1 .. $#lines]], [sort { ($a =~ /^(\S+)/)[0] cmp ($b =~ /^(\S+)/)[0] } @lines[1 .. $#lines]],
		'... sorted';
	is +(grep { /^jakarta +Jakarta, Jakarta, ID +tracked +$time +$time / } @lines), 1, 'a tracked one';
	is +(grep { /^bogor +Bogor, West Java, ID +until $time +- +- +- +4\.0$/ } @lines), 1, 'one on demand';
	like good('status'), qr/$tracked tracked, 1 on demand; 1 of them stale$/m, 'status has them too';

	my $items = json('city', 'list')->{items};

	has($items, qw(city requests granted_until observed_at collected_at forecast_collected_at));
	has([map { $_->{city} } @$items], @city);
	my ($bogor) = grep { $_->{city}{slug} eq 'bogor' } @$items;
	like $bogor->{granted_until}, qr/\A$time\z/, 'until when';
	is $bogor->{observed_at}, undef, 'no weather yet';

	@lines = split /\n/, good('city', 'wanted');
	is scalar @lines, 3, 'wanted: two';
	like $lines[1], qr/^bogor +Bogor, West Java, ID +4\.0 +$time +$time$/, '... the most wanted first';
	like $lines[2], qr/^cirebon .* 2\.0 +$time +-$/, '... the other one is not served';
	$items = json('city', 'wanted', '--limit', 1)->{items};
	is scalar @$items, 1, '--limit';
	has($items, qw(city requests wanted_at granted_until));
};

subtest 'city search' => sub {
	$rig->sql(<<~'END');
		INSERT INTO cities (id, slug, name, country, latitude, longitude, timezone, population) VALUES
			(1, 'zzyzx-east', '東京の東', 'JP', 35, 139, 'Asia/Tokyo', 12345),
			(2, 'zzyzx-west', 'São Zé', 'BR', -23, -46, 'America/Sao_Paulo', 9)
		END
	my @lines = split /\n/, good('city', 'search', 'zzyzx');
	my %end;

	is scalar @lines, 3, 'two found';
	like $lines[1], qr/^zzyzx-east +東京の東, JP +12345 +Asia\/Tokyo +no$/, '... the larger one first';
	for (@lines) {
		my ($before) = /^(.*?(?:POPULATION| 12345| 9)) /;

		$end{length($before) + (() = $before =~ /\p{East_Asian_Width=Wide}/g)} = 1;
	}
	is scalar keys %end, 1, 'wide characters are aligned as they look';
	like good('city', 'search', 'new', 'york'), qr/^new-york-city +New York City, New York, US /m, 'a name of two words';
	is scalar(split /\n/, good('city', 'search', 'san', '--limit', 4)), 5, '--limit';
	is good('city', 'search', 'qqqqqqqqqq'), "CITY  NAME  POPULATION  TIMEZONE  TRACKED\n", 'none';

	my $items = json('city', 'search', 'jakarta', '--limit', 1)->{items};

	has($items, @city);
	is $items->[0]{slug}, 'jakarta', 'found';
	is_deeply json('city', 'search', 'qqqqqqqqqq'), { items => [] }, 'none';
};

subtest 'city track and untrack' => sub {
	is good('city', 'track', 'bandung', 'cirebon'), "bandung: already tracked (Bandung, West Java, ID)\n"
		. "cirebon: now tracked (Cirebon, West Java, ID)\n", 'two';
	is tracked('cirebon'), 't', '... in the database';
	$rig->redis('SET', "weather:cirebon:$_", '{}') for qw(current forecast history:page1);
	is good('city', 'untrack', 'cirebon'), "cirebon: now not tracked (Cirebon, West Java, ID)\n", 'not any more';
	is tracked('cirebon'), 'f', '... in the database';

	is $rig->redis('KEYS', 'weather:cirebon:*'), '', '... and Redis';

	bad($ctl, 100, qr/^cuacactl: no city is called "jakarto"; similar: jakarta/, 'city', 'track', 'jakarto', 'cirebon');
	is tracked('cirebon'), 'f', '... and nothing is done';
	bad($ctl, 100, qr/^cuacactl: no city is called "q!"; cuacactl city search finds them/, 'city', 'untrack', 'q!');

	my $items = json('city', 'track', 'cirebon', 'cirebon')->{items};

	has($items, qw(city changed));
	has([map { $_->{city} } @$items], @city);
	is_deeply [map { [$_->{city}{tracked}, $_->{changed}] } @$items], [[Mojo::JSON::true, Mojo::JSON::true]], 'once';
	is json('city', 'untrack', 'cirebon')->{items}[0]{city}{tracked}, Mojo::JSON::false, 'not any more';
};

subtest 'the quota' => sub {
	my $small = $ctl->with(quota_day => 104 * $tracked);
	my ($n, $day) = ($tracked + 2, 104 * ($tracked + 2));
	my $sum = qr/$n cities × 96 runs × 1 \+ $n × 4 forecasts × 2 = $day, and quota_day is @{[104 * $tracked]}/;

	bad($small, 100, qr/^cuacactl: not tracked, .*: $sum \($tracked are tracked now; --force does it all the same\)\n\z/,
		'city', 'track', 'cirebon', 'bogor');
	is tracked('cirebon') . tracked('bogor'), 'ff', '... and none is';
	is +($small->run('city', 'track', 'bandung'))[0], 0, 'what is tracked costs nothing more';
	is +($ctl->with(quota_day => 104 * ($tracked + 2))->run('city', 'track', 'cirebon', 'bogor'))[0], 0, 'just enough';
	good('city', 'untrack', 'cirebon', 'bogor');
	is +($ctl->with(quota_day => 0)->run('city', 'track', 'cirebon'))[0], 0, 'no limit';
	good('city', 'untrack', 'cirebon');

	my ($exit, $out, $err) = $small->run('city', 'track', '--force', 'cirebon', 'bogor');

	is $exit, 0, '--force';
	like decode_utf8($err), qr/^cuacactl: more than a day has: $sum; the ingest will leave some out\n\z/, '... warns';
	is tracked('cirebon') . tracked('bogor'), 'tt', '... and does it';
	good($small, 'city', 'untrack', 'cirebon', 'bogor');
};

subtest 'keys' => sub {
	my ($exit, $out, $err) = $ctl->run('key', 'create', 'app', '--rate', 7);
	my ($key) = $out =~ /\A(cuaca_[0-9a-f]{64})\n\z/;

	is $exit, 0, 'key create';
	ok $key, '... prints the key alone';
	like $err, qr/^cuacactl: this is the key of app, 7 requests a second; it is not shown again\n\z/, '... and says whose';
	is $rig->sql("SELECT encode(hash, 'hex') FROM api_keys WHERE name = 'app'"), sha256_hex($key), 'its hash is stored';
	is $rig->sql("SELECT count(*) FROM api_keys k WHERE k::text LIKE '%" . substr($key, 6) . "%'"), 0, '... and nothing else';
	bad($ctl, 100, qr/app: there is a key with this name; revoke it first/, 'key', 'create', 'app');

	my $new = json('key', 'create', 'other');

	has([$new], qw(id name rate key));
	is_deeply [@$new{qw(name rate)}], ['other', 50], 'the rate of the settings';
	ok $new->{key} ne $key, 'no two keys are the same';
	is $rig->sql("SELECT encode(hash, 'hex') FROM api_keys WHERE id = $new->{id}"), sha256_hex($new->{key}), '... stored';

	bad($ctl, 100, qr/no key in force is called "none"; there are: app, other\n/, 'key', 'revoke', 'none');
	my $redis_has = 'apikey:' . sha256_hex($key);
	$rig->redis('SET', $redis_has, 7, 'EX', 60);
	is good('key', 'revoke', 'app'), "app: revoked\n", 'key revoke';
	is $rig->redis('GET', $redis_has), 0, '... Redis knows that there is no such key';
	cmp_ok $rig->redis('TTL', $redis_has), '<=', 60, '... for a minute';
	bad($ctl, 100, qr/no key in force is called "app"; there are: other\n/, 'key', 'revoke', 'app');
	is_deeply json('key', 'revoke', 'other'), { id => $new->{id}, name => 'other' }, 'key revoke';
	is +($ctl->run('key', 'create', 'app'))[0], 0, 'the name is free again';
	is +($ctl->run('key', 'create', 'third'))[0], 0, 'one more';
	($exit, $out, $err) = $ctl->with(redis => "$rig->{folder}/none")->run('key', 'revoke', 'third');
	is_deeply [$exit, $out], [0, "third: revoked\n"], '... is revoked while Redis is away';
	like $err, qr/^cuacactl: Redis is away: the key ends within a minute\n/m, '... and when it ends is said';

	my @lines = split /\n/, good('key', 'list');

	like $lines[0], qr/^ID +NAME +RATE +CREATED +LAST USED +REVOKED$/, 'key list';
	like $lines[1], qr/^ 1 +app +7\/s +$time +- +$time$/, '... a revoked one';
	like $lines[3], qr/^ \d +app +50\/s +$time +- +-$/, '... one in force';
	my $items = json('key', 'list')->{items};
	has($items, qw(id name rate created_at last_used_at revoked_at));
	is_deeply [map { defined $_->{revoked_at} ? 1 : 0 } @$items], [1, 1, 0, 1], '... revoked';
};

subtest 'ingest now, and migrate' => sub {
	my ($exit, $out, $err) = $ctl->run('ingest', 'now');

	is $exit, 0, 'ingest now';
	is decode_json((split /\n/, $err)[-1])->{msg}, 'run done', '... logs like the ingest';
	is +($ctl->with(open_meteo_url => 'ftp://x')->run('ingest', 'now'))[0], 102, '... and leaves like it';

	is good('migrate'), "the database is up to date\n", 'migrate';
	my $run = $rig->run_folder;
	is +($ctl->run('migrate', "host=$run dbname=cuaca user=cuaca_ops"))[0], 1, '... as somebody who may not';
};

subtest 'check' => sub {
	my $out = good('check');

	like $out, qr/^settings    fine: \Q$rig->{folder}\E\/etc\/cuaca\.conf, and the environment$/m, '... settings';
	like $out, qr/^postgresql  up, \d+ ms, schema \d{4}_\w+$/m, '... postgresql';
	like $out, qr/^$_ +up, \d+ ms$/m, "... $_" for qw(redis nats);
	unlike $out, qr/postgresql_read/, '... no replicas';

	my $json = json('check');

	has([$json], qw(settings dependencies));
	is_deeply $json->{settings}, { file => "$rig->{folder}/etc/cuaca.conf", status => 'fine' }, '... settings';
	has([$json->{dependencies}], qw(postgresql redis nats));
	has([$json->{dependencies}{postgresql}], qw(status latency_ms schema));
	has([@{$json->{dependencies}}{qw(redis nats)}], qw(status latency_ms));

	my $run = $rig->run_folder;
	my ($exit, $text, $err) = $ctl->with(postgresql_read => "host=$run dbname=none", redis => "$run/none",
		nats => 'nats://127.0.0.1:1')->run('check');

	is $exit, 1, 'a server that is away is 1';
	like $text, qr/^postgresql +up, \d+ ms$/m, '... the primary is up';
	like $text, qr/^$_ +down$/m, "... $_ is not" for qw(postgresql_read redis nats);
	like $err, qr/database \\"none\\" does not exist/, '... says why';
	($exit, $text) = $ctl->with(postgresql => "host=$run dbname=postgres user=postgres")->run('check');
	is $exit, 1, 'a database that is not migrated is 1';
	like $text, qr/^postgresql +unusable$/m, '... and unusable';
	($exit, $text, $err) = $ctl->with(postgresql => "host=$run dbname=cuaca user=cuaca_weather")->run('key', 'list');
	is $exit, 1, 'a role that may not is 1';
	like $err, qr/cuacactl: this role may not do that; cuaca_admin may/, '... and named';
};

subtest 'on a terminal' => sub {
	plan skip_all => 'no script(1), or no pseudo-terminals' if system('script -qec true /dev/null >/dev/null 2>&1') != 0;
	my $command = "$ctl->{program} @{$ctl->{arguments}} key list";

	like `script -qec '$command' /dev/null`, qr/^\e\[1mID +NAME.*REVOKED\e\[0m\r\n/, 'titles are bold';
	unlike `NO_COLOR=1 script -qec '$command' /dev/null`, qr/\e/, 'not with NO_COLOR';
	unlike `script -qec '$command --json' /dev/null`, qr/\e/, 'not with --json';
};

subtest 'make ctl' => sub {
	is +($rig->command('ctl', 'city', 'search', 'zzyzx', '--limit', 1))[1] =~ tr/\n//, 2, 'runs in the stack';
	is +($rig->command('ctl', 'city', 'track', 'jakarto'))[0], 100, 'its exit status is passed on';
};

$rig->sql('DELETE FROM cities WHERE id IN (1, 2)');
done_testing;
