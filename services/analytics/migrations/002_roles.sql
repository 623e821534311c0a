REVOKE ALL ON timelines, counters, open_seconds, minutes, customers, customer_minutes,
    audit_v1_timeline, audit_v1_timeline_orders, audit_v1_counters, audit_v1_minutes,
    audit_v1_customers FROM :service;
GRANT SELECT, INSERT, UPDATE ON timelines, counters, minutes, customers, customer_minutes
    TO :service;
GRANT SELECT, INSERT, UPDATE, DELETE ON open_seconds TO :service;
GRANT SELECT ON audit_v1_timeline, audit_v1_timeline_orders, audit_v1_counters, audit_v1_minutes,
    audit_v1_customers TO auditor;
