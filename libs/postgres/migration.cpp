#include "postgres/migration.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <map>
#include <thread>
#include <utility>

namespace orderflow::postgres {
namespace {

using std::chrono::milliseconds;

// The pause of a migrator between two tries to take the lock while another migrator works. It must
// not wait inside a statement: CREATE INDEX CONCURRENTLY waits for every statement that began
// before it.
constexpr milliseconds kLookAgain{100};
// The pause between two tries of a migration that did not get its locks in time.
constexpr milliseconds kTryAgain{1'000};
constexpr std::string_view kOrder = "-- migrate: ";
constexpr std::string_view kPlaceholder = ":service";

// lock_timeout: a statement that waits for the lock of a table makes all later statements wait
// behind it.
const char kSession[] = R"(
    SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
    SET lock_timeout = '2s'; SET client_min_messages = warning; SET search_path = )";

const char kBookkeeping[] = R"(
    CREATE TABLE schema_migrations (
        series        text NOT NULL,
        number        integer NOT NULL,
        name          text NOT NULL,
        sha256        text NOT NULL,     -- of the file as it was applied
        programs_from integer NOT NULL,  -- a program must know this migration of the series
        applied_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (series, number));
    CREATE VIEW audit_v1_migrations AS
        SELECT series, number, name, programs_from, applied_at FROM schema_migrations;)";

const Statement kTryLock{"migrate_lock",
                         "SELECT pg_try_advisory_lock(hashtext('orderflow.migrate'))"};
const Statement kLook{"migrate_look", R"(
    SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1::text),
           coalesce(bool_or(c.relname = 'schema_version'), false),
           coalesce(bool_or(c.relname = 'schema_migrations'
                            AND has_table_privilege(c.oid, 'SELECT')), false),
           count(c.oid) > 0
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = $1::text)"};
const Statement kStanding{"migrate_standing", R"(
    WITH known AS (
        SELECT series, number, name, encode(sha256(convert_to(sql, 'UTF8')), 'hex') AS sha256
        FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[])
             AS k(series, number, name, sql))
    SELECT series, number, coalesce(k.name, ''), coalesce(m.name, ''),
           coalesce(k.sha256 = m.sha256, false), coalesce(m.programs_from, 0)
    FROM known k FULL JOIN schema_migrations m USING (series, number)
    ORDER BY series, number)"};
const Statement kRecord{"migrate_record", R"(
    INSERT INTO schema_migrations (series, number, name, sha256, programs_from)
    VALUES ($1::text, $2::integer, $3::text, encode(sha256(convert_to($4::text, 'UTF8')), 'hex'),
            $5::integer))"};

// A migration as this program has it (`known`) and as the database has it (`applied`). A name is
// empty where there is no such migration.
struct Entry {
    std::string series;
    int number = 0;
    std::string known;
    std::string applied;
    bool same = false;
    int programs_from = 0;
};

// What look_at() found in a schema.
struct Look {
    bool schema = false;
    bool versioned = false;    // made by a program that is older than migrations
    bool bookkeeping = false;  // has schema_migrations, and this role may read it
    bool anything = false;
};

Look look_at(Connection& connection, const std::string& schema) {
    const Rows rows = connection.exec(kLook, Params::of(schema));
    return {rows.boolean(0, 0), rows.boolean(0, 1), rows.boolean(0, 2), rows.boolean(0, 3)};
}

std::vector<Entry> read_standing(Connection& connection, Migrations migrations) {
    Column<std::string> series;
    Column<std::int32_t> numbers;
    Column<std::string> names;
    Column<std::string> texts;
    for (const MigrationSeries& each : migrations) {
        for (const MigrationFile& file : each.files) {
            series.push(std::string(each.name));
            numbers.push(parse_migration(file).number);
            names.push(std::string(file.name));
            texts.push(std::string(file.sql));
        }
    }
    const Rows rows = connection.exec(kStanding, Params::of(series, numbers, names, texts));
    std::vector<Entry> entries;
    for (int i = 0; i < rows.size(); ++i) {
        entries.push_back({std::string(rows.text(i, 0)), rows.int32(i, 1),
                           std::string(rows.text(i, 2)), std::string(rows.text(i, 3)),
                           rows.boolean(i, 4), rows.int32(i, 5)});
    }
    return entries;
}

// "order/002_roles.sql"
std::string path_of(const Entry& entry) {
    return entry.series + "/" + (entry.applied.empty() ? entry.known : entry.applied);
}

// The number of the highest migration of a series in this program; 0: it does not have the series.
int program_of(Migrations migrations, const std::string& series) {
    for (const MigrationSeries& each : migrations) {
        if (each.name == series) return static_cast<int>(each.files.size());
    }
    return 0;
}

// Checks that the applied files are unchanged and that no number was left out.
void check_history(const std::string& schema, const std::vector<Entry>& entries) {
    std::map<std::string, int> last_applied;
    for (const Entry& entry : entries) {
        if (entry.applied.empty()) continue;
        if (!entry.known.empty() && !entry.same) {
            throw SchemaRefused("schema " + schema + ": migration " + path_of(entry) +
                                " was applied with a different text than this program's " +
                                entry.known +
                                "; a released migration must not change: restore the file, or "
                                "start the program that belongs to this database");
        }
        int& last = last_applied[entry.series];
        if (entry.number != last + 1) {
            throw SchemaRefused("schema " + schema + ": migration " + path_of(entry) +
                                " was applied, but number " + std::to_string(last + 1) + " of " +
                                entry.series + " was not; find out who changed schema_migrations");
        }
        last = entry.number;
    }
}

// The encoding must be UTF8: any other one lacks characters that clients may send.
void check_encoding(Connection& connection, const std::string& schema) {
    const Rows rows = connection.script("SHOW server_encoding");
    const std::string encoding(rows.text(0, 0));
    if (encoding == "UTF8") return;
    throw SchemaRefused("schema " + schema + ": the database's encoding is " + encoding +
                        ", it must be UTF8; create the database with ENCODING 'UTF8'");
}

void take_lock(Connection& connection, const std::string& schema, const Say& say) {
    bool said = false;
    while (!connection.exec(kTryLock).boolean(0, 0)) {
        if (!std::exchange(said, true)) say("schema " + schema + ": another process migrates it");
        std::this_thread::sleep_for(kLookAgain);
    }
}

std::string with_names(std::string_view sql, const std::string& schema) {
    std::string text(sql);
    for (std::size_t at = 0; (at = text.find(kPlaceholder, at)) != text.npos;) {
        text.replace(at, kPlaceholder.size(), schema);
        at += schema.size();
    }
    return text;
}

void record(Connection& connection, std::string_view series, const Migration& migration) {
    connection.exec(kRecord, Params::of(series, std::int32_t{migration.number}, migration.name,
                                        migration.sql, std::int32_t{migration.programs_from}));
}

// The value that programs older than migrations stored in schema_version: 16 hexadecimal digits
// (FNV-1a) of the schema's text. Comments (-- to the end of the line) and the amount of white space
// do not count.
std::string fingerprint(std::string_view schema_sql) {
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

// Takes over a schema of the last program before migrations: it is the same as migration 001 of all
// series. The table schema_version stays, so that the older program can still be started.
void take_over(Connection& connection, const std::string& schema, Migrations migrations,
               const Say& say) {
    const Rows rows = connection.script("SELECT version FROM schema_version");
    const std::string found(rows.size() > 0 ? rows.text(0, 0) : "");
    std::string text;
    for (const MigrationSeries& series : migrations) {
        text += (text.empty() ? "" : "\n") + std::string(series.files.front().sql);
    }
    if (found != fingerprint(text)) {
        throw SchemaRefused("schema " + schema + ": schema_version is " +
                            (found.empty() ? "empty" : found) + ", migration 001 takes over " +
                            fingerprint(text) +
                            " only; upgrade the database to the last release before migrations "
                            "first, or begin with an empty database");
    }
    connection.script(with_names("GRANT SELECT ON schema_version TO :service", schema));
    for (const MigrationSeries& series : migrations) {
        record(connection, series.name, parse_migration(series.files.front()));
    }
    say("schema " + schema + ": taken over at version " + found + " as 001");
}

void begin_bookkeeping(Connection& connection, const std::string& schema, Migrations migrations,
                       const Say& say) {
    Transaction transaction(connection);
    const Look found = look_at(connection, schema);
    if (found.bookkeeping) return;
    if (found.anything && !found.versioned) {
        throw SchemaRefused("schema " + schema +
                            " contains objects that no migration of this program created; begin "
                            "with an empty schema");
    }
    if (!found.schema) connection.script("CREATE SCHEMA " + schema);
    connection.script(kBookkeeping);
    if (found.versioned) take_over(connection, schema, migrations, say);
    transaction.commit();
}

void run(Connection& connection, const std::string& schema, std::string_view series,
         const Migration& migration) {
    const std::string sql = with_names(migration.sql, schema);
    if (!migration.in_transaction) {
        for (const std::string& statement : statements_of(sql)) connection.script(statement);
        return record(connection, series, migration);
    }
    Transaction transaction(connection);
    connection.script(sql);
    record(connection, series, migration);
    transaction.commit();
}

void apply(Connection& connection, const std::string& schema, std::string_view series,
           const Migration& migration, const Say& say) {
    const std::string what =
        "schema " + schema + ": " + std::string(series) + "/" + std::string(migration.name);
    for (;;) {
        try {
            run(connection, schema, series, migration);
            return say(what + " applied");
        } catch (const DatabaseError& error) {
            if (error.sqlstate() != "55P03" && !error.deadlock()) throw;
            say(what + " did not get its locks, retrying: " + error.what());
        }
        std::this_thread::sleep_for(kTryAgain);
    }
}

}  // namespace

Migration parse_migration(const MigrationFile& file) {
    Migration migration{0, file.name, file.sql};
    const auto fail = [&](const std::string& why) {
        throw std::invalid_argument("migration " + std::string(file.name) + ": " + why);
    };
    const auto read = [](std::string_view digits, int& number) {
        const auto end = digits.data() + digits.size();
        return std::from_chars(digits.data(), end, number).ptr == end && number > 0;
    };
    if (!read(file.name.substr(0, 3), migration.number)) fail("no number");
    for (std::string_view rest = file.sql; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (!line.starts_with(kOrder)) continue;
        const std::string_view order = line.substr(kOrder.size());
        constexpr std::string_view kFrom = "programs from ";
        if (order == "no transaction") {
            migration.in_transaction = false;
        } else if (!order.starts_with(kFrom) ||
                   !read(order.substr(kFrom.size()), migration.programs_from)) {
            fail("unknown instruction '" + std::string(order) + "'");
        }
    }
    return migration;
}

std::vector<std::string> statements_of(std::string_view sql) {
    std::vector<std::string> statements;
    std::string statement;
    bool empty = true;  // apart from comments
    for (std::string_view rest = sql; !rest.empty();) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        statement.append(line).append("\n");
        line = line.substr(0, line.find("--"));
        line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
        empty = empty && line.empty();
        if (!line.ends_with(';')) continue;
        statements.push_back(std::exchange(statement, ""));
        empty = true;
    }
    if (!empty) statements.push_back(statement);
    return statements;
}

void migrate(Connection& connection, const std::string& name, Migrations migrations,
             const Say& say) {
    connection.script(kSession + name);
    check_encoding(connection, name);
    take_lock(connection, name, say);
    begin_bookkeeping(connection, name, migrations, say);
    const std::vector<Entry> entries = read_standing(connection, migrations);
    check_history(name, entries);
    for (const Entry& entry : entries) {
        if (!entry.known.empty()) continue;
        throw SchemaIsNewer("schema " + name + " is newer than this program: " + path_of(entry) +
                            " was applied, this program has " + entry.series + " up to " +
                            std::to_string(program_of(migrations, entry.series)) +
                            "; run --migrate of the newer program");
    }
    for (const MigrationSeries& series : migrations) {
        for (const MigrationFile& file : series.files) {
            const Migration migration = parse_migration(file);
            const bool applied = std::ranges::any_of(entries, [&](const Entry& entry) {
                return entry.series == series.name && entry.number == migration.number &&
                       !entry.applied.empty();
            });
            if (!applied) apply(connection, name, series.name, migration, say);
        }
    }
    connection.reset();  // also releases the lock
}

std::string missing_in(Connection& connection, const std::string& name, Migrations migrations) {
    check_encoding(connection, name);
    const Look found = look_at(connection, name);
    if (!found.bookkeeping) return "schema " + name + " was not migrated yet: run --migrate";
    const std::vector<Entry> entries = read_standing(connection, migrations);
    check_history(name, entries);
    std::string missing;
    for (const Entry& entry : entries) {
        const int program = program_of(migrations, entry.series);
        if (entry.programs_from > program) {
            throw SchemaRefused(
                "schema " + name + ": " + path_of(entry) + " needs a program with " + entry.series +
                " " + std::to_string(entry.programs_from) + ", this program has it up to " +
                std::to_string(program) + "; start a newer program");
        }
        if (entry.applied.empty()) missing += (missing.empty() ? "" : ", ") + path_of(entry);
    }
    return missing.empty() ? ""
                           : "schema " + name + " lacks " + missing +
                                 ": run --migrate of this "
                                 "program";
}

}  // namespace orderflow::postgres
