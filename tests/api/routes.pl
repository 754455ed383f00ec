# SPDX-License-Identifier: ISC
#
# The route tables of the programs, read off their source, against the description, both ways; and the running
# programs against it: every path and parameter that is described is known to them.

use strict;
use warnings;
use Mojo::JSON qw(encode_json);
use Mojo::Util qw(url_escape);
use OpenAPI;
use Rig;
use Test::More;

# What a row of a table of parameters promises, as the description puts it.
my %schema_of = (
	PT_TEXT => sub { return { type => 'string', minLength => $_[0], maxLength => $_[1] } },
	PT_LIST => sub { return { type => 'array', maxItems => $_[1] } },
	PT_INT => sub { return { type => 'integer', minimum => $_[0], maximum => $_[1] } },
	PT_LAT => sub { return { type => 'number', minimum => -90, maximum => 90 } },
	PT_LON => sub { return { type => 'number', minimum => -180, maximum => 180 } },
	PT_POINT => sub { return { type => 'array', minItems => 2, maxItems => 2, prefixItems => [
		{ type => 'number', minimum => -90, maximum => 90 }, { type => 'number', minimum => -180, maximum => 180 }] } },
	PT_CHOICE => sub { return { type => 'string', enum => $_[2] } },
	PT_BOOL => sub { return { type => 'boolean' } },
	PT_TIME => sub { return { type => 'string' } },
);

# The sets of characters that a text may be of, by their names.
my %pattern_of = (NAME_CHARS => '^[a-z0-9_-]+$');

# The routes of a routes.c: "METHOD path" to parameters, each with its schema, and who may ask.
sub table
{
	my ($source) = @_;
	my (%params, %routes, %choices);

	while ($source =~ /const char \*const (\w+)\[\] = \{(.*?)\};/sg) {
		my ($name, $list) = ($1, $2);
		$choices{$name} = [$list =~ /"([^"]+)"/g];
	}
	while ($source =~ /struct param (\w+)\[\] = \{(.*?)\};/sg) {
		my ($name, $rows) = ($1, $2);
		$params{$name} = {};
		while ($rows =~ /\{ *"([^"]+)",([^}]*)\}/g) {
			my ($parameter, $row) = ($1, $2);
			my ($type) = $row =~ /\b(PT_\w+)/;
			my ($min) = $row =~ /\.min = (-?\d+)/;
			my ($max) = $row =~ /\.max = (-?\d+)/;
			my ($choices) = $row =~ /\.choices = (\w+)/;
			my ($only) = $row =~ /\.only = (\w+)/;
			my $make = $schema_of{$type} or die "$parameter: what is a $type?";
			my $schema = $make->($min // 0, $max, $choices && $choices{$choices});
			$schema->{pattern} = $pattern_of{$only} // die "$parameter: what are $only?" if $only;
			$params{$name}{$parameter} = { schema => $schema, required => $row =~ /\.need = true/ ? 1 : 0 };
		}
	}
	while ($source =~ /\{\s*M_(\w+),\s*"([^"]+)",\s*\w+,\s*(ANYONE|USER),\s*(\w+),[^}]*\}/g) {
		$routes{"$1 $2"} = { who => $3, params => $4 eq 'NULL' ? undef : $params{$4} // die "$2: no table $4" };
	}
	return \%routes;
}

# A parameter's example as a query has it.
sub pair
{
	my ($parameter) = @_;
	my $example = $parameter->{example};

	$example = $example ? 'true' : 'false' if $parameter->{schema}{type} eq 'boolean';
	return "$parameter->{name}=" . url_escape(ref $example ? join ',', @$example : $example);
}

# What is described of a route's parameters: those of the query, or for a POST the members of the body.
sub described
{
	my ($api, $method, $path) = @_;

	return map { ($_->{name} => $_) } grep { $_->{in} eq 'query' } $api->parameters($path, $method) if $method ne 'POST';
	my ($members, @needed) = $api->body($path, $method);
	my %needed = map { ($_ => 1) } @needed;
	return map { ($_ => { name => $_, schema => $members->{$_}, required => $needed{$_} }) } keys %$members;
}

return sub {
	my ($rig, $http, $api, $web) = @_;
	my $paths = $api->document->{paths};
	my %routes = map { %{table(OpenAPI::slurp($_))} } glob "$Rig::ROOT/fcgi-bin/*/routes.c";
	my %token = (Authorization => 'Bearer ' . $http->ask(POST => '/api/auth/guest', 'Content-Type' => 'application/json',
		body => encode_json({ nickname => 'routes-' . lc $web }))->json->{token});

	cmp_ok(scalar keys %routes, '>=', 20, 'the tables can be read');
	is_deeply([sort keys %routes], [sort map { my $path = $_; map { uc($_) . " $path" } keys %{$paths->{$path}} } keys %$paths],
		'the routes of the tables are those of the description');

	# A handler that reads the query by itself has no table; compat.t is about it.
	for my $route (grep { $routes{$_}{params} } sort keys %routes) {
		my ($method, $path) = split / /, $route;
		my %described = described($api, $method, $path);
		my $for_users = $routes{$route}{who} eq 'USER';

		is_deeply([sort keys %{$routes{$route}{params}}], [sort keys %described], "$route has the parameters that are described");
		for my $name (sort keys %described) {
			my $row = $routes{$route}{params}{$name} // {};
			my $schema = $described{$name}{schema};

			is_deeply({ map { ($_ => $schema->{$_}) } keys %{$row->{schema}} }, $row->{schema}, "... $name with its type and limits");
			is($described{$name}{required} ? 1 : 0, $row->{required}, '... and whether it is needed');
		}
		is($for_users ? 1 : 0, $paths->{$path}{lc $method}{responses}{401} && $paths->{$path}{lc $method}{security}[0] ? 1 : 0,
			'... and for whom it is') if $path =~ m{^/api/(?:auth|chat)/};
		my ($example) = map { $_->{example} } grep { $_->{in} eq 'path' } $api->parameters($path, $method);
		my $address = $path =~ s/\{\w+\}/$example/r;
		my @who = $for_users ? %token : ();

		if ($for_users) {
			my $res = $http->ask($method => $address, 'Content-Length' => 0);
			$api->check($method => $address, $res);
			is($res->code, 401, "... $address wants a token");
		}
		my $unknown = $method eq 'POST'
			? $http->ask($method => $address, @who, 'Content-Type' => 'application/json', body => '{"no-such-parameter":1}')
			: $http->ask($method => "$address?no-such-parameter=1", @who);
		$api->check($method => $address, $unknown);
		is($unknown->code, 400, '... and refuses what it does not know');
		next if $method ne 'GET';

		my $res = $http->get($address, @who);
		$api->check(GET => $address, $res);
		like($res->code, $for_users ? qr/\A(?:200|400|403|404)\z/ : qr/\A(?:200|400)\z/, "$address is served");
		for my $parameter (map { $described{$_} } sort keys %described) {
			my $asked = "$address?" . pair($parameter);
			$res = $http->get($asked, @who);
			$api->check(GET => $asked, $res);
			my $errors = $res->json->{errors} // [];
			ok(!(grep { $_->{parameter} eq $parameter->{name} } @$errors), "... $parameter->{name} is known there, and its example works")
				or diag $res->body;
		}
	}

	ok($http->get('/api/openapi.json')->body eq OpenAPI::slurp($OpenAPI::FILE), 'the description that is served is this one');
};
