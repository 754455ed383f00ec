-- SPDX-License-Identifier: ISC
--
-- What the chat needs of an administrator: the roles of its two programs that use PostgreSQL, and the extension
-- that lets one index hold a room and the words said in it.

DO $$
DECLARE
	r text;
BEGIN
	FOREACH r IN ARRAY ARRAY['cuaca_chat LOGIN', 'cuaca_archive LOGIN'] LOOP
		BEGIN
			EXECUTE 'CREATE ROLE ' || r;
		EXCEPTION WHEN duplicate_object OR unique_violation THEN
			NULL;
		END;
	END LOOP;
END
$$;

COMMENT ON ROLE cuaca_chat IS 'Cuaca: fcgi-bin/chat.fcgi, keeps accounts, rooms and sanctions, reads the archive';
COMMENT ON ROLE cuaca_archive IS 'Cuaca: cron/chat-archive, writes the log of the chat, reads what Redis mirrors';
COMMENT ON ROLE cuaca_admin IS 'Cuaca: cuacactl, reads nearly everything, tracks places, keeps API keys, looks after the chat';

CREATE EXTENSION IF NOT EXISTS btree_gin SCHEMA public;
