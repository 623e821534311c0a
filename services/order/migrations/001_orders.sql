-- orders: one row per order, the saga's state. What changes stands before what does not, so that an
-- update's WAL record holds only the first part. No index on columns that change, and seven tenths
-- of each page kept free, since a batch updates all rows of a page at once: updates stay HOT.
CREATE TABLE orders (
    order_id      uuid PRIMARY KEY,      -- UUIDv7: sorts by time of placing
    version       bigint NOT NULL,       -- compare-and-set
    state         text NOT NULL,
    reason        text,
    answers       smallint NOT NULL,     -- bits: inventory 1, payment 2, shipping 4
    undone        smallint NOT NULL,     -- bits: StockReleased 1, PaymentRefunded 2, ShipmentVoided 4
    reserved_at   timestamptz,
    captured_at   timestamptz,
    cancelling_at timestamptz,
    finished_at   timestamptz,
    inventory_answered_at timestamptz,   -- to the cancellation
    payment_answered_at   timestamptz,
    shipping_answered_at  timestamptz,
    recreated_at  timestamptz,           -- the row was lost, and made again then
    shipment_id   uuid,
    placed_at     timestamptz NOT NULL,
    customer_id   text NOT NULL,
    total         bigint NOT NULL,       -- minor units
    currency      text NOT NULL,
    body          text NOT NULL          -- the order as placed, JSON
) WITH (fillfactor = 28);
CREATE INDEX orders_by_customer ON orders (customer_id, order_id);

CREATE VIEW audit_v1_orders AS
    SELECT order_id, version, state, reason, answers, undone, placed_at, reserved_at, captured_at,
           cancelling_at, finished_at, shipment_id, customer_id, total, currency, body
    FROM orders;

-- Idempotency-Key: what a request came to that was sent with one, for a day or as configured.
CREATE TABLE idempotency_keys (
    key        text COLLATE "C" PRIMARY KEY,
    order_id   uuid NOT NULL,         -- that was placed, or that a cancellation was for
    answer     text,                  -- of a cancellation: the state it was answered with
    request    uuid,                  -- of a placement: a digest of what was asked for
    created_at timestamptz NOT NULL
);
-- Grows at its right edge. Not BRIN: rows that take the place of expired ones would widen its ranges
-- until each of them holds something old.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
