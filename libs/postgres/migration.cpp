#include "postgres/migration.hpp"

#include <soci/soci.h>

namespace orderflow::postgres {
namespace {

const char kGrantAuditor[] = R"(
    DO $$
    DECLARE name text;
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'auditor') THEN RETURN; END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO auditor', current_schema());
        FOR name IN SELECT viewname FROM pg_views
                    WHERE schemaname = current_schema() AND viewname LIKE 'audit\_v1\_%'
        LOOP
            EXECUTE format('GRANT SELECT ON %I TO auditor', name);
        END LOOP;
    END $$)";

}  // namespace

void migrate(Connection& connection, std::string_view name, std::string_view schema_sql) {
    soci::session& session = connection.session();
    const std::string schema(name);  // named: SOCI reads it when its expression has ended
    Transaction transaction(connection);
    try {
        // A role's limits are for its work, not for waiting until another instance is done here.
        connection.script("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0");
        session << "SELECT pg_advisory_xact_lock(hashtext('orderflow.migrate'))";
        int exists = 0;
        session << "SELECT count(*) FROM pg_namespace WHERE nspname = :name",
            soci::use(schema, "name"), soci::into(exists);
        if (exists == 0) {
            connection.script("CREATE SCHEMA " + schema + "; SET LOCAL search_path = " + schema);
            connection.script(std::string(schema_sql));
            connection.script(kGrantAuditor);
        }
    } catch (const soci::soci_error& error) {
        throw DatabaseError(error.what(), "", false);
    }
    transaction.commit();
}

}  // namespace orderflow::postgres
