
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

CREATE SCHEMA shipping;

ALTER SCHEMA shipping OWNER TO shipping;

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE shipping.outbox (
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

ALTER TABLE shipping.outbox OWNER TO shipping;

CREATE VIEW shipping.audit_v1_outbox AS
 SELECT outbox.seq,
    outbox.event_id,
    outbox.order_id,
    outbox.topic,
    outbox.key,
    outbox.type,
    outbox.headers,
    outbox.data,
    outbox.recorded_at
   FROM shipping.outbox;

ALTER TABLE shipping.audit_v1_outbox OWNER TO shipping;

CREATE TABLE shipping.parked (
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

ALTER TABLE shipping.parked OWNER TO shipping;

CREATE VIEW shipping.audit_v1_parked AS
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
   FROM shipping.parked;

ALTER TABLE shipping.audit_v1_parked OWNER TO shipping;

CREATE TABLE shipping.parked_decisions (
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

ALTER TABLE shipping.parked_decisions OWNER TO shipping;

CREATE VIEW shipping.audit_v1_parked_decisions AS
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
   FROM shipping.parked_decisions;

ALTER TABLE shipping.audit_v1_parked_decisions OWNER TO shipping;

CREATE TABLE shipping.relay_checkpoint (
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

ALTER TABLE shipping.relay_checkpoint OWNER TO shipping;

CREATE VIEW shipping.audit_v1_relay AS
 SELECT relay_checkpoint.seq AS checkpoint
   FROM shipping.relay_checkpoint
  WHERE (relay_checkpoint.lane = 'saga'::text);

ALTER TABLE shipping.audit_v1_relay OWNER TO shipping;

CREATE VIEW shipping.audit_v1_relay_lanes AS
 SELECT relay_checkpoint.lane,
    relay_checkpoint.seq AS checkpoint,
    relay_checkpoint.topic_id,
    relay_checkpoint.remade_at,
    relay_checkpoint.refused_at,
    relay_checkpoint.refused_seq,
    relay_checkpoint.refused_why,
    relay_checkpoint.refused_error,
    relay_checkpoint.skipped
   FROM shipping.relay_checkpoint;

ALTER TABLE shipping.audit_v1_relay_lanes OWNER TO shipping;

CREATE TABLE shipping.shipments (
    order_id uuid NOT NULL,
    version bigint NOT NULL,
    state text NOT NULL,
    storage_booked boolean NOT NULL,
    voided_at timestamp with time zone,
    reason text,
    shipment_id uuid,
    tracking_number text,
    scheduled_at timestamp with time zone,
    destination text
)
WITH (fillfactor='80');

ALTER TABLE shipping.shipments OWNER TO shipping;

CREATE VIEW shipping.audit_v1_shipments AS
 SELECT shipments.order_id,
    shipments.version,
    shipments.state,
    shipments.reason,
    shipments.shipment_id,
    shipments.tracking_number,
    shipments.storage_booked,
    shipments.scheduled_at,
    shipments.voided_at,
    shipments.destination
   FROM shipping.shipments;

ALTER TABLE shipping.audit_v1_shipments OWNER TO shipping;

CREATE TABLE shipping.storage (
    one boolean DEFAULT true NOT NULL,
    capacity bigint NOT NULL,
    used bigint DEFAULT 0 NOT NULL,
    CONSTRAINT storage_capacity_check CHECK ((capacity >= 0)),
    CONSTRAINT storage_one_check CHECK (one),
    CONSTRAINT storage_used_check CHECK ((used >= 0))
)
WITH (fillfactor='70');

ALTER TABLE shipping.storage OWNER TO shipping;

CREATE VIEW shipping.audit_v1_storage AS
 SELECT storage.capacity,
    storage.used
   FROM shipping.storage;

ALTER TABLE shipping.audit_v1_storage OWNER TO shipping;

ALTER TABLE shipping.outbox ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME shipping.outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE shipping.parked_decisions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME shipping.parked_decisions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE shipping.parked ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME shipping.parked_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE shipping.schema_version (
    one boolean DEFAULT true NOT NULL,
    version text NOT NULL,
    CONSTRAINT schema_version_one_check CHECK (one)
);

ALTER TABLE shipping.schema_version OWNER TO shipping;

COPY shipping.outbox (seq, event_id, order_id, topic, key, type, headers, data, recorded_at) FROM stdin;
1	01a22686-d24c-78f4-bdcf-66f16502494f	01a22686-d19f-7099-8a2e-74628cb50d60	shipping-events	01a22686-d19f-7099-8a2e-74628cb50d60	ShipmentScheduled.v1	{}	{"orderId":"01a22686-d19f-7099-8a2e-74628cb50d60","shipmentId":"01a22686-d24c-7b07-99f9-8de334592eb1","trackingNumber":"OF99F98DE334592EB1","total":1500,"currency":"KRW","storageBooked":false}	2026-11-29 08:58:19.597874+00
2	01a22686-d24c-7232-9a6f-248cb117ce06	01a22686-d1c3-7c10-914a-18edc82a3ebc	shipping-events	01a22686-d1c3-7c10-914a-18edc82a3ebc	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1c3-7c10-914a-18edc82a3ebc","participant":"shipping"}	2026-11-29 08:58:19.598211+00
3	01a22686-d258-7058-9b4f-36d19241df68	01a22686-d1b8-729e-992b-6b0283c5eba1	shipping-events	01a22686-d1b8-729e-992b-6b0283c5eba1	ShipmentScheduled.v1	{}	{"orderId":"01a22686-d1b8-729e-992b-6b0283c5eba1","shipmentId":"01a22686-d258-7337-a231-186d39e32db5","trackingNumber":"OFA231186D39E32DB5","total":19800,"currency":"KRW","storageBooked":false}	2026-11-29 08:58:19.608589+00
4	01a22686-d267-72ec-915b-f79d6e6a6b60	01a22686-d1c9-76b4-8c81-90b9d0d44713	shipping-events	01a22686-d1c9-76b4-8c81-90b9d0d44713	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1c9-76b4-8c81-90b9d0d44713","participant":"shipping"}	2026-11-29 08:58:19.623959+00
5	01a22686-d278-7460-aa76-1b036c741dce	01a22686-d1d6-70a0-aff7-eac662cafdd7	shipping-events	01a22686-d1d6-70a0-aff7-eac662cafdd7	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1d6-70a0-aff7-eac662cafdd7","participant":"shipping"}	2026-11-29 08:58:19.640452+00
6	01a22686-d283-780f-aee7-4f645f811d27	01a22686-d1bb-7dc3-900e-fd7a75b1c63d	shipping-events	01a22686-d1bb-7dc3-900e-fd7a75b1c63d	ShipmentScheduled.v1	{}	{"orderId":"01a22686-d1bb-7dc3-900e-fd7a75b1c63d","shipmentId":"01a22686-d283-7340-8973-bee0f56abb3c","trackingNumber":"OF8973BEE0F56ABB3C","total":1500,"currency":"KRW","storageBooked":true}	2026-11-29 08:58:19.652877+00
7	01a22686-d28f-79e1-a0f1-c9b7b7ab30df	01a22686-d1b5-7d50-a7a9-4e47561635c5	shipping-events	01a22686-d1b5-7d50-a7a9-4e47561635c5	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1b5-7d50-a7a9-4e47561635c5","participant":"shipping"}	2026-11-29 08:58:19.663518+00
8	01a22686-d28f-700c-baa5-93f1319d9149	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	shipping-events	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	ShipmentRefused.v1	{}	{"orderId":"01a22686-d1bd-73cd-baf2-e2a56fc8cdd8","reason":"CARRIER_REFUSED"}	2026-11-29 08:58:19.663542+00
9	01a22686-d2a6-7618-b4cf-41272a27cb63	01a22686-d1c6-7fb5-977d-2bfca4fc391e	shipping-events	01a22686-d1c6-7fb5-977d-2bfca4fc391e	ShipmentScheduled.v1	{}	{"orderId":"01a22686-d1c6-7fb5-977d-2bfca4fc391e","shipmentId":"01a22686-d2a6-7b73-8287-3327c961762b","trackingNumber":"OF82873327C961762B","total":1500,"currency":"KRW","storageBooked":false}	2026-11-29 08:58:19.687255+00
10	01a22686-d2ab-71d9-b2ef-9db9b4a70f74	01a22686-d1cc-72f6-9557-b862f14d4bd7	shipping-events	01a22686-d1cc-72f6-9557-b862f14d4bd7	ShipmentRefused.v1	{}	{"orderId":"01a22686-d1cc-72f6-9557-b862f14d4bd7","reason":"CARRIER_REFUSED"}	2026-11-29 08:58:19.692247+00
11	01a22686-d2b6-7110-99d8-6a971bfbd416	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	shipping-events	01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1bd-73cd-baf2-e2a56fc8cdd8","participant":"shipping"}	2026-11-29 08:58:19.702817+00
12	01a22686-d2b7-7ebf-b2d9-7883aaca346f	01a22686-d1ca-7123-acd9-735b976d79fb	shipping-events	01a22686-d1ca-7123-acd9-735b976d79fb	ShipmentScheduled.v1	{}	{"orderId":"01a22686-d1ca-7123-acd9-735b976d79fb","shipmentId":"01a22686-d2b7-74ef-97c5-4476d1b7761f","trackingNumber":"OF97C54476D1B7761F","total":1500,"currency":"KRW","storageBooked":true}	2026-11-29 08:58:19.703716+00
13	01a22686-d2d3-76e9-afae-ab27c6b62d07	01a22686-d1c7-7cca-89eb-dc71ed95aada	shipping-events	01a22686-d1c7-7cca-89eb-dc71ed95aada	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1c7-7cca-89eb-dc71ed95aada","participant":"shipping"}	2026-11-29 08:58:19.731744+00
14	01a22686-d2e2-742f-8b02-112e6a57b975	01a22686-d1cc-72f6-9557-b862f14d4bd7	shipping-events	01a22686-d1cc-72f6-9557-b862f14d4bd7	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1cc-72f6-9557-b862f14d4bd7","participant":"shipping"}	2026-11-29 08:58:19.747437+00
15	01a22686-d4f9-7836-9a0a-3bda97fa2b69	01a22686-d1bf-7526-99ca-fd924a8aedb0	shipping-events	01a22686-d1bf-7526-99ca-fd924a8aedb0	ShipmentScheduled.v1	{}	{"orderId":"01a22686-d1bf-7526-99ca-fd924a8aedb0","shipmentId":"01a22686-d4f9-7eca-8080-950bd8178ae5","trackingNumber":"OF8080950BD8178AE5","total":4500,"currency":"KRW","storageBooked":false}	2026-11-29 08:58:20.282541+00
16	01a22686-d4f9-7a9a-943f-ffcfe93f49e3	01a22686-d1cd-746d-8ad8-b807eb712981	shipping-events	01a22686-d1cd-746d-8ad8-b807eb712981	ShipmentScheduled.v1	{}	{"orderId":"01a22686-d1cd-746d-8ad8-b807eb712981","shipmentId":"01a22686-d4f9-7260-90e9-a8b85ac49bfd","trackingNumber":"OF90E9A8B85AC49BFD","total":4500,"currency":"KRW","storageBooked":false}	2026-11-29 08:58:20.282587+00
17	01a22686-d9d9-759f-abf7-e1059b95a368	01a22686-d1c4-74dd-a7d5-22fead2c6cff	shipping-events	01a22686-d1c4-74dd-a7d5-22fead2c6cff	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1c4-74dd-a7d5-22fead2c6cff","participant":"shipping"}	2026-11-29 08:58:21.530241+00
18	01a22686-d9e7-7e6f-91f3-3eb434fd44a9	01a22686-d1db-7d04-a75f-34612ab84c6f	shipping-events	01a22686-d1db-7d04-a75f-34612ab84c6f	NothingToCompensate.v1	{}	{"orderId":"01a22686-d1db-7d04-a75f-34612ab84c6f","participant":"shipping"}	2026-11-29 08:58:21.543568+00
\.

COPY shipping.parked (id, topic, partition, "offset", order_id, ce_id, key, headers, value, attempts, due_at, dead, blocks, error, parked_at) FROM stdin;
\.

COPY shipping.parked_decisions (id, decided_at, decision, decided_by, reason, parked_id, topic, partition, "offset", order_id, ce_id, error, parked_at, key, headers, value) FROM stdin;
\.

COPY shipping.relay_checkpoint (lane, seq, republished, topic_id, remade_at, refused_at, refused_seq, refused_why, refused_error, skipped) FROM stdin;
saga	16	0	2064f4e2281a4c2596f78e0904111667	\N	\N	\N	\N	\N	0
\.

COPY shipping.schema_version (one, version) FROM stdin;
t	c0c398a192512779
\.

COPY shipping.shipments (order_id, version, state, storage_booked, voided_at, reason, shipment_id, tracking_number, scheduled_at, destination) FROM stdin;
01a22686-d19f-7099-8a2e-74628cb50d60	1	SCHEDULED	f	\N	\N	01a22686-d24c-7b07-99f9-8de334592eb1	OF99F98DE334592EB1	2026-11-29 08:58:19.596381+00	\N
01a22686-d1c3-7c10-914a-18edc82a3ebc	1	CANCELLED	f	\N	\N	\N	\N	\N	\N
01a22686-d1b8-729e-992b-6b0283c5eba1	1	SCHEDULED	f	\N	\N	01a22686-d258-7337-a231-186d39e32db5	OFA231186D39E32DB5	2026-11-29 08:58:19.608243+00	\N
01a22686-d1c9-76b4-8c81-90b9d0d44713	1	CANCELLED	f	\N	\N	\N	\N	\N	\N
01a22686-d1d6-70a0-aff7-eac662cafdd7	1	CANCELLED	f	\N	\N	\N	\N	\N	\N
01a22686-d1bb-7dc3-900e-fd7a75b1c63d	1	SCHEDULED	t	\N	\N	01a22686-d283-7340-8973-bee0f56abb3c	OF8973BEE0F56ABB3C	2026-11-29 08:58:19.651932+00	\N
01a22686-d1b5-7d50-a7a9-4e47561635c5	1	CANCELLED	f	\N	\N	\N	\N	\N	\N
01a22686-d1c6-7fb5-977d-2bfca4fc391e	1	SCHEDULED	f	\N	\N	01a22686-d2a6-7b73-8287-3327c961762b	OF82873327C961762B	2026-11-29 08:58:19.686937+00	\N
01a22686-d1bd-73cd-baf2-e2a56fc8cdd8	2	CANCELLED	f	\N	CARRIER_REFUSED	\N	\N	\N	{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}}
01a22686-d1ca-7123-acd9-735b976d79fb	1	SCHEDULED	t	\N	\N	01a22686-d2b7-74ef-97c5-4476d1b7761f	OF97C54476D1B7761F	2026-11-29 08:58:19.703337+00	\N
01a22686-d1c7-7cca-89eb-dc71ed95aada	1	CANCELLED	f	\N	\N	\N	\N	\N	\N
01a22686-d1cc-72f6-9557-b862f14d4bd7	2	CANCELLED	f	\N	CARRIER_REFUSED	\N	\N	\N	{"recipient":"R","address":{"line1":"1","city":"S","postalCode":"1","country":"AQ"}}
01a22686-d1bf-7526-99ca-fd924a8aedb0	1	SCHEDULED	f	\N	\N	01a22686-d4f9-7eca-8080-950bd8178ae5	OF8080950BD8178AE5	2026-11-29 08:58:20.281345+00	\N
01a22686-d1cd-746d-8ad8-b807eb712981	1	SCHEDULED	f	\N	\N	01a22686-d4f9-7260-90e9-a8b85ac49bfd	OF90E9A8B85AC49BFD	2026-11-29 08:58:20.281345+00	\N
01a22686-d1c4-74dd-a7d5-22fead2c6cff	1	CANCELLED	f	\N	\N	\N	\N	\N	\N
01a22686-d1db-7d04-a75f-34612ab84c6f	1	CANCELLED	f	\N	\N	\N	\N	\N	\N
\.

COPY shipping.storage (one, capacity, used) FROM stdin;
t	100000	2
\.

SELECT pg_catalog.setval('shipping.outbox_seq_seq', 18, true);

SELECT pg_catalog.setval('shipping.parked_decisions_id_seq', 1, false);

SELECT pg_catalog.setval('shipping.parked_id_seq', 1, false);

ALTER TABLE ONLY shipping.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY shipping.parked_decisions
    ADD CONSTRAINT parked_decisions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY shipping.parked
    ADD CONSTRAINT parked_pkey PRIMARY KEY (id);

ALTER TABLE ONLY shipping.relay_checkpoint
    ADD CONSTRAINT relay_checkpoint_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY shipping.schema_version
    ADD CONSTRAINT schema_version_pkey PRIMARY KEY (one);

ALTER TABLE ONLY shipping.shipments
    ADD CONSTRAINT shipments_pkey PRIMARY KEY (order_id);

ALTER TABLE ONLY shipping.storage
    ADD CONSTRAINT storage_pkey PRIMARY KEY (one);

CREATE INDEX outbox_announcements ON shipping.outbox USING btree (topic, seq) WHERE (type = ANY (ARRAY['RecordParked.v1'::text, 'RecordDied.v1'::text]));

CREATE INDEX outbox_order ON shipping.outbox USING brin (order_id);

CREATE INDEX parked_by_due ON shipping.parked USING btree (due_at) WHERE (NOT dead);

CREATE INDEX parked_by_order ON shipping.parked USING btree (order_id, id) WHERE (NOT dead);

CREATE UNIQUE INDEX parked_record ON shipping.parked USING btree (topic, partition, "offset", sha256(key), sha256(value), hashtextextended(headers, (0)::bigint));

GRANT USAGE ON SCHEMA shipping TO auditor;

GRANT SELECT ON TABLE shipping.audit_v1_outbox TO auditor;

GRANT SELECT ON TABLE shipping.audit_v1_parked TO auditor;

GRANT SELECT ON TABLE shipping.audit_v1_parked_decisions TO auditor;

GRANT SELECT ON TABLE shipping.audit_v1_relay TO auditor;

GRANT SELECT ON TABLE shipping.audit_v1_relay_lanes TO auditor;

GRANT SELECT ON TABLE shipping.audit_v1_shipments TO auditor;

GRANT SELECT ON TABLE shipping.audit_v1_storage TO auditor;

