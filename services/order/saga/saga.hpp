#pragma once
// The order's rules: what is allowed, what follows. Pure; used by the saga handler, the commands,
// the deadline and the simulator.
//
//   PROCESSING → COMPLETED                the shipment is scheduled
//   PROCESSING → CANCELLING → CANCELLED   a refusal, the customer, or the deadline; CANCELLED when
//                                         all three participants have answered
//
// Only the order service decides to go back, by one trigger (CancellationStarted). A race between
// "forward" and "back" is decided here: the first event that reaches the order's row wins.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/describe.hpp>

#include "core/ids.hpp"
#include "core/money.hpp"
#include "core/time.hpp"
#include "events/catalog.hpp"
#include "events/events.hpp"

namespace orderflow::outbox {
template <class Id, class Row>
class Aggregates;
}
namespace orderflow::postgres {
class Connection;
}

namespace orderflow::order {

BOOST_DEFINE_ENUM_CLASS(State, PROCESSING, COMPLETED, CANCELLING, CANCELLED)

// One bit per enumerator: answers of participants, compensations done.
template <class Enum>
constexpr std::int16_t bit(Enum value) {
    return static_cast<std::int16_t>(1 << static_cast<int>(value));
}
inline constexpr std::int16_t kAllAnswered = 0b111;

// The saga of one order: everything that may change. The order as placed is stored beside it. Each
// time is later than every time that was set before, whatever the clocks of the processes show:
// sorted, the times are the order's history.
struct Saga {
    State state = State::PROCESSING;
    std::optional<events::Reason> reason;  // from CANCELLING on
    std::int16_t answers = 0;              // bits of events::Participant
    std::int16_t undone = 0;               // bits of events::Compensation
    Instant placed_at{};
    std::optional<Instant> reserved_at;
    std::optional<Instant> captured_at;
    std::optional<Instant> cancelling_at;
    std::array<std::optional<Instant>, 3> answered_at;  // by events::Participant
    std::optional<Instant> finished_at;                 // COMPLETED or CANCELLED
    std::optional<Instant> recreated_at;                // the row was lost and created again then
    std::optional<ShipmentId> shipment_id;
    std::string customer_id;
    Money total;

    bool operator==(const Saga&) const = default;
};

// The sagas of a set of orders.
using Sagas = outbox::Aggregates<OrderId, Saga>;
// Reads the rows of these orders; those that do not exist are left out. For other features, which
// do not include the store.
using ReadSagas = Sagas (*)(postgres::Connection& connection, std::span<const OrderId> ids);

struct Decision {
    std::optional<Saga> next;  // empty: nothing changes
    std::vector<events::Event> events;
    // Set if the row of an unknown order must be created first, from the order in the event.
    const events::Order* recreate = nullptr;
    // The event belongs to an order that is unknown here and cannot be recreated from the event.
    bool orphan = false;
};

// An event of the order service's own ledger.
struct LedgerEntry {
    events::Event event;
    Instant at;
};

// A new order.
Decision place(const OrderId& id, const events::Order& order);

// Every (state, event) pair has an answer; `saga` is nullptr for an unknown order. An event that
// was already handled changes nothing and emits nothing.
Decision decide(const Saga* saga, const events::Event& event, Instant now);

// The same for an order whose row is lost. The row is recreated from the order in the event, and
// from the order's events in the ledger (in order, or none), which are not emitted again.
Decision recreate(const events::Event& event, std::span<const LedgerEntry> ledger, Instant now);
const events::Order* order_block(const events::Event& event);  // nullptr: it has none

// The customer or the deadline: starts the cancellation of an order that is still PROCESSING.
Decision cancel(const OrderId& id, const Saga& saga, events::Reason reason, Instant now);

// The history of an order, oldest first. It only grows at its end, so the n-th entry stays the
// n-th, until the row is lost and recreated (`recreated_at`).
struct HistoryEntry {
    events::EventKind kind{};
    events::Service service{};  // the service that emitted the event
    Instant at{};
    State state{};  // of the order from then on
};
std::vector<HistoryEntry> history(const Saga& saga);

// What was undone.
std::vector<events::Compensation> compensations(std::int16_t undone);

// The answers for which the order waits, and since when; none once it is final.
struct AwaitedAnswer {
    events::Participant participant{};
    Instant since{};
};
std::vector<AwaitedAnswer> awaited_answers(const Saga& saga);

}  // namespace orderflow::order
