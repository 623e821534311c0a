-- products: the catalogue and its counters. Every change is made under a row lock, taken in
-- product_id order ("C": byte order, as the service sorts). Few rows, updated all the time: half of
-- each page is kept free, so that updates stay HOT and pages are pruned as they are read.
CREATE TABLE products (
    product_id text COLLATE "C" PRIMARY KEY,
    free       bigint NOT NULL CHECK (free >= 0),      -- pieces that can be ordered
    reserved   bigint NOT NULL CHECK (reserved >= 0),  -- pieces of orders that are not final
    sold       bigint NOT NULL CHECK (sold >= 0),      -- pieces of completed orders
    updated_at timestamptz NOT NULL,
    price      bigint NOT NULL CHECK (price >= 0),     -- minor units
    currency   text NOT NULL,
    name       text NOT NULL,
    revision   bigint NOT NULL DEFAULT 1               -- changes of name and price, the first one included
) WITH (fillfactor = 50);

-- reservations: one row per order, refusals and tombstones included. No index but the key. All rows
-- of a page are changed once and at about the same time, so it has room for each a second time.
CREATE TABLE reservations (
    order_id    uuid PRIMARY KEY,
    version     bigint NOT NULL,       -- compare-and-set
    updated_at  timestamptz NOT NULL,  -- when the state was reached
    state       text NOT NULL,         -- RESERVED, REJECTED, RELEASED, CANCELLED, SOLD
    reserved_at timestamptz,           -- null: never reserved
    reason      text,                  -- of a refusal
    items       text NOT NULL          -- [{"productId":…,"quantity":…}], JSON; what was reserved
) WITH (fillfactor = 50);

-- adjustments: pieces that came or went by hand, and why; one row per Idempotency-Key, with what the
-- request came to. Rows are never deleted, as the ledger's are not: they are the record of why, few
-- beside the orders, and no clock can make the service forget a key.
CREATE TABLE adjustments (
    key        text COLLATE "C" PRIMARY KEY,
    product_id text COLLATE "C" NOT NULL,
    change     bigint NOT NULL,        -- pieces, never zero
    reason     text NOT NULL,          -- as the client put it
    verdict    text NOT NULL,          -- ADJUSTED, TOO_FEW, TOO_MANY
    free       bigint NOT NULL,        -- pieces of the product then; afterwards, if ADJUSTED
    decided_at timestamptz NOT NULL
);

CREATE VIEW audit_v1_stock AS
    SELECT product_id, name, price, currency, free, reserved, sold, updated_at FROM products;
CREATE VIEW audit_v1_reservations AS
    SELECT order_id, version, state, reason, items, reserved_at, updated_at FROM reservations;
CREATE VIEW audit_v1_adjustments AS
    SELECT key, product_id, change, reason, verdict, free, decided_at FROM adjustments;
