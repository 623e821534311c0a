#pragma once
// The invariants: facts in, violations out. Pure; unit tests plant a fault in hand-made facts for
// each of them. Used by `orderctl check`.
//
//   I1  every order answered with 202 is there and ends          (needs a client's history)
//   I2  no order without a client's request, one per key         (needs a client's history)
//   I3  one charge: captured at most once; COMPLETED: captured, not refunded; CANCELLED: refunded;
//       nothing kept under a key that is no order's
//   I4  money: gateway = payments' ledger = completed orders, per order and per currency; the
//       gateway has not contradicted an operator
//   I5  stock: adjusted = free + reserved + sold per product, each adjustment was asked for, and
//       both sums are the orders'
//   I8  the fold of each ledger = the tables (fold.hpp), and no event was given up
//   I9  ledger = topics up to the relay's checkpoint, byte for byte; the first records of each
//       order and product in seq order
//   I10 one event per order, participant and kind
//
// An order is judged across services only when it is settled: final, nothing of it put aside by the
// services that decide on it, and every event of it handled by all its consumers. Others are
// counted as in flight. Money is judged of every final order.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "orderctl/facts.hpp"
#include "orderctl/fold.hpp"
#include "orderctl/history.hpp"

namespace orderflow::orderctl {

BOOST_DEFINE_ENUM_CLASS(Verdict, ok, violated, not_judged)

// JSON text that is written as it is (raw_json.hpp).
struct RawJson {
    std::string text;
};

struct Violation {
    std::string invariant;
    std::optional<OrderId> order_id;
    std::optional<std::string> product_id;
    std::string what;
    std::vector<RawJson> rows;  // what shows it: rows of the audit views, the gateway's charge
};
BOOST_DESCRIBE_STRUCT(Violation, (), (invariant, order_id, product_id, what, rows))

struct Invariant {
    std::string id;
    std::string title;
    Verdict verdict = Verdict::ok;
    std::int64_t violations = 0;
    std::string note;  // what was judged, what was not and why
};
BOOST_DESCRIBE_STRUCT(Invariant, (), (id, title, verdict, violations, note))

struct Counts {
    std::int64_t orders = 0;
    std::int64_t final = 0;
    std::int64_t settled = 0;
    std::int64_t in_flight = 0;    // not final
    std::int64_t not_arrived = 0;  // final, but a consumer is behind, or records are gone
    std::int64_t parked = 0;       // a service holds an event of the order aside
    std::int64_t settled_by_hand = 0;
    std::int64_t ledger_rows = 0;
    std::int64_t records = 0;
    std::int64_t duplicates = 0;       // records beyond the first of an event
    std::int64_t foreign_records = 0;  // that no consumer could take for an event
    std::int64_t gateway_lines = 0;
    std::int64_t foreign_charges = 0;  // keys at the gateway that are no order's
};
BOOST_DESCRIBE_STRUCT(Counts, (),
                      (orders, final, settled, in_flight, not_arrived, parked, settled_by_hand,
                       ledger_rows, records, duplicates, foreign_records, gateway_lines,
                       foreign_charges))

struct Report {
    Counts counts;
    std::vector<Invariant> invariants;
    std::vector<Violation> violations;  // the first kMaxViolations of each invariant
    std::vector<std::string> notes;     // why hardly anything could be judged

    // Nothing was judged across services although there is something to judge.
    bool judged_nothing() const {
        return !notes.empty() && counts.final > 0 && counts.settled == 0;
    }
};
BOOST_DESCRIBE_STRUCT(Report, (), (counts, invariants, violations, notes))

inline constexpr std::int64_t kMaxViolations = 1'000;

// Final, nothing put aside, every event handled by its consumers.
bool is_settled(const Facts& facts, const OrderFacts& order, std::span<const std::uint32_t> events);

// `history` may be null: I1 and I2 are then not judged.
Report check(const Facts& facts, const History* history);

// How a difference between ledger and table reads: "payment: state is …, its ledger says …".
std::string describe(const Difference& difference);

}  // namespace orderflow::orderctl
