# SPDX-License-Identifier: ISC
#
# The rate limit: bursts pass, more is refused with all that a client needs to know, and it ends by itself.

use strict;
use warnings;
use Http;
use Test::More;

return sub {
	my ($rig, $http, $api, $web) = @_;
	my $path = '/api/weather/current?city=jakarta';

	is((grep { $_->code != 200 } $http->get_at_once(($path) x 60)), 0, 'off, it limits nothing');

	my ($status, $out) = $rig->up(rate_api => 2);
	is($status, 0, 'two requests a second') or diag $out;
	sleep 1;	# "up" has asked as well
	my @answers = $http->get_at_once(($path) x 40);
	my @refused = grep { $_->code == 429 } @answers;
	my $passed = grep { $_->code == 200 } @answers;

	is($passed + @refused, 40, 'an answer is either given or refused');
	ok($passed >= 18 && $passed <= 23, 'a burst of twenty passes') or diag "$passed passed";
	for my $res (@refused) {
		$api->check(GET => $path, $res);
		is($res->headers->header('RateLimit-Limit'), 2, '... and names the limit');
	}
	my %ids = map { ($_->headers->header('X-Request-Id') => 1) } @answers;
	is(scalar keys %ids, 40, 'each has a request id of its own');

	for my $other ('/api/health', '/api/cities', '/api/nothing', '/api/weather/current?lat=91') {
		my $res = $http->get($other);
		is($res->code, 429, "$other is counted as well");
		$api->check(GET => $other, $res);
	}
	is($http->ask(HEAD => $path)->code, 429, 'so is HEAD');
	is($http->get('/')->code, 200, 'pages are not');
	is(Http->new($rig->url, from => '127.0.0.2')->get($path)->code, 200, 'nor is another address');

	select undef, undef, undef, 1.2 + $refused[0]->headers->header('Retry-After');
	is($http->get($path)->code, 200, 'after Retry-After there is an answer again');
	is((grep { $_->code == 200 } $http->get_at_once(($path) x 20)) < 12, 1, '... but no new burst yet');
};
