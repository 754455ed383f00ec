-- SPDX-License-Identifier: ISC
--
-- The gazetteer and the two functions that searching it needs. Its rows come from sql/data/cities.csv.

SET LOCAL ROLE cuaca_owner;

-- SQL-standard bodies: names are resolved here and now, so that the functions work in indexes with any
-- search_path (pg_restore's, for one). earthdistance's ll_to_earth() fails there, and saves only this line.

CREATE FUNCTION globe(latitude double precision, longitude double precision) RETURNS cube
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN cube(ARRAY[cos(radians(latitude)) * cos(radians(longitude)),
		cos(radians(latitude)) * sin(radians(longitude)), sin(radians(latitude))]);
COMMENT ON FUNCTION globe IS 'Point on a sphere of radius 1 for a place in degrees; <-> between two is the straight line through the globe, nearest first';

CREATE FUNCTION globe_km(a cube, b cube) RETURNS double precision
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN 2 * 6371.0088 * asin(least(1, (a <-> b) / 2));
COMMENT ON FUNCTION globe_km IS 'Great-circle distance in km between two points of globe(), for the Earth''s mean radius';

CREATE FUNCTION slugify(name text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN btrim(regexp_replace(regexp_replace(
		lower(translate(unaccent('unaccent'::regdictionary, name), 'Əə', 'ee')),
		'[''`’‘ʻʼ]', '', 'g'), '[^a-z0-9]+', '-', 'g'), '-');
COMMENT ON FUNCTION slugify IS 'A name as the slugs spell it: "São Paulo" is sao-paulo, "Val-d''Or" is val-dor';

CREATE TABLE cities (
	id		integer PRIMARY KEY,
	slug		text COLLATE "C" NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9-]{1,64}$'),
	name		text NOT NULL CHECK (name <> ''),
	country		char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
	admin1		text CHECK (admin1 <> ''),
	latitude	double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
	longitude	double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
	timezone	text NOT NULL CHECK (timezone <> ''),
	population	integer NOT NULL CHECK (population >= 0),
	tracked		boolean NOT NULL DEFAULT false
);

COMMENT ON TABLE cities IS 'Gazetteer: every place of 15,000 people or more (GeoNames, CC BY 4.0)';
COMMENT ON COLUMN cities.id IS 'GeoNames id';
COMMENT ON COLUMN cities.slug IS 'Name in URLs and keys; unique and never changed. COLLATE "C" lets its index answer prefix searches';
COMMENT ON COLUMN cities.name IS 'Name in UTF-8, with its diacritics';
COMMENT ON COLUMN cities.country IS 'Country, ISO 3166-1 alpha-2';
COMMENT ON COLUMN cities.admin1 IS 'Name of the province, state or region; NULL where there is none';
COMMENT ON COLUMN cities.latitude IS 'Degrees north, WGS 84';
COMMENT ON COLUMN cities.longitude IS 'Degrees east, WGS 84';
COMMENT ON COLUMN cities.timezone IS 'IANA time zone name';
COMMENT ON COLUMN cities.population IS 'Inhabitants';
COMMENT ON COLUMN cities.tracked IS 'Whether the ingest collects this place''s weather; set from sql/data/tracked.csv when the row is made, the operator''s afterwards';

CREATE INDEX cities_name_trgm ON cities USING gin (slugify(name) gin_trgm_ops);		-- words within, near matches
CREATE INDEX cities_population ON cities (population DESC, id);
CREATE INDEX cities_globe ON cities USING gist (globe(latitude, longitude));		-- nearest first
CREATE INDEX cities_globe_tracked ON cities USING gist (globe(latitude, longitude)) WHERE tracked;
CREATE INDEX cities_tracked ON cities (id) WHERE tracked;

GRANT SELECT ON cities TO cuaca_weather, cuaca_ops, cuaca_ingest;
