-- SPDX-License-Identifier: ISC
--
-- The name that cuacactl speaks and moderates in: an account without a password, so that nobody else can have it.

SET LOCAL ROLE cuaca_owner;

INSERT INTO chat_users (name, admin) VALUES ('cuacactl', true);
