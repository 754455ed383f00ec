-- SPDX-License-Identifier: ISC
--
-- The role of cuacactl, which reads all there is, tracks places and keeps API keys; and no temporary tables
-- for programs.

DO $$
BEGIN
	CREATE ROLE cuaca_admin LOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
	NULL;
END
$$;
COMMENT ON ROLE cuaca_admin IS 'Cuaca: cuacactl, reads everything, tracks places, keeps API keys';

-- pg_partman's functions run as the owner, and some look for types and tables in the session's temporary
-- schema first: nobody else may put any there.
DO $$
BEGIN
	EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
	EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO cuaca_owner', current_database());
END
$$;

GRANT SELECT ON cities, weather_data, schema_migrations TO cuaca_admin;
GRANT UPDATE (tracked) ON cities TO cuaca_admin;
