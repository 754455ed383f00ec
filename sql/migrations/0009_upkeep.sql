-- SPDX-License-Identifier: ISC
--
-- Daily upkeep: the coming months of weather_data, and how long things are kept. Observations go by the month
-- through pg_partman; their hours and days stay.

SET LOCAL ROLE cuaca_owner;

-- SECURITY DEFINER, so that the ingest's role can do this one thing and nothing else with tables. It waits only
-- so long for a lock that keeps every reader waiting behind it: tomorrow is another day.
--
-- search_path isn't among what is SET for the function: pg_partman sets it for the session when it ends, and
-- that would stay. So what the caller had is put back by hand.
CREATE FUNCTION weather_upkeep(days integer, OUT moved bigint, OUT dropped integer)
	LANGUAGE plpgsql SECURITY DEFINER
	SET timezone = 'UTC' SET client_min_messages = 'warning' SET lock_timeout = '3s'
AS $$
DECLARE
	callers CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false);
	IF days IS NULL OR days < 0 THEN
		RAISE EXCEPTION 'not a number of days: %', days USING ERRCODE = 'invalid_parameter_value';
	END IF;

	-- The default partition must give its rows up first: a new one for their month can't be attached otherwise.
	moved := partman.partition_data_time('public.weather_data', p_batch_count => 1000, p_analyze => false);
	PERFORM partman.run_maintenance('public.weather_data', p_analyze => false, p_jobmon => false);
	dropped := 0;
	IF days > 0 THEN
		dropped := partman.drop_partition_time('public.weather_data', make_interval(days => days), p_keep_table => false);
	END IF;

	DELETE FROM public.quota_spent WHERE minute < now() - interval '400 days';
	DELETE FROM public.ingest_run WHERE started_at < now() - interval '400 days';
	PERFORM pg_catalog.set_config('search_path', callers, false);
END
$$;
COMMENT ON FUNCTION weather_upkeep IS 'Makes the coming months of weather_data, gives rows in the default partition a month of their own (moved), and drops the months that ended more than so many days ago (dropped; 0 days: none); the ingest''s own books are kept for 400 days';
REVOKE EXECUTE ON FUNCTION weather_upkeep FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weather_upkeep TO cuaca_ingest;
