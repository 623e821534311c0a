-- Hands what the run-time role owns in the service's database, which has its name, over to the owner.
-- One object after the other: nothing waits long for a lock, and at no moment does the role lack a
-- right that it had. Tables before views, which read them with their owner's rights.
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
