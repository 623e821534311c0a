-- The idempotency keys of commands: what was asked for under each, and the outcome. A key is kept
-- for a day or as configured.
CREATE TABLE request_keys (
    key        text COLLATE "C" PRIMARY KEY,
    request    uuid NOT NULL,         -- a digest of what was asked for
    answer     text NOT NULL,         -- the outcome, as the command's codec writes it
    created_at timestamptz NOT NULL
);
-- Grows at its right edge. Not BRIN: rows that take the place of expired ones would widen its ranges
-- until each of them holds something old.
CREATE INDEX request_keys_by_age ON request_keys (created_at);
REVOKE ALL ON request_keys FROM :service;
-- UPDATE of one column: whoever deletes expired keys locks them first.
GRANT SELECT, INSERT, DELETE, UPDATE (created_at) ON request_keys TO :service;
