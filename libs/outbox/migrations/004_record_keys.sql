-- A record may have no key (null), and what waits behind what goes by the record key, not by the
-- order: events that belong to no order are parked like any other. Keys come from anywhere and may
-- be too long for an index entry, so their digests are indexed.
ALTER TABLE outbox ALTER COLUMN key DROP NOT NULL;
ALTER TABLE parked ALTER COLUMN key DROP NOT NULL;
CREATE INDEX parked_by_key ON parked (sha256(key), id) WHERE NOT dead;
CREATE UNIQUE INDEX parked_record_of_any_key ON parked
    (topic, partition, "offset", sha256(key), sha256(value), hashtextextended(headers, 0))
    NULLS NOT DISTINCT;
DROP INDEX parked_record;

CREATE OR REPLACE VIEW audit_v1_parked AS
    SELECT id, topic, partition, "offset", order_id, ce_id, attempts, due_at, dead, blocks,
           error, parked_at, key
    FROM parked;
