#pragma once
// The rows that show what is wrong, as JSON objects of the audit views; fetched for what was found.
#include <string>
#include <vector>

#include "orderctl/check.hpp"
#include "orderctl/facts_readers.hpp"

namespace orderflow::orderctl {

enum class Detail { brief, full };  // full: with the events' data

// The audit rows of one order in one database: its aggregate, its ledger, its parked records.
std::vector<RawJson> rows_of_order(AuditDatabase& database, const OrderId& order, Detail detail);

// Puts beside each violation what the databases, and the gateway if it was read, hold of its order
// or product. Of the first ones only: each costs some queries.
void attach_rows(const Endpoints& endpoints, const Facts& facts, Detail detail,
                 std::vector<Violation>& violations);

// An SQL literal.
std::string sql_text(std::string_view text);

}  // namespace orderflow::orderctl
