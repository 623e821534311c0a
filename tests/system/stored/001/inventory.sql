
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

CREATE SCHEMA inventory;

ALTER SCHEMA inventory OWNER TO inventory;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE inventory.adjustments (
    key text NOT NULL COLLATE pg_catalog."C",
    product_id text NOT NULL COLLATE pg_catalog."C",
    change bigint NOT NULL,
    reason text NOT NULL,
    verdict text NOT NULL,
    free bigint NOT NULL,
    decided_at timestamp with time zone NOT NULL
);

ALTER TABLE inventory.adjustments OWNER TO inventory;

CREATE VIEW inventory.audit_v1_adjustments AS
 SELECT adjustments.key,
    adjustments.product_id,
    adjustments.change,
    adjustments.reason,
    adjustments.verdict,
    adjustments.free,
    adjustments.decided_at
   FROM inventory.adjustments;

ALTER TABLE inventory.audit_v1_adjustments OWNER TO inventory;

CREATE TABLE inventory.outbox (
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

ALTER TABLE inventory.outbox OWNER TO inventory;

CREATE VIEW inventory.audit_v1_outbox AS
 SELECT outbox.seq,
    outbox.event_id,
    outbox.order_id,
    outbox.topic,
    outbox.key,
    outbox.type,
    outbox.headers,
    outbox.data,
    outbox.recorded_at
   FROM inventory.outbox;

ALTER TABLE inventory.audit_v1_outbox OWNER TO inventory;

CREATE TABLE inventory.parked (
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

ALTER TABLE inventory.parked OWNER TO inventory;

CREATE VIEW inventory.audit_v1_parked AS
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
   FROM inventory.parked;

ALTER TABLE inventory.audit_v1_parked OWNER TO inventory;

CREATE TABLE inventory.parked_decisions (
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

ALTER TABLE inventory.parked_decisions OWNER TO inventory;

CREATE VIEW inventory.audit_v1_parked_decisions AS
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
   FROM inventory.parked_decisions;

ALTER TABLE inventory.audit_v1_parked_decisions OWNER TO inventory;

CREATE TABLE inventory.relay_checkpoint (
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

ALTER TABLE inventory.relay_checkpoint OWNER TO inventory;

CREATE VIEW inventory.audit_v1_relay AS
 SELECT relay_checkpoint.seq AS checkpoint
   FROM inventory.relay_checkpoint
  WHERE (relay_checkpoint.lane = 'saga'::text);

ALTER TABLE inventory.audit_v1_relay OWNER TO inventory;

CREATE VIEW inventory.audit_v1_relay_lanes AS
 SELECT relay_checkpoint.lane,
    relay_checkpoint.seq AS checkpoint,
    relay_checkpoint.topic_id,
    relay_checkpoint.remade_at,
    relay_checkpoint.refused_at,
    relay_checkpoint.refused_seq,
    relay_checkpoint.refused_why,
    relay_checkpoint.refused_error,
    relay_checkpoint.skipped
   FROM inventory.relay_checkpoint;

ALTER TABLE inventory.audit_v1_relay_lanes OWNER TO inventory;

CREATE TABLE inventory.reservations (
    order_id uuid NOT NULL,
    version bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    reserved_at timestamp with time zone,
    reason text,
    items text NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE inventory.reservations OWNER TO inventory;

CREATE VIEW inventory.audit_v1_reservations AS
 SELECT reservations.order_id,
    reservations.version,
    reservations.state,
    reservations.reason,
    reservations.items,
    reservations.reserved_at,
    reservations.updated_at
   FROM inventory.reservations;

ALTER TABLE inventory.audit_v1_reservations OWNER TO inventory;

CREATE TABLE inventory.products (
    product_id text NOT NULL COLLATE pg_catalog."C",
    free bigint NOT NULL,
    reserved bigint NOT NULL,
    sold bigint NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    price bigint NOT NULL,
    currency text NOT NULL,
    name text NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    CONSTRAINT products_free_check CHECK ((free >= 0)),
    CONSTRAINT products_price_check CHECK ((price >= 0)),
    CONSTRAINT products_reserved_check CHECK ((reserved >= 0)),
    CONSTRAINT products_sold_check CHECK ((sold >= 0))
)
WITH (fillfactor='50');

ALTER TABLE inventory.products OWNER TO inventory;

CREATE VIEW inventory.audit_v1_stock AS
 SELECT products.product_id,
    products.name,
    products.price,
    products.currency,
    products.free,
    products.reserved,
    products.sold,
    products.updated_at
   FROM inventory.products;

ALTER TABLE inventory.audit_v1_stock OWNER TO inventory;

ALTER TABLE inventory.outbox ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME inventory.outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE inventory.parked_decisions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME inventory.parked_decisions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE inventory.parked ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME inventory.parked_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE inventory.schema_version (
    one boolean DEFAULT true NOT NULL,
    version text NOT NULL,
    CONSTRAINT schema_version_one_check CHECK (one)
);

ALTER TABLE inventory.schema_version OWNER TO inventory;

COPY inventory.adjustments (key, product_id, change, reason, verdict, free, decided_at) FROM stdin;
\.

COPY inventory.outbox (seq, event_id, order_id, topic, key, type, headers, data, recorded_at) FROM stdin;
1	01a22686-c5d8-766d-b97e-343e772379d2	\N	inventory-events	ITEM-001	StockAdjusted.v1	{}	{"productId":"ITEM-001","name":"Laptop","price":1500,"currency":"KRW","change":500}	2026-11-29 08:58:16.412633+00
2	01a22686-c5e0-7753-bdf5-1089a2d10377	\N	inventory-events	ITEM-002	StockAdjusted.v1	{}	{"productId":"ITEM-002","name":"Lamp","price":700,"currency":"KRW","change":500}	2026-11-29 08:58:16.417513+00
3	01a22686-c5e3-788d-b161-76f2b71b2a67	\N	inventory-events	ITEM-003	StockAdjusted.v1	{}	{"productId":"ITEM-003","name":"Chair","price":9900,"currency":"KRW","change":3}	2026-11-29 08:58:16.420783+00
4	01a22686-d1e0-7a48-9282-f6b981c7fa3c	01a22686-d19f-7099-8a2e-74628cb50d60	inventory-events	01a22686-d19f-7099-8a2e-74628cb50d60	StockReserved.v1	{}	{"orderId":"01a22686-d19f-7099-8a2e-74628cb50d60","order":{"customerId":"CUST-000","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.438021Z"}}	2026-11-29 08:58:19.492734+00
5	01a22686-d1e8-7a6c-9c94-8ae4f804815a	01a22686-d1b5-7d50-a7a9-4e47561635c5	inventory-events	01a22686-d1b5-7d50-a7a9-4e47561635c5	StockReserved.v1	{}	{"orderId":"01a22686-d1b5-7d50-a7a9-4e47561635c5","order":{"customerId":"CUST-001","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.445768Z"}}	2026-11-29 08:58:19.497249+00
6	01a22686-d1e8-7cb3-94fc-55ccae72f13a	01a22686-d1b8-729e-992b-6b0283c5eba1	inventory-events	01a22686-d1b8-729e-992b-6b0283c5eba1	StockReserved.v1	{}	{"orderId":"01a22686-d1b8-729e-992b-6b0283c5eba1","order":{"customerId":"CUST-002","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.448332Z"}}	2026-11-29 08:58:19.497307+00
7	01a22686-d1ea-7829-8c05-c8c9d232b515	01a22686-d1bb-7dc3-900e-fd7a75b1c63d	inventory-events	01a22686-d1bb-7dc3-900e-fd7a75b1c63d	StockReserved.v1	{}	{"orderId":"01a22686-d1bb-7dc3-900e-fd7a75b1c63d","order":{"customerId":"CUST-003","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:19.452033Z"}}	2026-11-29 08:58:19.498886+00
8	01a22686-d1f4-785b-8514-a0e85c29d53c	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	inventory-events	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	StockReserved.v1	{}	{"orderId":"01a22686-d1bd-73cd-baf2-e2a56fc8cdd8","order":{"customerId":"CUST-004","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.453744Z"}}	2026-11-29 08:58:19.511065+00
9	01a22686-d1f8-7a43-9b5c-29fea2b52a1b	01a22686-d1bf-7526-99ca-fd924a8aedb0	inventory-events	01a22686-d1bf-7526-99ca-fd924a8aedb0	StockReserved.v1	{}	{"orderId":"01a22686-d1bf-7526-99ca-fd924a8aedb0","order":{"customerId":"CUST-005","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.455556Z"}}	2026-11-29 08:58:19.513791+00
10	01a22686-d1fd-7868-9913-380131d75a4a	01a22686-d1c3-7c10-914a-18edc82a3ebc	inventory-events	01a22686-d1c3-7c10-914a-18edc82a3ebc	StockRejected.v1	{}	{"orderId":"01a22686-d1c3-7c10-914a-18edc82a3ebc","reason":"UNKNOWN_PRODUCT","productId":"NONE"}	2026-11-29 08:58:19.519515+00
11	01a22686-d1fd-73b1-9bdd-2dbcdd798e49	01a22686-d1c6-7fb5-977d-2bfca4fc391e	inventory-events	01a22686-d1c6-7fb5-977d-2bfca4fc391e	StockReserved.v1	{}	{"orderId":"01a22686-d1c6-7fb5-977d-2bfca4fc391e","order":{"customerId":"CUST-002","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.462399Z"}}	2026-11-29 08:58:19.519547+00
12	01a22686-d205-7325-b487-cc6eaafaf014	01a22686-d1cc-72f6-9557-b862f14d4bd7	inventory-events	01a22686-d1cc-72f6-9557-b862f14d4bd7	StockReserved.v1	{}	{"orderId":"01a22686-d1cc-72f6-9557-b862f14d4bd7","order":{"customerId":"CUST-006","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.468504Z"}}	2026-11-29 08:58:19.525908+00
13	01a22686-d20e-7982-9850-5f1d22d12327	01a22686-d1c1-7106-bc93-70ab575ec90b	inventory-events	01a22686-d1c1-7106-bc93-70ab575ec90b	StockReserved.v1	{}	{"orderId":"01a22686-d1c1-7106-bc93-70ab575ec90b","order":{"customerId":"CUST-006","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.457856Z"}}	2026-11-29 08:58:19.535529+00
14	01a22686-d20e-7a1a-9fc4-35e0bc0ce42a	01a22686-d1c7-7cca-89eb-dc71ed95aada	inventory-events	01a22686-d1c7-7cca-89eb-dc71ed95aada	StockReserved.v1	{}	{"orderId":"01a22686-d1c7-7cca-89eb-dc71ed95aada","order":{"customerId":"CUST-003","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.463835Z"}}	2026-11-29 08:58:19.535556+00
15	01a22686-d20e-73c5-b6ed-00dab9f4bbc2	01a22686-d1ca-7123-acd9-735b976d79fb	inventory-events	01a22686-d1ca-7123-acd9-735b976d79fb	StockReserved.v1	{}	{"orderId":"01a22686-d1ca-7123-acd9-735b976d79fb","order":{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:19.466938Z"}}	2026-11-29 08:58:19.535563+00
16	01a22686-d21d-7d4c-86e1-cc3a22aeba8e	01a22686-d1d2-7295-a49d-da17271ca54a	inventory-events	01a22686-d1d2-7295-a49d-da17271ca54a	StockReserved.v1	{}	{"orderId":"01a22686-d1d2-7295-a49d-da17271ca54a","order":{"customerId":"CUST-001","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.474874Z"}}	2026-11-29 08:58:19.550159+00
17	01a22686-d21d-7ee7-aa50-fed1fdc83fb8	01a22686-d1db-7d04-a75f-34612ab84c6f	inventory-events	01a22686-d1db-7d04-a75f-34612ab84c6f	StockReserved.v1	{}	{"orderId":"01a22686-d1db-7d04-a75f-34612ab84c6f","order":{"customerId":"CUST-003","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.483398Z"}}	2026-11-29 08:58:19.550191+00
18	01a22686-d21f-783e-8bbd-533f92bdfb8b	01a22686-d1c4-74dd-a7d5-22fead2c6cff	inventory-events	01a22686-d1c4-74dd-a7d5-22fead2c6cff	StockReserved.v1	{}	{"orderId":"01a22686-d1c4-74dd-a7d5-22fead2c6cff","order":{"customerId":"CUST-001","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.460993Z"}}	2026-11-29 08:58:19.552251+00
19	01a22686-d21f-7a17-99b7-19cbaacd9899	01a22686-d1c9-76b4-8c81-90b9d0d44713	inventory-events	01a22686-d1c9-76b4-8c81-90b9d0d44713	StockRejected.v1	{}	{"orderId":"01a22686-d1c9-76b4-8c81-90b9d0d44713","reason":"OUT_OF_STOCK","productId":"ITEM-003"}	2026-11-29 08:58:19.552276+00
20	01a22686-d21f-799f-8599-56e8a4f9d5d4	01a22686-d1cd-746d-8ad8-b807eb712981	inventory-events	01a22686-d1cd-746d-8ad8-b807eb712981	StockReserved.v1	{}	{"orderId":"01a22686-d1cd-746d-8ad8-b807eb712981","order":{"customerId":"CUST-000","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.470119Z"}}	2026-11-29 08:58:19.552283+00
21	01a22686-d231-7d25-8952-c81d2f3c7e4f	01a22686-d1d6-70a0-aff7-eac662cafdd7	inventory-events	01a22686-d1d6-70a0-aff7-eac662cafdd7	StockRejected.v1	{}	{"orderId":"01a22686-d1d6-70a0-aff7-eac662cafdd7","reason":"UNKNOWN_PRODUCT","productId":"NONE"}	2026-11-29 08:58:19.569417+00
22	01a22686-d259-7ecc-a6c3-7f859d5dbb8a	01a22686-d1c3-7c10-914a-18edc82a3ebc	inventory-events	01a22686-d1c3-7c10-914a-18edc82a3ebc	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1c3-7c10-914a-18edc82a3ebc","participant":"inventory"}	2026-11-29 08:58:19.611805+00
23	01a22686-d268-728d-a6ff-55fd49d5963b	01a22686-d1c9-76b4-8c81-90b9d0d44713	inventory-events	01a22686-d1c9-76b4-8c81-90b9d0d44713	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1c9-76b4-8c81-90b9d0d44713","participant":"inventory"}	2026-11-29 08:58:19.625154+00
24	01a22686-d274-7119-8f01-842d624c1c3b	01a22686-d1d6-70a0-aff7-eac662cafdd7	inventory-events	01a22686-d1d6-70a0-aff7-eac662cafdd7	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1d6-70a0-aff7-eac662cafdd7","participant":"inventory"}	2026-11-29 08:58:19.636888+00
25	01a22686-d286-7940-a21b-d45787a7ee29	01a22686-d1b5-7d50-a7a9-4e47561635c5	inventory-events	01a22686-d1b5-7d50-a7a9-4e47561635c5	StockReleased.v1	{}	{"orderId":"01a22686-d1b5-7d50-a7a9-4e47561635c5"}	2026-11-29 08:58:19.655419+00
26	01a22686-d2b9-78fe-9fc9-b83d253f2967	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	inventory-events	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	StockReleased.v1	{}	{"orderId":"01a22686-d1bd-73cd-baf2-e2a56fc8cdd8"}	2026-11-29 08:58:19.705842+00
27	01a22686-d2dd-74dc-ba30-dc9434469ab1	01a22686-d1c7-7cca-89eb-dc71ed95aada	inventory-events	01a22686-d1c7-7cca-89eb-dc71ed95aada	StockReleased.v1	{}	{"orderId":"01a22686-d1c7-7cca-89eb-dc71ed95aada"}	2026-11-29 08:58:19.744879+00
28	01a22686-d2e6-74d3-858b-0eb29ae89588	01a22686-d1cc-72f6-9557-b862f14d4bd7	inventory-events	01a22686-d1cc-72f6-9557-b862f14d4bd7	StockReleased.v1	{}	{"orderId":"01a22686-d1cc-72f6-9557-b862f14d4bd7"}	2026-11-29 08:58:19.75126+00
29	01a22686-d9da-7f71-a0f5-4835d4efca67	01a22686-d1c4-74dd-a7d5-22fead2c6cff	inventory-events	01a22686-d1c4-74dd-a7d5-22fead2c6cff	StockReleased.v1	{}	{"orderId":"01a22686-d1c4-74dd-a7d5-22fead2c6cff"}	2026-11-29 08:58:21.531219+00
30	01a22686-d9f4-73c2-9d2d-6bc5eff2f20a	01a22686-d1db-7d04-a75f-34612ab84c6f	inventory-events	01a22686-d1db-7d04-a75f-34612ab84c6f	StockReleased.v1	{}	{"orderId":"01a22686-d1db-7d04-a75f-34612ab84c6f"}	2026-11-29 08:58:21.557549+00
31	01a22686-da00-7759-82e7-06426dfa74ed	01a22686-d9d7-7f1d-bfa9-40401dea52bc	inventory-events	01a22686-d9d7-7f1d-bfa9-40401dea52bc	StockReserved.v1	{}	{"orderId":"01a22686-d9d7-7f1d-bfa9-40401dea52bc","order":{"customerId":"CUST-001","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.527810Z"}}	2026-11-29 08:58:21.572968+00
32	01a22686-da00-7035-b487-a7f726f91ecb	01a22686-d9d7-7b63-a7d7-72c8439104a1	inventory-events	01a22686-d9d7-7b63-a7d7-72c8439104a1	StockRejected.v1	{}	{"orderId":"01a22686-d9d7-7b63-a7d7-72c8439104a1","reason":"OUT_OF_STOCK","productId":"ITEM-003"}	2026-11-29 08:58:21.573005+00
33	01a22686-da0c-7401-bca2-12a5d15d8ca6	01a22686-d9d7-76c3-a0bd-cd208dda9c5c	inventory-events	01a22686-d9d7-76c3-a0bd-cd208dda9c5c	StockReserved.v1	{}	{"orderId":"01a22686-d9d7-76c3-a0bd-cd208dda9c5c","order":{"customerId":"CUST-006","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.527810Z"}}	2026-11-29 08:58:21.581427+00
34	01a22686-da13-7e27-b7bd-1ba46e53ab59	01a22686-d9d7-7ae7-8e04-8b694b3bc8e1	inventory-events	01a22686-d9d7-7ae7-8e04-8b694b3bc8e1	StockReserved.v1	{}	{"orderId":"01a22686-d9d7-7ae7-8e04-8b694b3bc8e1","order":{"customerId":"CUST-002","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.527810Z"}}	2026-11-29 08:58:21.588565+00
35	01a22686-da1f-7099-a244-72a7fd7a1551	01a22686-d9da-7a8f-82ca-2bf05d8058bc	inventory-events	01a22686-d9da-7a8f-82ca-2bf05d8058bc	StockRejected.v1	{}	{"orderId":"01a22686-d9da-7a8f-82ca-2bf05d8058bc","reason":"OUT_OF_STOCK","productId":"ITEM-003"}	2026-11-29 08:58:21.601002+00
36	01a22686-da1f-7534-8528-a0eb5edf6241	01a22686-d9db-717b-b929-e1704454a8ff	inventory-events	01a22686-d9db-717b-b929-e1704454a8ff	StockReserved.v1	{}	{"orderId":"01a22686-d9db-717b-b929-e1704454a8ff","order":{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.537036Z"}}	2026-11-29 08:58:21.601035+00
37	01a22686-da2b-7ebf-a38f-2253ab3da09f	01a22686-d9db-71f9-aa3e-ed4c5dc98fb1	inventory-events	01a22686-d9db-71f9-aa3e-ed4c5dc98fb1	StockReserved.v1	{}	{"orderId":"01a22686-d9db-71f9-aa3e-ed4c5dc98fb1","order":{"customerId":"CUST-000","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.537036Z"}}	2026-11-29 08:58:21.612389+00
38	01a22686-da3a-77ec-a6b8-96eb0e8b2970	01a22686-d9db-7254-84ea-625e8449728f	inventory-events	01a22686-d9db-7254-84ea-625e8449728f	StockReserved.v1	{}	{"orderId":"01a22686-d9db-7254-84ea-625e8449728f","order":{"customerId":"CUST-002","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.537036Z"}}	2026-11-29 08:58:21.627481+00
39	01a22686-da3a-7796-8b40-4a4e09c5d7e6	01a22686-d9e4-7ab0-8bfd-309cb063726b	inventory-events	01a22686-d9e4-7ab0-8bfd-309cb063726b	StockReserved.v1	{}	{"orderId":"01a22686-d9e4-7ab0-8bfd-309cb063726b","order":{"customerId":"CUST-006","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.547219Z"}}	2026-11-29 08:58:21.627509+00
40	01a22686-da41-7e59-a606-9436552c7170	01a22686-d9e5-7c09-b141-33085285fd10	inventory-events	01a22686-d9e5-7c09-b141-33085285fd10	StockReserved.v1	{}	{"orderId":"01a22686-d9e5-7c09-b141-33085285fd10","order":{"customerId":"CUST-001","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.547219Z"}}	2026-11-29 08:58:21.63388+00
41	01a22686-da41-7660-9104-6e99d78e62bc	01a22686-d9ef-7eef-ba46-361df345c54b	inventory-events	01a22686-d9ef-7eef-ba46-361df345c54b	StockRejected.v1	{}	{"orderId":"01a22686-d9ef-7eef-ba46-361df345c54b","reason":"UNKNOWN_PRODUCT","productId":"NONE"}	2026-11-29 08:58:21.633902+00
42	01a22686-da48-7fa2-9a33-3c9a3ee64233	01a22686-d9e5-731f-9613-70e5d908e67f	inventory-events	01a22686-d9e5-731f-9613-70e5d908e67f	StockReserved.v1	{}	{"orderId":"01a22686-d9e5-731f-9613-70e5d908e67f","order":{"customerId":"CUST-004","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.547219Z"}}	2026-11-29 08:58:21.641141+00
43	01a22686-da48-72cc-b86b-6dea03d5d141	01a22686-d9f6-750d-9f6a-b325e13f0b8c	inventory-events	01a22686-d9f6-750d-9f6a-b325e13f0b8c	StockReserved.v1	{}	{"orderId":"01a22686-d9f6-750d-9f6a-b325e13f0b8c","order":{"customerId":"CUST-005","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.563611Z"}}	2026-11-29 08:58:21.641168+00
44	01a22686-da48-73b9-a374-637f871745f7	01a22686-d9f6-7255-a0fd-617c2712add4	inventory-events	01a22686-d9f6-7255-a0fd-617c2712add4	StockReserved.v1	{}	{"orderId":"01a22686-d9f6-7255-a0fd-617c2712add4","order":{"customerId":"CUST-001","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.563611Z"}}	2026-11-29 08:58:21.641222+00
\.

COPY inventory.parked (id, topic, partition, "offset", order_id, ce_id, key, headers, value, attempts, due_at, dead, blocks, error, parked_at) FROM stdin;
\.

COPY inventory.parked_decisions (id, decided_at, decision, decided_by, reason, parked_id, topic, partition, "offset", order_id, ce_id, error, parked_at, key, headers, value) FROM stdin;
\.

COPY inventory.products (product_id, free, reserved, sold, updated_at, price, currency, name, revision) FROM stdin;
ITEM-002	500	0	0	2026-11-29 08:58:16.416645+00	700	KRW	Lamp	1
ITEM-003	1	0	2	2026-11-29 08:58:19.66731+00	9900	KRW	Chair	1
ITEM-001	467	23	10	2026-11-29 08:58:21.640509+00	1500	KRW	Laptop	1
\.

COPY inventory.relay_checkpoint (lane, seq, republished, topic_id, remade_at, refused_at, refused_seq, refused_why, refused_error, skipped) FROM stdin;
saga	36	0	2d67c3cc1304406e9c333db1f59bc0f8	\N	\N	\N	\N	\N	0
\.

COPY inventory.reservations (order_id, version, updated_at, state, reserved_at, reason, items) FROM stdin;
01a22686-d1c1-7106-bc93-70ab575ec90b	1	2026-11-29 08:58:19.534818+00	RESERVED	2026-11-29 08:58:19.534818+00	\N	[{"productId":"ITEM-001","quantity":1}]
01a22686-d1d2-7295-a49d-da17271ca54a	1	2026-11-29 08:58:19.549497+00	RESERVED	2026-11-29 08:58:19.549497+00	\N	[{"productId":"ITEM-001","quantity":1}]
01a22686-d1c3-7c10-914a-18edc82a3ebc	2	2026-11-29 08:58:19.609551+00	CANCELLED	\N	UNKNOWN_PRODUCT	[]
01a22686-d1c9-76b4-8c81-90b9d0d44713	2	2026-11-29 08:58:19.624754+00	CANCELLED	\N	OUT_OF_STOCK	[]
01a22686-d1d6-70a0-aff7-eac662cafdd7	2	2026-11-29 08:58:19.636172+00	CANCELLED	\N	UNKNOWN_PRODUCT	[]
01a22686-d19f-7099-8a2e-74628cb50d60	2	2026-11-29 08:58:19.643732+00	SOLD	2026-11-29 08:58:19.488591+00	\N	[{"productId":"ITEM-001","quantity":1}]
01a22686-d1b5-7d50-a7a9-4e47561635c5	2	2026-11-29 08:58:19.654744+00	RELEASED	2026-11-29 08:58:19.496465+00	\N	[{"productId":"ITEM-001","quantity":2}]
01a22686-d1b8-729e-992b-6b0283c5eba1	2	2026-11-29 08:58:19.66731+00	SOLD	2026-11-29 08:58:19.496465+00	\N	[{"productId":"ITEM-003","quantity":2}]
01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	2	2026-11-29 08:58:19.705254+00	RELEASED	2026-11-29 08:58:19.50829+00	\N	[{"productId":"ITEM-001","quantity":2}]
01a22686-d1bb-7dc3-900e-fd7a75b1c63d	2	2026-11-29 08:58:19.724858+00	SOLD	2026-11-29 08:58:19.498395+00	\N	[{"productId":"ITEM-001","quantity":1}]
01a22686-d1c6-7fb5-977d-2bfca4fc391e	2	2026-11-29 08:58:19.733123+00	SOLD	2026-11-29 08:58:19.517209+00	\N	[{"productId":"ITEM-001","quantity":1}]
01a22686-d1c7-7cca-89eb-dc71ed95aada	2	2026-11-29 08:58:19.741238+00	RELEASED	2026-11-29 08:58:19.534818+00	\N	[{"productId":"ITEM-001","quantity":2}]
01a22686-d1ca-7123-acd9-735b976d79fb	2	2026-11-29 08:58:19.750436+00	SOLD	2026-11-29 08:58:19.534818+00	\N	[{"productId":"ITEM-001","quantity":1}]
01a22686-d1cc-72f6-9557-b862f14d4bd7	2	2026-11-29 08:58:19.750436+00	RELEASED	2026-11-29 08:58:19.525345+00	\N	[{"productId":"ITEM-001","quantity":2}]
01a22686-d1bf-7526-99ca-fd924a8aedb0	2	2026-11-29 08:58:20.303585+00	SOLD	2026-11-29 08:58:19.512947+00	\N	[{"productId":"ITEM-001","quantity":3}]
01a22686-d1cd-746d-8ad8-b807eb712981	2	2026-11-29 08:58:20.303585+00	SOLD	2026-11-29 08:58:19.551623+00	\N	[{"productId":"ITEM-001","quantity":3}]
01a22686-d1c4-74dd-a7d5-22fead2c6cff	2	2026-11-29 08:58:21.530157+00	RELEASED	2026-11-29 08:58:19.551623+00	\N	[{"productId":"ITEM-001","quantity":3}]
01a22686-d1db-7d04-a75f-34612ab84c6f	2	2026-11-29 08:58:21.556888+00	RELEASED	2026-11-29 08:58:19.549497+00	\N	[{"productId":"ITEM-001","quantity":3}]
01a22686-d9d7-7b63-a7d7-72c8439104a1	1	2026-11-29 08:58:21.568956+00	REJECTED	\N	OUT_OF_STOCK	[]
01a22686-d9d7-7f1d-bfa9-40401dea52bc	1	2026-11-29 08:58:21.568956+00	RESERVED	2026-11-29 08:58:21.568956+00	\N	[{"productId":"ITEM-001","quantity":2}]
01a22686-d9d7-76c3-a0bd-cd208dda9c5c	1	2026-11-29 08:58:21.580965+00	RESERVED	2026-11-29 08:58:21.580965+00	\N	[{"productId":"ITEM-001","quantity":1}]
01a22686-d9d7-7ae7-8e04-8b694b3bc8e1	1	2026-11-29 08:58:21.587787+00	RESERVED	2026-11-29 08:58:21.587787+00	\N	[{"productId":"ITEM-001","quantity":2}]
01a22686-d9da-7a8f-82ca-2bf05d8058bc	1	2026-11-29 08:58:21.599251+00	REJECTED	\N	OUT_OF_STOCK	[]
01a22686-d9db-717b-b929-e1704454a8ff	1	2026-11-29 08:58:21.599251+00	RESERVED	2026-11-29 08:58:21.599251+00	\N	[{"productId":"ITEM-001","quantity":1}]
01a22686-d9db-71f9-aa3e-ed4c5dc98fb1	1	2026-11-29 08:58:21.611775+00	RESERVED	2026-11-29 08:58:21.611775+00	\N	[{"productId":"ITEM-001","quantity":2}]
01a22686-d9db-7254-84ea-625e8449728f	1	2026-11-29 08:58:21.626942+00	RESERVED	2026-11-29 08:58:21.626942+00	\N	[{"productId":"ITEM-001","quantity":3}]
01a22686-d9e4-7ab0-8bfd-309cb063726b	1	2026-11-29 08:58:21.626942+00	RESERVED	2026-11-29 08:58:21.626942+00	\N	[{"productId":"ITEM-001","quantity":2}]
01a22686-d9e5-7c09-b141-33085285fd10	1	2026-11-29 08:58:21.63344+00	RESERVED	2026-11-29 08:58:21.63344+00	\N	[{"productId":"ITEM-001","quantity":3}]
01a22686-d9ef-7eef-ba46-361df345c54b	1	2026-11-29 08:58:21.63344+00	REJECTED	\N	UNKNOWN_PRODUCT	[]
01a22686-d9e5-731f-9613-70e5d908e67f	1	2026-11-29 08:58:21.640509+00	RESERVED	2026-11-29 08:58:21.640509+00	\N	[{"productId":"ITEM-001","quantity":1}]
01a22686-d9f6-7255-a0fd-617c2712add4	1	2026-11-29 08:58:21.640509+00	RESERVED	2026-11-29 08:58:21.640509+00	\N	[{"productId":"ITEM-001","quantity":1}]
01a22686-d9f6-750d-9f6a-b325e13f0b8c	1	2026-11-29 08:58:21.640509+00	RESERVED	2026-11-29 08:58:21.640509+00	\N	[{"productId":"ITEM-001","quantity":3}]
\.

COPY inventory.schema_version (one, version) FROM stdin;
t	3b57aaefc3a46f4f
\.

SELECT pg_catalog.setval('inventory.outbox_seq_seq', 44, true);

SELECT pg_catalog.setval('inventory.parked_decisions_id_seq', 1, false);

SELECT pg_catalog.setval('inventory.parked_id_seq', 1, false);

ALTER TABLE ONLY inventory.adjustments
    ADD CONSTRAINT adjustments_pkey PRIMARY KEY (key);

ALTER TABLE ONLY inventory.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY inventory.parked_decisions
    ADD CONSTRAINT parked_decisions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY inventory.parked
    ADD CONSTRAINT parked_pkey PRIMARY KEY (id);

ALTER TABLE ONLY inventory.products
    ADD CONSTRAINT products_pkey PRIMARY KEY (product_id);

ALTER TABLE ONLY inventory.relay_checkpoint
    ADD CONSTRAINT relay_checkpoint_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY inventory.reservations
    ADD CONSTRAINT reservations_pkey PRIMARY KEY (order_id);

ALTER TABLE ONLY inventory.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (one);

CREATE INDEX outbox_announcements ON inventory.outbox USING btree (topic, seq) WHERE (type = ANY (ARRAY['RecordParked.v1'::text, 'RecordDied.v1'::text]));

CREATE INDEX outbox_order ON inventory.outbox USING brin (order_id);

CREATE INDEX parked_by_due ON inventory.parked USING btree (due_at) WHERE (NOT dead);

CREATE INDEX parked_by_order ON inventory.parked USING btree (order_id, id) WHERE (NOT dead);

CREATE UNIQUE INDEX parked_record ON inventory.parked USING btree (topic, partition, "offset", sha256(key), sha256(value), hashtextextended(headers, (0)::bigint));

GRANT USAGE ON SCHEMA inventory TO auditor;

GRANT SELECT ON TABLE inventory.audit_v1_adjustments TO auditor;

GRANT SELECT ON TABLE inventory.audit_v1_outbox TO auditor;

GRANT SELECT ON TABLE inventory.audit_v1_parked TO auditor;

GRANT SELECT ON TABLE inventory.audit_v1_parked_decisions TO auditor;

GRANT SELECT ON TABLE inventory.audit_v1_relay TO auditor;

GRANT SELECT ON TABLE inventory.audit_v1_relay_lanes TO auditor;

GRANT SELECT ON TABLE inventory.audit_v1_reservations TO auditor;

GRANT SELECT ON TABLE inventory.audit_v1_stock TO auditor;

