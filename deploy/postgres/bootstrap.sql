-- Databases and roles: one of each per service, the role owning the database of its name, and the
-- read-only auditor. Run by a superuser with psql; may be run again. Schemas, tables and the views
-- that the auditor may read are made by the services themselves.
-- Environment: ORDERS_PASSWORD, PAYMENTS_PASSWORD, INVENTORY_PASSWORD, SHIPPING_PASSWORD,
-- ANALYTICS_PASSWORD, AUDITOR_PASSWORD.
\set ON_ERROR_STOP on
\set QUIET on
\getenv orders ORDERS_PASSWORD
\getenv payments PAYMENTS_PASSWORD
\getenv inventory INVENTORY_PASSWORD
\getenv shipping SHIPPING_PASSWORD
\getenv analytics ANALYTICS_PASSWORD
\getenv auditor AUDITOR_PASSWORD
SET client_min_messages = warning;

CREATE TEMP TABLE wanted (name text PRIMARY KEY, password text NOT NULL);
INSERT INTO wanted VALUES
    ('orders', :'orders'), ('payments', :'payments'), ('inventory', :'inventory'),
    ('shipping', :'shipping'), ('analytics', :'analytics');

SELECT format('CREATE ROLE %I LOGIN', name) FROM wanted
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
SELECT format('ALTER ROLE %I PASSWORD %L', name, password) FROM wanted \gexec
SELECT format('ALTER ROLE %I SET %s', name, setting)
FROM wanted, LATERAL (VALUES (format('search_path = %I', name)),
                             ('statement_timeout = ''5s'''),
                             ('idle_in_transaction_session_timeout = ''5s'''),
                             ('lock_timeout = ''2s'''),
                             ('tcp_user_timeout = ''5s''')) AS s(setting) \gexec

SELECT 'CREATE ROLE auditor LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'auditor') \gexec
ALTER ROLE auditor PASSWORD :'auditor';
ALTER ROLE auditor SET default_transaction_read_only = on;

SELECT format('CREATE DATABASE %I OWNER %I', name, name) FROM wanted
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name) FROM wanted \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO auditor', name) FROM wanted \gexec
