#pragma once
// A service's schema in numbered migrations: what `SERVICE --migrate` applies as the schema's
// owner, and how a service finds out whether it can work on the schema. On the caller's thread,
// with a connection that nobody else uses; blocks.
//
// The schema's table schema_migrations says what was applied: series, number, the file's name, the
// SHA-256 of its text, from which program on it can be worked with, and when. Numbers count from 1
// within a series and leave none out.
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "postgres/connection.hpp"

namespace orderflow::postgres {

// One file as it was compiled in. Once released it never changes again.
//
// Its name is NNN_what_it_does.sql. In its text `:service` stands for the name of the schema, which
// is the name of the service's run-time role, too. A line "-- migrate: …" gives an order:
//   -- migrate: no transaction    statement by statement, each its own transaction, as CREATE INDEX
//                                 CONCURRENTLY wants it; a statement ends with a `;` at a line's
//                                 end, and each must be fit to be run again, since an error or a
//                                 crash in the middle leaves the earlier ones done
//   -- migrate: programs from N   programs that do not know migration N of this series can no
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

// In the order in which a schema gets them: first what every service has, then its own.
using Migrations = std::span<const MigrationSeries>;

// A migration as its file says.
struct Migration {
    int number = 0;
    std::string_view name;
    std::string_view sql;
    bool in_transaction = true;
    int programs_from = 0;
};

// Throws std::invalid_argument for a name without a number or an order that does not exist.
Migration parse_migration(const MigrationFile& file);

// The statements of a migration without a transaction.
std::vector<std::string> statements_of(std::string_view sql);

// The schema is none that this program can work on or bring up to date, and no waiting mends that.
// what() names the schema, what was found and expected, and what an operator can do.
class SchemaRefused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// What a migrator says whose program is older than the schema: there is nothing for it to do.
class SchemaIsNewer final : public SchemaRefused {
public:
    using SchemaRefused::SchemaRefused;
};

// What is said while migrations are applied: a line for each, and for each wait.
using Say = std::function<void(const std::string&)>;

// Applies what schema `name` lacks of `migrations`, one after the other and each once, however many
// do so at a time: the others wait. Creates the schema if it is not there; takes over one that was
// made before there were migrations, whose text was that of the 001 of all series. A migration that
// gets a lock only after a while gives way to those who queue behind it, and is tried again. Throws
// SchemaRefused: a file that was applied and changed since, a number left out; SchemaIsNewer.
// Throws DatabaseError; what was applied until then stays.
void migrate(Connection& connection, const std::string& name, Migrations migrations,
             const Say& say);

// What the schema still lacks before a program with these migrations can work on it, for people to
// read; empty: nothing. A newer schema is fine unless one of its migrations shuts the program out.
// Throws SchemaRefused, DatabaseError.
std::string missing_in(Connection& connection, const std::string& name, Migrations migrations);

}  // namespace orderflow::postgres
