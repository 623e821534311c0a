-- timelines: one row per order, two columns per kind of event, set once by the first event of that
-- kind: when it was recorded (ce_time), and where its record stands (partition * 2^48 + offset; the
-- topic follows from the kind). No index but the primary key: updates stay HOT. The rows at the end
-- of a batch are orders still under way, which the next batch completes all together, so their pages
-- need room for a second version of every row.
CREATE TABLE timelines (
    order_id                 uuid PRIMARY KEY,  -- UUIDv7: sorts by time of placing
    version                  bigint NOT NULL,   -- compare-and-set
    order_placed_at          timestamptz,
    order_placed_pos         bigint,
    stock_reserved_at        timestamptz,
    stock_reserved_pos       bigint,
    stock_rejected_at        timestamptz,
    stock_rejected_pos       bigint,
    payment_captured_at      timestamptz,
    payment_captured_pos     bigint,
    payment_declined_at      timestamptz,
    payment_declined_pos     bigint,
    shipment_scheduled_at    timestamptz,
    shipment_scheduled_pos   bigint,
    shipment_refused_at      timestamptz,
    shipment_refused_pos     bigint,
    cancellation_started_at  timestamptz,
    cancellation_started_pos bigint,
    stock_released_at        timestamptz,
    stock_released_pos       bigint,
    inventory_nothing_at     timestamptz,
    inventory_nothing_pos    bigint,
    payment_refunded_at      timestamptz,
    payment_refunded_pos     bigint,
    payment_nothing_at       timestamptz,
    payment_nothing_pos      bigint,
    shipment_voided_at       timestamptz,
    shipment_voided_pos      bigint,
    shipping_nothing_at      timestamptz,
    shipping_nothing_pos     bigint,
    order_completed_at       timestamptz,
    order_completed_pos      bigint,
    order_cancelled_at       timestamptz,
    order_cancelled_pos      bigint,
    total                    bigint,            -- minor units
    currency                 text,
    reason                   text,              -- of the cancellation
    customer_id              text
) WITH (fillfactor = 40);

-- Counts since the beginning: placed, open, completed, cancelled.<reason>, revenue.<currency> (of
-- completed orders, minor units; numeric, so that no sum of money overflows).
CREATE TABLE counters (
    name  text COLLATE "C" PRIMARY KEY,
    value numeric NOT NULL
) WITH (fillfactor = 50);

-- How many orders are open, by the second (since 1970) in which their ids were made. Which orders
-- are open is told by no index: each end would cost an order's row its HOT update. A second whose
-- count is known to be above zero bounds the search for them. Rows of zero are taken away.
CREATE TABLE open_seconds (
    second bigint PRIMARY KEY,
    open   integer NOT NULL
) WITH (fillfactor = 50);

-- One row per minute of event time. The arrays count durations of the four forward steps in buckets,
-- an eighth of a power of two wide, from 0 µs (see analytics.cpp: latency_bucket).
CREATE TABLE minutes (
    minute      timestamptz PRIMARY KEY,
    placed      integer NOT NULL,
    completed   integer NOT NULL,
    cancelled   integer NOT NULL,
    revenue     numeric NOT NULL,    -- of completed orders in the default currency, minor units
    responses   integer NOT NULL,    -- orders that ended
    response_us bigint NOT NULL,     -- sum over them, accept to end
    reserve     integer[] NOT NULL,  -- OrderPlaced to StockReserved
    charge      integer[] NOT NULL,  -- to PaymentCaptured
    ship        integer[] NOT NULL,  -- to ShipmentScheduled
    complete    integer[] NOT NULL   -- to OrderCompleted
) WITH (fillfactor = 50);

-- The sum of two histograms; the shorter one counts as filled up with zeros.
CREATE FUNCTION add_counts(a integer[], b integer[]) RETURNS integer[]
    LANGUAGE sql IMMUTABLE
    RETURN (SELECT coalesce(array_agg(coalesce(x, 0) + coalesce(y, 0) ORDER BY i), '{}')
            FROM unnest(a, b) WITH ORDINALITY AS u(x, y, i));

CREATE TABLE customers (
    customer_id       text COLLATE "C" PRIMARY KEY,
    first_order_at    timestamptz NOT NULL,
    last_order_minute timestamptz NOT NULL  -- begin of the minute: at most one version per minute
) WITH (fillfactor = 80);

-- Of how many customers the first, the last order was placed in a minute: what the customers' rows
-- say, so that nobody has to count them.
CREATE TABLE customer_minutes (
    minute       timestamptz PRIMARY KEY,
    first_orders integer NOT NULL,
    last_orders  integer NOT NULL
) WITH (fillfactor = 50);

CREATE VIEW audit_v1_timeline AS
    SELECT t.order_id, e.type, e.producer, e.time, e.topic,
           (e.position >> 48)::integer AS partition,
           e.position & ((1::bigint << 48) - 1) AS "offset"
    FROM timelines t CROSS JOIN LATERAL (
        SELECT v.type, v.origin || '-service', v.time, v.origin || '-events', v.position
        FROM (VALUES
        ('OrderPlaced', 'order', t.order_placed_at, t.order_placed_pos),
        ('StockReserved', 'inventory', t.stock_reserved_at, t.stock_reserved_pos),
        ('StockRejected', 'inventory', t.stock_rejected_at, t.stock_rejected_pos),
        ('PaymentCaptured', 'payment', t.payment_captured_at, t.payment_captured_pos),
        ('PaymentDeclined', 'payment', t.payment_declined_at, t.payment_declined_pos),
        ('ShipmentScheduled', 'shipping', t.shipment_scheduled_at, t.shipment_scheduled_pos),
        ('ShipmentRefused', 'shipping', t.shipment_refused_at, t.shipment_refused_pos),
        ('CancellationStarted', 'order', t.cancellation_started_at, t.cancellation_started_pos),
        ('StockReleased', 'inventory', t.stock_released_at, t.stock_released_pos),
        ('NothingToCompensate', 'inventory', t.inventory_nothing_at, t.inventory_nothing_pos),
        ('PaymentRefunded', 'payment', t.payment_refunded_at, t.payment_refunded_pos),
        ('NothingToCompensate', 'payment', t.payment_nothing_at, t.payment_nothing_pos),
        ('ShipmentVoided', 'shipping', t.shipment_voided_at, t.shipment_voided_pos),
        ('NothingToCompensate', 'shipping', t.shipping_nothing_at, t.shipping_nothing_pos),
        ('OrderCompleted', 'order', t.order_completed_at, t.order_completed_pos),
        ('OrderCancelled', 'order', t.order_cancelled_at, t.order_cancelled_pos)
        ) AS v(type, origin, time, position)
        WHERE v.time IS NOT NULL
    ) AS e(type, producer, time, topic, position);

CREATE VIEW audit_v1_timeline_orders AS
    SELECT order_id, version, customer_id, total, currency, reason FROM timelines;
CREATE VIEW audit_v1_counters AS SELECT name, value FROM counters;
CREATE VIEW audit_v1_minutes AS
    SELECT minute, placed, completed, cancelled, revenue, responses, response_us, reserve, charge,
           ship, complete
    FROM minutes;
CREATE VIEW audit_v1_customers AS
    SELECT customer_id, first_order_at, last_order_minute FROM customers;
