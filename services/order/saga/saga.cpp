#include "order/saga/saga.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "events/catalog.hpp"

namespace orderflow::order {
namespace {

using events::Compensation;
using events::Participant;
using events::Reason;

Reason to_reason(events::StockRejection rejection) {
    switch (rejection) {
        case events::StockRejection::OUT_OF_STOCK: return Reason::OUT_OF_STOCK;
        case events::StockRejection::UNKNOWN_PRODUCT: return Reason::UNKNOWN_PRODUCT;
        case events::StockRejection::PRICE_MISMATCH: return Reason::PRICE_MISMATCH;
    }
    throw std::logic_error("no such rejection");
}

Reason to_reason(events::PaymentRejection rejection) {
    switch (rejection) {
        case events::PaymentRejection::CARD_DECLINED: return Reason::CARD_DECLINED;
        case events::PaymentRejection::CARD_TOKEN_UNKNOWN: return Reason::CARD_TOKEN_UNKNOWN;
    }
    throw std::logic_error("no such rejection");
}

Reason to_reason(events::ShipmentRejection rejection) {
    switch (rejection) {
        case events::ShipmentRejection::CARRIER_REFUSED: return Reason::CARRIER_REFUSED;
        case events::ShipmentRejection::STORAGE_FULL: return Reason::STORAGE_FULL;
    }
    throw std::logic_error("no such rejection");
}

// `now`, or just after the latest time in the order's history.
Instant next_instant(const Saga& saga, Instant now) {
    Instant last = saga.placed_at;
    for (const auto& at : {saga.reserved_at, saga.captured_at, saga.cancelling_at,
                           saga.answered_at[0], saga.answered_at[1], saga.answered_at[2]}) {
        if (at) last = std::max(last, *at);
    }
    return std::max(now, last + std::chrono::microseconds{1});
}

Decision complete(const OrderId& id, Saga saga, const ShipmentId& shipment, Instant now) {
    saga.state = State::COMPLETED;
    saga.shipment_id = shipment;
    saga.finished_at = next_instant(saga, now);
    events::OrderCompleted event{id, saga.customer_id, shipment, saga.total.amount,
                                 saga.total.currency};
    Decision decision;
    decision.next = std::move(saga);
    decision.events.push_back(std::move(event));
    return decision;
}

using Step = std::optional<Instant> Saga::*;
constexpr std::array<Step, 2> kSteps{&Saga::reserved_at, &Saga::captured_at};

// The saga after `count` forward steps. Their events come by different topics, so a later event may
// be handled first: then the steps before it were taken, too.
Saga after_steps(Saga saga, std::size_t count, Instant now) {
    for (const Step step : std::span(kSteps).first(count)) {
        if (!(saga.*step)) saga.*step = next_instant(saga, now);
    }
    return saga;
}

Decision take_steps(const Saga& saga, std::size_t count, Instant now) {
    if (saga.*kSteps[count - 1]) return {};
    Decision decision;
    decision.next = after_steps(saga, count, now);
    return decision;
}

// One participant's answer to the trigger; the third one ends the order.
Decision answer(const OrderId& id, Saga saga, Participant participant,
                std::optional<Compensation> compensation, Instant now) {
    if (saga.answers & bit(participant)) return {};
    saga.answered_at.at(static_cast<std::size_t>(participant)) = next_instant(saga, now);
    saga.answers = static_cast<std::int16_t>(saga.answers | bit(participant));
    if (compensation) {
        saga.undone = static_cast<std::int16_t>(saga.undone | bit(*compensation));
    }
    Decision decision;
    if (saga.answers == kAllAnswered) {
        saga.state = State::CANCELLED;
        saga.finished_at = next_instant(saga, now);
        decision.events.push_back(events::OrderCancelled{id, saga.customer_id, saga.reason.value(),
                                                         saga.total.amount, saga.total.currency,
                                                         compensations(saga.undone)});
    }
    decision.next = std::move(saga);
    return decision;
}

// Decides for each event; the state of the saga determines the answer.
struct Decide {
    const Saga& saga;
    Instant now;

    bool processing() const { return saga.state == State::PROCESSING; }
    bool cancelling() const { return saga.state == State::CANCELLING; }

    Decision refuse(const OrderId& id, std::size_t steps_before, Reason reason) const {
        if (!processing()) return {};
        return cancel(id, after_steps(saga, steps_before, now), reason, now);
    }
    Decision undo(const OrderId& id, Participant participant,
                  std::optional<Compensation> compensation) const {
        return cancelling() ? answer(id, saga, participant, compensation, now) : Decision{};
    }

    Decision operator()(const events::StockReserved&) const {
        return processing() ? take_steps(saga, 1, now) : Decision{};
    }
    Decision operator()(const events::PaymentCaptured&) const {
        return processing() ? take_steps(saga, 2, now) : Decision{};
    }
    Decision operator()(const events::ShipmentScheduled& e) const {
        if (!processing()) return {};
        return complete(e.order_id, after_steps(saga, 2, now), e.shipment_id, now);
    }
    Decision operator()(const events::StockRejected& e) const {
        return refuse(e.order_id, 0, to_reason(e.reason));
    }
    Decision operator()(const events::PaymentDeclined& e) const {
        return refuse(e.order_id, 1, to_reason(e.reason));
    }
    Decision operator()(const events::ShipmentRefused& e) const {
        return refuse(e.order_id, 2, to_reason(e.reason));
    }
    Decision operator()(const events::StockReleased& e) const {
        return undo(e.order_id, Participant::inventory, Compensation::StockReleased);
    }
    Decision operator()(const events::PaymentRefunded& e) const {
        return undo(e.order_id, Participant::payment, Compensation::PaymentRefunded);
    }
    Decision operator()(const events::ShipmentVoided& e) const {
        return undo(e.order_id, Participant::shipping, Compensation::ShipmentVoided);
    }
    Decision operator()(const events::NothingToCompensate& e) const {
        return undo(e.order_id, e.participant, std::nullopt);
    }
    // The order service consumes no topic with its own events or the warehouse's.
    template <class E>
        requires(!events::consumes<events::Service::order, E>)
    Decision operator()(const E&) const {
        return {};
    }
};

const OrderId& order_id(const events::Event& event) {
    if (const auto* reserved = std::get_if<events::StockReserved>(&event)) {
        return reserved->order_id;
    }
    return std::get<events::PaymentCaptured>(event).order_id;
}

// Whether the catalog lists an event for a producer, whoever else produces it.
template <events::Service producer, class E>
constexpr bool produces() {
    return std::ranges::any_of(events::kCatalog, [](const events::CatalogRow& row) {
        return row.kind == events::kind_of<E>() && row.producer == producer;
    });
}

// Rebuilds the state of an order, event by event, from the order service's own events. Does not
// compile while the service produces an event that has no answer here.
struct Replay {
    Saga& saga;
    Instant at;

    void operator()(const events::OrderPlaced&) const {}  // place() has made the row
    void operator()(const events::CancellationStarted& e) const {
        saga.state = State::CANCELLING;
        saga.reason = e.reason;
        saga.cancelling_at = at;
    }
    void operator()(const events::OrderCompleted& e) const {
        saga.state = State::COMPLETED;
        saga.shipment_id = e.shipment_id;
        saga.finished_at = at;
    }
    void operator()(const events::OrderCancelled& e) const {
        saga.state = State::CANCELLED;
        saga.answers = kAllAnswered;
        for (const Compensation c : e.undone) {
            saga.undone = static_cast<std::int16_t>(saga.undone | bit(c));
        }
        saga.finished_at = at;
    }
    template <class E>
        requires(!produces<events::Service::order, E>())
    void operator()(const E&) const {}  // the service's ledger holds no such event
};

}  // namespace

const events::Order* order_block(const events::Event& event) {
    if (const auto* reserved = std::get_if<events::StockReserved>(&event)) return &reserved->order;
    if (const auto* captured = std::get_if<events::PaymentCaptured>(&event)) {
        return &captured->order;
    }
    return nullptr;
}

Decision recreate(const events::Event& event, std::span<const LedgerEntry> ledger, Instant now) {
    const events::Order* order = order_block(event);
    Decision decision;
    if (!order) {
        decision.orphan = true;
        return decision;
    }
    decision = place(order_id(event), *order);
    if (!ledger.empty()) decision.events.clear();
    for (const LedgerEntry& entry : ledger) {
        std::visit(Replay{*decision.next, entry.at}, entry.event);
    }
    Decision then = decide(&*decision.next, event, now);
    if (then.next) decision.next = std::move(then.next);
    decision.events.insert(decision.events.end(), then.events.begin(), then.events.end());
    decision.next->recreated_at = now;
    decision.recreate = order;
    return decision;
}

Decision place(const OrderId& id, const events::Order& order) {
    Saga saga;
    saga.placed_at = order.placed_at;
    saga.customer_id = order.customer_id;
    saga.total = {order.total, order.currency};
    Decision decision;
    decision.next = std::move(saga);
    decision.events.push_back(events::OrderPlaced{id, order});
    return decision;
}

Decision cancel(const OrderId& id, const Saga& saga, Reason reason, Instant now) {
    if (saga.state != State::PROCESSING) return {};
    Saga next = saga;
    next.state = State::CANCELLING;
    next.reason = reason;
    next.cancelling_at = next_instant(saga, now);
    Decision decision;
    decision.next = std::move(next);
    decision.events.push_back(events::CancellationStarted{id, reason});
    return decision;
}

Decision decide(const Saga* saga, const events::Event& event, Instant now) {
    if (!saga) return recreate(event, {}, now);
    return std::visit(Decide{*saga, now}, event);
}

namespace {

// The participant's answer to the cancellation.
events::EventKind answer_kind(const Saga& saga, Participant participant) {
    using events::EventKind;
    const auto undid = [&](Compensation c, EventKind kind) {
        return saga.undone & bit(c) ? kind : EventKind::NothingToCompensate;
    };
    switch (participant) {
        case Participant::inventory:
            return undid(Compensation::StockReleased, EventKind::StockReleased);
        case Participant::payment:
            return undid(Compensation::PaymentRefunded, EventKind::PaymentRefunded);
        case Participant::shipping:
            return undid(Compensation::ShipmentVoided, EventKind::ShipmentVoided);
    }
    throw std::logic_error("no such participant");
}

}  // namespace

std::vector<HistoryEntry> history(const Saga& saga) {
    using events::EventKind;
    using events::Service;
    std::vector<HistoryEntry> past{
        {EventKind::OrderPlaced, Service::order, saga.placed_at, State::PROCESSING}};
    const auto add = [&](EventKind kind, Service service, const std::optional<Instant>& at,
                         State state) {
        if (at) past.push_back({kind, service, *at, state});
    };
    add(EventKind::StockReserved, Service::inventory, saga.reserved_at, State::PROCESSING);
    add(EventKind::PaymentCaptured, Service::payment, saga.captured_at, State::PROCESSING);
    add(EventKind::CancellationStarted, Service::order, saga.cancelling_at, State::CANCELLING);
    constexpr std::array kWho{std::pair{Participant::inventory, Service::inventory},
                              std::pair{Participant::payment, Service::payment},
                              std::pair{Participant::shipping, Service::shipping}};
    for (const auto& [who, service] : kWho) {
        add(answer_kind(saga, who), service, saga.answered_at.at(static_cast<std::size_t>(who)),
            State::CANCELLING);
    }
    add(saga.state == State::COMPLETED ? EventKind::OrderCompleted : EventKind::OrderCancelled,
        Service::order, saga.finished_at, saga.state);
    std::ranges::stable_sort(past, {}, &HistoryEntry::at);
    return past;
}

std::vector<Compensation> compensations(std::int16_t undone) {
    std::vector<Compensation> list;
    for (const auto c : {Compensation::StockReleased, Compensation::PaymentRefunded,
                         Compensation::ShipmentVoided}) {
        if (undone & bit(c)) list.push_back(c);
    }
    return list;
}

std::vector<AwaitedAnswer> awaited_answers(const Saga& saga) {
    switch (saga.state) {
        case State::PROCESSING:
            if (saga.captured_at) return {{Participant::shipping, *saga.captured_at}};
            if (saga.reserved_at) return {{Participant::payment, *saga.reserved_at}};
            return {{Participant::inventory, saga.placed_at}};
        case State::CANCELLING: {
            std::vector<AwaitedAnswer> awaited;
            for (const auto p :
                 {Participant::inventory, Participant::payment, Participant::shipping}) {
                if (!(saga.answers & bit(p))) {
                    awaited.push_back({p, saga.cancelling_at.value_or(saga.placed_at)});
                }
            }
            return awaited;
        }
        case State::COMPLETED:
        case State::CANCELLED: return {};
    }
    return {};
}

}  // namespace orderflow::order
