#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# www/chat-client.js in a browser, against a server that does what a real one hardly ever does: loses an
# acknowledgement, forgets to send a message, falls silent.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib", $Bin;
use Browser;
use Test::More;

my $missing = Browser::missing();
plan skip_all => $missing if $missing;
Browser::run('client.mjs', ["$Rig::ROOT/www"]);

done_testing;
