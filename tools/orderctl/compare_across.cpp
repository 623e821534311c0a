// Part of fold.hpp: compares what services took over from each other's events with the ledgers of
// the services that sent them.
#include "orderctl/compare.hpp"

namespace orderflow::orderctl {
namespace {

using events::EventKind;
using std::string;

// Returns the state in which the effect of an event is missing at a consumer that has handled it;
// empty if the effect is there.
string missing_effect(const OrderFacts& order, const LedgerEvent& event, Service consumer) {
    const auto& [saga, reservation, payment, shipment] = order.table;
    const auto unless = [](bool done, const auto& row) {
        return done ? string() : row ? text(row->state) : string(kNoRow);
    };
    if (consumer == Service::inventory) {
        if (event.is(EventKind::OrderPlaced)) return unless(reservation.has_value(), reservation);
        const bool over = reservation && reservation->state != ReservationState::RESERVED &&
                          reservation->state != ReservationState::REJECTED;
        if (event.is(EventKind::CancellationStarted)) return unless(over, reservation);
        if (event.is(EventKind::OrderCompleted)) {
            return unless(reservation && reservation->state == ReservationState::SOLD, reservation);
        }
    }
    if (consumer == Service::payment) {
        if (event.is(EventKind::StockReserved)) return unless(payment.has_value(), payment);
        const bool back = payment && (payment->state == PaymentState::CANCELLING ||
                                      payment->state == PaymentState::REFUNDED ||
                                      payment->state == PaymentState::NEVER_CHARGED ||
                                      payment->state == PaymentState::SETTLED);
        if (event.is(EventKind::CancellationStarted)) return unless(back, payment);
    }
    if (consumer == Service::shipping) {
        if (event.is(EventKind::PaymentCaptured)) return unless(shipment.has_value(), shipment);
        const bool back = shipment && (shipment->state == ShipmentState::VOIDED ||
                                       shipment->state == ShipmentState::CANCELLED);
        if (event.is(EventKind::CancellationStarted)) return unless(back, shipment);
    }
    if (consumer != Service::order) return {};
    const bool processing = saga && saga->state == OrderState::PROCESSING;
    if (!saga) return unless(false, saga);
    const auto answered = [&](int bit) { return (saga->answers >> bit) & 1; };
    switch (event.service) {
        case Service::inventory:
            if (event.is(EventKind::StockReserved)) {
                return unless(!processing || saga->reserved, saga);
            }
            if (event.is(EventKind::StockRejected)) return unless(!processing, saga);
            return unless(answered(0), saga);
        case Service::payment:
            if (event.is(EventKind::PaymentCaptured)) {
                return unless(!processing || saga->captured, saga);
            }
            if (event.is(EventKind::PaymentDeclined)) return unless(!processing, saga);
            return unless(answered(1), saga);
        case Service::shipping:
            if (event.is(EventKind::ShipmentScheduled) || event.is(EventKind::ShipmentRefused)) {
                return unless(!processing, saga);
            }
            return unless(answered(2), saga);
        case Service::order:
        case Service::analytics: break;
    }
    return {};
}

// Forward: an event that has arrived must have taken effect.
void compare_effects(std::vector<Difference>& out, const Facts& facts, std::uint32_t index,
                     std::span<const std::uint32_t> events) {
    const OrderFacts& order = facts.orders[index];
    if (order.late) return;
    for (const std::uint32_t at : events) {
        const LedgerEvent& event = facts.events[at];
        if (!event.kind) continue;
        const auto consumers =
            consumers_of(event.service, *event.kind) & event.arrived & ~order.parked;
        for (const Service consumer : kServices) {
            if (!(consumers & events::bit(consumer))) continue;
            const string found = missing_effect(order, event, consumer);
            if (found.empty()) continue;
            out.push_back({consumer, index, kNone, "effect of an event it has consumed",
                           string(events::type_name(*event.kind)) + " seq " + text(event.seq),
                           found});
        }
    }
}

// If the order's reason is a refusal, a participant must have given this refusal.
void compare_reason(const Sides& sides, const OrderFacts& order) {
    const auto& [saga, reservation, payment, shipment] = order.table;
    if (!saga->reason) return;
    const string reason = text(*saga->reason);
    const auto check = [&]<class Refusal>(const auto& ledger, std::optional<Refusal> unused) {
        Refusal refusal{};
        if (!boost::describe::enum_from_string(reason.c_str(), refusal)) return;
        const auto said = ledger ? ledger->reason : unused;
        if (said != refusal) sides.differ("reason", text(said), reason);
    };
    check(order.ledger.reservation, std::optional<events::StockRejection>());
    check(order.ledger.payment, std::optional<events::PaymentRejection>());
    check(order.ledger.shipment, std::optional<events::ShipmentRejection>());
}

// Back: every answer that the order's row contains must be in the ledger of its participant. These
// ledgers were read later, so this holds at any time.
void compare_claims(const Sides& sides, const OrderFacts& order) {
    const auto& saga = order.table.order;
    if (!saga) return;
    const auto& [unused, reservation, payment, shipment] = order.ledger;
    if (saga->reserved && !(reservation && reservation->reserved)) {
        sides.differ("reservedAt", "no StockReserved", "set");
    }
    if (saga->captured && !(payment && payment->captured)) {
        sides.differ("capturedAt", "no PaymentCaptured", "set");
    }
    if (saga->state == OrderState::COMPLETED &&
        !(shipment && shipment->shipment && shipment->shipment == saga->shipment)) {
        sides.differ("shipmentId", shipment ? text(shipment->shipment) : "no ShipmentScheduled",
                     text(saga->shipment));
    }
    const bool released = reservation && reservation->state == ReservationState::RELEASED;
    const bool refunded = payment && payment->state == PaymentState::REFUNDED;
    const bool voided = shipment && shipment->state == ShipmentState::VOIDED;
    const bool answered[] = {
        released || (reservation && reservation->state == ReservationState::CANCELLED),
        refunded || (payment && payment->state == PaymentState::NEVER_CHARGED),
        voided || (shipment && shipment->state == ShipmentState::CANCELLED)};
    const bool undone[] = {released, refunded, voided};
    constexpr const char* kWho[] = {"answer of inventory", "answer of payment",
                                    "answer of shipping"};
    for (int i = 0; i < 3; ++i) {
        if (!((saga->answers >> i) & 1)) continue;
        if (!answered[i]) sides.differ(kWho[i], "none", "set");
        if (undone[i] != (((saga->undone >> i) & 1) != 0)) {
            sides.differ("undone", text(undone[i]), text(!undone[i]));
        }
    }
    compare_reason(sides, order);
    if (saga->state == OrderState::CANCELLED && saga->answers != 7) {
        sides.differ("answers", "7 (CANCELLED)", text(std::int64_t{saga->answers}));
    }
}

// Every participant's rows agree with the order that was placed, and belong to an order that
// exists.
void compare_between(std::vector<Difference>& out, const OrderFacts& order, std::uint32_t index) {
    if (order.late) return;
    const Sides inventory{out, Service::inventory, index};
    const Sides payment{out, Service::payment, index};
    const Sides shipping{out, Service::shipping, index};
    if (!order.table.order) {
        constexpr const char* kUnknown = "unknown to the order service";
        if (const auto& row = order.table.reservation) {
            inventory.differ("order", kUnknown, text(row->state));
        }
        if (const auto& row = order.table.payment) {
            payment.differ("order", kUnknown, text(row->state));
        }
        if (const auto& row = order.table.shipment) {
            shipping.differ("order", kUnknown, text(row->state));
        }
        return;
    }
    const OrderRow& saga = *order.table.order;
    if (const auto& row = order.ledger.reservation; row && row->body) {
        inventory.same_text("order block", row->body, saga.body);
    }
    if (const auto& row = order.ledger.payment; row && row->body) {
        payment.same_text("order block", row->body, saga.body);
    }
    if (const auto& row = order.table.payment; row && row->amount) {
        payment.same("amount", saga.total, *row->amount);
    }
    if (const auto& row = order.ledger.shipment; row && row->total) {
        shipping.same("total", saga.total, *row->total);
    }
    const auto& reservation = order.table.reservation;
    if (reservation && reservation->state == ReservationState::SOLD &&
        saga.state == OrderState::CANCELLED) {
        inventory.differ("state", "the order is CANCELLED", "SOLD");
    }
}

// No participant undoes anything before the order's CancellationStarted, and a COMPLETED order
// cannot get this event any more.
void compare_ways_back(std::vector<Difference>& out, const OrderFacts& order, std::uint32_t index) {
    if (!order.ledger.order || order.ledger.order->state != OrderState::COMPLETED) return;
    const auto differ = [&](Service service, const string& state) {
        Sides{out, service, index}.differ("state", "no CancellationStarted, OrderCompleted", state);
    };
    const auto& [saga, reservation, payment, shipment] = order.table;
    if (reservation && (reservation->state == ReservationState::RELEASED ||
                        reservation->state == ReservationState::CANCELLED)) {
        differ(Service::inventory, text(reservation->state));
    }
    if (payment &&
        (payment->state == PaymentState::CANCELLING || payment->state == PaymentState::SETTLED ||
         payment->state == PaymentState::REFUNDED ||
         payment->state == PaymentState::NEVER_CHARGED)) {
        differ(Service::payment, text(payment->state));
    }
    if (shipment &&
        (shipment->state == ShipmentState::VOIDED || shipment->state == ShipmentState::CANCELLED)) {
        differ(Service::shipping, text(shipment->state));
    }
}

}  // namespace

void compare_across(std::vector<Difference>& out, const Facts& facts, std::uint32_t index,
                    std::span<const std::uint32_t> events) {
    const OrderFacts& order = facts.orders[index];
    compare_effects(out, facts, index, events);
    compare_claims({out, Service::order, index}, order);
    compare_between(out, order, index);
    compare_ways_back(out, order, index);
}

}  // namespace orderflow::orderctl
