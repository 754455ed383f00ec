-- SPDX-License-Identifier: ISC
--
-- Who revokes a key must find what Redis remembers of it, which goes by the hash.

SET LOCAL ROLE cuaca_owner;

GRANT SELECT (hash) ON api_keys TO cuaca_admin;
