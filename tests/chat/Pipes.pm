# SPDX-License-Identifier: ISC
#
# The chat handler driven by plain pipes: no websocketd, no web server, a Redis and a NATS of its own that a test may
# stop, kill and start again.
#
#	my $rig = Pipes->new(ws_ping => 2);		# any settings of etc/cuaca.conf
#	my $alice = $rig->client('alice');		# connected
#	$alice->send({id => 1, type => 'who', room => 'broadcast'});
#	is $alice->get(id => 1)->{members}, 1;

package Pipes;

use strict;
use warnings;
use Cwd qw(abs_path);
use Digest::SHA qw(hmac_sha256);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use MIME::Base64 qw(decode_base64 encode_base64url);
use Mojo::JSON qw(encode_json decode_json true false);
use POSIX ();
use Scalar::Util qw(weaken);
use Test::More ();
use Time::HiRes qw(sleep time);

use constant PATIENCE => 20;	# seconds that anything may take before it counts as not happening

our $ROOT = abs_path(dirname(__FILE__) . '/../..');
our $PROGRAM = "$ROOT/" . ($ENV{CUACA_BUILD} // 'build') . '/ws-handlers/chat';
our $SECRET = 'a secret of 32 bytes and some more';

my @open;
my $owner = $$;
END { if ($$ == $owner) { local $?; $_->end for splice @open } }
$SIG{INT} = $SIG{TERM} = sub { exit 1 };	# so that END runs
$SIG{PIPE} = 'IGNORE';

sub new
{
	my ($class, %settings) = @_;
	my $folder = tempdir('cuaca-pipes-XXXXXX', TMPDIR => 1);
	my $self = bless { folder => $folder, port => free_port(), redis => "$folder/redis.sock", clients => {},
		settings => { chat_secret => $SECRET, rate_chat => 0, %settings } }, $class;

	push @open, $self;
	$self->start_redis;
	$self->start_nats;
	$self->make_stream(1000);
	$self->redis(SET => 'chat:mirror', 1);
	return $self;
}

sub free_port
{
	return IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')->sockport;
}

# Until the code is true; dies where it does not become so.
sub until_true
{
	my ($what, $code, $seconds) = @_;
	my $end = time + ($seconds // PATIENCE);

	while (time < $end) {
		my $value = $code->();
		return $value if $value;
		sleep 0.01;
	}
	die "not in time: $what\n";
}

sub spawn
{
	my ($log, @command) = @_;
	my $pid = fork // die "fork: $!";

	if ($pid == 0) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', $log;
		open STDERR, '>&', \*STDOUT;
		exec @command or POSIX::_exit(127);
	}
	return $pid;
}

sub start_redis
{
	my ($self) = @_;

	$self->{redis_pid} = spawn("$self->{folder}/redis.log", 'redis-server', '--port', 0, '--unixsocket', $self->{redis},
		'--save', '', '--dir', $self->{folder}, '--protected-mode', 'no');
	until_true('Redis answers', sub { eval { $self->redis('PING') eq 'PONG' } });
}

sub start_nats
{
	my ($self) = @_;

	$self->{nats_pid} = spawn("$self->{folder}/nats.log", 'nats-server', '-a', '127.0.0.1', '-p', $self->{port}, '-js', '-sd',
		"$self->{folder}/nats");
	until_true('NATS answers', sub { eval { $self->js('INFO')->{type} } });
}

# Signal a server; with KILL or TERM wait for its end.
sub signal
{
	my ($self, $server, $signal) = @_;

	delete $self->{publisher} if $server eq 'nats';
	kill $signal => $self->{"${server}_pid"};
	return if $signal !~ /^(?:KILL|TERM)$/;
	waitpid delete $self->{"${server}_pid"}, 0;
}

# A command to Redis; its reply, an array as such.
sub redis
{
	my ($self, @command) = @_;
	my $socket = IO::Socket::UNIX->new(Peer => $self->{redis}) // die "redis: $!";

	print $socket '*' . @command . "\r\n", map { '$' . length($_) . "\r\n$_\r\n" } @command;
	$socket->flush;
	return reply($socket);
}

sub reply
{
	my ($socket) = @_;
	my $line = <$socket> // die 'redis: no reply';
	my ($kind, $text) = $line =~ /^(.)(.*)\r\n$/;

	die "redis: $text\n" if $kind eq '-';
	return $text if $kind eq '+' || $kind eq ':';
	return if $text < 0;
	return [map { reply($socket) } 1 .. $text] if $kind eq '*';
	read $socket, my $data, $text + 2;
	return substr $data, 0, $text;
}

# NATS

sub nats { return Pipes::Nats->new($_[0]{port}) }

# A request to the stream's API: js('PURGE'), js(CREATE => {...}).
sub js
{
	my ($self, $verb, $body) = @_;
	my $subject = $verb eq 'INFO' && !defined $body ? '$JS.API.INFO' : "\$JS.API.STREAM.$verb.CHAT"; # INFO: the server's

	return decode_json($self->nats->request($subject, ref $body ? encode_json($body) : ''));
}

# The stream as cron/chat-archive makes it.
sub make_stream
{
	my ($self, $epoch, %more) = @_;
	my %config = (name => 'CHAT', description => "epoch $epoch", subjects => ['in.chat.>'],
		storage => 'file', retention => 'limits', discard => 'old', num_replicas => 1, allow_direct => true,
		duplicate_window => 600_000_000_000, max_msg_size => 65536, republish => { src => 'in.chat.>', dest => 'chat.>' }, %more);

	delete $config{republish} if !$config{republish};
	my $answer = $self->js(CREATE => \%config);
	die encode_json($answer) if $answer->{error};
}

# Put an event into the log; its position.
sub publish
{
	my ($self, $room, $from, $body) = @_;
	my $event = { kind => 'message', from => $from, body => $body, mid => "m" . rand, sent_at => int(time * 1000) };

	return decode_json(($self->{publisher} //= $self->nats)->request("in.chat.$room", encode_json($event)))->{seq};
}

# What the stream does with an event that it has stored.
sub republish
{
	my ($self, $room, $seq, $prev) = @_;
	my $head = "NATS/1.0\r\nNats-Stream: CHAT\r\nNats-Subject: in.chat.$room\r\nNats-Sequence: $seq\r\nNats-Last-Sequence: $prev\r\n\r\n";
	my $event = $self->js('MSG.GET' => { seq => $seq });
	my $data = $event->{message} ? decode_base64($event->{message}{data}) : '{}';

	$self->{publisher}->put("HPUB chat.$room " . length($head) . ' ' . length("$head$data") . "\r\n$head$data\r\n");
}

sub tell
{
	my ($self, $subject, $body) = @_;
	my $nats = $self->nats;

	$nats->publish($subject, encode_json($body));
	$nats->request('$JS.API.INFO', '');
}

# The mirror

sub user
{
	my ($self, $name, %state) = @_;

	$self->redis(SET => "chat:user:$name", encode_json({ guest => false, admin => false, void_before => 0, groups => [], owns => [],
		revoked => [], bans => {}, mutes => {}, %state }));
	$self->tell("ctl.chat.user.$name", { op => 'recheck' });
}

sub group
{
	my ($self, $name, %state) = @_;

	$self->redis(SET => "chat:group:$name", encode_json({ title => $name, public => true, owner => 'owner', %state }));
}

# Tokens

sub token
{
	my ($self, $sub, %claims) = @_;

	return sign({ sub => $sub, jti => "t-$sub", iat => int(time), exp => int(time) + 3600, %claims });
}

sub sign
{
	my ($claims, $secret, $header) = @_;
	my $text = join '.', map { encode_base64url(encode_json($_)) } $header // { alg => 'HS256', typ => 'JWT' }, $claims;

	return "$text." . encode_base64url(hmac_sha256($text, $secret // $SECRET));
}

# Clients

# A handler to which nothing has been said. "env" is what the web server tells.
sub raw
{
	my ($self, %with) = @_;
	my $client = Pipes::Client->new($self, %with);

	weaken($self->{clients}{$client->{pid}} = $client);
	return $client;
}

# One that is connected; %connect are further members of connect.
sub client
{
	my ($self, $name, %connect) = @_;
	my $client = $self->raw;

	$client->{answer} = $client->connect($name, %connect);
	die "$name is not connected: " . encode_json($client->{answer}) if $client->{answer}{type} ne 'connected';
	return $client;
}

sub end
{
	my ($self) = @_;

	$_->kill for grep { defined } values %{$self->{clients}};
	for my $server (qw(nats redis)) {
		kill KILL => $self->{"${server}_pid"} // next;
		waitpid $self->{"${server}_pid"}, 0;
	}
	if (!Test::More->builder->is_passing) {
		open my $log, '<', "$self->{folder}/handlers.log";
		print STDERR map { "# $_" } grep { !/"connection ended"/ } <$log>;
	}
	remove_tree($self->{folder});
}

package Pipes::Client;

use Fcntl;
use IO::Select;
use Mojo::JSON qw(encode_json decode_json);
use Time::HiRes qw(sleep time);

sub new
{
	my ($class, $rig, %with) = @_;
	my $self = bless { rig => $rig, lines => [], buffer => '', log => "$rig->{folder}/handlers.log" }, $class;

	pipe my $in, $self->{in} or die "pipe: $!";
	pipe $self->{out}, my $out or die "pipe: $!";
	$self->{pid} = fork // die "fork: $!";
	if ($self->{pid} == 0) {
		delete @ENV{grep { /^(CUACA_|HTTP_|REMOTE_)/ } keys %ENV};
		my %settings = (%{$rig->{settings}}, redis => $rig->{redis}, nats => "nats://127.0.0.1:$rig->{port}", %{$with{settings} // {}});
		$ENV{'CUACA_' . uc} = $settings{$_} for keys %settings;
		@ENV{keys %{$with{env}}} = values %{$with{env}} if $with{env};
		open STDIN, '<&', $in;
		open STDOUT, '>&', $out;
		open STDERR, '>>', $self->{log};
		exec $PROGRAM or POSIX::_exit(127);
	}
	CORE::close $_ for $in, $out;
	$self->{in}->autoflush(1);
	$self->{out}->blocking(0);
	return $self;
}

sub put { my ($self, $bytes) = @_; return print { $self->{in} } $bytes }
sub send { my ($self, $o) = @_; return $self->put(encode_json($o) . "\n") }

# Take in what there is, waiting at most so long.
sub fill
{
	my ($self, $seconds) = @_;

	return 0 if $self->{ended} || !IO::Select->new($self->{out})->can_read($seconds);
	my $n = sysread $self->{out}, $self->{buffer}, 65536, length $self->{buffer};
	$self->{ended} = 1 if defined $n && $n == 0;
	while ($self->{buffer} =~ s/\A(.*?)\n//s) {
		push @{$self->{lines}}, decode_json($1);
	}
	return 1;
}

# The first line that comes or has come with these members, taken out; undef where there is none in time.
sub get
{
	my ($self, %want) = @_;
	my $within = delete $want{within} // Pipes::PATIENCE;
	my $end = time + $within;

	for (;;) {
		my $lines = $self->{lines};
		for my $i (0 .. $#$lines) {
			return splice @$lines, $i, 1 if !grep { ($lines->[$i]{$_} // '') ne $want{$_} } keys %want;
		}
		my $left = $end - time;
		return if $left <= 0 || $self->{ended};
		$self->fill($left);
	}
}

# All that come until this long nothing has.
sub drain
{
	my ($self, $quiet) = @_;

	1 while $self->fill($quiet // 0.2);
	return splice @{$self->{lines}};
}

# A request and its reply; errors too.
sub ask
{
	my ($self, %request) = @_;
	my $id = ++$self->{id};

	$self->send({ id => $id, %request });
	return $self->get(id => $id);
}

sub connect
{
	my ($self, $name, %connect) = @_;

	return $self->ask(type => 'connect', token => $self->{rig}->token($name), %connect);
}

sub say
{
	my ($self, $room, $body, %more) = @_;

	return $self->ask(type => 'message', room => $room, body => $body, %more);
}

# Close its input, wait for its end; the exit status and the seconds that took.
sub close
{
	my ($self) = @_;
	my $start = time;

	CORE::close delete $self->{in};
	return ($self->wait, time - $start);
}

# The exit status; undef where it does not end in time.
sub wait
{
	my ($self) = @_;
	my $end = time + Pipes::PATIENCE;

	while (defined $self->{pid} && time < $end) {
		if (waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid}) {
			delete $self->{pid};
			return $self->{status} = $?;
		}
		$self->fill(0) if !$self->{blocked};
		sleep 0.002;
	}
	return $self->{status};
}

# A client that nobody has any more leaves.
sub DESTROY { my ($self) = @_; local ($?, $@); $self->close if defined $self->{pid} && defined $self->{in} && $$ == $owner }

sub signal { return CORE::kill $_[1] => $_[0]{pid} }

sub kill
{
	my ($self) = @_;

	return if !defined $self->{pid};
	CORE::kill(KILL => $self->{pid});
	waitpid delete $self->{pid}, 0;
}

package Pipes::Nats;

use IO::Select;

sub new
{
	my ($class, $port) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 5) // die "nats: $!";
	my $self = bless { socket => $socket, buffer => '', inbox => '_INBOX.' . int(rand 1e9), n => 0 }, $class;

	$self->put(qq(CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB $self->{inbox}.* 1\r\n));
	$self->line;
	return $self;
}

sub put { my ($self, $bytes) = @_; return syswrite $self->{socket}, $bytes }

# Have so many bytes in the buffer, or what the pattern matches.
sub fill
{
	my ($self, $enough) = @_;

	until ($enough->()) {
		die "nats: no reply\n" if !IO::Select->new($self->{socket})->can_read(Pipes::PATIENCE);
		sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer} or die "nats: gone\n";
	}
}

sub line
{
	my ($self) = @_;

	$self->fill(sub { $self->{buffer} =~ /\r\n/ });
	$self->{buffer} =~ s/\A(.*?)\r\n//s;
	return $1;
}

sub publish
{
	my ($self, $subject, $data, $reply) = @_;

	return $self->put("PUB $subject " . (defined $reply ? "$reply " : '') . length($data) . "\r\n$data\r\n");
}

# The data of the reply.
sub request
{
	my ($self, $subject, $data) = @_;
	my $reply = "$self->{inbox}." . ++$self->{n};

	$self->publish($subject, $data, $reply) or die "nats: gone\n";
	for (;;) {
		my $line = $self->line;
		$self->put("PONG\r\n") if $line =~ /^PING/;
		my ($head, $len) = $line =~ /^H?MSG \Q$reply\E \d+ +(?:(\d+) )?(\d+)$/ or next;
		$self->fill(sub { length $self->{buffer} >= $len + 2 });
		return substr substr($self->{buffer}, 0, $len + 2, ''), $head // 0, $len - ($head // 0);
	}
}

1;
