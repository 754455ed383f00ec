#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The API through both web servers, on one stack. The parts are the *.pl files beside this one: each ends in a sub
# that gets the stack, a client, the description and the web server's name. Arguments choose parts:
#
#	prove -Itests/lib tests/api/api.t :: current cost

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Http;
use OpenAPI;
use Rig;
use Test::More;

my @parts = @ARGV ? @ARGV : qw(current cities input http routes faces forecast history status clients cost away limits);	# the last change the settings
my $api = OpenAPI->new;
my %parts;

my $rig = Rig->new(debug_headers => 'on', processes => 1);

for my $web (qw(nginx lighttpd)) {
	my ($status, $out) = $rig->up(web => $web, rate_api => 0, cache => 'on');
	die $out if $status != 0;
	for my $part (@parts) {
		my $run = $parts{$part} //= do "$Bin/$part.pl" or die "$part.pl: " . ($@ || $!);
		subtest "$web: $part" => sub { $run->($rig, Http->new($rig->url), $api, $web) };
	}
}

done_testing;
