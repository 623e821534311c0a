REVOKE ALL ON orders, idempotency_keys, audit_v1_orders FROM :service;
GRANT SELECT, INSERT, UPDATE ON orders TO :service;
-- UPDATE of one column: whoever deletes expired keys locks them first.
GRANT SELECT, INSERT, DELETE, UPDATE (created_at) ON idempotency_keys TO :service;
GRANT SELECT ON audit_v1_orders TO auditor;
