
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA analytics;

ALTER SCHEMA analytics OWNER TO analytics;

CREATE FUNCTION analytics.add_counts(a integer[], b integer[]) RETURNS integer[]
    LANGUAGE sql IMMUTABLE
    RETURN (SELECT COALESCE(array_agg((COALESCE(u.x, 0) + COALESCE(u.y, 0)) ORDER BY u.i), '{}'::integer[]) AS "coalesce" FROM UNNEST(add_counts.a, add_counts.b) WITH ORDINALITY u(x, y, i));

ALTER FUNCTION analytics.add_counts(a integer[], b integer[]) OWNER TO analytics;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE analytics.counters (
    name text NOT NULL COLLATE pg_catalog."C",
    value numeric NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE analytics.counters OWNER TO analytics;

CREATE VIEW analytics.audit_v1_counters AS
 SELECT counters.name,
    counters.value
   FROM analytics.counters;

ALTER TABLE analytics.audit_v1_counters OWNER TO analytics;

CREATE TABLE analytics.customers (
    customer_id text NOT NULL COLLATE pg_catalog."C",
    first_order_at timestamp with time zone NOT NULL,
    last_order_minute timestamp with time zone NOT NULL
)
WITH (fillfactor='80');

ALTER TABLE analytics.customers OWNER TO analytics;

CREATE VIEW analytics.audit_v1_customers AS
 SELECT customers.customer_id,
    customers.first_order_at,
    customers.last_order_minute
   FROM analytics.customers;

ALTER TABLE analytics.audit_v1_customers OWNER TO analytics;

CREATE TABLE analytics.minutes (
    minute timestamp with time zone NOT NULL,
    placed integer NOT NULL,
    completed integer NOT NULL,
    cancelled integer NOT NULL,
    revenue numeric NOT NULL,
    responses integer NOT NULL,
    response_us bigint NOT NULL,
    reserve integer[] NOT NULL,
    charge integer[] NOT NULL,
    ship integer[] NOT NULL,
    complete integer[] NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE analytics.minutes OWNER TO analytics;

CREATE VIEW analytics.audit_v1_minutes AS
 SELECT minutes.minute,
    minutes.placed,
    minutes.completed,
    minutes.cancelled,
    minutes.revenue,
    minutes.responses,
    minutes.response_us,
    minutes.reserve,
    minutes.charge,
    minutes.ship,
    minutes.complete
   FROM analytics.minutes;

ALTER TABLE analytics.audit_v1_minutes OWNER TO analytics;

CREATE TABLE analytics.outbox (
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    order_id uuid,
    topic text NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    headers text NOT NULL,
    data text NOT NULL,
    recorded_at timestamp with time zone NOT NULL
);

ALTER TABLE analytics.outbox OWNER TO analytics;

CREATE VIEW analytics.audit_v1_outbox AS
 SELECT outbox.seq,
    outbox.event_id,
    outbox.order_id,
    outbox.topic,
    outbox.key,
    outbox.type,
    outbox.headers,
    outbox.data,
    outbox.recorded_at
   FROM analytics.outbox;

ALTER TABLE analytics.audit_v1_outbox OWNER TO analytics;

CREATE TABLE analytics.parked (
    id bigint NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    order_id uuid,
    ce_id text,
    key bytea NOT NULL,
    headers text NOT NULL,
    value bytea NOT NULL,
    attempts integer NOT NULL,
    due_at timestamp with time zone,
    dead boolean NOT NULL,
    blocks boolean NOT NULL,
    error text NOT NULL,
    parked_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE analytics.parked OWNER TO analytics;

CREATE VIEW analytics.audit_v1_parked AS
 SELECT parked.id,
    parked.topic,
    parked.partition,
    parked."offset",
    parked.order_id,
    parked.ce_id,
    parked.attempts,
    parked.due_at,
    parked.dead,
    parked.blocks,
    parked.error,
    parked.parked_at
   FROM analytics.parked;

ALTER TABLE analytics.audit_v1_parked OWNER TO analytics;

CREATE TABLE analytics.parked_decisions (
    id bigint NOT NULL,
    decided_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    decision text NOT NULL,
    decided_by text NOT NULL,
    reason text NOT NULL,
    parked_id bigint NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    order_id uuid,
    ce_id text,
    error text NOT NULL,
    parked_at timestamp with time zone NOT NULL,
    key bytea,
    headers text,
    value bytea
);

ALTER TABLE analytics.parked_decisions OWNER TO analytics;

CREATE VIEW analytics.audit_v1_parked_decisions AS
 SELECT parked_decisions.id,
    parked_decisions.decided_at,
    parked_decisions.decision,
    parked_decisions.decided_by,
    parked_decisions.reason,
    parked_decisions.parked_id,
    parked_decisions.topic,
    parked_decisions.partition,
    parked_decisions."offset",
    parked_decisions.order_id,
    parked_decisions.ce_id,
    parked_decisions.error,
    parked_decisions.parked_at
   FROM analytics.parked_decisions;

ALTER TABLE analytics.audit_v1_parked_decisions OWNER TO analytics;

CREATE TABLE analytics.relay_checkpoint (
    lane text NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    republished bigint DEFAULT 0 NOT NULL,
    topic_id text,
    remade_at timestamp with time zone,
    refused_at timestamp with time zone,
    refused_seq bigint,
    refused_why text,
    refused_error text,
    skipped bigint DEFAULT 0 NOT NULL
);

ALTER TABLE analytics.relay_checkpoint OWNER TO analytics;

CREATE VIEW analytics.audit_v1_relay AS
 SELECT relay_checkpoint.seq AS checkpoint
   FROM analytics.relay_checkpoint
  WHERE (relay_checkpoint.lane = 'saga'::text);

ALTER TABLE analytics.audit_v1_relay OWNER TO analytics;

CREATE VIEW analytics.audit_v1_relay_lanes AS
 SELECT relay_checkpoint.lane,
    relay_checkpoint.seq AS checkpoint,
    relay_checkpoint.topic_id,
    relay_checkpoint.remade_at,
    relay_checkpoint.refused_at,
    relay_checkpoint.refused_seq,
    relay_checkpoint.refused_why,
    relay_checkpoint.refused_error,
    relay_checkpoint.skipped
   FROM analytics.relay_checkpoint;

ALTER TABLE analytics.audit_v1_relay_lanes OWNER TO analytics;

CREATE TABLE analytics.timelines (
    order_id uuid NOT NULL,
    version bigint NOT NULL,
    order_placed_at timestamp with time zone,
    order_placed_pos bigint,
    stock_reserved_at timestamp with time zone,
    stock_reserved_pos bigint,
    stock_rejected_at timestamp with time zone,
    stock_rejected_pos bigint,
    payment_captured_at timestamp with time zone,
    payment_captured_pos bigint,
    payment_declined_at timestamp with time zone,
    payment_declined_pos bigint,
    shipment_scheduled_at timestamp with time zone,
    shipment_scheduled_pos bigint,
    shipment_refused_at timestamp with time zone,
    shipment_refused_pos bigint,
    cancellation_started_at timestamp with time zone,
    cancellation_started_pos bigint,
    stock_released_at timestamp with time zone,
    stock_released_pos bigint,
    inventory_nothing_at timestamp with time zone,
    inventory_nothing_pos bigint,
    payment_refunded_at timestamp with time zone,
    payment_refunded_pos bigint,
    payment_nothing_at timestamp with time zone,
    payment_nothing_pos bigint,
    shipment_voided_at timestamp with time zone,
    shipment_voided_pos bigint,
    shipping_nothing_at timestamp with time zone,
    shipping_nothing_pos bigint,
    order_completed_at timestamp with time zone,
    order_completed_pos bigint,
    order_cancelled_at timestamp with time zone,
    order_cancelled_pos bigint,
    total bigint,
    currency text,
    reason text,
    customer_id text
)
WITH (fillfactor='40');

ALTER TABLE analytics.timelines OWNER TO analytics;

CREATE VIEW analytics.audit_v1_timeline AS
 SELECT t.order_id,
    e.type,
    e.producer,
    e."time",
    e.topic,
    ((e."position" >> 48))::integer AS partition,
    (e."position" & (((1)::bigint << 48) - 1)) AS "offset"
   FROM (analytics.timelines t
     CROSS JOIN LATERAL ( SELECT v.type,
            (v.origin || '-service'::text) AS "?column?",
            v."time",
            (v.origin || '-events'::text) AS "?column?",
            v."position"
           FROM ( VALUES ('OrderPlaced'::text,'order'::text,t.order_placed_at,t.order_placed_pos), ('StockReserved'::text,'inventory'::text,t.stock_reserved_at,t.stock_reserved_pos), ('StockRejected'::text,'inventory'::text,t.stock_rejected_at,t.stock_rejected_pos), ('PaymentCaptured'::text,'payment'::text,t.payment_captured_at,t.payment_captured_pos), ('PaymentDeclined'::text,'payment'::text,t.payment_declined_at,t.payment_declined_pos), ('ShipmentScheduled'::text,'shipping'::text,t.shipment_scheduled_at,t.shipment_scheduled_pos), ('ShipmentRefused'::text,'shipping'::text,t.shipment_refused_at,t.shipment_refused_pos), ('CancellationStarted'::text,'order'::text,t.cancellation_started_at,t.cancellation_started_pos), ('StockReleased'::text,'inventory'::text,t.stock_released_at,t.stock_released_pos), ('NothingToCompensate'::text,'inventory'::text,t.inventory_nothing_at,t.inventory_nothing_pos), ('PaymentRefunded'::text,'payment'::text,t.payment_refunded_at,t.payment_refunded_pos), ('NothingToCompensate'::text,'payment'::text,t.payment_nothing_at,t.payment_nothing_pos), ('ShipmentVoided'::text,'shipping'::text,t.shipment_voided_at,t.shipment_voided_pos), ('NothingToCompensate'::text,'shipping'::text,t.shipping_nothing_at,t.shipping_nothing_pos), ('OrderCompleted'::text,'order'::text,t.order_completed_at,t.order_completed_pos), ('OrderCancelled'::text,'order'::text,t.order_cancelled_at,t.order_cancelled_pos)) v(type, origin, "time", "position")
          WHERE (v."time" IS NOT NULL)) e(type, producer, "time", topic, "position"));

ALTER TABLE analytics.audit_v1_timeline OWNER TO analytics;

CREATE VIEW analytics.audit_v1_timeline_orders AS
 SELECT timelines.order_id,
    timelines.version,
    timelines.customer_id,
    timelines.total,
    timelines.currency,
    timelines.reason
   FROM analytics.timelines;

ALTER TABLE analytics.audit_v1_timeline_orders OWNER TO analytics;

CREATE TABLE analytics.customer_minutes (
    minute timestamp with time zone NOT NULL,
    first_orders integer NOT NULL,
    last_orders integer NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE analytics.customer_minutes OWNER TO analytics;

CREATE TABLE analytics.open_seconds (
    second bigint NOT NULL,
    open integer NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE analytics.open_seconds OWNER TO analytics;

ALTER TABLE analytics.outbox ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME analytics.outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE analytics.parked_decisions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME analytics.parked_decisions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE analytics.parked ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME analytics.parked_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE analytics.schema_version (
    one boolean DEFAULT true NOT NULL,
    version text NOT NULL,
    CONSTRAINT schema_version_one_check CHECK (one)
);

ALTER TABLE analytics.schema_version OWNER TO analytics;

COPY analytics.counters (name, value) FROM stdin;
cancelled.CARD_DECLINED	2
cancelled.CARRIER_REFUSED	2
cancelled.OUT_OF_STOCK	1
cancelled.UNKNOWN_PRODUCT	2
placed	18
completed	7
open	4
revenue.KRW	34800
\.

COPY analytics.customer_minutes (minute, first_orders, last_orders) FROM stdin;
2026-11-29 08:58:00+00	7	7
\.

COPY analytics.customers (customer_id, first_order_at, last_order_minute) FROM stdin;
CUST-000	2026-11-29 08:58:19.442958+00	2026-11-29 08:58:00+00
CUST-001	2026-11-29 08:58:19.446472+00	2026-11-29 08:58:00+00
CUST-002	2026-11-29 08:58:19.449025+00	2026-11-29 08:58:00+00
CUST-003	2026-11-29 08:58:19.45247+00	2026-11-29 08:58:00+00
CUST-004	2026-11-29 08:58:19.454256+00	2026-11-29 08:58:00+00
CUST-005	2026-11-29 08:58:19.456773+00	2026-11-29 08:58:00+00
CUST-006	2026-11-29 08:58:19.458313+00	2026-11-29 08:58:00+00
\.

COPY analytics.minutes (minute, placed, completed, cancelled, revenue, responses, response_us, reserve, charge, ship, complete) FROM stdin;
2026-11-29 08:58:00+00	18	7	7	34800	14	4664314	{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2,2,4,0,0,3,3,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}	{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1,0,1,4,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2}	{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1,0,0,0,0,0,0,0,1,0,0,1,0,0,0,0,0,0,0,0,1,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}	{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,2,1,0,0,0,0,0,0,1,1,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}
\.

COPY analytics.open_seconds (second, open) FROM stdin;
1795942699	4
\.

COPY analytics.outbox (seq, event_id, order_id, topic, key, type, headers, data, recorded_at) FROM stdin;
\.

COPY analytics.parked (id, topic, partition, "offset", order_id, ce_id, key, headers, value, attempts, due_at, dead, blocks, error, parked_at) FROM stdin;
\.

COPY analytics.parked_decisions (id, decided_at, decision, decided_by, reason, parked_id, topic, partition, "offset", order_id, ce_id, error, parked_at, key, headers, value) FROM stdin;
\.

COPY analytics.relay_checkpoint (lane, seq, republished, topic_id, remade_at, refused_at, refused_seq, refused_why, refused_error, skipped) FROM stdin;
saga	0	0	\N	\N	\N	\N	\N	\N	0
\.

COPY analytics.schema_version (one, version) FROM stdin;
t	e1bea85ece1c1b24
\.

COPY analytics.timelines (order_id, version, order_placed_at, order_placed_pos, stock_reserved_at, stock_reserved_pos, stock_rejected_at, stock_rejected_pos, payment_captured_at, payment_captured_pos, payment_declined_at, payment_declined_pos, shipment_scheduled_at, shipment_scheduled_pos, shipment_refused_at, shipment_refused_pos, cancellation_started_at, cancellation_started_pos, stock_released_at, stock_released_pos, inventory_nothing_at, inventory_nothing_pos, payment_refunded_at, payment_refunded_pos, payment_nothing_at, payment_nothing_pos, shipment_voided_at, shipment_voided_pos, shipping_nothing_at, shipping_nothing_pos, order_completed_at, order_completed_pos, order_cancelled_at, order_cancelled_pos, total, currency, reason, customer_id) FROM stdin;
01a22686-d1d6-70a0-aff7-eac662cafdd7	1	2026-11-29 08:58:19.479321+00	1125899906842624	\N	\N	2026-11-29 08:58:19.569417+00	1125899906842625	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:19.621307+00	1125899906842625	\N	\N	2026-11-29 08:58:19.636888+00	1125899906842626	\N	\N	2026-11-29 08:58:19.637167+00	1125899906842624	\N	\N	2026-11-29 08:58:19.640452+00	1125899906842624	\N	\N	2026-11-29 08:58:19.686298+00	1125899906842626	1	KRW	UNKNOWN_PRODUCT	CUST-002
01a22686-d19f-7099-8a2e-74628cb50d60	2	2026-11-29 08:58:19.442958+00	0	2026-11-29 08:58:19.492734+00	0	\N	\N	2026-11-29 08:58:19.578341+00	0	\N	\N	2026-11-29 08:58:19.597874+00	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:19.621334+00	5	\N	\N	1500	KRW	\N	CUST-000
01a22686-d1b5-7d50-a7a9-4e47561635c5	2	2026-11-29 08:58:19.446472+00	562949953421312	2026-11-29 08:58:19.497249+00	562949953421312	\N	\N	\N	\N	2026-11-29 08:58:19.606963+00	562949953421312	\N	\N	\N	\N	2026-11-29 08:58:19.635132+00	562949953421315	2026-11-29 08:58:19.655419+00	562949953421315	\N	\N	\N	\N	2026-11-29 08:58:19.722854+00	562949953421315	\N	\N	2026-11-29 08:58:19.663518+00	562949953421312	\N	\N	2026-11-29 08:58:19.732696+00	562949953421318	3000	KRW	CARD_DECLINED	CUST-001
01a22686-d1b8-729e-992b-6b0283c5eba1	2	2026-11-29 08:58:19.449025+00	844424930131968	2026-11-29 08:58:19.497307+00	844424930131968	\N	\N	2026-11-29 08:58:19.593265+00	844424930131968	\N	\N	2026-11-29 08:58:19.608589+00	844424930131968	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:19.6351+00	844424930131971	\N	\N	19800	KRW	\N	CUST-002
01a22686-d1bb-7dc3-900e-fd7a75b1c63d	2	2026-11-29 08:58:19.45247+00	1	2026-11-29 08:58:19.498886+00	1	\N	\N	2026-11-29 08:58:19.611044+00	1	\N	\N	2026-11-29 08:58:19.652877+00	1	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:19.686253+00	6	\N	\N	1500	KRW	\N	CUST-003
01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	2	2026-11-29 08:58:19.454256+00	562949953421313	2026-11-29 08:58:19.511065+00	562949953421313	\N	\N	2026-11-29 08:58:19.630915+00	562949953421313	\N	\N	\N	\N	2026-11-29 08:58:19.663542+00	562949953421313	2026-11-29 08:58:19.68629+00	562949953421316	2026-11-29 08:58:19.705842+00	562949953421316	\N	\N	2026-11-29 08:58:19.772931+00	562949953421316	\N	\N	\N	\N	2026-11-29 08:58:19.702817+00	562949953421315	\N	\N	2026-11-29 08:58:19.78509+00	562949953421319	3000	KRW	CARRIER_REFUSED	CUST-004
01a22686-d1c1-7106-bc93-70ab575ec90b	2	2026-11-29 08:58:19.458313+00	2	2026-11-29 08:58:19.535529+00	2	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	1500	KRW	\N	CUST-006
01a22686-d1c3-7c10-914a-18edc82a3ebc	2	2026-11-29 08:58:19.459839+00	1407374883553280	\N	\N	2026-11-29 08:58:19.519515+00	1407374883553280	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:19.574714+00	1407374883553282	\N	\N	2026-11-29 08:58:19.611805+00	1407374883553282	\N	\N	2026-11-29 08:58:19.604559+00	1407374883553280	\N	\N	2026-11-29 08:58:19.598211+00	1407374883553280	\N	\N	2026-11-29 08:58:19.64316+00	1407374883553283	1	KRW	UNKNOWN_PRODUCT	CUST-000
01a22686-d1c6-7fb5-977d-2bfca4fc391e	2	2026-11-29 08:58:19.46274+00	1407374883553281	2026-11-29 08:58:19.519547+00	1407374883553281	\N	\N	2026-11-29 08:58:19.638129+00	1407374883553281	\N	\N	2026-11-29 08:58:19.687255+00	1407374883553281	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:19.69797+00	1407374883553284	\N	\N	1500	KRW	\N	CUST-002
01a22686-d1c7-7cca-89eb-dc71ed95aada	2	2026-11-29 08:58:19.464536+00	3	2026-11-29 08:58:19.535556+00	3	\N	\N	\N	\N	2026-11-29 08:58:19.650799+00	2	\N	\N	\N	\N	2026-11-29 08:58:19.697944+00	7	2026-11-29 08:58:19.744879+00	5	\N	\N	\N	\N	2026-11-29 08:58:19.808885+00	4	\N	\N	2026-11-29 08:58:19.731744+00	3	\N	\N	2026-11-29 08:58:19.816853+00	9	3000	KRW	CARD_DECLINED	CUST-003
01a22686-d1c9-76b4-8c81-90b9d0d44713	2	2026-11-29 08:58:19.465893+00	281474976710658	\N	\N	2026-11-29 08:58:19.552276+00	281474976710660	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:19.607361+00	281474976710660	\N	\N	2026-11-29 08:58:19.625154+00	281474976710662	\N	\N	2026-11-29 08:58:19.620258+00	281474976710656	\N	\N	2026-11-29 08:58:19.623959+00	281474976710656	\N	\N	2026-11-29 08:58:19.670232+00	281474976710661	19800	KRW	OUT_OF_STOCK	CUST-004
01a22686-d1ca-7123-acd9-735b976d79fb	2	2026-11-29 08:58:19.46723+00	4	2026-11-29 08:58:19.535563+00	4	\N	\N	2026-11-29 08:58:19.65207+00	3	\N	\N	2026-11-29 08:58:19.703716+00	2	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:19.716255+00	8	\N	\N	1500	KRW	\N	CUST-005
01a22686-d1cc-72f6-9557-b862f14d4bd7	2	2026-11-29 08:58:19.468834+00	562949953421314	2026-11-29 08:58:19.525908+00	562949953421314	\N	\N	2026-11-29 08:58:19.644737+00	562949953421314	\N	\N	\N	\N	2026-11-29 08:58:19.692247+00	562949953421314	2026-11-29 08:58:19.704669+00	562949953421317	2026-11-29 08:58:19.75126+00	562949953421317	\N	\N	2026-11-29 08:58:19.809898+00	562949953421317	\N	\N	\N	\N	2026-11-29 08:58:19.747437+00	562949953421316	\N	\N	2026-11-29 08:58:19.825771+00	562949953421320	3000	KRW	CARRIER_REFUSED	CUST-006
01a22686-d1c4-74dd-a7d5-22fead2c6cff	3	2026-11-29 08:58:19.46132+00	281474976710657	2026-11-29 08:58:19.552251+00	281474976710659	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.517138+00	281474976710664	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.530241+00	281474976710659	\N	\N	\N	\N	4500	KRW	CUSTOMER	CUST-001
01a22686-d1d2-7295-a49d-da17271ca54a	2	2026-11-29 08:58:19.476012+00	844424930131969	2026-11-29 08:58:19.550159+00	844424930131969	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	1500	KRW	\N	CUST-001
01a22686-d1bf-7526-99ca-fd924a8aedb0	2	2026-11-29 08:58:19.456773+00	281474976710656	2026-11-29 08:58:19.513791+00	281474976710658	\N	\N	2026-11-29 08:58:20.274947+00	281474976710657	\N	\N	2026-11-29 08:58:20.282541+00	281474976710657	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:20.294201+00	281474976710662	\N	\N	4500	KRW	\N	CUST-005
01a22686-d1cd-746d-8ad8-b807eb712981	3	2026-11-29 08:58:19.4708+00	281474976710659	2026-11-29 08:58:19.552283+00	281474976710661	\N	\N	2026-11-29 08:58:20.27578+00	281474976710658	\N	\N	2026-11-29 08:58:20.282587+00	281474976710658	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:20.294248+00	281474976710663	\N	\N	4500	KRW	\N	CUST-000
01a22686-d1db-7d04-a75f-34612ab84c6f	3	2026-11-29 08:58:19.483771+00	844424930131970	2026-11-29 08:58:19.550191+00	844424930131970	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.520442+00	844424930131972	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	\N	4500	KRW	CUSTOMER	CUST-003
\.

SELECT pg_catalog.setval('analytics.outbox_seq_seq', 1, false);

SELECT pg_catalog.setval('analytics.parked_decisions_id_seq', 1, false);

SELECT pg_catalog.setval('analytics.parked_id_seq', 1, false);

ALTER TABLE ONLY analytics.counters
    ADD CONSTRAINT counters_pkey PRIMARY KEY (name);

ALTER TABLE ONLY analytics.customer_minutes
    ADD CONSTRAINT customer_minutes_pkey PRIMARY KEY (minute);

ALTER TABLE ONLY analytics.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (customer_id);

ALTER TABLE ONLY analytics.minutes
    ADD CONSTRAINT minutes_pkey PRIMARY KEY (minute);

ALTER TABLE ONLY analytics.open_seconds
    ADD CONSTRAINT open_seconds_pkey PRIMARY KEY (second);

ALTER TABLE ONLY analytics.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY analytics.parked_decisions
    ADD CONSTRAINT parked_decisions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY analytics.parked
    ADD CONSTRAINT parked_pkey PRIMARY KEY (id);

ALTER TABLE ONLY analytics.relay_checkpoint
    ADD CONSTRAINT relay_checkpoint_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY analytics.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (one);

ALTER TABLE ONLY analytics.timelines
    ADD CONSTRAINT timelines_pkey PRIMARY KEY (order_id);

CREATE INDEX outbox_announcements ON analytics.outbox USING btree (topic, seq) WHERE (type = ANY (ARRAY['RecordParked.v1'::text, 'RecordDied.v1'::text]));

CREATE INDEX outbox_order ON analytics.outbox USING brin (order_id);

CREATE INDEX parked_by_due ON analytics.parked USING btree (due_at) WHERE (NOT dead);

CREATE INDEX parked_by_order ON analytics.parked USING btree (order_id, id) WHERE (NOT dead);

CREATE UNIQUE INDEX parked_record ON analytics.parked USING btree (topic, partition, "offset", sha256(key), sha256(value), hashtextextended(headers, (0)::bigint));

GRANT USAGE ON SCHEMA analytics TO auditor;

GRANT SELECT ON TABLE analytics.audit_v1_counters TO auditor;

GRANT SELECT ON TABLE analytics.audit_v1_customers TO auditor;

GRANT SELECT ON TABLE analytics.audit_v1_minutes TO auditor;

GRANT SELECT ON TABLE analytics.audit_v1_outbox TO auditor;

GRANT SELECT ON TABLE analytics.audit_v1_parked TO auditor;

GRANT SELECT ON TABLE analytics.audit_v1_parked_decisions TO auditor;

GRANT SELECT ON TABLE analytics.audit_v1_relay TO auditor;

GRANT SELECT ON TABLE analytics.audit_v1_relay_lanes TO auditor;

GRANT SELECT ON TABLE analytics.audit_v1_timeline TO auditor;

GRANT SELECT ON TABLE analytics.audit_v1_timeline_orders TO auditor;

