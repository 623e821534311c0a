BEGIN TRANSACTION;
CREATE TABLE gateway (instance TEXT NOT NULL) STRICT;
INSERT INTO "gateway" VALUES('64b95256');
CREATE TABLE ledger (
    id       INTEGER PRIMARY KEY,
    key      TEXT    NOT NULL,
    kind     TEXT    NOT NULL CHECK (kind IN ('charge', 'decline', 'refund', 'cancel')),
    amount   INTEGER NOT NULL, -- minor units
    currency TEXT    NOT NULL,
    token    TEXT    NOT NULL,
    at       INTEGER NOT NULL  -- microseconds since 1970, UTC
) STRICT;
INSERT INTO "ledger" VALUES(1,'charge:01a22686-d19f-7099-8a2e-74628cb50d60','charge',1500,'KRW','tok_ok',1795942699510581);
INSERT INTO "ledger" VALUES(2,'charge:01a22686-d1b8-729e-992b-6b0283c5eba1','charge',19800,'KRW','tok_ok',1795942699529419);
INSERT INTO "ledger" VALUES(3,'charge:01a22686-d1b5-7d50-a7a9-4e47561635c5','decline',3000,'KRW','tok_declined',1795942699544052);
INSERT INTO "ledger" VALUES(4,'charge:01a22686-d1bb-7dc3-900e-fd7a75b1c63d','charge',1500,'KRW','tok_ok',1795942699547720);
INSERT INTO "ledger" VALUES(5,'charge:01a22686-d1bd-73cd-baf2-e2a56fc8cdd8','charge',3000,'KRW','tok_ok',1795942699568111);
INSERT INTO "ledger" VALUES(6,'charge:01a22686-d1c6-7fb5-977d-2bfca4fc391e','charge',1500,'KRW','tok_ok',1795942699574502);
INSERT INTO "ledger" VALUES(7,'charge:01a22686-d1cc-72f6-9557-b862f14d4bd7','charge',3000,'KRW','tok_ok',1795942699582376);
INSERT INTO "ledger" VALUES(8,'charge:01a22686-d1c1-7106-bc93-70ab575ec90b','charge',1500,'KRW','tok_charge_then_timeout',1795942699588647);
INSERT INTO "ledger" VALUES(9,'charge:01a22686-d1c7-7cca-89eb-dc71ed95aada','decline',3000,'KRW','tok_declined',1795942699588662);
INSERT INTO "ledger" VALUES(10,'charge:01a22686-d1ca-7123-acd9-735b976d79fb','charge',1500,'KRW','tok_ok',1795942699588687);
INSERT INTO "ledger" VALUES(11,'charge:01a22686-d1d2-7295-a49d-da17271ca54a','charge',1500,'KRW','tok_charge_then_timeout',1795942699600087);
INSERT INTO "ledger" VALUES(12,'charge:01a22686-d1b5-7d50-a7a9-4e47561635c5','cancel',3000,'KRW','tok_declined',1795942699659623);
INSERT INTO "ledger" VALUES(13,'charge:01a22686-d1bd-73cd-baf2-e2a56fc8cdd8','refund',3000,'KRW','tok_ok',1795942699709082);
INSERT INTO "ledger" VALUES(14,'charge:01a22686-d1c7-7cca-89eb-dc71ed95aada','cancel',3000,'KRW','tok_declined',1795942699745359);
INSERT INTO "ledger" VALUES(15,'charge:01a22686-d1cc-72f6-9557-b862f14d4bd7','refund',3000,'KRW','tok_ok',1795942699745385);
INSERT INTO "ledger" VALUES(16,'charge:01a22686-d1bf-7526-99ca-fd924a8aedb0','charge',4500,'KRW','tok_500_then_ok',1795942700211293);
INSERT INTO "ledger" VALUES(17,'charge:01a22686-d1cd-746d-8ad8-b807eb712981','charge',4500,'KRW','tok_500_then_ok',1795942700211323);
INSERT INTO "ledger" VALUES(18,'charge:01a22686-d1c4-74dd-a7d5-22fead2c6cff','cancel',4500,'KRW','tok_slow_60s',1795942701537606);
INSERT INTO "ledger" VALUES(19,'charge:01a22686-d1db-7d04-a75f-34612ab84c6f','cancel',4500,'KRW','tok_slow_60s',1795942701548165);
INSERT INTO "ledger" VALUES(20,'charge:01a22686-d9d7-7f1d-bfa9-40401dea52bc','charge',3000,'KRW','tok_ok',1795942701595059);
INSERT INTO "ledger" VALUES(21,'charge:01a22686-d9d7-76c3-a0bd-cd208dda9c5c','charge',1500,'KRW','tok_ok',1795942701603752);
INSERT INTO "ledger" VALUES(22,'charge:01a22686-d9d7-7ae7-8e04-8b694b3bc8e1','decline',3000,'KRW','tok_declined',1795942701603773);
INSERT INTO "ledger" VALUES(23,'charge:01a22686-d9db-717b-b929-e1704454a8ff','charge',1500,'KRW','tok_ok',1795942701627971);
INSERT INTO "ledger" VALUES(24,'charge:01a22686-d9db-71f9-aa3e-ed4c5dc98fb1','charge',3000,'KRW','tok_ok',1795942701635182);
INSERT INTO "ledger" VALUES(25,'charge:01a22686-d9e4-7ab0-8bfd-309cb063726b','charge',3000,'KRW','tok_ok',1795942701642268);
COMMIT;
