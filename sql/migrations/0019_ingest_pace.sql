-- SPDX-License-Identifier: ISC
--
-- Places that the quota does not carry in every run of the ingest: how often they are collected instead, so that their
-- answers can say when the next update is due.

SET LOCAL ROLE cuaca_owner;

CREATE TABLE ingest_pace (
	city_id		integer PRIMARY KEY REFERENCES cities,
	every_runs	smallint NOT NULL CHECK (every_runs > 1)
);
COMMENT ON TABLE ingest_pace IS 'Places that the ingest does not mean to collect in every run; each run plans them anew';
COMMENT ON COLUMN ingest_pace.city_id IS 'The place: cities.id';
COMMENT ON COLUMN ingest_pace.every_runs IS 'It is to be collected in one of so many runs';

GRANT SELECT ON ingest_pace TO cuaca_weather, cuaca_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON ingest_pace TO cuaca_ingest;
