-- SPDX-License-Identifier: ISC
--
-- What the ingest plans by and leaves behind: the quota that was spent, the places that somebody asked for,
-- and its runs.

SET LOCAL ROLE cuaca_owner;

CREATE TABLE quota_spent (
	provider	text NOT NULL CHECK (provider <> ''),
	minute		timestamptz NOT NULL CHECK (minute = date_bin('1 minute', minute, 'epoch')),
	weight		numeric NOT NULL CHECK (weight >= 0),
	requests	integer NOT NULL CHECK (requests >= 0),
	PRIMARY KEY (provider, minute)
);
COMMENT ON TABLE quota_spent IS 'What was asked of an upstream, by the minute';
COMMENT ON COLUMN quota_spent.provider IS 'Whose quota it is';
COMMENT ON COLUMN quota_spent.minute IS 'Start of the minute (UTC)';
COMMENT ON COLUMN quota_spent.weight IS 'Calls as the provider counts them, of all requests in this minute';
COMMENT ON COLUMN quota_spent.requests IS 'HTTP requests in this minute';

CREATE TABLE demand (
	city_id		integer PRIMARY KEY REFERENCES cities,
	requests	double precision NOT NULL CHECK (requests >= 0),
	wanted_at	timestamptz NOT NULL,
	granted_until	timestamptz
);
COMMENT ON TABLE demand IS 'How much each place is asked for. An untracked one that is granted serves weather like a tracked one';
COMMENT ON COLUMN demand.city_id IS 'The place: cities.id';
COMMENT ON COLUMN demand.requests IS 'Requests as they counted at wanted_at: each counts half as much every 6 hours';
COMMENT ON COLUMN demand.wanted_at IS 'When it was last asked for (UTC)';
COMMENT ON COLUMN demand.granted_until IS 'Until when the ingest collects its weather (UTC), NULL when it doesn''t. It serves until the ingest takes this back, so that its last good weather stays while the ingest is away';
CREATE INDEX demand_granted ON demand (city_id) WHERE granted_until IS NOT NULL;

-- The exponent ends where the result would underflow, which is an error in PostgreSQL.
CREATE FUNCTION decayed(requests double precision, wanted_at timestamptz, at timestamptz) RETURNS double precision
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN requests * 0.5::float8 ^ least(900, greatest(0, extract(epoch FROM at - wanted_at)::float8 / 21600));
COMMENT ON FUNCTION decayed IS 'What demand.requests of wanted_at count at a later time: half as much every 6 hours';

CREATE TABLE ingest_run (
	id		bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	started_at	timestamptz NOT NULL,
	finished_at	timestamptz,
	exit_code	smallint CHECK (exit_code BETWEEN 0 AND 255),
	places		integer NOT NULL DEFAULT 0 CHECK (places >= 0),
	stored		integer NOT NULL DEFAULT 0 CHECK (stored >= 0),
	refused		integer NOT NULL DEFAULT 0 CHECK (refused >= 0),
	failed		integer NOT NULL DEFAULT 0 CHECK (failed >= 0),
	requests	integer NOT NULL DEFAULT 0 CHECK (requests >= 0),
	retries		integer NOT NULL DEFAULT 0 CHECK (retries >= 0),
	weight		numeric NOT NULL DEFAULT 0 CHECK (weight >= 0),
	note		text CHECK (note <> '')
);
COMMENT ON TABLE ingest_run IS 'Runs of the ingest';
COMMENT ON COLUMN ingest_run.id IS 'Number of the run';
COMMENT ON COLUMN ingest_run.started_at IS 'When it started (UTC)';
COMMENT ON COLUMN ingest_run.finished_at IS 'When it ended (UTC); NULL while it runs, and for ever when it was killed';
COMMENT ON COLUMN ingest_run.exit_code IS 'Its exit status; NULL like finished_at';
COMMENT ON COLUMN ingest_run.places IS 'Places whose current weather it was to collect';
COMMENT ON COLUMN ingest_run.stored IS 'Places that were stored';
COMMENT ON COLUMN ingest_run.refused IS 'Places whose answer didn''t pass the checks';
COMMENT ON COLUMN ingest_run.failed IS 'Places without an answer';
COMMENT ON COLUMN ingest_run.requests IS 'HTTP requests, retries among them';
COMMENT ON COLUMN ingest_run.retries IS 'HTTP requests that were retries';
COMMENT ON COLUMN ingest_run.weight IS 'Calls as the provider counts them';
COMMENT ON COLUMN ingest_run.note IS 'What an operator should know of it, in words; NULL when all went well';
CREATE INDEX ingest_run_started_at ON ingest_run (started_at);

GRANT SELECT ON demand TO cuaca_weather;
GRANT SELECT ON quota_spent, demand, ingest_run TO cuaca_ops, cuaca_admin;
GRANT SELECT, INSERT, UPDATE ON quota_spent, ingest_run TO cuaca_ingest;
GRANT SELECT, INSERT, UPDATE, DELETE ON demand TO cuaca_ingest;
