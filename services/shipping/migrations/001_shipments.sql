-- shipments: one row per order that shipping has heard of, refusals and tombstones too. A normal
-- order inserts its row and never touches it again. What changes stands before what does not; no
-- index on columns that change: updates stay HOT.
CREATE TABLE shipments (
    order_id        uuid PRIMARY KEY,
    version         bigint NOT NULL,   -- compare-and-set
    state           text NOT NULL,
    storage_booked  boolean NOT NULL,  -- holds a slot of storage now
    voided_at       timestamptz,
    reason          text,              -- of a refusal
    shipment_id     uuid,
    tracking_number text,
    scheduled_at    timestamptz,
    destination     text               -- recipient and address, JSON; null: picked up at the shop
) WITH (fillfactor = 80);

-- storage: the warehouse's slots, one row, locked by a batch that books or frees one. `used` may
-- exceed a capacity that was lowered; then nothing new is booked.
CREATE TABLE storage (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    capacity bigint NOT NULL CHECK (capacity >= 0),
    used     bigint NOT NULL DEFAULT 0 CHECK (used >= 0)
) WITH (fillfactor = 70);

CREATE VIEW audit_v1_shipments AS
    SELECT order_id, version, state, reason, shipment_id, tracking_number, storage_booked,
           scheduled_at, voided_at, destination
    FROM shipments;
CREATE VIEW audit_v1_storage AS SELECT capacity, used FROM storage;
