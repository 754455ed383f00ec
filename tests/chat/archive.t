#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The archiver: what the log acknowledged is in PostgreSQL once, whatever is killed in between; edits, deletions and
# sanctions take effect; what is no event holds nothing up; the mirror in Redis comes back; and a log that went back,
# or an archive that did, is noticed.

use strict;
use warnings;
use Chat;
use Chat::Log;
use File::Path qw(remove_tree);
use Rig;
use Test::More;
use Time::HiRes qw(sleep time);

my $rig = Rig->new;
my $chat = Chat->new($rig);
my $log = Chat::Log->new($rig);

# Whether it becomes true. What is asked may be away, and nobody needs to read that.
sub becomes
{
	my ($name, $condition, $seconds) = @_;
	my $end = time + ($seconds // 40);
	my $true;

	open my $stderr, '>&', \*STDERR or die "dup: $!";
	open STDERR, '>', '/dev/null' or die "/dev/null: $!";
	sleep 0.1 until ($true = eval { $condition->() }) || time > $end;
	open STDERR, '>&', $stderr or die "dup: $!";
	ok $true, $name or diag $@;
}

# Groups of this run: in a stack that was kept there are those of runs before.
my $run = sprintf '%x', time;

sub room { return "group.$_[0]-$run" }

# What is archived of a room, a line an event.
sub archived
{
	my ($room, $columns) = @_;

	return split /\n/, $rig->sql("SELECT $columns FROM chat_messages WHERE room = '$room' ORDER BY epoch, seq");
}

sub epoch { return $rig->sql('SELECT epoch FROM chat_archive') }

sub all_archived
{
	my ($name) = @_;

	becomes $name, sub {
		my $info = Mojo::JSON::decode_json($log->request('$JS.API.STREAM.INFO.CHAT', '')->{data});

		return $rig->sql('SELECT seq FROM chat_archive') == $info->{state}{last_seq};
	};
}

# Run the archiver by hand. Its exit status and what it said.
sub archiver
{
	my (@options) = @_;

	local $ENV{PGUSER} = 'cuaca_archive';
	open my $out, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', "$Rig::BUILD/cron/chat-archive", '-c', "$rig->{folder}/etc/cuaca.conf",
		'-d', @options or die "chat-archive: $!";
	my $text = do { local $/; <$out> };
	close $out;
	return ($? >> 8, $text);
}

subtest 'events are archived, once, in their order' => sub {
	my @seq = map { $log->event(room('once'), { body => "text $_", mid => "once-$_", sent_at => 1763863200000 + $_ }) } 1 .. 5;

	is $log->event(room('once'), { body => 'text 5', mid => 'once-5' }), $seq[4], 'a second one with that id is the first';
	$log->event("private.alice.bob-$run", { from => "bob-$run", body => "\"\\ \n\t \x{263a} \x{1f600}" });
	all_archived 'all are there';
	is_deeply [archived(room('once'), "seq, kind, username, body, mid, (extract(epoch FROM sent_at) * 1000)::bigint")],
		[map { "$seq[$_ - 1]|message|alice|text $_|once-$_|" . (1763863200000 + $_) } 1 .. 5], 'as they were sent';
	is $rig->sql("SELECT body = E'\"\\\\ \\n\\t \\u263a \\U0001F600' FROM chat_messages WHERE room = 'private.alice.bob-$run'"), 't', 'whatever the text';
};

subtest 'edits, deletions and sanctions' => sub {
	my ($edited, $deleted, $kept) = map { $log->event(room('acts'), { body => $_ }) } qw(edited deleted kept);

	$log->event(room('acts'), { kind => 'edit', target => $edited, body => 'better' });
	$log->event(room('acts'), { kind => 'edit', target => $kept, body => 'forged', from => 'mallory' });
	$log->event(room('acts'), { kind => 'delete', target => $deleted, from => 'owner' });
	$log->event(room('acts'), { kind => 'ban', user => 'mallory', until => 0, site => \0, from => 'owner' });
	$log->event(room('acts'), { kind => 'mute', user => 'bob', until => int(time) + 3600, site => \0, from => 'owner' });
	$log->event(room('acts'), { kind => 'mute', user => 'carol', until => 0, site => \0, from => 'owner' });
	$log->event(room('acts'), { kind => 'unmute', user => 'carol', site => \0, from => 'owner' });
	all_archived 'all are there';
	is_deeply [archived(room('acts'), "body, edited_body, deleted_by")],
		['edited|better|', 'deleted||owner', 'kept||', 'better||', 'forged||', '||', '||', '||', '||', '||'], 'messages are changed by whom they may be';
	is $rig->sql("SELECT string_agg(user_name || ' ' || kind, ', ' ORDER BY user_name) FROM chat_sanctions
		WHERE room = '" . room('acts') . "' AND (until IS NULL OR until > now())"), 'bob mute, mallory ban', 'sanctions are in force';
};

subtest 'what is no event is passed over' => sub {
	my @bad = ('', 'not JSON', '{}', '[]', "{\"kind\":\"message\"}", "\xff\xfe", '{"kind":"message","from":"alice","body":"x","mid":"m","sent_at":"now"}',
		"{\"kind\":\"message\",\"from\":\"alice\",\"body\":\"\xff\",\"mid\":\"m\",\"sent_at\":1763863200000}");
	my $refused = sub { $rig->read('metrics/chat-archive.prom') =~ /^cuaca_archive_refused_total (\d+)$/m && $1 };
	my ($told, $counted) = (scalar(() = $rig->log('archive') =~ /passed over/g), $refused->());

	for my $bad (@bad) {
		$log->store(room('bad'), $bad);
		$log->event(room('bad'), { body => 'good' });
	}
	$log->store('no.room', '{"kind":"message","from":"alice","body":"hi","mid":"m","sent_at":1763863200000}');
	all_archived 'the rest is archived';
	is scalar(grep { $_ eq 'good' } archived(room('bad'), 'body')), scalar @bad, 'all good ones are there';
	is scalar(archived(room('bad'), 'body')), scalar @bad, 'and nothing else';
	is scalar(() = $rig->log('archive') =~ /passed over/g) - $told, @bad + 1, 'the log tells of each';
	becomes 'the metrics count them', sub { $refused->() - $counted == @bad + 1 };
};

subtest 'parts are killed' => sub {
	my %sent;

	for my $round (1, 2) {
		for my $part (qw(archive postgresql nats)) {
			$sent{$log->surely(room('killed'), { body => "$part $round $_" })} = "$part $round $_" for 1 .. 15;
			sleep 0.1 until $rig->pid($part);	# it may not be back from the last time
			$rig->kill($part);
			$sent{$log->surely(room('killed'), { body => "after $part $round $_" })} = "after $part $round $_" for 1 .. 15;
		}
	}
	all_archived 'it goes on by itself';
	is_deeply [archived(room('killed'), "seq || '|' || body")], [map { "$_|$sent{$_}" } sort { $a <=> $b } keys %sent],
		'every acknowledged event is archived once';
};

subtest 'catching up' => sub {
	$rig->stop('archive');
	$log->event(room('late'), { body => "late $_" }) for 1 .. 1300;
	like((archiver('--once'))[1], qr/archiving .*lag=1300/, 'it says how far it is behind');
	is scalar(archived(room('late'), 'seq')), 1300, 'one run by hand catches up';
	my ($status, $said) = archiver('--once');
	is $status, 0, 'there is nothing to do for another';
	$rig->start('archive');
	becomes 'the service has its turn', sub { $rig->read('metrics/chat-archive.prom') =~ /^cuaca_archive_active 1$/m };
	becomes 'and no lag', sub { $rig->read('metrics/chat-archive.prom') =~ /^cuaca_archive_lag_events 0$/m };
	($status, $said) = archiver('--once');
	is $status, 0, 'who comes on top of it leaves';
	like $said, qr/another archiver is at work/, 'and says why';
};

subtest 'the lag is visible while PostgreSQL does not take more' => sub {
	$rig->sql("ALTER TABLE chat_messages ADD CONSTRAINT no_more CHECK (false) NOT VALID; REVOKE INSERT ON chat_messages FROM cuaca_archive");
	my $behind = $rig->sql('SELECT seq FROM chat_archive');
	$log->event(room('wait'), { body => 'waits' });
	becomes 'PostgreSQL knows of it', sub { $rig->sql('SELECT stream_seq - seq FROM chat_archive') == 1 };
	becomes 'so do the metrics', sub { $rig->read('metrics/chat-archive.prom') =~ /^cuaca_archive_lag_events 1$/m };
	is $rig->sql('SELECT seq FROM chat_archive'), $behind, 'nothing is passed over';
	$rig->sql("ALTER TABLE chat_messages DROP CONSTRAINT no_more; GRANT INSERT ON chat_messages TO cuaca_archive");
	all_archived 'it is archived later';
	is_deeply [archived(room('wait'), 'body')], ['waits'], 'once';
};

subtest 'one event that PostgreSQL refuses' => sub {
	$rig->sql("ALTER TABLE chat_messages ADD CONSTRAINT no_devil CHECK (body <> 'devil') NOT VALID");
	$rig->stop('archive');
	$log->event(room('devil'), { body => "$_" }) for 1 .. 20, 'devil', 21 .. 40;
	$rig->start('archive');
	all_archived 'it goes on behind it';
	is_deeply [archived(room('devil'), 'body')], [1 .. 40], 'the others are archived';
	like $rig->log('archive'), qr/refused by PostgreSQL: passed over/, 'and the log tells of it';
	$rig->sql('ALTER TABLE chat_messages DROP CONSTRAINT no_devil');
};

subtest 'the mirror' => sub {
	$chat->must(POST => '/api/auth/register', body => { username => "bob-$run", password => 'correct horse' });
	$chat->group("mirrored-$run", 'alice', "bob-$run");
	my @keys = ('chat:mirror', "chat:user:bob-$run", "chat:group:mirrored-$run");
	is $rig->redis('EXISTS', @keys), 3, 'it is there';
	$rig->redis('FLUSHALL');
	becomes 'after Redis was emptied it is made anew', sub { $rig->redis('EXISTS', @keys) == 3 };
	like $rig->redis('GET', $keys[1]), qr/"mirrored-$run"/, 'with all that is known';

	# Rather than wait for the next minute: an archiver that begins copies all, and a sanction has it copy at once.
	my $long_ago = sub { $rig->sql("UPDATE chat_touched SET at = now() - interval '$_[0] seconds' WHERE name = 'bob-$run'") };
	$long_ago->(86400);
	$rig->redis('DEL', $keys[1]);
	kill TERM => $rig->pid('archive');
	becomes 'whoever was not copied is when an archiver begins', sub { $rig->redis('EXISTS', $keys[1]) };

	$rig->redis('DEL', $keys[1]);
	$rig->stop('redis');
	$long_ago->(179);
	$log->event(room('once'), { kind => 'unmute', user => 'nobody', site => \0 });
	all_archived 'Redis is away';
	sleep 2;
	$rig->start('redis');
	becomes 'what was changed meanwhile is copied, however long that was', sub { $rig->redis('EXISTS', $keys[1]) };

	$long_ago->(86400);
	$rig->redis('DEL', @keys[1, 2]);
	$rig->stop('nats');
	kill TERM => $rig->pid('archive');
	becomes 'without NATS too', sub { $rig->redis('EXISTS', @keys[1, 2]) == 2 };
	$rig->start('nats');
};

subtest 'an archive that went back' => sub {
	all_archived 'before';
	$rig->stop('archive');
	my @before = archived(room('killed'), 'seq, body');
	my $from = $rig->sql("SELECT seq FROM chat_messages WHERE room = '" . room('killed') . "' ORDER BY seq DESC OFFSET 20 LIMIT 1");
	$rig->sql("DELETE FROM chat_messages WHERE epoch = (SELECT epoch FROM chat_archive) AND seq >= $from; UPDATE chat_archive SET seq = $from - 1");
	$rig->start('archive');
	all_archived 'gets again what the log still has';
	is_deeply [archived(room('killed'), 'seq, body')], \@before, 'all of it, though it had been acknowledged';
};

subtest 'events that are gone from the log' => sub {
	$rig->stop('archive');
	my @seq = map { $log->event(room('gone'), { body => "gone $_" }) } 1 .. 6;
	$log->request('$JS.API.STREAM.MSG.DELETE.CHAT', "{\"seq\":$_}") for @seq[0, 2, 3];
	$rig->start('archive');
	all_archived 'hold nothing up';
	is_deeply [archived(room('gone'), 'body')], ['gone 2', 'gone 5', 'gone 6'], 'what is left is archived';
	becomes 'the others are counted', sub { $rig->read('metrics/chat-archive.prom') =~ /^cuaca_archive_missing_total 3$/m };
};

subtest 'a log that is empty' => sub {
	$rig->stop('archive');
	$log->event(room('empty'), { body => "empty $_" }) for 1 .. 3;
	$log->request('$JS.API.STREAM.PURGE.CHAT', '');
	$rig->start('archive');
	all_archived 'there is nothing to wait for';
	becomes 'nor a lag', sub { $rig->read('metrics/chat-archive.prom') =~ /^cuaca_archive_lag_events 0$/m };
	becomes 'but a count of what is gone', sub { $rig->read('metrics/chat-archive.prom') =~ /^cuaca_archive_missing_total 3$/m };
	$log->event(room('empty'), { body => 'after' });
	all_archived 'it goes on';
	is_deeply [archived(room('empty'), 'body')], ['after'], 'from there';
};

# As after a power cut: what is archived now is lost from the end of the log, and its numbers are given out again. The
# archiver does not see it happen.
sub lose
{
	my ($room, $n, $hide) = @_;
	my ($store, $copy) = ("$rig->{folder}/nats", "$rig->{folder}/nats.copy");

	my $common = $log->surely($room, { body => 'common' });
	all_archived 'before';
	$rig->stop('nats');
	system('cp', '-a', $store, $copy) == 0 or die 'cp';
	$rig->start('nats');
	$log->surely($room, { body => "lost $_" }) for 1 .. $n;
	all_archived 'what will be lost is archived';
	$hide->();
	$rig->stop('nats');
	remove_tree($store);
	rename $copy, $store or die "rename: $!";
	$rig->start('nats');
	return $common;
}

# The room holds what was lost, in the epoch before, and so many new ones, in a later one.
sub nothing_is_lost
{
	my ($room, $was, $lost, $new) = @_;
	my $epoch = epoch();

	cmp_ok $epoch, '>', $was, 'in a new epoch';
	is_deeply [archived($room, 'epoch, body')], [(map { "$was|$_" } 'common', map { "lost $_" } 1 .. $lost), map { "$epoch|new $_" } 1 .. $new],
		'nothing lost, nothing twice';
	is $rig->sql("SELECT count(*) FROM chat_messages WHERE epoch = $epoch"), $new, 'nor of other rooms';
	like $log->request('$JS.API.STREAM.INFO.CHAT', '')->{data}, qr/"description":"epoch $epoch"/, 'the log says so too';
}

subtest 'a log that went back' => sub {
	my $was = epoch();

	my $common = lose(room('back'), 5, sub { $rig->stop('archive') });
	is $log->surely(room('back'), { body => 'new 1' }), $common + 1, 'numbers are given out again';
	$log->surely(room('back'), { body => 'new 2' });
	$log->subscribe('ctl.chat.all');
	$rig->start('archive');
	is $log->next(sub { $_[0]{subject} eq 'ctl.chat.all' && $_[0]{data} =~ /epoch/ })->{data}, '{"op":"epoch"}', 'the handlers are told';
	$log->surely(room('back'), { body => 'new 3' });
	all_archived 'it goes on';
	nothing_is_lost(room('back'), $was, 5, 3);
};

subtest 'a log that went back and has come further than the archive' => sub {
	my $was = epoch();

	lose(room('passed'), 3, sub { $rig->stop('archive') });
	$log->surely(room('passed'), { body => "new $_" }) for 1 .. 7;
	$rig->start('archive');
	all_archived 'it goes on';
	nothing_is_lost(room('passed'), $was, 3, 7);
};

subtest 'the same under a running archiver' => sub {
	my $was = epoch();
	my $pid = $rig->pid('archive');

	my $common = lose(room('under'), 3, sub { kill STOP => $pid });
	$log->surely(room('under'), { body => "new $_" }) for 1 .. 7;
	kill CONT => $pid;
	becomes 'it has a new epoch', sub { epoch() > $was };
	all_archived 'it goes on';
	nothing_is_lost(room('under'), $was, 3, 7);
	$log->surely(room('under'), { kind => 'edit', target => $common, body => 'edited' });
	$log->surely(room('under'), { kind => 'delete', target => $common + 1 });
	all_archived 'what is done to messages too';
	is_deeply [(archived(room('under'), "coalesce(edited_body, body), deleted_by"))[0, 1, 4, 5]], ['edited|', 'lost 1|', 'new 1|alice', 'new 2|'],
		'messages of before can be edited, and others are not taken for them';
};

subtest 'a log that is gone' => sub {
	my $was = epoch();

	$log->request('$JS.API.STREAM.DELETE.CHAT', '');
	becomes 'is made again', sub { $log->event(room('anew'), { body => 'first' }) };
	all_archived 'and archived';
	my $epoch = epoch();
	cmp_ok $epoch, '>', $was, 'in a new epoch';
	is_deeply [archived(room('anew'), 'epoch, seq, body')], ["$epoch|1|first"], 'from its beginning';
};

subtest 'by hand' => sub {
	for (1, 2) {
		is +(archiver('--setup'))[0], 0, 'the log may be set up any time';
	}
	is +(archiver('--now'))[0], 100, 'an option it does not know';
	my $pid = $rig->pid('archive');
	$rig->stop('archive');
	is $rig->sql('SELECT held_until <= now() FROM chat_archive'), 't', 'told to stop, it leaves its turn to others';
	$rig->start('archive');
	becomes 'and another takes it', sub {
		my $now = $rig->pid('archive');
		return $now && $now != $pid && $rig->log('archive') =~ /"pid":$now,"msg":"archiving"/;
	};
	$rig->kill('archive');
	my $seq = $log->event(room('turn'), { body => 'after' });
	becomes 'after a sudden death another takes over too', sub { archived(room('turn'), 'body') };
};

done_testing;
