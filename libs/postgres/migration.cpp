#include "postgres/migration.hpp"

#include <cstdint>
#include <cstdio>

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

bool exists(Connection& connection, const std::string& schema) {
    int count = 0;
    connection.session() << "SELECT count(*) FROM pg_namespace WHERE nspname = :name",
        soci::use(schema, "name"), soci::into(count);
    return count > 0;
}

void create(Connection& connection, const std::string& schema, std::string_view schema_sql,
            const std::string& version) {
    connection.script("CREATE SCHEMA " + schema + "; SET LOCAL search_path = " + schema);
    connection.script(std::string(schema_sql));
    connection.script(
        "CREATE TABLE schema_version ("
        " one boolean PRIMARY KEY DEFAULT true CHECK (one), version text NOT NULL);"
        " INSERT INTO schema_version (version) VALUES ('" + version + "')");
    connection.script(kGrantAuditor);
}

// Empty: the schema does not say.
std::string stored_version(Connection& connection, const std::string& schema) {
    const std::string table = schema + ".schema_version";
    const Rows found = connection.script("SELECT to_regclass('" + table + "') IS NOT NULL");
    if (found.text(0, 0) != "t") return "";
    const Rows rows = connection.script("SELECT version FROM " + table);
    return rows.size() > 0 ? std::string(rows.text(0, 0)) : "";
}

[[noreturn]] void refuse(const std::string& schema, const std::string& found,
                         const std::string& expected) {
    throw OtherSchema(
        "schema " + schema + " was made by another version of this program: found " +
        (found.empty() ? "no version" : "version " + found) + ", expected version " + expected +
        "; start the program that made it, or alter the schema by hand, or begin with an empty "
        "database (docs/architecture.md, \"Schema versions\")");
}

// Another encoding than UTF8 lacks characters that clients may send.
void check_encoding(Connection& connection, const std::string& schema) {
    const Rows rows = connection.script("SHOW server_encoding");
    const std::string encoding(rows.text(0, 0));
    if (encoding == "UTF8") return;
    throw OtherSchema("schema " + schema + ": the database's encoding is " + encoding +
                      ", it must be UTF8; create the database with ENCODING 'UTF8'");
}

}  // namespace

std::string schema_version(std::string_view schema_sql) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    const auto add = [&hash](char c) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    };
    bool comment = false;
    bool gap = false;
    for (std::size_t i = 0; i < schema_sql.size(); ++i) {
        const char c = schema_sql[i];
        if (schema_sql.substr(i, 2) == "--") comment = true;
        if (c == '\n') comment = false;
        if (comment || c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            gap = true;
            continue;
        }
        if (gap) add(' ');
        gap = false;
        add(c);
    }
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
    return text;
}

void migrate(Connection& connection, std::string_view name, std::string_view schema_sql) {
    const std::string schema(name);
    const std::string expected = schema_version(schema_sql);
    Transaction transaction(connection);
    try {
        // A role's limits are for its work, not for waiting until another instance is done here.
        connection.script("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0");
        check_encoding(connection, schema);
        connection.session() << "SELECT pg_advisory_xact_lock(hashtext('orderflow.migrate'))";
        if (!exists(connection, schema)) {
            create(connection, schema, schema_sql, expected);
        } else if (const std::string found = stored_version(connection, schema);
                   found != expected) {
            refuse(schema, found, expected);
        }
    } catch (const soci::soci_error& error) {
        throw DatabaseError(error.what(), "", false);
    }
    transaction.commit();
}

}  // namespace orderflow::postgres
