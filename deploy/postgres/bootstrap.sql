-- Databases and roles. A superuser, or an administrator who may create both, runs this file with psql.
-- It can be run again, also while services run. For each service it creates a database, its owner
-- (NAME_owner, for migrations) and its run-time role (NAME, without DDL). For all services: the role
-- operator, as which orderctl writes, and auditor, which reads views. The migrations grant the rights
-- on tables.
-- Environment: each role's password, such as ORDERS_OWNER_PASSWORD, ORDERS_PASSWORD, OPERATOR_PASSWORD.
\set ON_ERROR_STOP on
\set QUIET on
\getenv orders ORDERS_PASSWORD
\getenv orders_owner ORDERS_OWNER_PASSWORD
\getenv payments PAYMENTS_PASSWORD
\getenv payments_owner PAYMENTS_OWNER_PASSWORD
\getenv inventory INVENTORY_PASSWORD
\getenv inventory_owner INVENTORY_OWNER_PASSWORD
\getenv shipping SHIPPING_PASSWORD
\getenv shipping_owner SHIPPING_OWNER_PASSWORD
\getenv analytics ANALYTICS_PASSWORD
\getenv analytics_owner ANALYTICS_OWNER_PASSWORD
\getenv operator OPERATOR_PASSWORD
\getenv auditor AUDITOR_PASSWORD
SET client_min_messages = warning;

\if :{?auditor}
\else
    DO 'BEGIN RAISE EXCEPTION $$the passwords are not in the environment: see the head of bootstrap.sql$$; END';
\endif

CREATE TEMP TABLE wanted (role text PRIMARY KEY, password text NOT NULL);
INSERT INTO wanted VALUES
    ('orders', :'orders'), ('orders_owner', :'orders_owner'),
    ('payments', :'payments'), ('payments_owner', :'payments_owner'),
    ('inventory', :'inventory'), ('inventory_owner', :'inventory_owner'),
    ('shipping', :'shipping'), ('shipping_owner', :'shipping_owner'),
    ('analytics', :'analytics'), ('analytics_owner', :'analytics_owner'),
    ('operator', :'operator'), ('auditor', :'auditor');
CREATE TEMP VIEW service AS
    SELECT role AS owner, replace(role, '_owner', '') AS name FROM wanted WHERE role LIKE '%\_owner';

SELECT format('CREATE ROLE %I LOGIN', role) FROM wanted
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
SELECT format('ALTER ROLE %I PASSWORD %L', role, password) FROM wanted \gexec
ALTER ROLE auditor SET default_transaction_read_only = on;
-- A user who is not a superuser can give an object only to a role of which the user is a member.
SELECT format('GRANT %I TO CURRENT_USER', role) FROM wanted
WHERE NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) \gexec

SELECT format('CREATE DATABASE %I OWNER %I', name, owner) FROM service
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec
-- In one transaction for each database, so that a former owner never loses its right to connect.
SELECT format('BEGIN; ALTER DATABASE %1$I OWNER TO %2$I; REVOKE ALL ON DATABASE %1$I FROM PUBLIC;'
              'GRANT CONNECT ON DATABASE %1$I TO %1$I, operator, auditor; COMMIT', name, owner)
FROM service \gexec

-- No role of orderflow uses these databases.
SELECT format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', datname) FROM pg_database
WHERE datname IN ('postgres', 'template1')
  AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) \gexec

\connect orders
\ir handover.sql
\connect payments
\ir handover.sql
\connect inventory
\ir handover.sql
\connect shipping
\ir handover.sql
\connect analytics
\ir handover.sql
