REVOKE ALL ON payments, audit_v1_payments FROM :service;
GRANT SELECT, INSERT, UPDATE ON payments TO :service;
-- payment settle: the payment's outcome, and the event that says so.
GRANT SELECT, UPDATE (version, touched_at, attempts, state, reason, charge_id, settled_as, settled_by)
    ON payments TO operator;
GRANT INSERT ON outbox TO operator;
GRANT SELECT ON audit_v1_payments TO auditor;
