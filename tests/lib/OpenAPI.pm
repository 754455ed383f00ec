# SPDX-License-Identifier: ISC
#
# Holds answers against fcgi-bin/ops/openapi.json: status, headers, type and body. What is not described there is
# as wrong as what contradicts it.
#
#	my $api = OpenAPI->new;
#	$api->check(GET => '/api/weather/current?city=jakarta', $tx->res);

package OpenAPI;

use strict;
use warnings;
use Cwd qw(abs_path);
use Encode qw(decode FB_CROAK LEAVE_SRC);
use Exporter qw(import);
use File::Basename qw(dirname);
use JSON::Validator::Schema::Draft201909;
use Mojo::JSON qw(decode_json);
use Test::More ();

our $FILE = abs_path(dirname(__FILE__) . '/../../fcgi-bin/ops/openapi.json');

# What a path has that is not described: the same as any other, but it is not found.
my %NOWHERE = (
	400 => { '$ref' => '#/components/responses/BadRequest' },
	404 => {
		headers => { 'X-Request-Id' => { '$ref' => '#/components/headers/RequestId' } },
		content => { 'application/problem+json' => { schema => { '$ref' => '#/components/schemas/NotFound' } } },
	},
	405 => { '$ref' => '#/components/responses/MethodNotAllowed' },
	429 => { '$ref' => '#/components/responses/RateLimited' },
	default => { '$ref' => '#/components/responses/Failure' },
);

# What every described path answers to OPTIONS.
my %OPTIONS = (
	204 => {
		headers => {
			'X-Request-Id' => { '$ref' => '#/components/headers/RequestId' },
			Allow => { '$ref' => '#/components/headers/Allow' },
		},
	},
);

sub new
{
	my ($class, $document) = @_;

	$document //= decode_json(slurp($FILE));
	$document->{'x-nowhere'} = {%NOWHERE};
	$document->{'x-options'} = {%OPTIONS};
	return bless { schema => JSON::Validator::Schema::Draft201909->new($document) }, $class;
}

sub document { return $_[0]{schema}->data }

# Test that the answer is described. The name is optional.
sub check
{
	my ($self, $method, $path, $res, $name) = @_;
	my @wrong = $self->wrong($method, $path, $res);
	my $shown = length $path > 100 ? substr($path, 0, 100) . '...' : $path;

	$shown =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ge;
	return Test::More::ok(!@wrong, $name // "$method $shown answers as described")
		|| Test::More::diag(join "\n", @wrong, $res->code // '', substr($res->body, 0, 1000));
}

# All that is wrong with the answer.
sub wrong
{
	my ($self, $method, $path, $res) = @_;
	my ($status, @wrong) = ($res->code // 'none');
	my $response = $self->response($method, $path, $status);

	return "status $status is not described" unless $response;
	push @wrong, $self->wrong_headers($response->{headers} // {}, $res->headers);
	if ($method eq 'HEAD' || !$response->{content}) {
		push @wrong, 'a body where there should be none' if length $res->body;
		push @wrong, 'a type without a body' if !$response->{content} && defined $res->headers->content_type;
		return @wrong;
	}
	return (@wrong, $self->wrong_body($response->{content}, $res));
}

# The description of what the method answers with this status, if there is one.
sub response
{
	my ($self, $method, $path, $status) = @_;
	my $document = $self->document;
	my $item = $self->item($path);
	my $operation = $item && $item->{$method eq 'HEAD' ? 'get' : lc $method};
	my %responses = %{$operation ? $operation->{responses} : $document->{'x-nowhere'}};

	if ($item && !$operation) {	# a method that the path has not fails as any other of it does
		%responses = map { %{$_->{responses}} } values %$item;
		delete @responses{grep { /^[23]/ } keys %responses};
		%responses = (%responses, %{$document->{'x-options'}}) if $method eq 'OPTIONS';
	}
	# "default" stands for the statuses that its problem document may name.
	my ($default) = grep { $_ eq $status } @{$document->{components}{schemas}{Failure}{properties}{status}{enum}};
	return $self->deref($responses{$status} // ($default && $responses{default}));
}

# The path item for an address.
sub item
{
	my ($self, $path) = @_;
	my $paths = $self->document->{paths};

	$path =~ s/\?.*//s;
	return $paths->{$path} if $paths->{$path};
	for my $template (grep { /\{/ } keys %$paths) {
		my $re = join '[^/]+', map { quotemeta } split /\{\w+\}/, $template, -1;
		return $paths->{$template} if $path =~ /\A$re\z/;
	}
	return undef;
}

# The parameters of a path's method (GET if none is given), those that stand elsewhere looked up.
sub parameters
{
	my ($self, $path, $method) = @_;

	return map { $self->deref($_) } @{$self->document->{paths}{$path}{lc($method // 'GET')}{parameters} // []};
}

# The schemas of the members of what a path's method takes as its body, by name, and the names of those that are needed.
sub body
{
	my ($self, $path, $method) = @_;
	my $schema = $self->document->{paths}{$path}{lc $method}{requestBody}{content}{'application/json'}{schema} // {};

	return ($schema->{properties} // {}, @{$schema->{required} // []});
}

sub deref
{
	my ($self, $node) = @_;

	while ($node && $node->{'$ref'}) {
		my ($pointer) = $node->{'$ref'} =~ /^#(.*)/;
		$node = $self->{schema}->get($pointer) // die "$pointer: nothing there";
	}
	return $node;
}

sub wrong_headers
{
	my ($self, $described, $headers) = @_;
	my @wrong;

	for my $name (sort keys %$described) {
		my $header = $self->deref($described->{$name});
		my @values = @{$headers->every_header($name)};

		push @wrong, "no $name" if !@values && $header->{required};
		push @wrong, "$name " . @values . ' times' if @values > 1;
		for my $value (@values) {
			my $typed = ($header->{schema}{type} // '') eq 'integer' && $value =~ /^-?\d+\z/ ? 0 + $value : $value;
			push @wrong, map { "$name: $value: $_" } $self->{schema}->validate($typed, $header->{schema});
		}
	}
	return @wrong;
}

sub wrong_body
{
	my ($self, $content, $res) = @_;
	my $type = $res->headers->content_type // 'none';
	my $length = $res->headers->content_length;
	my @wrong;

	return "type $type is not described" unless $content->{$type};
	push @wrong, "Content-Length $length, but " . length($res->body) . ' bytes'
		if defined $length && $length != length $res->body;
	my $json = $type =~ m{^application/(?:\w+\+)?json\b};
	my $body = eval { $json ? decode_json($res->body) : decode('UTF-8', $res->body, FB_CROAK | LEAVE_SRC) };
	return (@wrong, $json ? "not JSON: $@" : "not UTF-8: $@") if $@;
	push @wrong, map { "body: $_" } $self->{schema}->validate($body, $content->{$type}{schema});
	if ($type eq 'application/problem+json') {
		push @wrong, 'the problem names another status' if ($body->{status} // '') ne $res->code;
		push @wrong, 'the problem names another request' if ($body->{request_id} // '') ne ($res->headers->header('X-Request-Id') // '');
	}
	return @wrong;
}

sub slurp
{
	my ($file) = @_;

	open my $f, '<', $file or die "$file: $!";
	local $/;
	return scalar <$f>;
}

1;
