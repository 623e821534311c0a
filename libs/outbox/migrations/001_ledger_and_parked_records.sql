-- What every service that emits or consumes events has beside its own tables.

-- The ledger: append-only, read in seq order by the relay. append() draws seq under the outbox
-- lock, so seq order is commit order and a reader never sees a gap that fills later.
CREATE TABLE outbox (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    uuid NOT NULL,
    order_id    uuid,                 -- null: the event belongs to no order (StockAdjusted)
    topic       text NOT NULL,
    key         text NOT NULL,
    type        text NOT NULL,        -- ce_type
    headers     text NOT NULL,        -- what the columns do not say, as a JSON object
    data        text NOT NULL,        -- the event's JSON
    recorded_at timestamptz NOT NULL  -- ce_time
);
CREATE INDEX outbox_order ON outbox USING brin (order_id);
-- What is announced of parked records, a few rows: each topic of theirs is sent at its own pace.
CREATE INDEX outbox_announcements ON outbox (topic, seq)
    WHERE type IN ('RecordParked.v1', 'RecordDied.v1');

-- How far the relay is, by lane: the saga's, which carries the service's events to its own topic,
-- and one for each topic of announcements, made when the first of them is sent.
CREATE TABLE relay_checkpoint (
    lane          text PRIMARY KEY,           -- saga, or the topic
    seq           bigint NOT NULL DEFAULT 0,  -- the lane's rows up to here are all in Kafka
    republished   bigint NOT NULL DEFAULT 0,  -- how often orderctl asked for rows once more
    topic_id      text,                       -- of the topic that seq is about
    remade_at     timestamptz,                -- when another topic id was last met
    refused_at    timestamptz,                -- since when the topic refuses; null: it does not
    refused_seq   bigint,                     -- 0: it refuses whatever is sent
    refused_why   text,                       -- gone, too_large, invalid, not_authorised, other
    refused_error text,
    skipped       bigint NOT NULL DEFAULT 0   -- announcements that it would never have taken
);
INSERT INTO relay_checkpoint (lane) VALUES ('saga');

-- Records that could not be handled; written in the batch's transaction, before the offsets. Of the
-- records of an order that are not dead the oldest is tried again when it is due; those behind it
-- wait for it, which is derived from their ids, not stored.
CREATE TABLE parked (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text NOT NULL,
    partition integer NOT NULL,
    "offset"  bigint NOT NULL,
    order_id  uuid,
    ce_id     text,
    key       bytea NOT NULL,
    headers   text NOT NULL,          -- [{"name":…,"value":…}], JSON, a character for each byte
    value     bytea NOT NULL,
    attempts  integer NOT NULL,       -- failed so far
    due_at    timestamptz,            -- null: dead
    dead      boolean NOT NULL,       -- waits for an operator
    blocks    boolean NOT NULL,       -- later records of the order wait behind it
    error     text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now()
);
-- A record that comes again is the same record only if all of it is the same: the place alone may
-- be that of another one, after its topic was deleted and made anew, and ce_id may be missing.
CREATE UNIQUE INDEX parked_record ON parked
    (topic, partition, "offset", sha256(key), sha256(value), hashtextextended(headers, 0));
CREATE INDEX parked_by_order ON parked (order_id, id) WHERE NOT dead;
CREATE INDEX parked_by_due ON parked (due_at) WHERE NOT dead;

-- What operators decided on dead records (orderctl records): one row for each retry and discard. Of a
-- discarded record everything is kept. Append-only, and nothing but orderctl writes it.
CREATE TABLE parked_decisions (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decision   text NOT NULL,         -- retry, discard
    decided_by text NOT NULL,
    reason     text NOT NULL,
    parked_id  bigint NOT NULL,
    topic      text NOT NULL,
    partition  integer NOT NULL,
    "offset"   bigint NOT NULL,
    order_id   uuid,
    ce_id      text,
    error      text NOT NULL,
    parked_at  timestamptz NOT NULL,
    key        bytea,                 -- these three of a discarded one, as in parked
    headers    text,
    value      bytea
);

CREATE VIEW audit_v1_outbox AS
    SELECT seq, event_id, order_id, topic, key, type, headers, data, recorded_at FROM outbox;
CREATE VIEW audit_v1_relay AS SELECT seq AS checkpoint FROM relay_checkpoint WHERE lane = 'saga';
CREATE VIEW audit_v1_relay_lanes AS
    SELECT lane, seq AS checkpoint, topic_id, remade_at, refused_at, refused_seq, refused_why,
           refused_error, skipped
    FROM relay_checkpoint;
CREATE VIEW audit_v1_parked AS
    SELECT id, topic, partition, "offset", order_id, ce_id, attempts, due_at, dead, blocks,
           error, parked_at
    FROM parked;
CREATE VIEW audit_v1_parked_decisions AS
    SELECT id, decided_at, decision, decided_by, reason, parked_id, topic, partition, "offset",
           order_id, ce_id, error, parked_at
    FROM parked_decisions;
