-- SPDX-License-Identifier: ISC
--
-- API keys: made and revoked by cuacactl, looked up by weather.fcgi. Only their hash is here.

SET LOCAL ROLE cuaca_owner;

CREATE TABLE api_keys (
	id		bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name		text NOT NULL CHECK (name ~ '^[[:graph:]]{1,64}$'),
	hash		bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
	rate		integer NOT NULL CHECK (rate BETWEEN 1 AND 1000000),
	created_at	timestamptz NOT NULL DEFAULT now(),
	revoked_at	timestamptz,
	last_used_at	timestamptz
);
COMMENT ON TABLE api_keys IS 'Keys that give a client a rate of its own';
COMMENT ON COLUMN api_keys.id IS 'Number of the key, for counting in Redis and in logs';
COMMENT ON COLUMN api_keys.name IS 'What the admin calls it; no two keys in force have the same';
COMMENT ON COLUMN api_keys.hash IS 'SHA-256 of the key, which is random enough to need no salt';
COMMENT ON COLUMN api_keys.rate IS 'Requests a second';
COMMENT ON COLUMN api_keys.created_at IS 'When it was made (UTC)';
COMMENT ON COLUMN api_keys.revoked_at IS 'When it was revoked (UTC); NULL while it is in force';
COMMENT ON COLUMN api_keys.last_used_at IS 'When it was last used (UTC), as of the last run of the ingest; NULL when it never was';
CREATE UNIQUE INDEX api_keys_name ON api_keys (name) WHERE revoked_at IS NULL;

GRANT SELECT (id, name, hash, rate, revoked_at) ON api_keys TO cuaca_weather;
GRANT SELECT (id, last_used_at), UPDATE (last_used_at) ON api_keys TO cuaca_ingest;
GRANT SELECT (id, name, rate, created_at, revoked_at, last_used_at), INSERT (name, hash, rate), UPDATE (revoked_at)
	ON api_keys TO cuaca_admin;
