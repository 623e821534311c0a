#pragma once
// Payment's rules: what is allowed, what follows. Pure; used by the payment handler, the result
// step and the simulator.
//
//   INTENT → CAPTURED | DECLINED                  the gateway answered the charge
//   INTENT → UNKNOWN → CAPTURED | DECLINED        calls without a clear outcome, repeated
//   … → CANCELLING → REFUNDED | NEVER_CHARGED     the order is cancelled: the gateway undoes it
//   CANCELLING → SETTLED → REFUNDED | NEVER_CHARGED   an operator records the outcome in place of
//                                                 a gateway that does not answer. The calls go on,
//                                                 and the gateway may contradict the operator
//   (no row) → NEVER_CHARGED                      the cancellation came first: a tombstone
//
// A row is committed before its call is made, and no timeout turns an unclear outcome into a clear
// one. Once the order is cancelled, payment emits only one answer.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <boost/describe.hpp>

#include "core/ids.hpp"
#include "core/money.hpp"
#include "core/time.hpp"
#include "events/events.hpp"

namespace orderflow::payment {

BOOST_DEFINE_ENUM_CLASS(State, INTENT, UNKNOWN, CAPTURED, DECLINED, CANCELLING, SETTLED, REFUNDED,
                        NEVER_CHARGED)

// INTENT, UNKNOWN, CANCELLING, SETTLED: a call to the gateway must still be made, or made again.
bool is_open(State state);

// An operator's decision about a charge for which the gateway gives no answer.
BOOST_DEFINE_ENUM_CLASS(Settlement, REFUNDED, NEVER_CHARGED)

// The payment of one order.
struct Payment {
    State state = State::INTENT;
    std::string charge_id;  // the gateway's, from CAPTURED on
    std::optional<events::PaymentRejection> reason;
    std::optional<Settlement> settled_as;  // from SETTLED on
    std::string settled_by;                // an operator's name
    std::int32_t attempts = 0;  // calls without a clear outcome; once CANCELLING, of the cancel
    Instant touched_at{};       // last change
    Instant opened_at{};
    std::string traceparent;             // of the request that opened it; its events carry it
    std::optional<events::Order> order;  // as placed; empty in a tombstone

    bool operator==(const Payment&) const = default;
};

// The amount to charge. Only for a payment with an order.
Money amount_of(const events::Order& order);

// How a call to the gateway ended. Everything but a clear answer of the gateway is `Unclear`.
struct Captured {
    std::string charge_id;
    Money amount;
};
struct Declined {
    events::PaymentRejection reason{};
};
struct Refunded {
    Money amount;
};
struct NothingTaken {};  // never charged, or declined
struct Unclear {
    std::string detail;                  // for the log
    std::chrono::seconds not_before{0};  // the gateway's Retry-After
};
using ChargeResult = std::variant<Unclear, Captured, Declined>;
using CancelResult = std::variant<Unclear, Refunded, NothingTaken>;

struct GatewayResult {
    OrderId id;
    std::variant<ChargeResult, CancelResult> outcome;
};
bool is_unclear(const GatewayResult& result);
std::chrono::seconds not_before(const GatewayResult& result);  // 0 for a clear one

// Contradictions that no rule can resolve: an operator must examine them.
enum class Alarm {
    wrong_amount,       // the captured or refunded amount differs from the order's
    settled_otherwise,  // the gateway contradicts an operator's settlement
    capture_denied,     // the gateway had captured, and now reports that it took nothing
};
using Alarms = std::vector<std::pair<OrderId, Alarm>>;

struct Decision {
    std::optional<Payment> next;  // empty: nothing changes
    std::vector<events::Event> events;
    std::optional<Alarm> alarm;
};

// Every (state, event) pair has an answer; `payment` is nullptr for an unknown order. An event that
// was already handled changes nothing and emits nothing.
Decision decide(const Payment* payment, const events::Event& event, const std::string& traceparent,
                Instant now);

// The same for an answer of the gateway to a charge or a cancel, whenever it comes.
Decision apply_answer(const Payment& payment, const GatewayResult& result, Instant now);

// An operator settles the payment in place of the gateway. Empty unless the payment is CANCELLING:
// only then does an order wait for this answer, and only then can no forward event follow.
std::optional<Decision> settle_by_hand(const OrderId& id, const Payment& payment, Settlement as,
                                       const std::string& by, Instant now);

// The wait after `touched_at` until the process that remembers an open payment calls again: none
// for the first call, then 500 ms doubling to 60 s.
std::chrono::milliseconds retry_after(std::int32_t attempts);

}  // namespace orderflow::payment
