-- SPDX-License-Identifier: ISC
--
-- How fresh the whole is, for /api/ready, the status and monitoring: what a backfill fetches of the past must not
-- count, or the ingest would look well while it is not. What the ingest takes is at most three hours old.

SET LOCAL ROLE cuaca_owner;

DROP INDEX idx_weather_collected_at;
CREATE INDEX idx_weather_collected_at ON weather_data (collected_at) WHERE collected_at - observed_at <= interval '3 hours';
