#include "payment/payment.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "events/catalog.hpp"

namespace orderflow::payment {
namespace {

constexpr std::chrono::milliseconds kFirstRetry{500};
constexpr std::chrono::milliseconds kLongestRetry{60'000};

Decision to_state(const Payment& payment, State state, Instant now) {
    Decision decision;
    decision.next = payment;
    decision.next->state = state;
    decision.next->touched_at = now;
    return decision;
}

Decision open(const events::StockReserved& event, const std::string& traceparent, Instant now) {
    Payment payment;
    payment.touched_at = now;
    payment.opened_at = now;
    payment.traceparent = traceparent;
    payment.order = event.order;
    Decision decision;
    decision.next = std::move(payment);
    return decision;
}

events::NothingToCompensate nothing(const OrderId& id) {
    return {id, events::Participant::payment, std::nullopt};
}

// Without an intent no charge was ever sent, and after this row none will be.
Decision leave_tombstone(const OrderId& id, const std::string& traceparent, Instant now) {
    Payment tombstone;
    tombstone.state = State::NEVER_CHARGED;
    tombstone.touched_at = now;
    tombstone.opened_at = now;
    tombstone.traceparent = traceparent;
    Decision decision;
    decision.next = std::move(tombstone);
    decision.events.push_back(nothing(id));
    return decision;
}

// A declined payment is also cancelled at the gateway: a decline that answered a repeated call may
// hide an earlier capture.
Decision cancel(const Payment& payment, Instant now) {
    switch (payment.state) {
        case State::INTENT:
        case State::UNKNOWN:
        case State::CAPTURED:
        case State::DECLINED: {
            Decision decision = to_state(payment, State::CANCELLING, now);
            decision.next->attempts = 0;
            return decision;
        }
        case State::CANCELLING:
        case State::SETTLED:
        case State::REFUNDED:
        case State::NEVER_CHARGED: return {};
    }
    throw std::logic_error("no such state");
}

bool awaits_charge(State state) {
    switch (state) {
        case State::INTENT:
        case State::UNKNOWN: return true;
        case State::CAPTURED:
        case State::DECLINED:
        case State::CANCELLING:  // the order was cancelled meanwhile: the cancel decides
        case State::SETTLED:
        case State::REFUNDED:
        case State::NEVER_CHARGED: return false;
    }
    throw std::logic_error("no such state");
}

Decision call_again(const Payment& payment, State state, Instant now) {
    Decision decision = to_state(payment, state, now);
    ++decision.next->attempts;
    return decision;
}

struct AnswerToCharge {
    const OrderId& id;
    const Payment& payment;
    Instant now;

    Decision operator()(const Captured& captured) const {
        const events::Order& order = payment.order.value();
        if (captured.amount != amount_of(order)) {
            Decision decision = call_again(payment, State::UNKNOWN, now);
            decision.alarm = Alarm::wrong_amount;
            return decision;
        }
        Decision decision = to_state(payment, State::CAPTURED, now);
        decision.next->charge_id = captured.charge_id;
        decision.events.push_back(
            events::PaymentCaptured{id, captured.charge_id, order.total, order.currency, order});
        return decision;
    }
    Decision operator()(const Declined& declined) const {
        Decision decision = to_state(payment, State::DECLINED, now);
        decision.next->reason = declined.reason;
        decision.events.push_back(events::PaymentDeclined{id, declined.reason});
        return decision;
    }
    Decision operator()(const Unclear&) const { return call_again(payment, State::UNKNOWN, now); }
};

struct AnswerToCancel {
    const OrderId& id;
    const Payment& payment;
    Instant now;

    Decision operator()(const Refunded& refunded) const {
        if (refunded.amount != amount_of(payment.order.value())) {
            Decision decision = call_again(payment, payment.state, now);
            decision.alarm = Alarm::wrong_amount;
            return decision;
        }
        return end(State::REFUNDED, Settlement::REFUNDED,
                   events::PaymentRefunded{id, refunded.amount.amount, refunded.amount.currency,
                                           std::nullopt});
    }
    // A captured charge does not vanish: if the gateway denies it, it is asked again.
    Decision operator()(const NothingTaken&) const {
        if (payment.state == State::CANCELLING && !payment.charge_id.empty()) {
            Decision decision = call_again(payment, State::CANCELLING, now);
            decision.alarm = Alarm::capture_denied;
            return decision;
        }
        return end(State::NEVER_CHARGED, Settlement::NEVER_CHARGED, nothing(id));
    }
    Decision operator()(const Unclear&) const { return call_again(payment, payment.state, now); }

private:
    // After an operator's settlement, the gateway's answer still updates the row, but the order
    // already has its answer.
    Decision end(State state, Settlement outcome, events::Event event) const {
        Decision decision = to_state(payment, state, now);
        if (payment.state == State::CANCELLING) {
            decision.events.push_back(std::move(event));
        } else if (payment.settled_as != outcome) {
            decision.alarm = Alarm::settled_otherwise;
        }
        return decision;
    }
};

// A capture that is reported after the cancel has begun, or ended, decides nothing. But it is
// stored, so that a later answer "nothing was taken" to the cancel can be recognised as false.
Decision captured_late(const Payment& payment, const Captured& captured, Instant now) {
    const bool over = payment.state == State::NEVER_CHARGED && payment.order;
    if (!over && payment.state != State::CANCELLING) return {};
    if (!payment.charge_id.empty() || captured.amount != amount_of(*payment.order)) return {};
    Decision decision = to_state(payment, payment.state, now);
    decision.next->charge_id = captured.charge_id;
    if (over) decision.alarm = Alarm::capture_denied;
    return decision;
}

struct Decide {
    const Payment* payment;
    const std::string& traceparent;
    Instant now;

    Decision operator()(const events::StockReserved& e) const {
        return payment ? Decision{} : open(e, traceparent, now);
    }
    Decision operator()(const events::CancellationStarted& e) const {
        return payment ? cancel(*payment, now) : leave_tombstone(e.order_id, traceparent, now);
    }
    template <class E>
        requires(!events::consumes<events::Service::payment, E>)
    Decision operator()(const E&) const {
        return {};
    }
};

}  // namespace

bool is_open(State state) {
    return awaits_charge(state) || state == State::CANCELLING || state == State::SETTLED;
}

Money amount_of(const events::Order& order) { return {order.total, order.currency}; }

bool is_unclear(const GatewayResult& result) {
    return std::visit([](const auto& outcome) { return std::holds_alternative<Unclear>(outcome); },
                      result.outcome);
}

std::chrono::seconds not_before(const GatewayResult& result) {
    return std::visit(
        [](const auto& outcome) {
            const auto* unclear = std::get_if<Unclear>(&outcome);
            return unclear ? unclear->not_before : std::chrono::seconds{0};
        },
        result.outcome);
}

Decision decide(const Payment* payment, const events::Event& event, const std::string& traceparent,
                Instant now) {
    return std::visit(Decide{payment, traceparent, now}, event);
}

Decision apply_answer(const Payment& payment, const GatewayResult& result, Instant now) {
    if (const auto* charge = std::get_if<ChargeResult>(&result.outcome)) {
        if (!awaits_charge(payment.state)) {
            const auto* captured = std::get_if<Captured>(charge);
            return captured ? captured_late(payment, *captured, now) : Decision{};
        }
        return std::visit(AnswerToCharge{result.id, payment, now}, *charge);
    }
    if (payment.state != State::CANCELLING && payment.state != State::SETTLED) return {};
    return std::visit(AnswerToCancel{result.id, payment, now},
                      std::get<CancelResult>(result.outcome));
}

std::optional<Decision> settle_by_hand(const OrderId& id, const Payment& payment, Settlement as,
                                       const std::string& by, Instant now) {
    if (payment.state != State::CANCELLING) return std::nullopt;
    Decision decision = to_state(payment, State::SETTLED, now);
    decision.next->attempts = 0;
    decision.next->settled_as = as;
    decision.next->settled_by = by;
    if (as == Settlement::REFUNDED) {
        const Money amount = amount_of(payment.order.value());
        decision.events.push_back(events::PaymentRefunded{id, amount.amount, amount.currency, by});
    } else {
        decision.events.push_back(
            events::NothingToCompensate{id, events::Participant::payment, by});
    }
    return decision;
}

std::chrono::milliseconds retry_after(std::int32_t attempts) {
    if (attempts <= 0) return std::chrono::milliseconds{0};
    const int doublings = std::min(attempts - 1, 7);  // 500 ms × 2^7 is above the longest
    return std::min(kFirstRetry * (1 << doublings), kLongestRetry);
}

}  // namespace orderflow::payment
