-- What each role may do with the tables that every service has; docs/architecture.md has the table
-- for all of them. :service runs the service, operator is whom orderctl writes as, auditor reads views.
GRANT USAGE ON SCHEMA :service TO :service, operator, auditor;
REVOKE ALL ON outbox, relay_checkpoint, parked, parked_decisions FROM :service;
REVOKE ALL ON audit_v1_outbox, audit_v1_relay, audit_v1_relay_lanes, audit_v1_parked,
    audit_v1_parked_decisions FROM :service;

GRANT SELECT ON schema_migrations TO :service;
GRANT SELECT, INSERT ON outbox TO :service;
GRANT SELECT, INSERT, UPDATE ON relay_checkpoint TO :service;
GRANT SELECT, INSERT, UPDATE, DELETE ON parked TO :service;

-- republish; records retry, records discard.
GRANT SELECT (seq, recorded_at) ON outbox TO operator;
GRANT SELECT, UPDATE (seq, republished) ON relay_checkpoint TO operator;
GRANT SELECT, DELETE, UPDATE (dead, due_at, attempts) ON parked TO operator;
GRANT SELECT, INSERT ON parked_decisions TO operator;

GRANT SELECT ON audit_v1_outbox, audit_v1_relay, audit_v1_relay_lanes, audit_v1_parked,
    audit_v1_parked_decisions, audit_v1_migrations TO auditor;
