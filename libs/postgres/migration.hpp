#pragma once
// Brings a service's schema into the database. Called once at start by `main`.
#include <string_view>

#include "postgres/connection.hpp"

namespace orderflow::postgres {

// Creates schema `name` and runs `schema_sql` inside it if the database does not have it yet, in
// one transaction and under an advisory lock, so that several instances may start at once. If there
// is a role `auditor`, it may then read the views audit_v1_* and nothing else. Throws
// DatabaseError.
void migrate(Connection& connection, std::string_view name, std::string_view schema_sql);

}  // namespace orderflow::postgres
