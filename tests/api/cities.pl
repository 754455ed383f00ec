# SPDX-License-Identifier: ISC
#
# GET /api/cities and /api/cities/{slug}.

use strict;
use warnings;
use Mojo::JSON qw(decode_json true);
use Mojo::Util qw(encode);
use Test::More;

my @members = qw(slug name country admin1 latitude longitude timezone population tracked);

return sub {
	my ($rig, $http, $api, $web) = @_;
	my $get = sub {
		my ($path) = @_;
		my $res = $http->get($path);

		$api->check(GET => $path, $res);
		return ($res, eval { decode_json($res->body) });
	};
	my $slugs = sub {
		my ($res, $json) = $get->("/api/cities?$_[0]");
		return [map { $_->{slug} } @{$json->{items}}];
	};

	my ($res, $json) = $get->('/api/cities/jakarta');
	like($res->body, qr/\A\{"slug":"jakarta",@{[join ',', map { qq{"$_":[^,]+} } @members[1 .. 8]]}\}\z/,
		"a city has its members in order");
	is_deeply($json, { slug => 'jakarta', name => 'Jakarta', country => 'ID', admin1 => 'Jakarta', latitude => -6.21462,
		longitude => 106.84513, timezone => 'Asia/Jakarta', population => 8540121, tracked => true }, '... and they are right');
	($res, $json) = $get->('/api/cities/bogor');
	ok(!$json->{tracked}, "one that isn't tracked says so");
	($res, $json) = $get->('/api/cities/springfield-us-mo');
	is_deeply([@$json{qw(name country admin1)}], ['Springfield', 'US', 'Missouri'], "namesakes are told apart");
	($res, $json) = $get->('/api/cities/sao-paulo');
	is($json->{name}, "S\x{e3}o Paulo", "names keep their accents");
	like($res->body, qr/\Q@{[encode 'UTF-8', "S\x{e3}o Paulo"]}/, '... in UTF-8');

	($res, $json) = $get->('/api/cities/jakrata');
	is_deeply([$res->code, $json->{type}], [404, '/problems/unknown-city'], "an unknown city");
	is($json->{suggestions}[0]{slug}, 'jakarta', '... with what may have been meant');
	for ('Jakarta', 'a+b', 'S%C3%A3o%20Paulo', '%E6%9D%B1%E4%BA%AC', '%25', '..%2e', "'--", 'x' x 300) {
		($res, $json) = $get->("/api/cities/$_");
		is($res->code, 404, "no city is called " . substr $_, 0, 20);
	}
	($res, $json) = $get->('/api/cities/a%20b');
	is($json->{detail}, 'no city is called "a b" here', "the path is decoded");

	# By name.
	is_deeply($slugs->('q=band&limit=2'), [qw(bandung bandar-lampung)], "by the beginning of a name, the largest first");
	ok((grep { $_ eq 'sao-paulo' } @{$slugs->('q=S%C3%83O+PA')}), "neither case nor accents matter");
	ok((grep { $_ eq 'sao-paulo' } @{$slugs->('q=paulo')}), "by a word within the name");
	is($slugs->('q=jakarta')->[0], 'jakarta', "a whole name comes first");
	is_deeply($slugs->('q=qqqqqqqq'), [], "nothing is an empty list");
	is_deeply($slugs->('q=%25%25'), [], "no wildcards: %");
	is_deeply($slugs->('q=__'), [], "no wildcards: _");
	is_deeply($slugs->("q=%27%3B--"), [], "no SQL");

	# By distance.
	($res, $json) = $get->('/api/cities?near=-6.2,106.8&limit=5');
	is($json->{items}[0]{slug}, 'jakarta', "the nearest");
	is($json->{items}[0]{distance_km}, 5.2, '... with its distance');
	is_deeply([map { $_->{distance_km} } @{$json->{items}}], [sort { $a <=> $b } map { $_->{distance_km} } @{$json->{items}}],
		'... and the others behind it, by distance');
	is($slugs->('near=-17.7,-179.9&limit=1')->[0], $slugs->('near=-17.7,179.9&limit=1')->[0], "across the date line");
	is(scalar @{$slugs->('near=90,0&limit=1')}, 1, "from the pole");

	# By population, and how many.
	($res, $json) = $get->('/api/cities');
	is(scalar @{$json->{items}}, 20, "twenty, when nothing is said");
	is_deeply([map { $_->{population} } @{$json->{items}}], [sort { $b <=> $a } map { $_->{population} } @{$json->{items}}],
		'... the largest');
	ok(!(grep { exists $_->{distance_km} } @{$json->{items}}), '... without a distance from anywhere');
	is(scalar @{$slugs->("limit=$_")}, $_, "$_ of them") for 1, 100;
	is_deeply($slugs->('limit=2&q=band'), $slugs->('q=band&limit=2'), "the order of parameters does not matter");
};
