
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

CREATE SCHEMA orders;

ALTER SCHEMA orders OWNER TO orders;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE orders.orders (
    order_id uuid NOT NULL,
    version bigint NOT NULL,
    state text NOT NULL,
    reason text,
    answers smallint NOT NULL,
    undone smallint NOT NULL,
    reserved_at timestamp with time zone,
    captured_at timestamp with time zone,
    cancelling_at timestamp with time zone,
    finished_at timestamp with time zone,
    inventory_answered_at timestamp with time zone,
    payment_answered_at timestamp with time zone,
    shipping_answered_at timestamp with time zone,
    recreated_at timestamp with time zone,
    shipment_id uuid,
    placed_at timestamp with time zone NOT NULL,
    customer_id text NOT NULL,
    total bigint NOT NULL,
    currency text NOT NULL,
    body text NOT NULL
)
WITH (fillfactor='28');

ALTER TABLE orders.orders OWNER TO orders;

CREATE VIEW orders.audit_v1_orders AS
 SELECT orders.order_id,
    orders.version,
    orders.state,
    orders.reason,
    orders.answers,
    orders.undone,
    orders.placed_at,
    orders.reserved_at,
    orders.captured_at,
    orders.cancelling_at,
    orders.finished_at,
    orders.shipment_id,
    orders.customer_id,
    orders.total,
    orders.currency,
    orders.body
   FROM orders.orders;

ALTER TABLE orders.audit_v1_orders OWNER TO orders;

CREATE TABLE orders.outbox (
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

ALTER TABLE orders.outbox OWNER TO orders;

CREATE VIEW orders.audit_v1_outbox AS
 SELECT outbox.seq,
    outbox.event_id,
    outbox.order_id,
    outbox.topic,
    outbox.key,
    outbox.type,
    outbox.headers,
    outbox.data,
    outbox.recorded_at
   FROM orders.outbox;

ALTER TABLE orders.audit_v1_outbox OWNER TO orders;

CREATE TABLE orders.parked (
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

ALTER TABLE orders.parked OWNER TO orders;

CREATE VIEW orders.audit_v1_parked AS
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
   FROM orders.parked;

ALTER TABLE orders.audit_v1_parked OWNER TO orders;

CREATE TABLE orders.parked_decisions (
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

ALTER TABLE orders.parked_decisions OWNER TO orders;

CREATE VIEW orders.audit_v1_parked_decisions AS
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
   FROM orders.parked_decisions;

ALTER TABLE orders.audit_v1_parked_decisions OWNER TO orders;

CREATE TABLE orders.relay_checkpoint (
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

ALTER TABLE orders.relay_checkpoint OWNER TO orders;

CREATE VIEW orders.audit_v1_relay AS
 SELECT relay_checkpoint.seq AS checkpoint
   FROM orders.relay_checkpoint
  WHERE (relay_checkpoint.lane = 'saga'::text);

ALTER TABLE orders.audit_v1_relay OWNER TO orders;

CREATE VIEW orders.audit_v1_relay_lanes AS
 SELECT relay_checkpoint.lane,
    relay_checkpoint.seq AS checkpoint,
    relay_checkpoint.topic_id,
    relay_checkpoint.remade_at,
    relay_checkpoint.refused_at,
    relay_checkpoint.refused_seq,
    relay_checkpoint.refused_why,
    relay_checkpoint.refused_error,
    relay_checkpoint.skipped
   FROM orders.relay_checkpoint;

ALTER TABLE orders.audit_v1_relay_lanes OWNER TO orders;

CREATE TABLE orders.idempotency_keys (
    key text NOT NULL COLLATE pg_catalog."C",
    order_id uuid NOT NULL,
    answer text,
    request uuid,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE orders.idempotency_keys OWNER TO orders;

ALTER TABLE orders.outbox ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME orders.outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE orders.parked_decisions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME orders.parked_decisions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE orders.parked ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME orders.parked_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE orders.schema_version (
    one boolean DEFAULT true NOT NULL,
    version text NOT NULL,
    CONSTRAINT schema_version_one_check CHECK (one)
);

ALTER TABLE orders.schema_version OWNER TO orders;

COPY orders.idempotency_keys (key, order_id, answer, request, created_at) FROM stdin;
stored-0	01a22686-d19f-7099-8a2e-74628cb50d60	\N	29a4053f-93fb-5a08-ac91-62eaf738d624	2026-11-29 08:58:19.439762+00
stored-5	01a22686-d1bf-7526-99ca-fd924a8aedb0	\N	8702685c-abcd-5454-a135-05e5d7051078	2026-11-29 08:58:19.455947+00
stored-10	01a22686-d1c7-7cca-89eb-dc71ed95aada	\N	d958b28d-e16f-5dce-90b4-fa260ada91d2	2026-11-29 08:58:19.464153+00
stored-15	01a22686-d1d2-7295-a49d-da17271ca54a	\N	5fd0dddd-744a-5d7e-b351-8ba58d64e5b4	2026-11-29 08:58:19.47555+00
stored-100	01a22686-d9d7-7ae7-8e04-8b694b3bc8e1	\N	728ea6f6-d3b8-58e8-abe7-61df48d4186b	2026-11-29 08:58:21.52813+00
stored-200	01a22686-d9d7-7b63-a7d7-72c8439104a1	\N	117db3ad-a2a0-5223-80dc-e06cfca0b699	2026-11-29 08:58:21.52813+00
stored-300	01a22686-d9d7-76c3-a0bd-cd208dda9c5c	\N	98c13d72-f351-5b01-a4df-3143bf985b86	2026-11-29 08:58:21.52813+00
stored-400	01a22686-d9d7-7f1d-bfa9-40401dea52bc	\N	04fa4e38-1f3a-5dbf-aa4d-38e0435e63b3	2026-11-29 08:58:21.52813+00
stored-105	01a22686-d9fe-74ea-9f36-248bd790ddb0	\N	2daadf69-819b-5fbc-9fee-92cb92054f80	2026-11-29 08:58:21.573375+00
stored-305	01a22686-d9fe-7ff7-b101-7225a21b5585	\N	b8be58e9-c1fb-512b-bdaf-7c6a3c3d0c27	2026-11-29 08:58:21.573375+00
stored-205	01a22686-d9fe-7918-9647-71a0512ba6d3	\N	b2460215-859b-5178-a600-90307a79e9df	2026-11-29 08:58:21.573375+00
stored-405	01a22686-d9fe-7b73-8e18-af810006b32f	\N	e5c5f75f-a831-5dcd-9698-6668b56c4fb3	2026-11-29 08:58:21.573375+00
stored-310	01a22686-da2e-7f16-83ea-935cb33fab21	\N	f9493b36-9276-5f7e-9c17-c56b7d8411b9	2026-11-29 08:58:21.6198+00
stored-210	01a22686-da2e-70bc-8e02-426245289c56	\N	07d81bef-0260-5437-8235-06c77f440fa8	2026-11-29 08:58:21.6198+00
stored-410	01a22686-da2e-7b61-a370-f820d4a778cf	\N	daface18-d6fd-5cb9-9e63-1fc893e85202	2026-11-29 08:58:21.6198+00
stored-110	01a22686-da2e-7836-ace0-d29dd9e63d3a	\N	584387ff-8619-5dfe-9b45-e8e4c284d3b4	2026-11-29 08:58:21.6198+00
\.

COPY orders.orders (order_id, version, state, reason, answers, undone, reserved_at, captured_at, cancelling_at, finished_at, inventory_answered_at, payment_answered_at, shipping_answered_at, recreated_at, shipment_id, placed_at, customer_id, total, currency, body) FROM stdin;
01a22686-d19f-7099-8a2e-74628cb50d60	4	COMPLETED	\N	0	0	2026-11-29 08:58:19.508312+00	2026-11-29 08:58:19.606704+00	\N	2026-11-29 08:58:19.620785+00	\N	\N	\N	\N	01a22686-d24c-7b07-99f9-8de334592eb1	2026-11-29 08:58:19.438021+00	CUST-000	1500	KRW	{"customerId":"CUST-000","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.438021Z"}
01a22686-d1b5-7d50-a7a9-4e47561635c5	5	CANCELLED	CARD_DECLINED	7	1	2026-11-29 08:58:19.533579+00	\N	2026-11-29 08:58:19.63444+00	2026-11-29 08:58:19.732283+00	2026-11-29 08:58:19.68533+00	2026-11-29 08:58:19.732282+00	2026-11-29 08:58:19.685331+00	\N	\N	2026-11-29 08:58:19.445768+00	CUST-001	3000	KRW	{"customerId":"CUST-001","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.445768Z"}
01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	6	CANCELLED	CARRIER_REFUSED	7	3	2026-11-29 08:58:19.550511+00	2026-11-29 08:58:19.669484+00	2026-11-29 08:58:19.68533+00	2026-11-29 08:58:19.784413+00	2026-11-29 08:58:19.723828+00	2026-11-29 08:58:19.784412+00	2026-11-29 08:58:19.723829+00	\N	\N	2026-11-29 08:58:19.453744+00	CUST-004	3000	KRW	{"customerId":"CUST-004","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.453744Z"}
01a22686-d1b8-729e-992b-6b0283c5eba1	4	COMPLETED	\N	0	0	2026-11-29 08:58:19.523597+00	2026-11-29 08:58:19.620785+00	\N	2026-11-29 08:58:19.63444+00	\N	\N	\N	\N	01a22686-d258-7337-a231-186d39e32db5	2026-11-29 08:58:19.448332+00	CUST-002	19800	KRW	{"customerId":"CUST-002","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.448332Z"}
01a22686-d1bb-7dc3-900e-fd7a75b1c63d	4	COMPLETED	\N	0	0	2026-11-29 08:58:19.54002+00	2026-11-29 08:58:19.653518+00	\N	2026-11-29 08:58:19.68533+00	\N	\N	\N	\N	01a22686-d283-7340-8973-bee0f56abb3c	2026-11-29 08:58:19.452033+00	CUST-003	1500	KRW	{"customerId":"CUST-003","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:19.452033Z"}
01a22686-d1bf-7526-99ca-fd924a8aedb0	4	COMPLETED	\N	0	0	2026-11-29 08:58:19.564383+00	2026-11-29 08:58:20.280804+00	\N	2026-11-29 08:58:20.293235+00	\N	\N	\N	\N	01a22686-d4f9-7eca-8080-950bd8178ae5	2026-11-29 08:58:19.455556+00	CUST-005	4500	KRW	{"customerId":"CUST-005","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.455556Z"}
01a22686-d1c3-7c10-914a-18edc82a3ebc	4	CANCELLED	UNKNOWN_PRODUCT	7	0	\N	\N	2026-11-29 08:58:19.57272+00	2026-11-29 08:58:19.642659+00	2026-11-29 08:58:19.642658+00	2026-11-29 08:58:19.629931+00	2026-11-29 08:58:19.62993+00	\N	\N	2026-11-29 08:58:19.459585+00	CUST-000	1	KRW	{"customerId":"CUST-000","currency":"KRW","total":1,"items":[{"productId":"NONE","name":"No","price":1,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.459585Z"}
01a22686-d1c6-7fb5-977d-2bfca4fc391e	4	COMPLETED	\N	0	0	2026-11-29 08:58:19.57272+00	2026-11-29 08:58:19.695011+00	\N	2026-11-29 08:58:19.697414+00	\N	\N	\N	\N	01a22686-d2a6-7b73-8287-3327c961762b	2026-11-29 08:58:19.462399+00	CUST-002	1500	KRW	{"customerId":"CUST-002","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.462399Z"}
01a22686-d1c1-7106-bc93-70ab575ec90b	2	PROCESSING	\N	0	0	2026-11-29 08:58:19.584311+00	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:19.457856+00	CUST-006	1500	KRW	{"customerId":"CUST-006","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.457856Z"}
01a22686-d1c7-7cca-89eb-dc71ed95aada	6	CANCELLED	CARD_DECLINED	7	1	2026-11-29 08:58:19.584311+00	\N	2026-11-29 08:58:19.697414+00	2026-11-29 08:58:19.816207+00	2026-11-29 08:58:19.760463+00	2026-11-29 08:58:19.816206+00	2026-11-29 08:58:19.738374+00	\N	\N	2026-11-29 08:58:19.463835+00	CUST-003	3000	KRW	{"customerId":"CUST-003","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.463835Z"}
01a22686-d1c4-74dd-a7d5-22fead2c6cff	6	CANCELLED	CUSTOMER	7	1	2026-11-29 08:58:19.606704+00	\N	2026-11-29 08:58:21.513883+00	2026-11-29 08:58:21.614791+00	2026-11-29 08:58:21.559172+00	2026-11-29 08:58:21.61479+00	2026-11-29 08:58:21.548554+00	\N	\N	2026-11-29 08:58:19.460993+00	CUST-001	4500	KRW	{"customerId":"CUST-001","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.460993Z"}
01a22686-d1cc-72f6-9557-b862f14d4bd7	7	CANCELLED	CARRIER_REFUSED	7	3	2026-11-29 08:58:19.580229+00	2026-11-29 08:58:19.695011+00	2026-11-29 08:58:19.704225+00	2026-11-29 08:58:19.824771+00	2026-11-29 08:58:19.769211+00	2026-11-29 08:58:19.82477+00	2026-11-29 08:58:19.754389+00	\N	\N	2026-11-29 08:58:19.468504+00	CUST-006	3000	KRW	{"customerId":"CUST-006","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.468504Z"}
01a22686-d1ca-7123-acd9-735b976d79fb	4	COMPLETED	\N	0	0	2026-11-29 08:58:19.584311+00	2026-11-29 08:58:19.704225+00	\N	2026-11-29 08:58:19.715677+00	\N	\N	\N	\N	01a22686-d2b7-74ef-97c5-4476d1b7761f	2026-11-29 08:58:19.466938+00	CUST-005	1500	KRW	{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:19.466938Z"}
01a22686-d1d2-7295-a49d-da17271ca54a	2	PROCESSING	\N	0	0	2026-11-29 08:58:19.598443+00	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:19.474874+00	CUST-001	1500	KRW	{"customerId":"CUST-001","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.474874Z"}
01a22686-d1cd-746d-8ad8-b807eb712981	4	COMPLETED	\N	0	0	2026-11-29 08:58:19.606704+00	2026-11-29 08:58:20.280804+00	\N	2026-11-29 08:58:20.293235+00	\N	\N	\N	\N	01a22686-d4f9-7260-90e9-a8b85ac49bfd	2026-11-29 08:58:19.470119+00	CUST-000	4500	KRW	{"customerId":"CUST-000","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.470119Z"}
01a22686-d1c9-76b4-8c81-90b9d0d44713	5	CANCELLED	OUT_OF_STOCK	7	0	\N	\N	2026-11-29 08:58:19.606704+00	2026-11-29 08:58:19.669485+00	2026-11-29 08:58:19.653518+00	2026-11-29 08:58:19.669484+00	2026-11-29 08:58:19.642658+00	\N	\N	2026-11-29 08:58:19.465518+00	CUST-004	19800	KRW	{"customerId":"CUST-004","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.465518Z"}
01a22686-d9d7-7b63-a7d7-72c8439104a1	2	CANCELLING	OUT_OF_STOCK	0	0	\N	\N	2026-11-29 08:58:21.585645+00	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.52781+00	CUST-004	19800	KRW	{"customerId":"CUST-004","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.527810Z"}
01a22686-d1d6-70a0-aff7-eac662cafdd7	5	CANCELLED	UNKNOWN_PRODUCT	7	0	\N	\N	2026-11-29 08:58:19.620785+00	2026-11-29 08:58:19.685331+00	2026-11-29 08:58:19.669484+00	2026-11-29 08:58:19.68533+00	2026-11-29 08:58:19.653518+00	\N	\N	2026-11-29 08:58:19.478916+00	CUST-002	1	KRW	{"customerId":"CUST-002","currency":"KRW","total":1,"items":[{"productId":"NONE","name":"No","price":1,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.478916Z"}
01a22686-d9d7-7ae7-8e04-8b694b3bc8e1	2	PROCESSING	\N	0	0	2026-11-29 08:58:21.602847+00	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.52781+00	CUST-002	3000	KRW	{"customerId":"CUST-002","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.527810Z"}
01a22686-d1db-7d04-a75f-34612ab84c6f	6	CANCELLED	CUSTOMER	7	1	2026-11-29 08:58:19.598443+00	\N	2026-11-29 08:58:21.519359+00	2026-11-29 08:58:21.633168+00	2026-11-29 08:58:21.568888+00	2026-11-29 08:58:21.633167+00	2026-11-29 08:58:21.559172+00	\N	\N	2026-11-29 08:58:19.483398+00	CUST-003	4500	KRW	{"customerId":"CUST-003","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.483398Z"}
01a22686-d9d7-7f1d-bfa9-40401dea52bc	2	PROCESSING	\N	0	0	2026-11-29 08:58:21.597726+00	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.52781+00	CUST-001	3000	KRW	{"customerId":"CUST-001","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.527810Z"}
01a22686-d9d7-76c3-a0bd-cd208dda9c5c	2	PROCESSING	\N	0	0	2026-11-29 08:58:21.602847+00	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.52781+00	CUST-006	1500	KRW	{"customerId":"CUST-006","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.527810Z"}
01a22686-d9da-7a8f-82ca-2bf05d8058bc	2	CANCELLING	OUT_OF_STOCK	0	0	\N	\N	2026-11-29 08:58:21.633167+00	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.537036+00	CUST-003	19800	KRW	{"customerId":"CUST-003","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.537036Z"}
01a22686-d9db-717b-b929-e1704454a8ff	2	PROCESSING	\N	0	0	2026-11-29 08:58:21.633167+00	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.537036+00	CUST-005	1500	KRW	{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.537036Z"}
01a22686-d9db-71f9-aa3e-ed4c5dc98fb1	2	PROCESSING	\N	0	0	2026-11-29 08:58:21.633167+00	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.537036+00	CUST-000	3000	KRW	{"customerId":"CUST-000","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.537036Z"}
01a22686-d9db-7254-84ea-625e8449728f	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.537036+00	CUST-002	4500	KRW	{"customerId":"CUST-002","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.537036Z"}
01a22686-d9e4-74f5-89d0-199b57411f84	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.547219+00	CUST-003	1500	KRW	{"customerId":"CUST-003","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.547219Z"}
01a22686-d9e4-7ab0-8bfd-309cb063726b	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.547219+00	CUST-006	3000	KRW	{"customerId":"CUST-006","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.547219Z"}
01a22686-d9e5-7c09-b141-33085285fd10	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.547219+00	CUST-001	4500	KRW	{"customerId":"CUST-001","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.547219Z"}
01a22686-d9e5-731f-9613-70e5d908e67f	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.547219+00	CUST-004	1500	KRW	{"customerId":"CUST-004","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.547219Z"}
01a22686-d9ed-79fc-a417-9acbe179f8e4	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.554937+00	CUST-002	1500	KRW	{"customerId":"CUST-002","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.554937Z"}
01a22686-d9ed-7bf2-8306-6b8ee1c23fce	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.554937+00	CUST-005	3000	KRW	{"customerId":"CUST-005","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.554937Z"}
01a22686-d9ef-752d-99f1-7c8be7b951cc	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.554937+00	CUST-000	4500	KRW	{"customerId":"CUST-000","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.554937Z"}
01a22686-d9ef-7eef-ba46-361df345c54b	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.554937+00	CUST-004	1	KRW	{"customerId":"CUST-004","currency":"KRW","total":1,"items":[{"productId":"NONE","name":"No","price":1,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.554937Z"}
01a22686-d9f6-750d-9f6a-b325e13f0b8c	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.563611+00	CUST-005	4500	KRW	{"customerId":"CUST-005","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.563611Z"}
01a22686-d9f6-710a-a385-b3529c054dd7	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.563611+00	CUST-003	1	KRW	{"customerId":"CUST-003","currency":"KRW","total":1,"items":[{"productId":"NONE","name":"No","price":1,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.563611Z"}
01a22686-d9f6-706c-90a0-cbebd6fce4e5	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.563611+00	CUST-006	4500	KRW	{"customerId":"CUST-006","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.563611Z"}
01a22686-d9f6-7255-a0fd-617c2712add4	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.563611+00	CUST-001	1500	KRW	{"customerId":"CUST-001","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.563611Z"}
01a22686-d9fe-74ea-9f36-248bd790ddb0	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.572813+00	CUST-000	1500	KRW	{"customerId":"CUST-000","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.572813Z"}
01a22686-d9fe-7ff7-b101-7225a21b5585	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.572813+00	CUST-004	4500	KRW	{"customerId":"CUST-004","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.572813Z"}
01a22686-d9fe-7918-9647-71a0512ba6d3	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.572813+00	CUST-002	1	KRW	{"customerId":"CUST-002","currency":"KRW","total":1,"items":[{"productId":"NONE","name":"No","price":1,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.572813Z"}
01a22686-d9fe-7b73-8e18-af810006b32f	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.572813+00	CUST-006	1500	KRW	{"customerId":"CUST-006","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.572813Z"}
01a22686-da08-7bee-b9e8-e2cd7f9698e1	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.581756+00	CUST-005	1500	KRW	{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.581756Z"}
01a22686-da08-716f-aae0-fb05dfba580c	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.581756+00	CUST-003	4500	KRW	{"customerId":"CUST-003","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.581756Z"}
01a22686-da08-78dd-bf17-5b4712f20aed	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.581756+00	CUST-000	3000	KRW	{"customerId":"CUST-000","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.581756Z"}
01a22686-da08-7fd0-acbc-a652541409f7	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.581756+00	CUST-001	1	KRW	{"customerId":"CUST-001","currency":"KRW","total":1,"items":[{"productId":"NONE","name":"No","price":1,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.581756Z"}
01a22686-da10-7a1d-966b-64ff43aa9757	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.59019+00	CUST-002	4500	KRW	{"customerId":"CUST-002","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.590190Z"}
01a22686-da10-7c93-bfc9-e6d028ad3316	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.59019+00	CUST-006	3000	KRW	{"customerId":"CUST-006","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.590190Z"}
01a22686-da10-79da-bd1a-2df0a9a1aea8	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.59019+00	CUST-004	1500	KRW	{"customerId":"CUST-004","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.590190Z"}
01a22686-da10-7b78-8ec6-def5be978ba0	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.59019+00	CUST-001	19800	KRW	{"customerId":"CUST-001","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.590190Z"}
01a22686-da1b-7f9d-b6b7-7181f96167da	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.601112+00	CUST-002	1500	KRW	{"customerId":"CUST-002","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.601112Z"}
01a22686-da1b-73b0-b321-8c5ddcb77d9a	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.601112+00	CUST-003	1500	KRW	{"customerId":"CUST-003","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.601112Z"}
01a22686-da1b-75c1-80a2-3e3e0e61706e	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.601112+00	CUST-000	19800	KRW	{"customerId":"CUST-000","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.601112Z"}
01a22686-da1b-7a9c-8317-e0feb613e50e	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.601112+00	CUST-005	3000	KRW	{"customerId":"CUST-005","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.601112Z"}
01a22686-da24-76ed-9d63-fe61cd36f20d	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.609991+00	CUST-006	19800	KRW	{"customerId":"CUST-006","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.609991Z"}
01a22686-da24-72b5-ad6b-ce2d0725f595	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.609991+00	CUST-003	3000	KRW	{"customerId":"CUST-003","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.609991Z"}
01a22686-da24-7eca-a659-426e130cab6f	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.609991+00	CUST-004	3000	KRW	{"customerId":"CUST-004","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.609991Z"}
01a22686-da24-7da5-a031-599812205047	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.609991+00	CUST-001	1500	KRW	{"customerId":"CUST-001","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.609991Z"}
01a22686-da2e-7f16-83ea-935cb33fab21	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.619497+00	CUST-002	3000	KRW	{"customerId":"CUST-002","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.619497Z"}
01a22686-da2e-70bc-8e02-426245289c56	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.619497+00	CUST-000	1500	KRW	{"customerId":"CUST-000","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.619497Z"}
01a22686-da2e-7b61-a370-f820d4a778cf	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.619497+00	CUST-004	4500	KRW	{"customerId":"CUST-004","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.619497Z"}
01a22686-da2e-7836-ace0-d29dd9e63d3a	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.619497+00	CUST-005	19800	KRW	{"customerId":"CUST-005","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.619497Z"}
01a22686-da38-7375-8450-fc990c01435d	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.630197+00	CUST-006	1500	KRW	{"customerId":"CUST-006","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.630197Z"}
01a22686-da38-7b52-b8e4-8fdb4efb2958	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.630197+00	CUST-005	1500	KRW	{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.630197Z"}
01a22686-da38-7b59-8ec0-c1486002f2f2	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.630197+00	CUST-003	4500	KRW	{"customerId":"CUST-003","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.630197Z"}
01a22686-da38-713a-8ebb-3dc50a4ce36d	1	PROCESSING	\N	0	0	\N	\N	\N	\N	\N	\N	\N	\N	\N	2026-11-29 08:58:21.630197+00	CUST-001	3000	KRW	{"customerId":"CUST-001","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.630197Z"}
\.

COPY orders.outbox (seq, event_id, order_id, topic, key, type, headers, data, recorded_at) FROM stdin;
1	01a22686-d1ae-73cd-9919-cf19e2a0a0d0	01a22686-d19f-7099-8a2e-74628cb50d60	order-events	01a22686-d19f-7099-8a2e-74628cb50d60	OrderPlaced.v1	{}	{"orderId":"01a22686-d19f-7099-8a2e-74628cb50d60","order":{"customerId":"CUST-000","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.438021Z"}}	2026-11-29 08:58:19.442958+00
2	01a22686-d1b5-7319-97b3-5c43b8de992c	01a22686-d1b5-7d50-a7a9-4e47561635c5	order-events	01a22686-d1b5-7d50-a7a9-4e47561635c5	OrderPlaced.v1	{}	{"orderId":"01a22686-d1b5-7d50-a7a9-4e47561635c5","order":{"customerId":"CUST-001","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.445768Z"}}	2026-11-29 08:58:19.446472+00
3	01a22686-d1b8-76bf-b97c-4a8cad839ea7	01a22686-d1b8-729e-992b-6b0283c5eba1	order-events	01a22686-d1b8-729e-992b-6b0283c5eba1	OrderPlaced.v1	{}	{"orderId":"01a22686-d1b8-729e-992b-6b0283c5eba1","order":{"customerId":"CUST-002","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.448332Z"}}	2026-11-29 08:58:19.449025+00
4	01a22686-d1bc-7880-be41-56b86cb05420	01a22686-d1bb-7dc3-900e-fd7a75b1c63d	order-events	01a22686-d1bb-7dc3-900e-fd7a75b1c63d	OrderPlaced.v1	{}	{"orderId":"01a22686-d1bb-7dc3-900e-fd7a75b1c63d","order":{"customerId":"CUST-003","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:19.452033Z"}}	2026-11-29 08:58:19.45247+00
5	01a22686-d1bd-7d45-8683-75a8264f7a98	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	order-events	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	OrderPlaced.v1	{}	{"orderId":"01a22686-d1bd-73cd-baf2-e2a56fc8cdd8","order":{"customerId":"CUST-004","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.453744Z"}}	2026-11-29 08:58:19.454256+00
6	01a22686-d1bf-7979-b2c0-700172a8f639	01a22686-d1bf-7526-99ca-fd924a8aedb0	order-events	01a22686-d1bf-7526-99ca-fd924a8aedb0	OrderPlaced.v1	{}	{"orderId":"01a22686-d1bf-7526-99ca-fd924a8aedb0","order":{"customerId":"CUST-005","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.455556Z"}}	2026-11-29 08:58:19.456773+00
7	01a22686-d1c1-7533-b973-f0eb652803bb	01a22686-d1c1-7106-bc93-70ab575ec90b	order-events	01a22686-d1c1-7106-bc93-70ab575ec90b	OrderPlaced.v1	{}	{"orderId":"01a22686-d1c1-7106-bc93-70ab575ec90b","order":{"customerId":"CUST-006","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.457856Z"}}	2026-11-29 08:58:19.458313+00
8	01a22686-d1c3-7295-8a07-c2172675832e	01a22686-d1c3-7c10-914a-18edc82a3ebc	order-events	01a22686-d1c3-7c10-914a-18edc82a3ebc	OrderPlaced.v1	{}	{"orderId":"01a22686-d1c3-7c10-914a-18edc82a3ebc","order":{"customerId":"CUST-000","currency":"KRW","total":1,"items":[{"productId":"NONE","name":"No","price":1,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.459585Z"}}	2026-11-29 08:58:19.459839+00
9	01a22686-d1c4-7429-97a0-7222cd7cd7c5	01a22686-d1c4-74dd-a7d5-22fead2c6cff	order-events	01a22686-d1c4-74dd-a7d5-22fead2c6cff	OrderPlaced.v1	{}	{"orderId":"01a22686-d1c4-74dd-a7d5-22fead2c6cff","order":{"customerId":"CUST-001","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.460993Z"}}	2026-11-29 08:58:19.46132+00
10	01a22686-d1c6-735c-9ba5-e8ab22e75939	01a22686-d1c6-7fb5-977d-2bfca4fc391e	order-events	01a22686-d1c6-7fb5-977d-2bfca4fc391e	OrderPlaced.v1	{}	{"orderId":"01a22686-d1c6-7fb5-977d-2bfca4fc391e","order":{"customerId":"CUST-002","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.462399Z"}}	2026-11-29 08:58:19.46274+00
11	01a22686-d1c7-7ad7-822b-6cecd8594dd8	01a22686-d1c7-7cca-89eb-dc71ed95aada	order-events	01a22686-d1c7-7cca-89eb-dc71ed95aada	OrderPlaced.v1	{}	{"orderId":"01a22686-d1c7-7cca-89eb-dc71ed95aada","order":{"customerId":"CUST-003","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.463835Z"}}	2026-11-29 08:58:19.464536+00
12	01a22686-d1c9-70b5-a291-c05eea57d532	01a22686-d1c9-76b4-8c81-90b9d0d44713	order-events	01a22686-d1c9-76b4-8c81-90b9d0d44713	OrderPlaced.v1	{}	{"orderId":"01a22686-d1c9-76b4-8c81-90b9d0d44713","order":{"customerId":"CUST-004","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.465518Z"}}	2026-11-29 08:58:19.465893+00
13	01a22686-d1ca-79b3-8bec-ee13a9a08ef5	01a22686-d1ca-7123-acd9-735b976d79fb	order-events	01a22686-d1ca-7123-acd9-735b976d79fb	OrderPlaced.v1	{}	{"orderId":"01a22686-d1ca-7123-acd9-735b976d79fb","order":{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:19.466938Z"}}	2026-11-29 08:58:19.46723+00
14	01a22686-d1cc-7e12-af71-9c89fac14bfb	01a22686-d1cc-72f6-9557-b862f14d4bd7	order-events	01a22686-d1cc-72f6-9557-b862f14d4bd7	OrderPlaced.v1	{}	{"orderId":"01a22686-d1cc-72f6-9557-b862f14d4bd7","order":{"customerId":"CUST-006","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.468504Z"}}	2026-11-29 08:58:19.468834+00
15	01a22686-d1ce-76f6-91cd-122364274aa2	01a22686-d1cd-746d-8ad8-b807eb712981	order-events	01a22686-d1cd-746d-8ad8-b807eb712981	OrderPlaced.v1	{}	{"orderId":"01a22686-d1cd-746d-8ad8-b807eb712981","order":{"customerId":"CUST-000","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.470119Z"}}	2026-11-29 08:58:19.4708+00
16	01a22686-d1d2-7178-9b58-751b006d2f4d	01a22686-d1d2-7295-a49d-da17271ca54a	order-events	01a22686-d1d2-7295-a49d-da17271ca54a	OrderPlaced.v1	{}	{"orderId":"01a22686-d1d2-7295-a49d-da17271ca54a","order":{"customerId":"CUST-001","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.474874Z"}}	2026-11-29 08:58:19.476012+00
17	01a22686-d1d6-749b-8ef8-dad5cbb73b5e	01a22686-d1d6-70a0-aff7-eac662cafdd7	order-events	01a22686-d1d6-70a0-aff7-eac662cafdd7	OrderPlaced.v1	{}	{"orderId":"01a22686-d1d6-70a0-aff7-eac662cafdd7","order":{"customerId":"CUST-002","currency":"KRW","total":1,"items":[{"productId":"NONE","name":"No","price":1,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.478916Z"}}	2026-11-29 08:58:19.479321+00
92	01a22686-da41-72a3-a5e9-44c00621f811	01a22686-d9da-7a8f-82ca-2bf05d8058bc	order-events	01a22686-d9da-7a8f-82ca-2bf05d8058bc	CancellationStarted.v1	{}	{"orderId":"01a22686-d9da-7a8f-82ca-2bf05d8058bc","reason":"OUT_OF_STOCK"}	2026-11-29 08:58:21.634607+00
18	01a22686-d1db-725b-a054-be89959d2db5	01a22686-d1db-7d04-a75f-34612ab84c6f	order-events	01a22686-d1db-7d04-a75f-34612ab84c6f	OrderPlaced.v1	{}	{"orderId":"01a22686-d1db-7d04-a75f-34612ab84c6f","order":{"customerId":"CUST-003","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.483398Z"}}	2026-11-29 08:58:19.483771+00
19	01a22686-d234-7fd0-83fd-b4e1dcf08a8c	01a22686-d1c3-7c10-914a-18edc82a3ebc	order-events	01a22686-d1c3-7c10-914a-18edc82a3ebc	CancellationStarted.v1	{}	{"orderId":"01a22686-d1c3-7c10-914a-18edc82a3ebc","reason":"UNKNOWN_PRODUCT"}	2026-11-29 08:58:19.574714+00
20	01a22686-d256-7679-9589-416fb5198c83	01a22686-d1c9-76b4-8c81-90b9d0d44713	order-events	01a22686-d1c9-76b4-8c81-90b9d0d44713	CancellationStarted.v1	{}	{"orderId":"01a22686-d1c9-76b4-8c81-90b9d0d44713","reason":"OUT_OF_STOCK"}	2026-11-29 08:58:19.607361+00
21	01a22686-d264-7cff-8a2d-64085bad3f70	01a22686-d1d6-70a0-aff7-eac662cafdd7	order-events	01a22686-d1d6-70a0-aff7-eac662cafdd7	CancellationStarted.v1	{}	{"orderId":"01a22686-d1d6-70a0-aff7-eac662cafdd7","reason":"UNKNOWN_PRODUCT"}	2026-11-29 08:58:19.621307+00
22	01a22686-d264-7d5c-985e-6290f7817bf5	01a22686-d19f-7099-8a2e-74628cb50d60	order-events	01a22686-d19f-7099-8a2e-74628cb50d60	OrderCompleted.v1	{}	{"orderId":"01a22686-d19f-7099-8a2e-74628cb50d60","customerId":"CUST-000","shipmentId":"01a22686-d24c-7b07-99f9-8de334592eb1","total":1500,"currency":"KRW"}	2026-11-29 08:58:19.621334+00
23	01a22686-d272-785d-9088-dcf37eff226c	01a22686-d1b8-729e-992b-6b0283c5eba1	order-events	01a22686-d1b8-729e-992b-6b0283c5eba1	OrderCompleted.v1	{}	{"orderId":"01a22686-d1b8-729e-992b-6b0283c5eba1","customerId":"CUST-002","shipmentId":"01a22686-d258-7337-a231-186d39e32db5","total":19800,"currency":"KRW"}	2026-11-29 08:58:19.6351+00
24	01a22686-d272-755e-84cd-85d9f5d74e8c	01a22686-d1b5-7d50-a7a9-4e47561635c5	order-events	01a22686-d1b5-7d50-a7a9-4e47561635c5	CancellationStarted.v1	{}	{"orderId":"01a22686-d1b5-7d50-a7a9-4e47561635c5","reason":"CARD_DECLINED"}	2026-11-29 08:58:19.635132+00
25	01a22686-d27a-7417-aecd-8a8b3c1645c1	01a22686-d1c3-7c10-914a-18edc82a3ebc	order-events	01a22686-d1c3-7c10-914a-18edc82a3ebc	OrderCancelled.v1	{}	{"orderId":"01a22686-d1c3-7c10-914a-18edc82a3ebc","customerId":"CUST-000","reason":"UNKNOWN_PRODUCT","total":1,"currency":"KRW","undone":[]}	2026-11-29 08:58:19.64316+00
26	01a22686-d295-7f55-af37-3746dca96e8e	01a22686-d1c9-76b4-8c81-90b9d0d44713	order-events	01a22686-d1c9-76b4-8c81-90b9d0d44713	OrderCancelled.v1	{}	{"orderId":"01a22686-d1c9-76b4-8c81-90b9d0d44713","customerId":"CUST-004","reason":"OUT_OF_STOCK","total":19800,"currency":"KRW","undone":[]}	2026-11-29 08:58:19.670232+00
27	01a22686-d2a5-70bb-9ea6-b372c190bbe1	01a22686-d1bb-7dc3-900e-fd7a75b1c63d	order-events	01a22686-d1bb-7dc3-900e-fd7a75b1c63d	OrderCompleted.v1	{}	{"orderId":"01a22686-d1bb-7dc3-900e-fd7a75b1c63d","customerId":"CUST-003","shipmentId":"01a22686-d283-7340-8973-bee0f56abb3c","total":1500,"currency":"KRW"}	2026-11-29 08:58:19.686253+00
28	01a22686-d2a5-7c36-a390-5f9d52c30049	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	order-events	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	CancellationStarted.v1	{}	{"orderId":"01a22686-d1bd-73cd-baf2-e2a56fc8cdd8","reason":"CARRIER_REFUSED"}	2026-11-29 08:58:19.68629+00
29	01a22686-d2a5-73fd-a40e-52bc95091d0b	01a22686-d1d6-70a0-aff7-eac662cafdd7	order-events	01a22686-d1d6-70a0-aff7-eac662cafdd7	OrderCancelled.v1	{}	{"orderId":"01a22686-d1d6-70a0-aff7-eac662cafdd7","customerId":"CUST-002","reason":"UNKNOWN_PRODUCT","total":1,"currency":"KRW","undone":[]}	2026-11-29 08:58:19.686298+00
30	01a22686-d2b1-7755-814e-2701eee5d647	01a22686-d1c7-7cca-89eb-dc71ed95aada	order-events	01a22686-d1c7-7cca-89eb-dc71ed95aada	CancellationStarted.v1	{}	{"orderId":"01a22686-d1c7-7cca-89eb-dc71ed95aada","reason":"CARD_DECLINED"}	2026-11-29 08:58:19.697944+00
31	01a22686-d2b1-7c95-99ea-23ea51e24f06	01a22686-d1c6-7fb5-977d-2bfca4fc391e	order-events	01a22686-d1c6-7fb5-977d-2bfca4fc391e	OrderCompleted.v1	{}	{"orderId":"01a22686-d1c6-7fb5-977d-2bfca4fc391e","customerId":"CUST-002","shipmentId":"01a22686-d2a6-7b73-8287-3327c961762b","total":1500,"currency":"KRW"}	2026-11-29 08:58:19.69797+00
32	01a22686-d2b8-7427-bf10-9e2ac929f540	01a22686-d1cc-72f6-9557-b862f14d4bd7	order-events	01a22686-d1cc-72f6-9557-b862f14d4bd7	CancellationStarted.v1	{}	{"orderId":"01a22686-d1cc-72f6-9557-b862f14d4bd7","reason":"CARRIER_REFUSED"}	2026-11-29 08:58:19.704669+00
33	01a22686-d2c3-7a22-bde8-6568d829116a	01a22686-d1ca-7123-acd9-735b976d79fb	order-events	01a22686-d1ca-7123-acd9-735b976d79fb	OrderCompleted.v1	{}	{"orderId":"01a22686-d1ca-7123-acd9-735b976d79fb","customerId":"CUST-005","shipmentId":"01a22686-d2b7-74ef-97c5-4476d1b7761f","total":1500,"currency":"KRW"}	2026-11-29 08:58:19.716255+00
34	01a22686-d2d4-7b6c-b906-e8994a356600	01a22686-d1b5-7d50-a7a9-4e47561635c5	order-events	01a22686-d1b5-7d50-a7a9-4e47561635c5	OrderCancelled.v1	{}	{"orderId":"01a22686-d1b5-7d50-a7a9-4e47561635c5","customerId":"CUST-001","reason":"CARD_DECLINED","total":3000,"currency":"KRW","undone":["StockReleased"]}	2026-11-29 08:58:19.732696+00
35	01a22686-d308-7209-b667-2298b28f935b	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	order-events	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	OrderCancelled.v1	{}	{"orderId":"01a22686-d1bd-73cd-baf2-e2a56fc8cdd8","customerId":"CUST-004","reason":"CARRIER_REFUSED","total":3000,"currency":"KRW","undone":["StockReleased","PaymentRefunded"]}	2026-11-29 08:58:19.78509+00
36	01a22686-d328-71b4-be8d-50e4f3b94bba	01a22686-d1c7-7cca-89eb-dc71ed95aada	order-events	01a22686-d1c7-7cca-89eb-dc71ed95aada	OrderCancelled.v1	{}	{"orderId":"01a22686-d1c7-7cca-89eb-dc71ed95aada","customerId":"CUST-003","reason":"CARD_DECLINED","total":3000,"currency":"KRW","undone":["StockReleased"]}	2026-11-29 08:58:19.816853+00
37	01a22686-d330-78d0-bce3-c21b0d73f66b	01a22686-d1cc-72f6-9557-b862f14d4bd7	order-events	01a22686-d1cc-72f6-9557-b862f14d4bd7	OrderCancelled.v1	{}	{"orderId":"01a22686-d1cc-72f6-9557-b862f14d4bd7","customerId":"CUST-006","reason":"CARRIER_REFUSED","total":3000,"currency":"KRW","undone":["StockReleased","PaymentRefunded"]}	2026-11-29 08:58:19.825771+00
38	01a22686-d505-7745-8246-a31361a1bbfb	01a22686-d1bf-7526-99ca-fd924a8aedb0	order-events	01a22686-d1bf-7526-99ca-fd924a8aedb0	OrderCompleted.v1	{}	{"orderId":"01a22686-d1bf-7526-99ca-fd924a8aedb0","customerId":"CUST-005","shipmentId":"01a22686-d4f9-7eca-8080-950bd8178ae5","total":4500,"currency":"KRW"}	2026-11-29 08:58:20.294201+00
39	01a22686-d505-7ae8-a63f-0fb2f1bce244	01a22686-d1cd-746d-8ad8-b807eb712981	order-events	01a22686-d1cd-746d-8ad8-b807eb712981	OrderCompleted.v1	{}	{"orderId":"01a22686-d1cd-746d-8ad8-b807eb712981","customerId":"CUST-000","shipmentId":"01a22686-d4f9-7260-90e9-a8b85ac49bfd","total":4500,"currency":"KRW"}	2026-11-29 08:58:20.294248+00
40	01a22686-d9c9-7ef1-8bd0-f6aa97d54a85	01a22686-d1c4-74dd-a7d5-22fead2c6cff	order-events	01a22686-d1c4-74dd-a7d5-22fead2c6cff	CancellationStarted.v1	{}	{"orderId":"01a22686-d1c4-74dd-a7d5-22fead2c6cff","reason":"CUSTOMER"}	2026-11-29 08:58:21.517138+00
41	01a22686-d9cf-72e9-9f91-feaa0febb906	01a22686-d1db-7d04-a75f-34612ab84c6f	order-events	01a22686-d1db-7d04-a75f-34612ab84c6f	CancellationStarted.v1	{}	{"orderId":"01a22686-d1db-7d04-a75f-34612ab84c6f","reason":"CUSTOMER"}	2026-11-29 08:58:21.520442+00
42	01a22686-d9d7-7ab8-a4bb-631bf249defc	01a22686-d9d7-7ae7-8e04-8b694b3bc8e1	order-events	01a22686-d9d7-7ae7-8e04-8b694b3bc8e1	OrderPlaced.v1	{}	{"orderId":"01a22686-d9d7-7ae7-8e04-8b694b3bc8e1","order":{"customerId":"CUST-002","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.527810Z"}}	2026-11-29 08:58:21.528816+00
43	01a22686-d9d7-778c-aff5-df17ceaf49eb	01a22686-d9d7-7b63-a7d7-72c8439104a1	order-events	01a22686-d9d7-7b63-a7d7-72c8439104a1	OrderPlaced.v1	{}	{"orderId":"01a22686-d9d7-7b63-a7d7-72c8439104a1","order":{"customerId":"CUST-004","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.527810Z"}}	2026-11-29 08:58:21.528857+00
70	01a22686-da11-7377-b88d-a754f4dea1f7	01a22686-d9d7-7b63-a7d7-72c8439104a1	order-events	01a22686-d9d7-7b63-a7d7-72c8439104a1	CancellationStarted.v1	{}	{"orderId":"01a22686-d9d7-7b63-a7d7-72c8439104a1","reason":"OUT_OF_STOCK"}	2026-11-29 08:58:21.586383+00
44	01a22686-d9d7-71e6-9b7e-5df0e27fbf42	01a22686-d9d7-76c3-a0bd-cd208dda9c5c	order-events	01a22686-d9d7-76c3-a0bd-cd208dda9c5c	OrderPlaced.v1	{}	{"orderId":"01a22686-d9d7-76c3-a0bd-cd208dda9c5c","order":{"customerId":"CUST-006","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.527810Z"}}	2026-11-29 08:58:21.528863+00
45	01a22686-d9d7-731c-9df4-1b07684af8ca	01a22686-d9d7-7f1d-bfa9-40401dea52bc	order-events	01a22686-d9d7-7f1d-bfa9-40401dea52bc	OrderPlaced.v1	{}	{"orderId":"01a22686-d9d7-7f1d-bfa9-40401dea52bc","order":{"customerId":"CUST-001","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.527810Z"}}	2026-11-29 08:58:21.528899+00
46	01a22686-d9e1-78e4-9ee6-e38e8313d31a	01a22686-d9da-7a8f-82ca-2bf05d8058bc	order-events	01a22686-d9da-7a8f-82ca-2bf05d8058bc	OrderPlaced.v1	{}	{"orderId":"01a22686-d9da-7a8f-82ca-2bf05d8058bc","order":{"customerId":"CUST-003","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.537036Z"}}	2026-11-29 08:58:21.537577+00
47	01a22686-d9e1-704b-ae51-8359b0e97d39	01a22686-d9db-717b-b929-e1704454a8ff	order-events	01a22686-d9db-717b-b929-e1704454a8ff	OrderPlaced.v1	{}	{"orderId":"01a22686-d9db-717b-b929-e1704454a8ff","order":{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.537036Z"}}	2026-11-29 08:58:21.537617+00
48	01a22686-d9e1-7bba-bd3e-46e29132d2c3	01a22686-d9db-71f9-aa3e-ed4c5dc98fb1	order-events	01a22686-d9db-71f9-aa3e-ed4c5dc98fb1	OrderPlaced.v1	{}	{"orderId":"01a22686-d9db-71f9-aa3e-ed4c5dc98fb1","order":{"customerId":"CUST-000","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.537036Z"}}	2026-11-29 08:58:21.537625+00
49	01a22686-d9e1-7a41-b4b0-5b7ca45c36d0	01a22686-d9db-7254-84ea-625e8449728f	order-events	01a22686-d9db-7254-84ea-625e8449728f	OrderPlaced.v1	{}	{"orderId":"01a22686-d9db-7254-84ea-625e8449728f","order":{"customerId":"CUST-002","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.537036Z"}}	2026-11-29 08:58:21.537633+00
50	01a22686-d9eb-71d8-9d7d-167c643d6b02	01a22686-d9e4-74f5-89d0-199b57411f84	order-events	01a22686-d9e4-74f5-89d0-199b57411f84	OrderPlaced.v1	{}	{"orderId":"01a22686-d9e4-74f5-89d0-199b57411f84","order":{"customerId":"CUST-003","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.547219Z"}}	2026-11-29 08:58:21.548014+00
51	01a22686-d9eb-748b-856a-f4ca560bd11a	01a22686-d9e4-7ab0-8bfd-309cb063726b	order-events	01a22686-d9e4-7ab0-8bfd-309cb063726b	OrderPlaced.v1	{}	{"orderId":"01a22686-d9e4-7ab0-8bfd-309cb063726b","order":{"customerId":"CUST-006","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.547219Z"}}	2026-11-29 08:58:21.548053+00
52	01a22686-d9eb-772e-ac55-243e9963368e	01a22686-d9e5-7c09-b141-33085285fd10	order-events	01a22686-d9e5-7c09-b141-33085285fd10	OrderPlaced.v1	{}	{"orderId":"01a22686-d9e5-7c09-b141-33085285fd10","order":{"customerId":"CUST-001","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.547219Z"}}	2026-11-29 08:58:21.548061+00
53	01a22686-d9eb-76b3-b504-38e57529d4cd	01a22686-d9e5-731f-9613-70e5d908e67f	order-events	01a22686-d9e5-731f-9613-70e5d908e67f	OrderPlaced.v1	{}	{"orderId":"01a22686-d9e5-731f-9613-70e5d908e67f","order":{"customerId":"CUST-004","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.547219Z"}}	2026-11-29 08:58:21.548066+00
54	01a22686-d9f2-757b-8d97-b7990b15526a	01a22686-d9ed-79fc-a417-9acbe179f8e4	order-events	01a22686-d9ed-79fc-a417-9acbe179f8e4	OrderPlaced.v1	{}	{"orderId":"01a22686-d9ed-79fc-a417-9acbe179f8e4","order":{"customerId":"CUST-002","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.554937Z"}}	2026-11-29 08:58:21.555559+00
55	01a22686-d9f2-70a2-b11c-fc19aafd395b	01a22686-d9ed-7bf2-8306-6b8ee1c23fce	order-events	01a22686-d9ed-7bf2-8306-6b8ee1c23fce	OrderPlaced.v1	{}	{"orderId":"01a22686-d9ed-7bf2-8306-6b8ee1c23fce","order":{"customerId":"CUST-005","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.554937Z"}}	2026-11-29 08:58:21.55559+00
56	01a22686-d9f2-7ef3-952c-9ab3e85c592b	01a22686-d9ef-752d-99f1-7c8be7b951cc	order-events	01a22686-d9ef-752d-99f1-7c8be7b951cc	OrderPlaced.v1	{}	{"orderId":"01a22686-d9ef-752d-99f1-7c8be7b951cc","order":{"customerId":"CUST-000","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.554937Z"}}	2026-11-29 08:58:21.555596+00
57	01a22686-d9f2-7b28-873e-5961ce421f04	01a22686-d9ef-7eef-ba46-361df345c54b	order-events	01a22686-d9ef-7eef-ba46-361df345c54b	OrderPlaced.v1	{}	{"orderId":"01a22686-d9ef-7eef-ba46-361df345c54b","order":{"customerId":"CUST-004","currency":"KRW","total":1,"items":[{"productId":"NONE","name":"No","price":1,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.554937Z"}}	2026-11-29 08:58:21.5556+00
58	01a22686-d9fb-731f-a249-e60544b520b6	01a22686-d9f6-750d-9f6a-b325e13f0b8c	order-events	01a22686-d9f6-750d-9f6a-b325e13f0b8c	OrderPlaced.v1	{}	{"orderId":"01a22686-d9f6-750d-9f6a-b325e13f0b8c","order":{"customerId":"CUST-005","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.563611Z"}}	2026-11-29 08:58:21.564082+00
59	01a22686-d9fb-7885-a380-8a9d67c244a4	01a22686-d9f6-710a-a385-b3529c054dd7	order-events	01a22686-d9f6-710a-a385-b3529c054dd7	OrderPlaced.v1	{}	{"orderId":"01a22686-d9f6-710a-a385-b3529c054dd7","order":{"customerId":"CUST-003","currency":"KRW","total":1,"items":[{"productId":"NONE","name":"No","price":1,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.563611Z"}}	2026-11-29 08:58:21.564108+00
60	01a22686-d9fb-76bb-9d38-e9fee09137a7	01a22686-d9f6-706c-90a0-cbebd6fce4e5	order-events	01a22686-d9f6-706c-90a0-cbebd6fce4e5	OrderPlaced.v1	{}	{"orderId":"01a22686-d9f6-706c-90a0-cbebd6fce4e5","order":{"customerId":"CUST-006","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.563611Z"}}	2026-11-29 08:58:21.564113+00
61	01a22686-d9fb-78e2-899d-61328cdc098f	01a22686-d9f6-7255-a0fd-617c2712add4	order-events	01a22686-d9f6-7255-a0fd-617c2712add4	OrderPlaced.v1	{}	{"orderId":"01a22686-d9f6-7255-a0fd-617c2712add4","order":{"customerId":"CUST-001","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.563611Z"}}	2026-11-29 08:58:21.564116+00
62	01a22686-da04-7033-a7fa-c3e1c922a524	01a22686-d9fe-74ea-9f36-248bd790ddb0	order-events	01a22686-d9fe-74ea-9f36-248bd790ddb0	OrderPlaced.v1	{}	{"orderId":"01a22686-d9fe-74ea-9f36-248bd790ddb0","order":{"customerId":"CUST-000","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.572813Z"}}	2026-11-29 08:58:21.57418+00
63	01a22686-da04-74c0-a423-594441e73b99	01a22686-d9fe-7ff7-b101-7225a21b5585	order-events	01a22686-d9fe-7ff7-b101-7225a21b5585	OrderPlaced.v1	{}	{"orderId":"01a22686-d9fe-7ff7-b101-7225a21b5585","order":{"customerId":"CUST-004","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.572813Z"}}	2026-11-29 08:58:21.574204+00
64	01a22686-da04-7939-9e7f-49f6a62bdf3c	01a22686-d9fe-7918-9647-71a0512ba6d3	order-events	01a22686-d9fe-7918-9647-71a0512ba6d3	OrderPlaced.v1	{}	{"orderId":"01a22686-d9fe-7918-9647-71a0512ba6d3","order":{"customerId":"CUST-002","currency":"KRW","total":1,"items":[{"productId":"NONE","name":"No","price":1,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.572813Z"}}	2026-11-29 08:58:21.574209+00
65	01a22686-da04-77aa-a33d-d4948ea50be5	01a22686-d9fe-7b73-8e18-af810006b32f	order-events	01a22686-d9fe-7b73-8e18-af810006b32f	OrderPlaced.v1	{}	{"orderId":"01a22686-d9fe-7b73-8e18-af810006b32f","order":{"customerId":"CUST-006","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.572813Z"}}	2026-11-29 08:58:21.574212+00
66	01a22686-da0d-74db-82a3-f8dd8dd1b0ee	01a22686-da08-7bee-b9e8-e2cd7f9698e1	order-events	01a22686-da08-7bee-b9e8-e2cd7f9698e1	OrderPlaced.v1	{}	{"orderId":"01a22686-da08-7bee-b9e8-e2cd7f9698e1","order":{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.581756Z"}}	2026-11-29 08:58:21.582771+00
67	01a22686-da0d-7e68-88aa-20de7fbeb39e	01a22686-da08-716f-aae0-fb05dfba580c	order-events	01a22686-da08-716f-aae0-fb05dfba580c	OrderPlaced.v1	{}	{"orderId":"01a22686-da08-716f-aae0-fb05dfba580c","order":{"customerId":"CUST-003","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.581756Z"}}	2026-11-29 08:58:21.582801+00
68	01a22686-da0d-7a2d-9643-4508c57644d3	01a22686-da08-78dd-bf17-5b4712f20aed	order-events	01a22686-da08-78dd-bf17-5b4712f20aed	OrderPlaced.v1	{}	{"orderId":"01a22686-da08-78dd-bf17-5b4712f20aed","order":{"customerId":"CUST-000","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.581756Z"}}	2026-11-29 08:58:21.582807+00
69	01a22686-da0d-75c9-b8b1-de62daf7121c	01a22686-da08-7fd0-acbc-a652541409f7	order-events	01a22686-da08-7fd0-acbc-a652541409f7	OrderPlaced.v1	{}	{"orderId":"01a22686-da08-7fd0-acbc-a652541409f7","order":{"customerId":"CUST-001","currency":"KRW","total":1,"items":[{"productId":"NONE","name":"No","price":1,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.581756Z"}}	2026-11-29 08:58:21.58281+00
71	01a22686-da16-7a2d-9cc8-95a78f1819e2	01a22686-da10-7a1d-966b-64ff43aa9757	order-events	01a22686-da10-7a1d-966b-64ff43aa9757	OrderPlaced.v1	{}	{"orderId":"01a22686-da10-7a1d-966b-64ff43aa9757","order":{"customerId":"CUST-002","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.590190Z"}}	2026-11-29 08:58:21.591274+00
72	01a22686-da16-76ab-b7ee-78d1cb562cf6	01a22686-da10-7c93-bfc9-e6d028ad3316	order-events	01a22686-da10-7c93-bfc9-e6d028ad3316	OrderPlaced.v1	{}	{"orderId":"01a22686-da10-7c93-bfc9-e6d028ad3316","order":{"customerId":"CUST-006","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.590190Z"}}	2026-11-29 08:58:21.591309+00
73	01a22686-da16-7ab6-b658-ecf23eb163d0	01a22686-da10-79da-bd1a-2df0a9a1aea8	order-events	01a22686-da10-79da-bd1a-2df0a9a1aea8	OrderPlaced.v1	{}	{"orderId":"01a22686-da10-79da-bd1a-2df0a9a1aea8","order":{"customerId":"CUST-004","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.590190Z"}}	2026-11-29 08:58:21.591314+00
74	01a22686-da16-781e-9462-ba844a77d11e	01a22686-da10-7b78-8ec6-def5be978ba0	order-events	01a22686-da10-7b78-8ec6-def5be978ba0	OrderPlaced.v1	{}	{"orderId":"01a22686-da10-7b78-8ec6-def5be978ba0","order":{"customerId":"CUST-001","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.590190Z"}}	2026-11-29 08:58:21.591318+00
75	01a22686-da21-79e8-a5b9-20fec6fc3fce	01a22686-da1b-7f9d-b6b7-7181f96167da	order-events	01a22686-da1b-7f9d-b6b7-7181f96167da	OrderPlaced.v1	{}	{"orderId":"01a22686-da1b-7f9d-b6b7-7181f96167da","order":{"customerId":"CUST-002","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.601112Z"}}	2026-11-29 08:58:21.601705+00
76	01a22686-da21-7608-897b-1b5be27ef6a7	01a22686-da1b-73b0-b321-8c5ddcb77d9a	order-events	01a22686-da1b-73b0-b321-8c5ddcb77d9a	OrderPlaced.v1	{}	{"orderId":"01a22686-da1b-73b0-b321-8c5ddcb77d9a","order":{"customerId":"CUST-003","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.601112Z"}}	2026-11-29 08:58:21.601729+00
77	01a22686-da21-7f25-877c-538d445d25e1	01a22686-da1b-75c1-80a2-3e3e0e61706e	order-events	01a22686-da1b-75c1-80a2-3e3e0e61706e	OrderPlaced.v1	{}	{"orderId":"01a22686-da1b-75c1-80a2-3e3e0e61706e","order":{"customerId":"CUST-000","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.601112Z"}}	2026-11-29 08:58:21.601734+00
78	01a22686-da21-7459-bf0f-86660feec94b	01a22686-da1b-7a9c-8317-e0feb613e50e	order-events	01a22686-da1b-7a9c-8317-e0feb613e50e	OrderPlaced.v1	{}	{"orderId":"01a22686-da1b-7a9c-8317-e0feb613e50e","order":{"customerId":"CUST-005","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.601112Z"}}	2026-11-29 08:58:21.601737+00
83	01a22686-da2e-709a-9fc5-0ec41aca9b5a	01a22686-d1c4-74dd-a7d5-22fead2c6cff	order-events	01a22686-d1c4-74dd-a7d5-22fead2c6cff	OrderCancelled.v1	{}	{"orderId":"01a22686-d1c4-74dd-a7d5-22fead2c6cff","customerId":"CUST-001","reason":"CUSTOMER","total":4500,"currency":"KRW","undone":["StockReleased"]}	2026-11-29 08:58:21.615455+00
79	01a22686-da29-751f-9af7-6e47fc0a6acb	01a22686-da24-76ed-9d63-fe61cd36f20d	order-events	01a22686-da24-76ed-9d63-fe61cd36f20d	OrderPlaced.v1	{}	{"orderId":"01a22686-da24-76ed-9d63-fe61cd36f20d","order":{"customerId":"CUST-006","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.609991Z"}}	2026-11-29 08:58:21.611636+00
80	01a22686-da29-76db-8187-56bed97c425c	01a22686-da24-72b5-ad6b-ce2d0725f595	order-events	01a22686-da24-72b5-ad6b-ce2d0725f595	OrderPlaced.v1	{}	{"orderId":"01a22686-da24-72b5-ad6b-ce2d0725f595","order":{"customerId":"CUST-003","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.609991Z"}}	2026-11-29 08:58:21.611701+00
81	01a22686-da29-7d15-8b21-546f6ed17555	01a22686-da24-7eca-a659-426e130cab6f	order-events	01a22686-da24-7eca-a659-426e130cab6f	OrderPlaced.v1	{}	{"orderId":"01a22686-da24-7eca-a659-426e130cab6f","order":{"customerId":"CUST-004","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.609991Z"}}	2026-11-29 08:58:21.611707+00
82	01a22686-da29-73bb-9a68-bd48cb229e5d	01a22686-da24-7da5-a031-599812205047	order-events	01a22686-da24-7da5-a031-599812205047	OrderPlaced.v1	{}	{"orderId":"01a22686-da24-7da5-a031-599812205047","order":{"customerId":"CUST-001","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.609991Z"}}	2026-11-29 08:58:21.611711+00
84	01a22686-da33-7067-879d-53d4689adaae	01a22686-da2e-7f16-83ea-935cb33fab21	order-events	01a22686-da2e-7f16-83ea-935cb33fab21	OrderPlaced.v1	{}	{"orderId":"01a22686-da2e-7f16-83ea-935cb33fab21","order":{"customerId":"CUST-002","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.619497Z"}}	2026-11-29 08:58:21.622634+00
85	01a22686-da33-7cb6-a091-1943c8084747	01a22686-da2e-70bc-8e02-426245289c56	order-events	01a22686-da2e-70bc-8e02-426245289c56	OrderPlaced.v1	{}	{"orderId":"01a22686-da2e-70bc-8e02-426245289c56","order":{"customerId":"CUST-000","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.619497Z"}}	2026-11-29 08:58:21.622658+00
86	01a22686-da33-7b96-a0b0-483543f3454d	01a22686-da2e-7b61-a370-f820d4a778cf	order-events	01a22686-da2e-7b61-a370-f820d4a778cf	OrderPlaced.v1	{}	{"orderId":"01a22686-da2e-7b61-a370-f820d4a778cf","order":{"customerId":"CUST-004","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.619497Z"}}	2026-11-29 08:58:21.622662+00
87	01a22686-da33-7394-8436-20c5b9404fd8	01a22686-da2e-7836-ace0-d29dd9e63d3a	order-events	01a22686-da2e-7836-ace0-d29dd9e63d3a	OrderPlaced.v1	{}	{"orderId":"01a22686-da2e-7836-ace0-d29dd9e63d3a","order":{"customerId":"CUST-005","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.619497Z"}}	2026-11-29 08:58:21.622665+00
88	01a22686-da3e-73fe-98d2-d19ca53364ef	01a22686-da38-7375-8450-fc990c01435d	order-events	01a22686-da38-7375-8450-fc990c01435d	OrderPlaced.v1	{}	{"orderId":"01a22686-da38-7375-8450-fc990c01435d","order":{"customerId":"CUST-006","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.630197Z"}}	2026-11-29 08:58:21.630617+00
89	01a22686-da3e-7eeb-bd31-15d27e128c3d	01a22686-da38-7b52-b8e4-8fdb4efb2958	order-events	01a22686-da38-7b52-b8e4-8fdb4efb2958	OrderPlaced.v1	{}	{"orderId":"01a22686-da38-7b52-b8e4-8fdb4efb2958","order":{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.630197Z"}}	2026-11-29 08:58:21.63064+00
90	01a22686-da3e-77ba-8846-185a4575bbc8	01a22686-da38-7b59-8ec0-c1486002f2f2	order-events	01a22686-da38-7b59-8ec0-c1486002f2f2	OrderPlaced.v1	{}	{"orderId":"01a22686-da38-7b59-8ec0-c1486002f2f2","order":{"customerId":"CUST-003","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.630197Z"}}	2026-11-29 08:58:21.630645+00
91	01a22686-da3e-7a7b-a69a-d3ed5d6e9c37	01a22686-da38-713a-8ebb-3dc50a4ce36d	order-events	01a22686-da38-713a-8ebb-3dc50a4ce36d	OrderPlaced.v1	{}	{"orderId":"01a22686-da38-713a-8ebb-3dc50a4ce36d","order":{"customerId":"CUST-001","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.630197Z"}}	2026-11-29 08:58:21.630648+00
93	01a22686-da41-7d8c-97d3-f82880740bf9	01a22686-d1db-7d04-a75f-34612ab84c6f	order-events	01a22686-d1db-7d04-a75f-34612ab84c6f	OrderCancelled.v1	{}	{"orderId":"01a22686-d1db-7d04-a75f-34612ab84c6f","customerId":"CUST-003","reason":"CUSTOMER","total":4500,"currency":"KRW","undone":["StockReleased"]}	2026-11-29 08:58:21.634637+00
\.

COPY orders.parked (id, topic, partition, "offset", order_id, ce_id, key, headers, value, attempts, due_at, dead, blocks, error, parked_at) FROM stdin;
\.

COPY orders.parked_decisions (id, decided_at, decision, decided_by, reason, parked_id, topic, partition, "offset", order_id, ce_id, error, parked_at, key, headers, value) FROM stdin;
\.

COPY orders.relay_checkpoint (lane, seq, republished, topic_id, remade_at, refused_at, refused_seq, refused_why, refused_error, skipped) FROM stdin;
saga	39	0	d5b0dd7ddab441c08d28769faae2f6eb	\N	\N	\N	\N	\N	0
\.

COPY orders.schema_version (one, version) FROM stdin;
t	651e9574c541d512
\.

SELECT pg_catalog.setval('orders.outbox_seq_seq', 93, true);

SELECT pg_catalog.setval('orders.parked_decisions_id_seq', 1, false);

SELECT pg_catalog.setval('orders.parked_id_seq', 1, false);

ALTER TABLE ONLY orders.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (key);

ALTER TABLE ONLY orders.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (order_id);

ALTER TABLE ONLY orders.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY orders.parked_decisions
    ADD CONSTRAINT parked_decisions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY orders.parked
    ADD CONSTRAINT parked_pkey PRIMARY KEY (id);

ALTER TABLE ONLY orders.relay_checkpoint
    ADD CONSTRAINT relay_checkpoint_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY orders.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (one);

CREATE INDEX idempotency_keys_by_age ON orders.idempotency_keys USING btree (created_at);

CREATE INDEX orders_by_customer ON orders.orders USING btree (customer_id, order_id);

CREATE INDEX outbox_announcements ON orders.outbox USING btree (topic, seq) WHERE (type = ANY (ARRAY['RecordParked.v1'::text, 'RecordDied.v1'::text]));

CREATE INDEX outbox_order ON orders.outbox USING brin (order_id);

CREATE INDEX parked_by_due ON orders.parked USING btree (due_at) WHERE (NOT dead);

CREATE INDEX parked_by_order ON orders.parked USING btree (order_id, id) WHERE (NOT dead);

CREATE UNIQUE INDEX parked_record ON orders.parked USING btree (topic, partition, "offset", sha256(key), sha256(value), hashtextextended(headers, (0)::bigint));

GRANT USAGE ON SCHEMA orders TO auditor;

GRANT SELECT ON TABLE orders.audit_v1_orders TO auditor;

GRANT SELECT ON TABLE orders.audit_v1_outbox TO auditor;

GRANT SELECT ON TABLE orders.audit_v1_parked TO auditor;

GRANT SELECT ON TABLE orders.audit_v1_parked_decisions TO auditor;

GRANT SELECT ON TABLE orders.audit_v1_relay TO auditor;

GRANT SELECT ON TABLE orders.audit_v1_relay_lanes TO auditor;

