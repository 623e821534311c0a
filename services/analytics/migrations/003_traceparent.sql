-- The client's trace context, set once, from the record of OrderPlaced: 00-<trace>-<span>-<flags>.
-- NULL where the client gave none, and for orders that a program before this file has seen placed.
ALTER TABLE timelines ADD COLUMN traceparent text;

CREATE OR REPLACE VIEW audit_v1_timeline_orders AS
    SELECT order_id, version, customer_id, total, currency, reason, traceparent FROM timelines;
