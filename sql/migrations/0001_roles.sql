-- SPDX-License-Identifier: ISC
--
-- Roles and extensions: what needs an administrator. One role for each program, with just the rights that
-- the later migrations grant, and an owner nobody logs in as. Passwords and pg_hba.conf are the
-- administrator's: none are set here. Roles belong to the whole server, so that another database on it
-- may have made them already.

DO $$
DECLARE
	r text;
BEGIN
	IF getdatabaseencoding() <> 'UTF8' THEN
		RAISE EXCEPTION 'the database must be in UTF8, not %: create it with -E UTF8', getdatabaseencoding();
	END IF;
	FOREACH r IN ARRAY ARRAY['cuaca_owner NOLOGIN', 'cuaca_weather LOGIN', 'cuaca_ops LOGIN', 'cuaca_ingest LOGIN'] LOOP
		BEGIN
			EXECUTE 'CREATE ROLE ' || r;
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL;
		END;
	END LOOP;
END
$$;

COMMENT ON ROLE cuaca_owner IS 'Cuaca: owns the tables; migrations and partition upkeep run as this role';
COMMENT ON ROLE cuaca_weather IS 'Cuaca: fcgi-bin/weather.fcgi, reads only';
COMMENT ON ROLE cuaca_ops IS 'Cuaca: fcgi-bin/ops.fcgi, reads only';
COMMENT ON ROLE cuaca_ingest IS 'Cuaca: cron/weather-ingest, writes the weather';

-- Only the owner makes objects in public (the default since PostgreSQL 15; older databases differ).
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO cuaca_owner;

CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;
CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA public;
CREATE EXTENSION IF NOT EXISTS cube SCHEMA public;

CREATE SCHEMA IF NOT EXISTS partman;
CREATE EXTENSION IF NOT EXISTS pg_partman SCHEMA partman;
-- CREATE: pg_partman keeps a template table in its own schema for each table it looks after.
GRANT USAGE, CREATE ON SCHEMA partman TO cuaca_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA partman TO cuaca_owner;

-- Every statement's plan is good for all its arguments, and planning weather_current anew (with a subplan for
-- each partition) takes ten times as long as running it; the planner's own guess would do that each time.
DO $$
BEGIN
	EXECUTE format('ALTER DATABASE %I SET plan_cache_mode = force_generic_plan', current_database());
END
$$;

-- The runner made this table before the roles were there.
ALTER TABLE schema_migrations OWNER TO cuaca_owner;
GRANT SELECT ON schema_migrations TO cuaca_ops;
