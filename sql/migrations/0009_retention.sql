-- SPDX-License-Identifier: ISC
--
-- How long things are kept. Observations go by the month through pg_partman; their hours and days stay.

SET LOCAL ROLE cuaca_owner;

-- SECURITY DEFINER, like weather_data_maintain(), which makes the months. It waits only so long for a lock
-- that keeps every reader waiting behind it: tomorrow is another day.
CREATE FUNCTION weather_retention(days integer) RETURNS integer
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET client_min_messages = 'warning' SET lock_timeout = '3s'
AS $$
BEGIN
	IF days IS NULL OR days < 0 THEN
		RAISE EXCEPTION 'not a number of days: %', days USING ERRCODE = 'invalid_parameter_value';
	END IF;
	DELETE FROM public.quota_spent WHERE minute < now() - interval '400 days';
	DELETE FROM public.ingest_run WHERE started_at < now() - interval '400 days';
	IF days = 0 THEN
		RETURN 0;
	END IF;
	RETURN partman.drop_partition_time('public.weather_data', make_interval(days => days), p_keep_table => false);
END
$$;
COMMENT ON FUNCTION weather_retention IS 'Drops the months of weather_data that ended more than so many days ago (0: none) and returns how many; the ingest''s own books are kept for 400 days';
REVOKE EXECUTE ON FUNCTION weather_retention FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weather_retention TO cuaca_ingest;
