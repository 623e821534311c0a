-- Runs in each service's database, which has the name of its run-time role. Gives the objects of that
-- role to the owner, one object after the other: so nothing waits long for a lock, and the role never
-- loses a right that it had. Tables come before views, because a view reads tables with the rights of
-- its owner.
SET client_min_messages = warning;
SET lock_timeout = '2s';
SELECT :'DBNAME' AS runtime, :'DBNAME' || '_owner' AS owner \gset

SELECT format('BEGIN; ALTER SCHEMA %1$I OWNER TO %2$I; GRANT USAGE ON SCHEMA %1$I TO %1$I; COMMIT',
              n.nspname, :'owner')
FROM pg_namespace n WHERE n.nspname = :'runtime' AND n.nspowner = :'runtime'::regrole \gexec
SELECT format('BEGIN; ALTER TABLE %1$s OWNER TO %2$I; GRANT ALL ON %1$s TO %3$I; COMMIT',
              c.oid::regclass, :'owner', :'runtime')
FROM pg_class c
WHERE c.relnamespace = to_regnamespace(:'runtime') AND c.relowner = :'runtime'::regrole
  AND c.relkind IN ('r', 'v')
ORDER BY c.relkind, c.relname \gexec
SELECT format('ALTER ROUTINE %s OWNER TO %I', p.oid::regprocedure, :'owner')
FROM pg_proc p
WHERE p.pronamespace = to_regnamespace(:'runtime') AND p.proowner = :'runtime'::regrole \gexec

-- A role that only reads could block relays and migrations with an advisory lock, and could write with
-- a large object. Only a superuser can revoke these functions from PUBLIC.
SELECT format('BEGIN; GRANT EXECUTE ON FUNCTION %1$s TO %2$I, %3$I, operator;'
              'REVOKE EXECUTE ON FUNCTION %1$s FROM PUBLIC; COMMIT',
              p.oid::regprocedure, :'owner', :'runtime')
FROM pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace
  AND (p.proname ~ '^pg_(try_)?advisory_'
       OR p.proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_open', 'lo_put'))
  AND has_function_privilege('public', p.oid, 'EXECUTE')
  AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) \gexec
