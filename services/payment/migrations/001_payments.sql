-- payments: one row per order that payment has heard of, tombstones too. What changes stands before
-- what does not; no index on columns that change. A normal order inserts its row and updates it
-- once, soon, and together with its neighbours in one transaction: half of each page is kept free,
-- so that there is room for every row a second time and updates stay HOT.
CREATE TABLE payments (
    order_id    uuid PRIMARY KEY,      -- UUIDv7: sorts by time of placing
    version     bigint NOT NULL,       -- compare-and-set
    touched_at  timestamptz NOT NULL,  -- last change
    attempts    integer NOT NULL,      -- calls without a clear outcome
    state       text NOT NULL,
    reason      text,                  -- of a decline
    charge_id   text,                  -- the gateway's
    settled_as  text,                  -- REFUNDED, NEVER_CHARGED: what an operator said for the
    settled_by  text,                  -- gateway, and who
    opened_at   timestamptz NOT NULL,
    amount      bigint,                -- minor units; null like currency, token, body: a tombstone
    currency    text,
    token       text,
    traceparent text,
    body        text                   -- the order as placed, JSON
) WITH (fillfactor = 50);

CREATE VIEW audit_v1_payments AS
    SELECT order_id, version, state, reason, amount, currency, charge_id, settled_as, settled_by,
           attempts, opened_at, touched_at
    FROM payments;
