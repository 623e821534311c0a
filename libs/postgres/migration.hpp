#pragma once
// Brings a service's schema into the database. Called once at start by `main`.
#include <stdexcept>
#include <string>
#include <string_view>

#include "postgres/connection.hpp"

namespace orderflow::postgres {

// The schema in the database was made from another text than this program's, or the database has
// another encoding than UTF8: it is neither used nor changed. what() names the schema, what was
// found and expected, and what an operator can do.
class OtherSchema final : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// What tells one schema from another: 16 hexadecimal digits of the text (FNV-1a), of which comments
// (-- to the end of the line) and white space do not count.
std::string schema_version(std::string_view schema_sql);

// Creates schema `name` and runs `schema_sql` inside it if the database does not have it yet, in
// one transaction and under an advisory lock, so that several instances may start at once. The
// schema's table `schema_version` keeps the version of what was run. If there is a role `auditor`,
// it may then read the views audit_v1_* and nothing else. Throws OtherSchema, DatabaseError.
void migrate(Connection& connection, std::string_view name, std::string_view schema_sql);

}  // namespace orderflow::postgres
