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

-- The highest seq up to which every delivery was reported a success. One row.
CREATE TABLE relay_checkpoint (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL DEFAULT 0
);
INSERT INTO relay_checkpoint DEFAULT VALUES;

-- Records that could not be handled; written in the batch's transaction, before the offsets.
CREATE TABLE parked (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text NOT NULL,
    partition integer NOT NULL,
    "offset"  bigint NOT NULL,
    order_id  uuid,
    ce_id     text,
    key       bytea,
    headers   text NOT NULL,
    value     bytea,
    attempts  integer NOT NULL DEFAULT 0,
    due_at    timestamptz,
    dead      boolean NOT NULL DEFAULT false,
    error     text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (topic, partition, "offset")
);

CREATE VIEW audit_v1_outbox AS
    SELECT seq, event_id, order_id, topic, key, type, headers, data, recorded_at FROM outbox;
CREATE VIEW audit_v1_relay AS SELECT seq AS checkpoint FROM relay_checkpoint;
CREATE VIEW audit_v1_parked AS
    SELECT id, topic, partition, "offset", order_id, ce_id, attempts, due_at, dead, error, parked_at
    FROM parked;
