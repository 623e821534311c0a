REVOKE ALL ON shipments, storage, audit_v1_shipments, audit_v1_storage FROM :service;
GRANT SELECT, INSERT, UPDATE ON shipments, storage TO :service;
GRANT SELECT ON audit_v1_shipments, audit_v1_storage TO auditor;
