#pragma once
// The invariants: facts in, violations out. Pure; for each of them, unit tests put a fault into
// hand-made facts. Used by `orderctl check`.
//
//   I1  every order answered with 202 exists and ends            (needs a client's history)
//   I2  no order without a client's request, one per key         (needs a client's history)
//   I3  one charge: captured at most once; COMPLETED: captured, not refunded; CANCELLED: refunded;
//       no money kept under a key that belongs to no order
//   I4  money: gateway = payments' ledger = completed orders, per order and per currency; the
//       gateway has not contradicted an operator
//   I5  stock: adjusted = free + reserved + sold per product, each adjustment was requested, and
//       both sums agree with the orders
//   I8  the fold of each ledger = the tables (fold.hpp), and no event was given up
//   I9  ledger = topics up to the relay's checkpoint, byte for byte; the first records of each
//       order and product in seq order
//   I10 one event per order, participant and kind
//
// An order is judged across services only when it is comparable: it is final, the services that
// decide on it have put aside none of its events, and all consumers have handled every event of it.
// The other orders are counted as in flight. Money is judged for every final order.
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
    std::vector<RawJson> rows;  // the evidence: rows of the audit views, the gateway's charge
};
BOOST_DESCRIBE_STRUCT(Violation, (), (invariant, order_id, product_id, what, rows))

struct Invariant {
    std::string id;
    std::string title;
    Verdict verdict = Verdict::ok;
    std::int64_t violations = 0;
    std::string note;  // what was judged; what was not, and why
};
BOOST_DESCRIBE_STRUCT(Invariant, (), (id, title, verdict, violations, note))

struct Counts {
    std::int64_t orders = 0;
    std::int64_t final = 0;
    std::int64_t settled = 0;      // comparable; --json was released with this name
    std::int64_t in_flight = 0;    // not final
    std::int64_t not_arrived = 0;  // final, but a consumer is behind, or records are gone
    std::int64_t parked = 0;       // a service has put aside an event of the order
    std::int64_t settled_by_hand = 0;
    std::int64_t ledger_rows = 0;
    std::int64_t records = 0;
    std::int64_t duplicates = 0;       // records beyond the first of an event
    std::int64_t foreign_records = 0;  // not readable as an event by any consumer
    std::int64_t gateway_lines = 0;
    std::int64_t foreign_charges = 0;  // keys at the gateway that belong to no order
};
BOOST_DESCRIBE_STRUCT(Counts, (),
                      (orders, final, settled, in_flight, not_arrived, parked, settled_by_hand,
                       ledger_rows, records, duplicates, foreign_records, gateway_lines,
                       foreign_charges))

struct Report {
    Counts counts;
    std::vector<Invariant> invariants;
    std::vector<Violation> violations;  // the first kMaxViolations of each invariant
    std::vector<std::string> notes;     // why almost nothing could be judged

    // Whether nothing was judged across services although there are final orders.
    bool judged_nothing() const {
        return !notes.empty() && counts.final > 0 && counts.settled == 0;
    }
};
BOOST_DESCRIBE_STRUCT(Report, (), (counts, invariants, violations, notes))

inline constexpr std::int64_t kMaxViolations = 1'000;

// Whether the services' data about the order can be compared: it is final, no event of it is put
// aside, and all consumers have handled its events.
bool is_comparable(const Facts& facts, const OrderFacts& order,
                   std::span<const std::uint32_t> events);

// `history` may be null: then I1 and I2 are not judged.
Report check(const Facts& facts, const History* history);

// The text of a difference between ledger and table: "payment: state is …, its ledger says …".
std::string describe(const Difference& difference);

}  // namespace orderflow::orderctl
