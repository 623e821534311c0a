#pragma once
// A service's schema as numbered migrations. `SERVICE --migrate` applies them as the owner of the
// schema; a service that starts uses them to check whether it can work on the schema. Blocks; runs
// on the caller's thread, with a connection that nothing else uses.
//
// The table schema_migrations in the schema records each applied migration: its series, its number,
// the name of its file, the SHA-256 of its text, the migration of the series that a program must
// have to work with the schema, and the time. Numbers count from 1 within a series and leave none
// out.
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "postgres/connection.hpp"

namespace orderflow::postgres {

// One file as it was compiled in. A released file never changes again.
//
// Its name is NNN_what_it_does.sql. In its text `:service` stands for the name of the schema, which
// is also the name of the service's run-time role. A line "-- migrate: …" is a directive:
//   -- migrate: no transaction    each statement runs in a transaction of its own, as CREATE INDEX
//                                 CONCURRENTLY requires. A statement ends with a `;` at the end of
//                                 a line. It must be safe to run each of them again: an error or a
//                                 crash in the middle leaves the earlier ones done
//   -- migrate: programs from N   programs without migration N of this series can no
//                                 longer work on the schema
struct MigrationFile {
    std::string_view name;
    std::string_view sql;
};

// Files 001, 002, … in this order.
struct MigrationSeries {
    std::string_view name;
    std::span<const MigrationFile> files;
};

// In the order in which a schema gets them: first the series that every service has, then the
// service's own.
using Migrations = std::span<const MigrationSeries>;

// A migration, parsed from its file.
struct Migration {
    int number = 0;
    std::string_view name;
    std::string_view sql;
    bool in_transaction = true;
    int programs_from = 0;
};

// Throws std::invalid_argument for a name without a number or an unknown directive.
Migration parse_migration(const MigrationFile& file);

// The statements of a migration that runs without a transaction.
std::vector<std::string> statements_of(std::string_view sql);

// This program can neither work on the schema nor bring it up to date, and waiting does not help.
// what() names the schema, what was found and what was expected, and what an operator can do.
class SchemaRefused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// migrate() throws it if the program is older than the schema: there is nothing to apply.
class SchemaIsNewer final : public SchemaRefused {
public:
    using SchemaRefused::SchemaRefused;
};

// Receives one line for each migration that is applied, and one for each wait.
using Say = std::function<void(const std::string&)>;

// Applies the migrations that schema `name` lacks, one after the other. Several processes may do so
// at the same time: one works, the others wait, and each migration is applied once. Creates the
// schema if it does not exist. Also takes over a schema that was made before there were migrations,
// if its text was that of the 001 of all series. If a migration cannot get a lock soon, the
// statements that queue behind it go first, and it is tried again. Throws SchemaRefused if an
// applied file was changed later or a number was left out; SchemaIsNewer; DatabaseError. Migrations
// that were applied until then stay applied.
void migrate(Connection& connection, const std::string& name, Migrations migrations,
             const Say& say);

// What the schema still lacks before a program with these migrations can work on it, as a text for
// people; empty: nothing. A newer schema is accepted unless one of its migrations excludes this
// program. Throws SchemaRefused, DatabaseError.
std::string missing_in(Connection& connection, const std::string& name, Migrations migrations);

}  // namespace orderflow::postgres
