# SPDX-License-Identifier: ISC
#
# The rate limit: bursts pass, more is refused with all that a client needs to know, and it ends by itself.

use strict;
use warnings;
use Http;
use Test::More;
use Time::HiRes qw(time);

return sub {
	my ($rig, $http, $api, $web) = @_;
	my $path = '/api/weather/current?city=jakarta';

	is((grep { $_->code != 200 } $http->get_at_once(($path) x 60)), 0, 'off, it limits nothing');

	my ($status, $out) = $rig->up(rate_api => 2);
	is($status, 0, 'two requests a second') or diag $out;
	sleep 1;	# "up" has asked as well
	# The others come with the burst: what is left of it is then no matter of time.
	my @other = ((map { [GET => $_] } '/api/health', '/api/cities', '/api/nothing', '/api/weather/current?lat=91'), [HEAD => $path]);
	my $began = time;
	my $room = sub { return 21 + 2 * (time - $began) };
	my @answers = $http->ask_at_once(([GET => $path]) x 40, @other);
	my $most = $room->();
	my @late = splice @answers, 40;
	my @refused = grep { $_->code == 429 } @answers;
	my $passed = grep { $_->code == 200 } @answers;

	is($passed + @refused, 40, 'an answer is either given or refused');
	ok($passed >= 18 && $passed <= $most, 'a burst of twenty passes') or diag "$passed of $most passed";
	for my $res (@refused) {
		$api->check(GET => $path, $res);
		is($res->headers->header('RateLimit-Limit'), 2, '... and names the limit');
	}
	my %ids = map { ($_->headers->header('X-Request-Id') => 1) } @answers;
	is(scalar keys %ids, 40, 'each has a request id of its own');

	for my $i (0 .. $#other) {
		is($late[$i]->code, 429, "@{$other[$i]} is counted as well");
		$api->check(@{$other[$i]}, $late[$i]);
	}
	is($http->get('/')->code, 200, 'pages are not');
	is(Http->new($rig->url, from => '127.0.0.2')->get($path)->code, 200, 'nor is another address');

	select undef, undef, undef, 1.2 + $refused[0]->headers->header('Retry-After');
	is($http->get($path)->code, 200, 'after Retry-After there is an answer again');
	$passed += 1 + grep { $_->code == 200 } $http->get_at_once(($path) x 20);
	cmp_ok($passed, '<=', $room->(), '... but no new burst yet');
};
