-- SPDX-License-Identifier: ISC
--
-- Bring cities up to date with cities.csv: the last step of sql/migrate, run by psql in sql/. Places that
-- left the file stay, since weather may refer to them. tracked.csv decides only for places that are new.

BEGIN;
CREATE TEMP TABLE cities_csv (LIKE cities) ON COMMIT DROP;
ALTER TABLE cities_csv DROP tracked;
CREATE TEMP TABLE tracked_csv (slug text) ON COMMIT DROP;
\copy cities_csv FROM 'data/cities.csv' (FORMAT csv, HEADER match)
\copy tracked_csv FROM 'data/tracked.csv'
DELETE FROM tracked_csv WHERE slug LIKE '#%';

INSERT INTO cities AS c
SELECT f.*, EXISTS (SELECT FROM tracked_csv t WHERE t.slug = f.slug) FROM cities_csv f
ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, name = excluded.name, country = excluded.country,
	admin1 = excluded.admin1, latitude = excluded.latitude, longitude = excluded.longitude,
	timezone = excluded.timezone, population = excluded.population
WHERE (c.slug, c.name, c.country, c.admin1, c.latitude, c.longitude, c.timezone, c.population)
	IS DISTINCT FROM (excluded.slug, excluded.name, excluded.country, excluded.admin1, excluded.latitude,
	excluded.longitude, excluded.timezone, excluded.population);

SELECT coalesce(string_agg(slug, ' '), '') AS unknown, count(*) > 0 AS bad
FROM tracked_csv WHERE slug NOT IN (SELECT slug FROM cities) \gset
\if :bad
	\warn 'data/tracked.csv names places that are not in cities.csv:' :unknown
	DO $$ BEGIN RAISE EXCEPTION 'tracked.csv: unknown slug'; END $$;
\endif
COMMIT;
ANALYZE cities;
