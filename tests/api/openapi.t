#!/usr/bin/perl
# SPDX-License-Identifier: ISC
#
# The description itself, and that OpenAPI.pm notices what is wrong: each kind of broken answer must be caught.

use strict;
use warnings;
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Mojo::JSON qw(decode_json encode_json false true);
use Mojo::Message::Response;
use OpenAPI;
use Test::More;

my $api = OpenAPI->new;
my $doc = $api->document;

# ---- The description ----

sub walk
{
	my ($node, $path, $visit) = @_;

	$visit->($node, $path);
	walk($node->{$_}, "$path/$_", $visit) for ref $node eq 'HASH' ? sort keys %$node : ();
	walk($node->[$_], "$path/$_", $visit) for ref $node eq 'ARRAY' ? 0 .. $#$node : ();
}

my (%used, @examples);
walk($doc, '', sub {
	my ($node, $path) = @_;

	return if ref $node ne 'HASH' || $path =~ m{/examples?(/|$)};
	if (defined $node->{'$ref'} && !ref $node->{'$ref'}) {
		ok(eval { $api->deref($node) }, "$path: $node->{'$ref'} is there");
		$used{$1}++ if $node->{'$ref'} =~ m{^#/(.*)};
	}
	push @examples, [$path, $_, $node->{schema}] for $node->{schema} ?
		(exists $node->{example} ? $node->{example} : (), map { $_->{value} } values %{$node->{examples} // {}}) : ();
	is_deeply([grep { !$node->{properties}{$_} } @{$node->{required}}], [], "$path: what is required is described")
		if $node->{properties} && $node->{required};
	ok(exists $node->{additionalProperties}, "$path: says whether there may be more")
		if $node->{properties} && $path !~ /openapi\.json/;
});
is_deeply([grep { !$used{$_} } map { my $kind = $_; map { "components/$kind/$_" } sort keys %{$doc->{components}{$kind}} }
	grep { $_ ne 'securitySchemes' } sort keys %{$doc->{components}}], [], 'every component is used');
my %shown = map { ($_ => 1) } map { keys %$_ } @{$doc->{security}}, map { @{$_->{security} // []} } map { values %$_ } values %{$doc->{paths}};
is_deeply([sort keys %shown], [sort keys %{$doc->{components}{securitySchemes}}], '... and every way to show who asks');

cmp_ok(scalar @examples, '>', 10, 'there are examples');
for (@examples) {
	my ($path, $value, $schema) = @$_;
	$value = [map { 0 + $_ } @$value] if ref $value eq 'ARRAY' && $path =~ /near/;
	is_deeply([map { "$_" } $api->{schema}->validate($value, $schema)], [], "$path: the example is valid");
}

for my $path (sort keys %{$doc->{paths}}) {
	for my $method (sort keys %{$doc->{paths}{$path}}) {
		my $operation = $doc->{paths}{$path}{$method};

		like($method, qr/\A(?:get|post|delete)\z/, "$path: $method");
		is_deeply([grep { !$operation->{responses}{$_} } qw(400 405 429 503 default), $method eq 'get' ? 200 : ()], [],
			'... with what any path may answer');
		ok((grep { /^2/ } keys %{$operation->{responses}}), '... when all is well, too');
		ok($operation->{summary} && $operation->{operationId}, '... and words');
		is_deeply([map { $_->{name} } grep { !$_->{description} } $api->parameters($path, $method)], [], '... for every parameter');
		my ($members) = $api->body($path, $method);
		is_deeply([grep { !$members->{$_}{description} } sort keys %$members], [], '... and member of the body');
	}
}

# ---- Answers ----

my $request_id = 'abcdef0123456789';
my %headers = (
	'Content-Type' => 'application/json',
	'X-Request-Id' => $request_id,
	'ETag' => '"0123456789abcdef"',
	'Last-Modified' => 'Sun, 22 Nov 2026 22:16:03 GMT',
	'Cache-Control' => 'public, max-age=30, stale-while-revalidate=60, stale-if-error=86400',
);
my $current = $doc->{paths}{'/api/weather/current'}{get}{responses}{200}{content}{'application/json'}{example};

# An answer with a good body, changed by the code, and good headers, changed by the pairs (undef: left out).
sub answer
{
	my ($code, $body, $change, @changed) = @_;
	my $res = Mojo::Message::Response->new(code => $code);
	my %h = (%headers, @changed);

	if (ref $body) {
		$body = decode_json(encode_json($body));
		$change->($body) if $change;
		$body = encode_json($body);
	}
	for my $name (grep { defined $h{$_} } sort keys %h) {
		$res->headers->add($name, $_) for ref $h{$name} ? @{$h{$name}} : $h{$name};
	}
	return $res->body($body);
}

my $current_path = '/api/weather/current?city=jakarta';

sub good
{
	my ($name, $method, $path, $res) = @_;

	$api->check($method, $path, $res, "fine: $name");
}

sub bad
{
	my ($name, $says, $method, $path, $res) = @_;
	my @wrong = $api->wrong($method, $path, $res);

	like(join("\n", @wrong), $says, "caught: $name");
}

my @no_body = ('Content-Type' => undef);
my @problem = ('Content-Type' => 'application/problem+json', ETag => undef, 'Last-Modified' => undef, 'Cache-Control' => 'no-store');
my %invalid = (type => '/problems/invalid-parameter', title => 'x', status => 400, detail => 'x', request_id => $request_id,
	errors => [{ parameter => 'lat', detail => 'x' }]);
my %not_found = (type => '/problems/not-found', title => 'x', status => 404, request_id => $request_id);
my %limited = (type => '/problems/rate-limited', title => 'x', status => 429, detail => 'x', request_id => $request_id);
my %unauthorized = (type => '/problems/unauthorized', title => 'x', status => 401, detail => 'x', request_id => $request_id);
my %not_allowed = (type => '/problems/method-not-allowed', title => 'x', status => 405, detail => 'x', request_id => $request_id);
my @private = (ETag => undef, 'Last-Modified' => undef, 'Cache-Control' => 'no-store');
my @limits = ('Retry-After' => 1, 'RateLimit-Limit' => 10, 'RateLimit-Remaining' => 0, 'RateLimit-Reset' => 1);

good('the weather', GET => $current_path, answer(200, $current));
good('nulls where the source had none', GET => $current_path, answer(200, $current, sub { $_[0]{current}{$_} = undef for qw(temperature weather_code weather_desc) }));
good('a distance', GET => '/api/weather/current?lat=1&lon=2', answer(200, $current, sub { $_[0]{distance_km} = 3.5 }));
good('several', GET => '/api/weather/current?cities=a,b', answer(200, { items => [$current, $current] }));
good('HEAD', HEAD => $current_path, answer(200, ''));
good('304', GET => $current_path, answer(304, '', undef, @no_body));
good('400', GET => $current_path, answer(400, \%invalid, undef, @problem));
good('OPTIONS', OPTIONS => $current_path, answer(204, '', undef, @no_body, Allow => 'GET, HEAD, OPTIONS'));
good('nowhere', GET => '/api/nowhere', answer(404, \%not_found, undef, @problem));
good('429', GET => $current_path, answer(429, \%limited, undef, @problem, @limits));

bad('a member is missing', qr/Missing property/, GET => $current_path, answer(200, $current, sub { delete $_[0]{stale} }));
bad('a member deep inside is missing', qr/Missing property/, GET => $current_path, answer(200, $current, sub { delete $_[0]{current}{wind_gusts} }));
bad('a member too many', qr/Properties not allowed/, GET => $current_path, answer(200, $current, sub { $_[0]{extra} = 1 }));
bad('a member too many deep inside', qr/Properties not allowed/, GET => $current_path, answer(200, $current, sub { $_[0]{city}{population} = 1 }));
bad('a number as text', qr{temperature: .*Expected number}, GET => $current_path, answer(200, $current, sub { $_[0]{current}{temperature} = '27.4' }));
bad('a whole number with a fraction', qr{humidity: .*Expected integer}, GET => $current_path, answer(200, $current, sub { $_[0]{current}{relative_humidity} = 84.5 }));
bad('a boolean as a number', qr{stale: .*Expected boolean}, GET => $current_path, answer(200, $current, sub { $_[0]{stale} = 0 }));
bad('out of range', qr/relative_humidity/, GET => $current_path, answer(200, $current, sub { $_[0]{current}{relative_humidity} = 101 }));
bad('another unit', qr/units/, GET => $current_path, answer(200, $current, sub { $_[0]{units}{temperature} = 'K' }));
bad('another source', qr{source: .*Not in enum}, GET => $current_path, answer(200, $current, sub { $_[0]{source} = 'elsewhere' }));
bad('a time without a zone', qr/collected_at/, GET => $current_path, answer(200, $current, sub { $_[0]{collected_at} = '2026-11-22T22:16:03' }));
bad('a day that is not in the calendar', qr/collected_at/, GET => $current_path, answer(200, $current, sub { $_[0]{collected_at} = '2026-13-22T22:16:03Z' }));
bad('null where there must be something', qr/name/, GET => $current_path, answer(200, $current, sub { $_[0]{city}{name} = undef }));
bad('an empty list of several', qr/items/, GET => $current_path, answer(200, { items => [] }));
bad('not JSON', qr/not JSON/, GET => $current_path, answer(200, '{"city":'));
bad('JSON with a tail', qr/not JSON/, GET => $current_path, answer(200, '{}x'));
bad('not UTF-8', qr/not JSON/, GET => $current_path, answer(200, "{\"city\":\"\xff\"}"));
bad('no body', qr/not JSON/, GET => $current_path, answer(200, ''));
bad('another type', qr/type text\/html is not described/, GET => $current_path, answer(200, $current, undef, 'Content-Type' => 'text/html'));
bad('no type', qr/type none/, GET => $current_path, answer(200, $current, undef, 'Content-Type' => undef));
bad('a wrong length', qr/Content-Length 5/, GET => $current_path, answer(200, $current, undef, 'Content-Length' => 5));
bad("no $_", qr/no $_/, GET => $current_path, answer(200, $current, undef, $_ => undef)) for qw(X-Request-Id ETag Last-Modified Cache-Control);
bad('two request ids', qr/X-Request-Id 2 times/, GET => $current_path, answer(200, $current, undef, 'X-Request-Id' => [$request_id, $request_id]));
bad('a weak ETag', qr/ETag/, GET => $current_path, answer(200, $current, undef, ETag => 'W/"0123456789abcdef"'));
bad('a date in another form', qr/Last-Modified/, GET => $current_path, answer(200, $current, undef, 'Last-Modified' => '2026-11-22'));
bad('a body to HEAD', qr/a body where/, HEAD => $current_path, answer(200, $current));
bad('a body with 304', qr/a body where/, GET => $current_path, answer(304, '{}', undef, @no_body));
bad('a type with 304', qr/a type without/, GET => $current_path, answer(304, ''));
bad('an undescribed status', qr/status 418 is not described/, GET => $current_path, answer(418, \%invalid, undef, @problem));
bad('201 is not 200', qr/status 201/, GET => $current_path, answer(201, $current));
bad('an undescribed path', qr/status 200/, GET => '/api/weather/tomorrow', answer(200, $current));
bad('a path too deep', qr/status 200/, GET => '/api/cities/a/b', answer(200, $current));
good('POST', POST => '/api/auth/guest', answer(201, $doc->{paths}{'/api/auth/guest'}{post}{responses}{201}{content}{'application/json'}{example}, undef, @private));
good('DELETE', DELETE => '/api/chat/rooms/developers', answer(204, '', undef, @no_body, @private));
good('401', GET => '/api/chat/rooms', answer(401, \%unauthorized, undef, @problem, 'WWW-Authenticate' => 'Bearer realm="cuaca"'));
good('405 of a path with other methods', GET => '/api/auth/login', answer(405, \%not_allowed, undef, @problem, Allow => 'POST, OPTIONS'));
bad('GET where there is only POST', qr/status 200/, GET => '/api/auth/login', answer(200, {}, undef, @private));
bad('what only another method answers', qr/status 201/, GET => '/api/chat/rooms', answer(201, {}, undef, @private));
bad('what must not be kept', qr/Cache-Control/, DELETE => '/api/chat/rooms/developers', answer(204, '', undef, @no_body, @private, 'Cache-Control' => 'public, max-age=30'));
bad('401 without a challenge', qr/no WWW-Authenticate/, GET => '/api/chat/rooms', answer(401, \%unauthorized, undef, @problem));
bad('an undescribed method', qr/status 200/, POST => $current_path, answer(200, $current));
bad('OPTIONS with an answer', qr/status 200/, OPTIONS => $current_path, answer(200, $current));
bad('OPTIONS without Allow', qr/no Allow/, OPTIONS => $current_path, answer(204, '', undef, @no_body));
bad('a problem of another type', qr/body/, GET => $current_path, answer(400, { %invalid, type => 'about:blank' }, undef, @problem));
bad('a problem without its errors', qr/errors/, GET => $current_path, answer(400, \%invalid, sub { delete $_[0]{errors} }, @problem));
bad('a problem that is plain JSON', qr/type application\/json/, GET => $current_path, answer(400, \%invalid, undef, @problem, 'Content-Type' => 'application/json'));
bad('a problem of another status', qr/another status/, GET => '/api/nowhere', answer(404, { %not_found, status => 400 }, undef, @problem));
bad('a problem of another request', qr/another request/, GET => $current_path, answer(400, { %invalid, request_id => 'x' x 16 }, undef, @problem));
bad('429 without Retry-After', qr/no Retry-After/, GET => $current_path, answer(429, \%limited, undef, @problem, @limits, 'Retry-After' => undef));
bad('429 without its limits', qr/no RateLimit-Limit/, GET => $current_path, answer(429, \%limited, undef, @problem, @limits, 'RateLimit-Limit' => undef));
bad('Retry-After as a date', qr/Retry-After/, GET => $current_path, answer(429, \%limited, undef, @problem, @limits, 'Retry-After' => 'soon'));

done_testing;
