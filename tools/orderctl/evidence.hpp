#pragma once
// The rows that prove a violation, as JSON objects of the audit views. They are read after the
// verdict is known, for the violations only. If they cannot be read, a note takes their place. One
// thread.
#include <string>
#include <vector>

#include "orderctl/check.hpp"
#include "orderctl/facts_readers.hpp"

namespace orderflow::orderctl {

enum class Detail { brief, full };  // full: with the events' data as text, unchanged

// Returns the audit rows of one order in one database: its aggregate, its ledger, its parked
// records.
std::vector<RawJson> rows_of_order(AuditDatabase& database, const OrderId& order, Detail detail);

// Adds to each violation the rows of its order or product in the databases, and, if the gateway's
// ledger was read, the gateway's sums for it. Uses a few queries for all violations together.
void attach_rows(const Endpoints& endpoints, const Facts& facts, Detail detail,
                 std::vector<Violation>& violations);

// Returns an SQL literal.
std::string sql_text(std::string_view text);

}  // namespace orderflow::orderctl
