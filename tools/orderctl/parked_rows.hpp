#pragma once
// Parked records as `stuck`, `order`, `records list` and `check` read and show them: a record that
// waits behind another one of its key has no due time of its own. Any thread.
#include <cstdint>
#include <optional>
#include <string>

#include "core/time.hpp"

namespace orderflow::orderctl {

// Rows of audit_v1_parked, alias p, each with the record that is tried before it, if there is one:
// the record of the same key that the service chooses first (libs/outbox/parked_table.cpp).
inline constexpr const char* kParkedRows = R"(audit_v1_parked p LEFT JOIN LATERAL (
    SELECT e.id AS head_id, e.due_at AS head_due FROM audit_v1_parked e
    WHERE e.key = p.key AND e.id < p.id AND NOT e.dead AND NOT p.dead
      AND (e.blocks OR NOT p.blocks)
    ORDER BY e.id LIMIT 1) head ON true)";
// The next time at which the record changes: when it, or the record before it, is due.
inline constexpr const char* kParkedDue = "coalesce(head_due, due_at)";

// Returns "next at …", "due since …", "waits behind record 7 of its order, which is tried again at
// …". A time that has passed is never announced as a time to come.
inline std::string next_try_text(const std::optional<std::string>& due_at,
                                 std::optional<std::int64_t> behind, Instant now) {
    const auto due = due_at ? parse_rfc3339(*due_at) : std::nullopt;
    const bool passed = due && *due <= now;
    const std::string time = due_at.value_or("an unknown time");
    if (!behind) return (passed ? "due since " : "next at ") + time;
    return "waits behind record " + std::to_string(*behind) + " of its order, which is " +
           (passed ? "due since " : "tried again at ") + time;
}

}  // namespace orderflow::orderctl
