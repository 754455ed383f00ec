#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Both web servers while the program behind them is away, their logs, and their configuration as INSTALL makes it.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Temp qw(tempdir);
use Mojo::JSON qw(decode_json);
use Rig;
use Test::More;
use Time::HiRes qw(sleep time);

my $rig = Rig->new(log_level => 'debug');
my $cached = '/api/weather/current?city=jakarta';

for my $web (qw(nginx lighttpd)) {
	my ($status, $out) = $rig->up(web => $web);
	is($status, 0, "$web: up") or diag $out;
	is($rig->get($cached)->code, 200, "$web: a city is asked for");
	$rig->stop('weather');

	my $res = $rig->get('/api/weather/current?city=tokyo');
	like($res->code, qr/^50[23]$/, "$web: without the program, another one is refused");
	is($res->headers->content_type, 'application/problem+json', "$web: as a problem");
	is($res->json->{type}, '/problems/unavailable', "$web: of the right type");
	is($res->json->{status}, $res->code, "$web: with its status");
	is($res->json->{request_id}, $res->headers->header('X-Request-Id'), "$web: and its id");
	like($res->headers->header('Retry-After') // '', qr/^\d+$/, "$web: and when to come again");
	is($res->headers->cache_control, 'no-store', "$web: and nobody keeps it");
	is($rig->get($cached)->code, 200, "$web: the one in the cache is still served") if $web eq 'nginx';
	is($rig->get('/api/health')->code, 200, "$web: the other program is not concerned");
	is($rig->get('/')->code, 200, "$web: nor the page");

	$rig->start('weather');
	my $end = time + 20;
	sleep 0.1 while time < $end && $rig->get('/api/weather/current?city=tokyo')->code != 200;
	is($rig->get('/api/weather/current?city=tokyo')->code, 200, "$web: and with the program, it is served");

	for my $file (qw(/ /chat.html /problems.html /problems/not-found /chat.js /chat-client.js /style.css /favicon.svg)) {
		my $first = $rig->get($file);
		is($first->code, 200, "$web: $file");
		is($first->headers->cache_control, 'no-cache', '... is asked for again each time');
		my $again = $rig->get($file, 'If-None-Match' => $first->headers->etag // 'none');
		is($again->code, 304, '... is sent only when it has changed');
		is($again->headers->cache_control, 'no-cache', '... and is asked for again after that too');
	}

	my $id = $rig->get("/api/cities?q=%22%5C%01&from=$web")->headers->header('X-Request-Id');
	my $line;
	for ($end = time + 20; time < $end && !$line; sleep 0.2) {
		($line) = grep { /"request_id":"$id"/ } split /\n/, $rig->log('web');
	}
	my $entry = eval { decode_json($line // '') };
	is($entry->{status}, 400, "$web: the log has a line of JSON for each request");
	like($entry->{request}, qr/^GET .*from=$web HTTP/, "$web: which names it");
	like($rig->log('weather'), qr/"request_id":"$id"/, "$web: and the program's log has the same id");
}

subtest 'the files of INSTALL' => sub {
	my $dir = tempdir('cuaca-install-XXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $program = "$Rig::BUILD/fcgi-bin/weather.fcgi";
	my $render = sub {
		my ($template, $to, @values) = @_;
		local $ENV{CUACA_WEB} = $template =~ /lighttpd/ ? 'lighttpd' : 'nginx';

		system("'$Rig::ROOT/etc/render' -c '$Rig::ROOT/etc/cuaca.conf' -p '$program' '$Rig::ROOT/etc/$template' "
			. "@values >'$dir/$to'");
		is($?, 0, "etc/$template is filled in");
	};

	system("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout '$dir/key' -out '$dir/certificate' 2>'$dir/openssl'");
	open my $nginx, '>', "$dir/nginx.conf";
	print $nginx "pid $dir/pid;\nerror_log stderr;\nevents { }\nhttp {\n",
		(map { "\t${_}_temp_path $dir/$_;\n" } qw(client_body fastcgi proxy scgi uwsgi)), "\tssl_certificate $dir/certificate;\n\tssl_certificate_key $dir/key;\n",
		"\tinclude $dir/cuaca;\n}\n";
	close $nginx;
	for my $listen ('127.0.0.1:1080', '127.0.0.1:1443 ssl http2') {
		$render->('nginx/cuaca.conf', 'cuaca', "LISTEN='$listen'", "WWW=$Rig::ROOT/www", "CACHE_DIR=$dir/cache",
			"ACCESS_LOG=$dir/access");
		like(`nginx -t -e stderr -c '$dir/nginx.conf' 2>&1`, qr/test is successful/, "nginx takes it, with $listen");
	}

	$render->("lighttpd/$_", $_, "LUA=$dir") for qw(request.lua response.lua);
	$render->('lighttpd/cuaca.conf', 'lighttpd-cuaca.conf', "LUA=$dir", "WWW=$Rig::ROOT/www");
	$render->('lighttpd/lighttpd.conf', 'lighttpd.conf', "ETC=$dir", 'BIND=0.0.0.0', 'HTTP_PORT=80');
	is(`lighttpd -tt -f '$dir/lighttpd.conf' 2>&1`, '', 'lighttpd takes it');
	like(`cat '$dir/lighttpd.conf'`, qr{^server\.pid-file = "/run/lighttpd\.pid"}m, "... and is where Debian's logrotate looks for it");

	$render->('websocketd/serve', 'websocketd');
	is(`sh -n '$dir/websocketd' 2>&1`, '', 'sh takes it');

	for my $file (glob "$Rig::ROOT/etc/systemd/* $Rig::ROOT/etc/cron.d/cuaca") {
		my ($template) = $file =~ m{/etc/(.*)};
		$render->($template, $template =~ s{.*/}{}r, 'CONF=/etc/cuaca/cuaca.conf');
	}
	my $clash = `env CUACA_HTTP_PORT=x '$Rig::ROOT/etc/render' -c '$Rig::ROOT/etc/cuaca.conf' -p '$program' \\
		'$Rig::ROOT/etc/nginx/cuaca.conf' 2>&1 >/dev/null`;
	like($clash, qr/http_port/i, 'settings that cannot be are refused');
};

done_testing;
