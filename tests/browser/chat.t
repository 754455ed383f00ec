#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# Two people talk through www/chat.html, one at a desk, one with a phone, while websocketd is killed under them. Leaves
# pictures of the page in build/browser for people to look at.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib", $Bin;
use Browser;
use Rig;
use Test::More;

my $missing = Browser::missing();
plan skip_all => $missing if $missing;

my $rig = Rig->new(rate_chat => 0);
Browser::run('chat.mjs', [$rig->url], map { my $do = $_; ($do => sub { $rig->$do(@_); return 1 }) } qw(kill stop start));

done_testing;
