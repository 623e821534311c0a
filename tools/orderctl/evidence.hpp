#pragma once
// The rows that show what is wrong, as JSON objects of the audit views; fetched for what was found,
// once the verdict stands. What cannot be fetched leaves a note in its place.
#include <string>
#include <vector>

#include "orderctl/check.hpp"
#include "orderctl/facts_readers.hpp"

namespace orderflow::orderctl {

enum class Detail { brief, full };  // full: with the events' data, as the text that it is

// The audit rows of one order in one database: its aggregate, its ledger, its parked records.
std::vector<RawJson> rows_of_order(AuditDatabase& database, const OrderId& order, Detail detail);

// Puts beside each violation what the databases hold of its order or product, and what the gateway
// did for it if its ledger was read: some queries for all of them together.
void attach_rows(const Endpoints& endpoints, const Facts& facts, Detail detail,
                 std::vector<Violation>& violations);

// An SQL literal.
std::string sql_text(std::string_view text);

}  // namespace orderflow::orderctl
