REVOKE ALL ON products, reservations, adjustments, audit_v1_stock, audit_v1_reservations,
    audit_v1_adjustments FROM :service;
GRANT SELECT, INSERT, UPDATE ON products, reservations TO :service;
GRANT SELECT, INSERT ON adjustments TO :service;
GRANT SELECT ON audit_v1_stock, audit_v1_reservations, audit_v1_adjustments TO auditor;
