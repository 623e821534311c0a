
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

CREATE SCHEMA payments;

ALTER SCHEMA payments OWNER TO payments;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE payments.outbox (
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

ALTER TABLE payments.outbox OWNER TO payments;

CREATE VIEW payments.audit_v1_outbox AS
 SELECT outbox.seq,
    outbox.event_id,
    outbox.order_id,
    outbox.topic,
    outbox.key,
    outbox.type,
    outbox.headers,
    outbox.data,
    outbox.recorded_at
   FROM payments.outbox;

ALTER TABLE payments.audit_v1_outbox OWNER TO payments;

CREATE TABLE payments.parked (
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

ALTER TABLE payments.parked OWNER TO payments;

CREATE VIEW payments.audit_v1_parked AS
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
   FROM payments.parked;

ALTER TABLE payments.audit_v1_parked OWNER TO payments;

CREATE TABLE payments.parked_decisions (
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

ALTER TABLE payments.parked_decisions OWNER TO payments;

CREATE VIEW payments.audit_v1_parked_decisions AS
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
   FROM payments.parked_decisions;

ALTER TABLE payments.audit_v1_parked_decisions OWNER TO payments;

CREATE TABLE payments.payments (
    order_id uuid NOT NULL,
    version bigint NOT NULL,
    touched_at timestamp with time zone NOT NULL,
    attempts integer NOT NULL,
    state text NOT NULL,
    reason text,
    charge_id text,
    settled_as text,
    settled_by text,
    opened_at timestamp with time zone NOT NULL,
    amount bigint,
    currency text,
    token text,
    traceparent text,
    body text
)
WITH (fillfactor='50');

ALTER TABLE payments.payments OWNER TO payments;

CREATE VIEW payments.audit_v1_payments AS
 SELECT payments.order_id,
    payments.version,
    payments.state,
    payments.reason,
    payments.amount,
    payments.currency,
    payments.charge_id,
    payments.settled_as,
    payments.settled_by,
    payments.attempts,
    payments.opened_at,
    payments.touched_at
   FROM payments.payments;

ALTER TABLE payments.audit_v1_payments OWNER TO payments;

CREATE TABLE payments.relay_checkpoint (
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

ALTER TABLE payments.relay_checkpoint OWNER TO payments;

CREATE VIEW payments.audit_v1_relay AS
 SELECT relay_checkpoint.seq AS checkpoint
   FROM payments.relay_checkpoint
  WHERE (relay_checkpoint.lane = 'saga'::text);

ALTER TABLE payments.audit_v1_relay OWNER TO payments;

CREATE VIEW payments.audit_v1_relay_lanes AS
 SELECT relay_checkpoint.lane,
    relay_checkpoint.seq AS checkpoint,
    relay_checkpoint.topic_id,
    relay_checkpoint.remade_at,
    relay_checkpoint.refused_at,
    relay_checkpoint.refused_seq,
    relay_checkpoint.refused_why,
    relay_checkpoint.refused_error,
    relay_checkpoint.skipped
   FROM payments.relay_checkpoint;

ALTER TABLE payments.audit_v1_relay_lanes OWNER TO payments;

ALTER TABLE payments.outbox ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payments.outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE payments.parked_decisions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payments.parked_decisions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE payments.parked ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME payments.parked_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE payments.schema_version (
    one boolean DEFAULT true NOT NULL,
    version text NOT NULL,
    CONSTRAINT schema_version_one_check CHECK (one)
);

ALTER TABLE payments.schema_version OWNER TO payments;

COPY payments.outbox (seq, event_id, order_id, topic, key, type, headers, data, recorded_at) FROM stdin;
1	01a22686-d236-7685-8320-b2c6d6a9e9f8	01a22686-d19f-7099-8a2e-74628cb50d60	payment-events	01a22686-d19f-7099-8a2e-74628cb50d60	PaymentCaptured.v1	{}	{"orderId":"01a22686-d19f-7099-8a2e-74628cb50d60","chargeId":"ch_64b95256_1","amount":1500,"currency":"KRW","order":{"customerId":"CUST-000","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.438021Z"}}	2026-11-29 08:58:19.578341+00
2	01a22686-d248-75a4-9e0d-e1f894165adb	01a22686-d1b8-729e-992b-6b0283c5eba1	payment-events	01a22686-d1b8-729e-992b-6b0283c5eba1	PaymentCaptured.v1	{}	{"orderId":"01a22686-d1b8-729e-992b-6b0283c5eba1","chargeId":"ch_64b95256_2","amount":19800,"currency":"KRW","order":{"customerId":"CUST-002","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.448332Z"}}	2026-11-29 08:58:19.593265+00
3	01a22686-d253-7c78-8eb2-fd1e20adf2b2	01a22686-d1c3-7c10-914a-18edc82a3ebc	payment-events	01a22686-d1c3-7c10-914a-18edc82a3ebc	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1c3-7c10-914a-18edc82a3ebc","participant":"payment"}	2026-11-29 08:58:19.604559+00
4	01a22686-d256-7b9f-a6d4-abc8012408c8	01a22686-d1b5-7d50-a7a9-4e47561635c5	payment-events	01a22686-d1b5-7d50-a7a9-4e47561635c5	PaymentDeclined.v1	{}	{"orderId":"01a22686-d1b5-7d50-a7a9-4e47561635c5","reason":"CARD_DECLINED"}	2026-11-29 08:58:19.606963+00
5	01a22686-d25a-7094-aaf9-aa2310407296	01a22686-d1bb-7dc3-900e-fd7a75b1c63d	payment-events	01a22686-d1bb-7dc3-900e-fd7a75b1c63d	PaymentCaptured.v1	{}	{"orderId":"01a22686-d1bb-7dc3-900e-fd7a75b1c63d","chargeId":"ch_64b95256_4","amount":1500,"currency":"KRW","order":{"customerId":"CUST-003","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:19.452033Z"}}	2026-11-29 08:58:19.611044+00
6	01a22686-d263-7516-8a93-69990a5d26a9	01a22686-d1c9-76b4-8c81-90b9d0d44713	payment-events	01a22686-d1c9-76b4-8c81-90b9d0d44713	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1c9-76b4-8c81-90b9d0d44713","participant":"payment"}	2026-11-29 08:58:19.620258+00
7	01a22686-d26e-7f40-ac6c-350c2b9ac5a6	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	payment-events	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	PaymentCaptured.v1	{}	{"orderId":"01a22686-d1bd-73cd-baf2-e2a56fc8cdd8","chargeId":"ch_64b95256_5","amount":3000,"currency":"KRW","order":{"customerId":"CUST-004","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.453744Z"}}	2026-11-29 08:58:19.630915+00
8	01a22686-d274-7c82-a379-e532d30b5d0f	01a22686-d1d6-70a0-aff7-eac662cafdd7	payment-events	01a22686-d1d6-70a0-aff7-eac662cafdd7	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1d6-70a0-aff7-eac662cafdd7","participant":"payment"}	2026-11-29 08:58:19.637167+00
9	01a22686-d275-7ac9-904c-5d888c14ec05	01a22686-d1c6-7fb5-977d-2bfca4fc391e	payment-events	01a22686-d1c6-7fb5-977d-2bfca4fc391e	PaymentCaptured.v1	{}	{"orderId":"01a22686-d1c6-7fb5-977d-2bfca4fc391e","chargeId":"ch_64b95256_6","amount":1500,"currency":"KRW","order":{"customerId":"CUST-002","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.462399Z"}}	2026-11-29 08:58:19.638129+00
10	01a22686-d27c-73df-a407-ab7d15862287	01a22686-d1cc-72f6-9557-b862f14d4bd7	payment-events	01a22686-d1cc-72f6-9557-b862f14d4bd7	PaymentCaptured.v1	{}	{"orderId":"01a22686-d1cc-72f6-9557-b862f14d4bd7","chargeId":"ch_64b95256_7","amount":3000,"currency":"KRW","order":{"customerId":"CUST-006","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.468504Z"}}	2026-11-29 08:58:19.644737+00
11	01a22686-d282-7728-beb8-f5ed8ecb9221	01a22686-d1c7-7cca-89eb-dc71ed95aada	payment-events	01a22686-d1c7-7cca-89eb-dc71ed95aada	PaymentDeclined.v1	{}	{"orderId":"01a22686-d1c7-7cca-89eb-dc71ed95aada","reason":"CARD_DECLINED"}	2026-11-29 08:58:19.650799+00
12	01a22686-d283-77a5-a084-d808fc59bc07	01a22686-d1ca-7123-acd9-735b976d79fb	payment-events	01a22686-d1ca-7123-acd9-735b976d79fb	PaymentCaptured.v1	{}	{"orderId":"01a22686-d1ca-7123-acd9-735b976d79fb","chargeId":"ch_64b95256_10","amount":1500,"currency":"KRW","order":{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:19.466938Z"}}	2026-11-29 08:58:19.65207+00
13	01a22686-d2ca-7ab4-b2f3-311700d149b6	01a22686-d1b5-7d50-a7a9-4e47561635c5	payment-events	01a22686-d1b5-7d50-a7a9-4e47561635c5	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1b5-7d50-a7a9-4e47561635c5","participant":"payment"}	2026-11-29 08:58:19.722854+00
14	01a22686-d2fc-79d8-81ce-b39b7e5d861f	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	payment-events	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	PaymentRefunded.v1	{}	{"orderId":"01a22686-d1bd-73cd-baf2-e2a56fc8cdd8","amount":3000,"currency":"KRW"}	2026-11-29 08:58:19.772931+00
15	01a22686-d320-7792-a142-04d2447dddd0	01a22686-d1c7-7cca-89eb-dc71ed95aada	payment-events	01a22686-d1c7-7cca-89eb-dc71ed95aada	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1c7-7cca-89eb-dc71ed95aada","participant":"payment"}	2026-11-29 08:58:19.808885+00
16	01a22686-d321-7c7b-a9c3-f30eb79e312a	01a22686-d1cc-72f6-9557-b862f14d4bd7	payment-events	01a22686-d1cc-72f6-9557-b862f14d4bd7	PaymentRefunded.v1	{}	{"orderId":"01a22686-d1cc-72f6-9557-b862f14d4bd7","amount":3000,"currency":"KRW"}	2026-11-29 08:58:19.809898+00
17	01a22686-d4f2-74f7-8691-dcc8b9f2e7ad	01a22686-d1bf-7526-99ca-fd924a8aedb0	payment-events	01a22686-d1bf-7526-99ca-fd924a8aedb0	PaymentCaptured.v1	{}	{"orderId":"01a22686-d1bf-7526-99ca-fd924a8aedb0","chargeId":"ch_64b95256_16","amount":4500,"currency":"KRW","order":{"customerId":"CUST-005","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.455556Z"}}	2026-11-29 08:58:20.274947+00
18	01a22686-d4f3-7e6c-94cd-de8677fe0bca	01a22686-d1cd-746d-8ad8-b807eb712981	payment-events	01a22686-d1cd-746d-8ad8-b807eb712981	PaymentCaptured.v1	{}	{"orderId":"01a22686-d1cd-746d-8ad8-b807eb712981","chargeId":"ch_64b95256_17","amount":4500,"currency":"KRW","order":{"customerId":"CUST-000","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.470119Z"}}	2026-11-29 08:58:20.27578+00
19	01a22686-da20-74cf-9e6b-ee3b23cf8530	01a22686-d1c4-74dd-a7d5-22fead2c6cff	payment-events	01a22686-d1c4-74dd-a7d5-22fead2c6cff	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1c4-74dd-a7d5-22fead2c6cff","participant":"payment"}	2026-11-29 08:58:21.600623+00
20	01a22686-da2a-77c8-af77-8eb02a76339c	01a22686-d1db-7d04-a75f-34612ab84c6f	payment-events	01a22686-d1db-7d04-a75f-34612ab84c6f	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1db-7d04-a75f-34612ab84c6f","participant":"payment"}	2026-11-29 08:58:21.610582+00
\.

COPY payments.parked (id, topic, partition, "offset", order_id, ce_id, key, headers, value, attempts, due_at, dead, blocks, error, parked_at) FROM stdin;
\.

COPY payments.parked_decisions (id, decided_at, decision, decided_by, reason, parked_id, topic, partition, "offset", order_id, ce_id, error, parked_at, key, headers, value) FROM stdin;
\.

COPY payments.payments (order_id, version, touched_at, attempts, state, reason, charge_id, settled_as, settled_by, opened_at, amount, currency, token, traceparent, body) FROM stdin;
01a22686-d19f-7099-8a2e-74628cb50d60	2	2026-11-29 08:58:19.57417+00	0	CAPTURED	\N	ch_64b95256_1	\N	\N	2026-11-29 08:58:19.50649+00	1500	KRW	tok_ok	\N	{"customerId":"CUST-000","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.438021Z"}
01a22686-d1c1-7106-bc93-70ab575ec90b	1	2026-11-29 08:58:19.586811+00	0	INTENT	\N	\N	\N	\N	2026-11-29 08:58:19.586811+00	1500	KRW	tok_charge_then_timeout	\N	{"customerId":"CUST-006","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.457856Z"}
01a22686-d1b8-729e-992b-6b0283c5eba1	2	2026-11-29 08:58:19.59237+00	0	CAPTURED	\N	ch_64b95256_2	\N	\N	2026-11-29 08:58:19.528079+00	19800	KRW	tok_ok	\N	{"customerId":"CUST-002","currency":"KRW","total":19800,"items":[{"productId":"ITEM-003","name":"Chair","price":9900,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.448332Z"}
01a22686-d1cc-72f6-9557-b862f14d4bd7	4	2026-11-29 08:58:19.809565+00	0	REFUNDED	\N	ch_64b95256_7	\N	\N	2026-11-29 08:58:19.581317+00	3000	KRW	tok_ok	\N	{"customerId":"CUST-006","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.468504Z"}
01a22686-d1bb-7dc3-900e-fd7a75b1c63d	2	2026-11-29 08:58:19.610279+00	0	CAPTURED	\N	ch_64b95256_4	\N	\N	2026-11-29 08:58:19.546679+00	1500	KRW	tok_ok	\N	{"customerId":"CUST-003","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:19.452033Z"}
01a22686-d1b5-7d50-a7a9-4e47561635c5	4	2026-11-29 08:58:19.722355+00	0	NEVER_CHARGED	CARD_DECLINED	\N	\N	\N	2026-11-29 08:58:19.542962+00	3000	KRW	tok_declined	\N	{"customerId":"CUST-001","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.445768Z"}
01a22686-d1c6-7fb5-977d-2bfca4fc391e	2	2026-11-29 08:58:19.637204+00	0	CAPTURED	\N	ch_64b95256_6	\N	\N	2026-11-29 08:58:19.573339+00	1500	KRW	tok_ok	\N	{"customerId":"CUST-002","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.462399Z"}
01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	4	2026-11-29 08:58:19.772342+00	0	REFUNDED	\N	ch_64b95256_5	\N	\N	2026-11-29 08:58:19.565652+00	3000	KRW	tok_ok	\N	{"customerId":"CUST-004","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.453744Z"}
01a22686-d1bf-7526-99ca-fd924a8aedb0	3	2026-11-29 08:58:20.274452+00	1	CAPTURED	\N	ch_64b95256_16	\N	\N	2026-11-29 08:58:19.565652+00	4500	KRW	tok_500_then_ok	\N	{"customerId":"CUST-005","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.455556Z"}
01a22686-d1d2-7295-a49d-da17271ca54a	1	2026-11-29 08:58:19.599258+00	0	INTENT	\N	\N	\N	\N	2026-11-29 08:58:19.599258+00	1500	KRW	tok_charge_then_timeout	\N	{"customerId":"CUST-001","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_charge_then_timeout"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.474874Z"}
01a22686-d1c3-7c10-914a-18edc82a3ebc	1	2026-11-29 08:58:19.603881+00	0	NEVER_CHARGED	\N	\N	\N	\N	2026-11-29 08:58:19.603881+00	\N	\N	\N	\N	\N
01a22686-d1c9-76b4-8c81-90b9d0d44713	1	2026-11-29 08:58:19.619931+00	0	NEVER_CHARGED	\N	\N	\N	\N	2026-11-29 08:58:19.619931+00	\N	\N	\N	\N	\N
01a22686-d1d6-70a0-aff7-eac662cafdd7	1	2026-11-29 08:58:19.636489+00	0	NEVER_CHARGED	\N	\N	\N	\N	2026-11-29 08:58:19.636489+00	\N	\N	\N	\N	\N
01a22686-d1c7-7cca-89eb-dc71ed95aada	4	2026-11-29 08:58:19.8084+00	0	NEVER_CHARGED	CARD_DECLINED	\N	\N	\N	2026-11-29 08:58:19.586811+00	3000	KRW	tok_declined	\N	{"customerId":"CUST-003","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.463835Z"}
01a22686-d1ca-7123-acd9-735b976d79fb	2	2026-11-29 08:58:19.651706+00	0	CAPTURED	\N	ch_64b95256_10	\N	\N	2026-11-29 08:58:19.586811+00	1500	KRW	tok_ok	\N	{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:19.466938Z"}
01a22686-d1c4-74dd-a7d5-22fead2c6cff	3	2026-11-29 08:58:21.600262+00	0	NEVER_CHARGED	\N	\N	\N	\N	2026-11-29 08:58:19.603881+00	4500	KRW	tok_slow_60s	\N	{"customerId":"CUST-001","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.460993Z"}
01a22686-d1db-7d04-a75f-34612ab84c6f	3	2026-11-29 08:58:21.610239+00	0	NEVER_CHARGED	\N	\N	\N	\N	2026-11-29 08:58:19.599258+00	4500	KRW	tok_slow_60s	\N	{"customerId":"CUST-003","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_slow_60s"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.483398Z"}
01a22686-d1cd-746d-8ad8-b807eb712981	3	2026-11-29 08:58:20.275398+00	1	CAPTURED	\N	ch_64b95256_17	\N	\N	2026-11-29 08:58:19.603881+00	4500	KRW	tok_500_then_ok	\N	{"customerId":"CUST-000","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:19.470119Z"}
01a22686-d9d7-7f1d-bfa9-40401dea52bc	1	2026-11-29 08:58:21.594239+00	0	INTENT	\N	\N	\N	\N	2026-11-29 08:58:21.594239+00	3000	KRW	tok_ok	\N	{"customerId":"CUST-001","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.527810Z"}
01a22686-d9d7-76c3-a0bd-cd208dda9c5c	1	2026-11-29 08:58:21.60318+00	0	INTENT	\N	\N	\N	\N	2026-11-29 08:58:21.60318+00	1500	KRW	tok_ok	\N	{"customerId":"CUST-006","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.527810Z"}
01a22686-d9d7-7ae7-8e04-8b694b3bc8e1	1	2026-11-29 08:58:21.60318+00	0	INTENT	\N	\N	\N	\N	2026-11-29 08:58:21.60318+00	3000	KRW	tok_declined	\N	{"customerId":"CUST-002","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_declined"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.527810Z"}
01a22686-d9db-717b-b929-e1704454a8ff	1	2026-11-29 08:58:21.626014+00	0	INTENT	\N	\N	\N	\N	2026-11-29 08:58:21.626014+00	1500	KRW	tok_ok	\N	{"customerId":"CUST-005","currency":"KRW","total":1500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":1}],"payment":{"method":"card","token":"tok_ok"},"warehouseStorage":true,"placedAt":"2026-11-29T08:58:21.537036Z"}
01a22686-d9db-71f9-aa3e-ed4c5dc98fb1	1	2026-11-29 08:58:21.634313+00	0	INTENT	\N	\N	\N	\N	2026-11-29 08:58:21.634313+00	3000	KRW	tok_ok	\N	{"customerId":"CUST-000","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.537036Z"}
01a22686-d9db-7254-84ea-625e8449728f	1	2026-11-29 08:58:21.640205+00	0	INTENT	\N	\N	\N	\N	2026-11-29 08:58:21.640205+00	4500	KRW	tok_500_then_ok	\N	{"customerId":"CUST-002","currency":"KRW","total":4500,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":3}],"payment":{"method":"card","token":"tok_500_then_ok"},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.537036Z"}
01a22686-d9e4-7ab0-8bfd-309cb063726b	1	2026-11-29 08:58:21.640205+00	0	INTENT	\N	\N	\N	\N	2026-11-29 08:58:21.640205+00	3000	KRW	tok_ok	\N	{"customerId":"CUST-006","currency":"KRW","total":3000,"items":[{"productId":"ITEM-001","name":"Laptop","price":1500,"quantity":2}],"payment":{"method":"card","token":"tok_ok"},"shipment":{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}},"warehouseStorage":false,"placedAt":"2026-11-29T08:58:21.547219Z"}
\.

COPY payments.relay_checkpoint (lane, seq, republished, topic_id, remade_at, refused_at, refused_seq, refused_why, refused_error, skipped) FROM stdin;
saga	18	0	b7415b58f9ef42f1b6da6f00abe07cd3	\N	\N	\N	\N	\N	0
\.

COPY payments.schema_version (one, version) FROM stdin;
t	bf346473f53903f6
\.

SELECT pg_catalog.setval('payments.outbox_seq_seq', 20, true);

SELECT pg_catalog.setval('payments.parked_decisions_id_seq', 1, false);

SELECT pg_catalog.setval('payments.parked_id_seq', 1, false);

ALTER TABLE ONLY payments.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY payments.parked_decisions
    ADD CONSTRAINT parked_decisions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.parked
    ADD CONSTRAINT parked_pkey PRIMARY KEY (id);

ALTER TABLE ONLY payments.payments
    ADD CONSTRAINT payments_pkey PRIMARY KEY (order_id);

ALTER TABLE ONLY payments.relay_checkpoint
    ADD CONSTRAINT relay_checkpoint_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY payments.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (one);

CREATE INDEX outbox_announcements ON payments.outbox USING btree (topic, seq) WHERE (type = ANY (ARRAY['RecordParked.v1'::text, 'RecordDied.v1'::text]));

CREATE INDEX outbox_order ON payments.outbox USING brin (order_id);

CREATE INDEX parked_by_due ON payments.parked USING btree (due_at) WHERE (NOT dead);

CREATE INDEX parked_by_order ON payments.parked USING btree (order_id, id) WHERE (NOT dead);

CREATE UNIQUE INDEX parked_record ON payments.parked USING btree (topic, partition, "offset", sha256(key), sha256(value), hashtextextended(headers, (0)::bigint));

GRANT USAGE ON SCHEMA payments TO auditor;

GRANT SELECT ON TABLE payments.audit_v1_outbox TO auditor;

GRANT SELECT ON TABLE payments.audit_v1_parked TO auditor;

GRANT SELECT ON TABLE payments.audit_v1_parked_decisions TO auditor;

GRANT SELECT ON TABLE payments.audit_v1_payments TO auditor;

GRANT SELECT ON TABLE payments.audit_v1_relay TO auditor;

GRANT SELECT ON TABLE payments.audit_v1_relay_lanes TO auditor;

