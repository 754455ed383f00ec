# SPDX-License-Identifier: ISC
#
# The route tables of the programs, read off their source, against the description, both ways; and the running
# programs against it: every path and parameter that is described is known to them.

use strict;
use warnings;
use Mojo::JSON qw(decode_json);
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
	PT_TIME => sub { return { type => 'string' } },
);

# The routes of a routes.c: path to parameters, each with its schema.
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
			my $make = $schema_of{$type} or die "$parameter: what is a $type?";
			$params{$name}{$parameter} = { schema => $make->($min // 0, $max, $choices && $choices{$choices}), required => $row =~ /\.need = true/ ? 1 : 0 };
		}
	}
	while ($source =~ /\{\s*M_GET,\s*"([^"]+)",\s*\w+,\s*ANYONE,\s*(\w+),[^}]*\}/g) {
		$routes{$1} = $2 eq 'NULL' ? undef : $params{$2} // die "$1: no table $2";
	}
	return \%routes;
}

# A parameter's example as a query has it.
sub pair
{
	my ($parameter) = @_;
	my $example = $parameter->{example};

	return "$parameter->{name}=" . url_escape(ref $example ? join ',', @$example : $example);
}

return sub {
	my ($rig, $http, $api, $web) = @_;
	my $paths = $api->document->{paths};

	my %routes = map { %{table(OpenAPI::slurp($_))} } glob "$Rig::ROOT/fcgi-bin/*/routes.c";
	cmp_ok(scalar keys %routes, '>=', 6, 'the tables can be read');
	is_deeply([sort keys %routes], [sort keys %$paths], 'the paths of the tables are those of the description');
	# A handler that reads the query by itself has no table; compat.t is about it.
	for my $path (grep { $routes{$_} } sort keys %$paths) {
		my %described = map { ($_->{name} => $_) } grep { $_->{in} eq 'query' } $api->parameters($path);

		is_deeply([sort keys %{$routes{$path} // {}}], [sort keys %described], "$path has the parameters that are described");
		for my $name (sort keys %described) {
			my $row = $routes{$path}{$name} // {};
			my $schema = $described{$name}{schema};

			is_deeply({ map { ($_ => $schema->{$_}) } keys %{$row->{schema}} }, $row->{schema}, "... $name with its type and limits");
			is($described{$name}{required} ? 1 : 0, $row->{required}, '... and whether it is needed');
		}
		my ($slug) = map { $_->{example} } grep { $_->{in} eq 'path' } $api->parameters($path);
		my $address = $path =~ s/\{\w+\}/$slug/r;
		my $res = $http->get($address);
		$api->check(GET => $address, $res);
		like($res->code, qr/\A(?:200|400)\z/, "$address is served");
		for my $parameter (map { $described{$_} } sort keys %described) {
			my $asked = "$address?" . pair($parameter);
			$res = $http->get($asked);
			$api->check(GET => $asked, $res);
			my $errors = $res->json->{errors} // [];
			ok(!(grep { $_->{parameter} eq $parameter->{name} } @$errors), "... $parameter->{name} is known there, and its example works")
				or diag $res->body;
		}
		is($http->get("$address?no-such-parameter=1")->code, 400, '... and others are not');
	}

	ok($http->get('/api/openapi.json')->body eq OpenAPI::slurp($OpenAPI::FILE), 'the description that is served is this one');
};
