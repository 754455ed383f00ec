-- SPDX-License-Identifier: ISC
--
-- Daily upkeep of the chat, run by its archiver: the coming months of chat_messages, how long they are kept, and
-- what needs not be remembered any more.

SET LOCAL ROLE cuaca_owner;

-- As weather_upkeep() is, and for the reasons given there.
CREATE FUNCTION chat_upkeep(days integer, OUT moved bigint, OUT dropped integer)
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

	moved := partman.partition_data_time('public.chat_messages', p_batch_count => 1000, p_analyze => false);
	PERFORM partman.run_maintenance('public.chat_messages', p_analyze => false, p_jobmon => false);
	dropped := 0;
	IF days > 0 THEN
		dropped := partman.drop_partition_time('public.chat_messages', make_interval(days => days), p_keep_table => false);
	END IF;

	WITH gone AS (
		DELETE FROM public.chat_users WHERE guest AND expires_at < now() - interval '1 day' RETURNING name
	)
	DELETE FROM public.chat_members WHERE user_name IN (SELECT name FROM gone);
	DELETE FROM public.chat_revoked WHERE expires_at < now() - interval '1 hour';
	-- Nothing that old is still on its way through the log.
	DELETE FROM public.chat_sanctions WHERE until < now() - interval '400 days';
	DELETE FROM public.chat_touched WHERE what = 'user' AND at < now() - interval '1 day' AND public.chat_user_state(name) IS NULL;
	PERFORM pg_catalog.set_config('search_path', callers, false);
END
$$;
COMMENT ON FUNCTION chat_upkeep IS 'Makes the coming months of chat_messages, gives rows in the default partition a month of their own (moved), and drops the months that ended more than so many days ago (dropped; 0 days: none); forgets guests, tokens and sanctions whose time is long over';
REVOKE EXECUTE ON FUNCTION chat_upkeep FROM PUBLIC;
GRANT EXECUTE ON FUNCTION chat_upkeep TO cuaca_archive;
