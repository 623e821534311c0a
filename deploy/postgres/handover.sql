-- For each service's database, which has its run-time role's name. Hands what that role owns over to
-- the owner. One object after the other: nothing waits long for a lock, and at no moment does the role
-- lack a right that it had. Tables before views, which read them with their owner's rights.
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

-- With an advisory lock a reader would hold up relays and migrations, with a large object he would
-- write. Only a superuser can take these functions away from everybody.
SELECT format('BEGIN; GRANT EXECUTE ON FUNCTION %1$s TO %2$I, %3$I, operator;'
              'REVOKE EXECUTE ON FUNCTION %1$s FROM PUBLIC; COMMIT',
              p.oid::regprocedure, :'owner', :'runtime')
FROM pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace
  AND (p.proname ~ '^pg_(try_)?advisory_'
       OR p.proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_open', 'lo_put'))
  AND has_function_privilege('public', p.oid, 'EXECUTE')
  AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) \gexec
