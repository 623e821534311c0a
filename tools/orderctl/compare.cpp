// fold.hpp: the ledgers against the tables.
#include <algorithm>

#include "core/enums.hpp"
#include "orderctl/fold.hpp"

namespace orderflow::orderctl {
namespace {

using events::EventKind;
using std::string;

constexpr const char* kNoRow = "no row";

template <class T>
    requires std::is_integral_v<T>
string text(T value) {
    if constexpr (std::is_same_v<T, bool>) return value ? "true" : "false";
    return std::to_string(value);
}
string text(const Money& money) {
    return text(money.amount) + " " + string(money.currency.text());
}
template <class Enum>
    requires std::is_enum_v<Enum>
string text(Enum value) {
    return string(name_of(value));
}
template <class Tag>
string text(const Id<Tag>& id) {
    return id.to_string();
}
template <class T>
string text(const std::optional<T>& value) {
    return value ? text(*value) : "none";
}
// Texts are compared by their digests alone; the rows themselves stand beside a violation.
string text_of_digest(Digest value) {
    if (value == 0) return "none";
    static constexpr char kHex[] = "0123456789abcdef";
    string out = "text #";
    for (int shift = 28; shift >= 0; shift -= 4) out += kHex[(value >> shift) & 15];
    return out;
}
// One service's rows of one order or product; notes what is not the same.
struct Sides {
    std::vector<Difference>& out;
    Service service;
    std::uint32_t order = kNone;
    std::uint32_t product = kNone;

    void differ(const char* field, string ledger, string table) const {
        out.push_back({service, order, product, field, std::move(ledger), std::move(table)});
    }
    template <class T>
    void same(const char* field, const T& ledger, const T& table) const {
        if (!(ledger == table)) differ(field, text(ledger), text(table));
    }
    void same_text(const char* field, Digest ledger, Digest table) const {
        if (ledger != table) differ(field, text_of_digest(ledger), text_of_digest(table));
    }
    // True: both are there, go on.
    template <class Row>
    bool both(const std::optional<Row>& ledger, const std::optional<Row>& table) const {
        if (ledger && table) return true;
        if (ledger) differ("row", text(ledger->state), kNoRow);
        if (table) differ("row", kNoRow, text(table->state));
        return false;
    }
};

void compare_orders(const Sides& sides, const OrderFacts& order) {
    if (!sides.both(order.ledger.order, order.table.order)) return;
    const OrderRow& ledger = *order.ledger.order;
    const OrderRow& table = *order.table.order;
    sides.same("state", ledger.state, table.state);
    sides.same("reason", ledger.reason, table.reason);
    sides.same("total", ledger.total, table.total);
    sides.same("shipmentId", ledger.shipment, table.shipment);
    sides.same_text("customerId", ledger.customer, table.customer);
    sides.same_text("body", ledger.body, table.body);
    if (ledger.state == OrderState::CANCELLED) sides.same("undone", ledger.undone, table.undone);
}

void compare_reservations(const Sides& sides, const OrderFacts& order) {
    if (!sides.both(order.ledger.reservation, order.table.reservation)) return;
    const ReservationRow& ledger = *order.ledger.reservation;
    const ReservationRow& table = *order.table.reservation;
    const bool sold = ledger.state == ReservationState::RESERVED &&
                      table.state == ReservationState::SOLD;  // by OrderCompleted, see below
    if (!sold) sides.same("state", ledger.state, table.state);
    sides.same("reason", ledger.reason, table.reason);
    sides.same("reservedAt set", ledger.reserved, table.reserved);
    sides.same_text("items", ledger.items, table.items);
}

// The states that a payment may be in when its ledger says `ledger`: calls under way and the
// trigger leave no event of payment's own.
bool payment_fits(const PaymentRow& ledger, PaymentState table) {
    switch (ledger.state) {
        case PaymentState::CAPTURED:
        case PaymentState::DECLINED:
            return table == ledger.state || table == PaymentState::CANCELLING;
        case PaymentState::REFUNDED:
        case PaymentState::NEVER_CHARGED:
            return table == ledger.state ||
                   (ledger.settled_by_hand && (table == PaymentState::SETTLED ||
                                               table == PaymentState::REFUNDED ||
                                               table == PaymentState::NEVER_CHARGED));
        case PaymentState::INTENT:
        case PaymentState::UNKNOWN:
        case PaymentState::CANCELLING:
        case PaymentState::SETTLED: return false;  // no ledger says so
    }
    return false;
}

void compare_payments(const Sides& sides, const OrderFacts& order) {
    const auto& table = order.table.payment;
    const auto& ledger = order.ledger.payment;
    if (!ledger) {
        const bool open = table && (table->state == PaymentState::INTENT ||
                                    table->state == PaymentState::UNKNOWN ||
                                    table->state == PaymentState::CANCELLING);
        if (table && !open) sides.differ("state", "no event", text(table->state));
        return;
    }
    if (!sides.both(ledger, table)) return;
    if (!payment_fits(*ledger, table->state)) sides.same("state", ledger->state, table->state);
    if (ledger->reason) sides.same("reason", ledger->reason, table->reason);
    if (ledger->amount) sides.same("amount", ledger->amount, table->amount);
    if (ledger->captured) sides.same_text("chargeId", ledger->charge, table->charge);
}

void compare_shipments(const Sides& sides, const OrderFacts& order) {
    if (!sides.both(order.ledger.shipment, order.table.shipment)) return;
    const ShipmentRow& ledger = *order.ledger.shipment;
    const ShipmentRow& table = *order.table.shipment;
    sides.same("state", ledger.state, table.state);
    sides.same("reason", ledger.reason, table.reason);
    sides.same("shipmentId", ledger.shipment, table.shipment);
    sides.same_text("trackingNumber", ledger.tracking, table.tracking);
    sides.same("storageBooked", ledger.storage_booked, table.storage_booked);
    const auto& payment = order.ledger.payment;
    if (ledger.state != ShipmentState::CANCELLED && payment && payment->captured) {
        sides.same_text("destination", payment->destination, table.destination);
    }
}

// What an event must have done at a consumer that has handled it; empty if it has.
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
            return unless(reservation && reservation->state == ReservationState::SOLD,
                          reservation);
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

// Forward: what has arrived has had its effect.
void compare_effects(std::vector<Difference>& out, const Facts& facts, std::uint32_t index,
                     std::span<const std::uint32_t> events) {
    const OrderFacts& order = facts.orders[index];
    if (order.late) return;
    for (const std::uint32_t at : events) {
        const LedgerEvent& event = facts.events[at];
        if (!event.kind) continue;
        const auto consumers = consumers_of(event.service, *event.kind) & event.arrived &
                               ~order.parked;
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

// Back: what the order's row claims to have heard, its participants' ledgers say. They were read
// later, so this holds at any time.
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
    if (saga->state == OrderState::CANCELLED && saga->answers != 7) {
        sides.differ("answers", "7 (CANCELLED)", text(std::int64_t{saga->answers}));
    }
}

// Every participant speaks of the order that was placed, and of one that exists.
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
    const auto& reservation = order.table.reservation;
    if (reservation && reservation->state == ReservationState::SOLD &&
        saga.state == OrderState::CANCELLED) {
        inventory.differ("state", "the order is CANCELLED", "SOLD");
    }
}

void compare_products(const Facts& facts, std::vector<Difference>& out) {
    for (std::uint32_t i = 0; i < facts.products.size(); ++i) {
        const ProductFacts& product = facts.products[i];
        const Sides sides{out, Service::inventory, kNone, i};
        if (!product.in_table && !product.in_ledger) {
            if (product.held != 0) sides.differ("row", "reserved", kNoRow);
            continue;  // a product that orders name and nobody sells
        }
        if (product.in_table != product.in_ledger) {
            sides.differ("row", product.in_ledger ? "StockAdjusted" : "no StockAdjusted",
                         product.in_table ? "there" : kNoRow);
            continue;
        }
        sides.same_text("name", product.ledger_name, product.name);
        sides.same("price", product.ledger_price, product.price);
        const auto count = [&](const char* field, Wide ledger, Wide table) {
            if (ledger != table) sides.differ(field, to_text(ledger), to_text(table));
        };
        count("free", product.adjusted - product.held, product.free);
        count("reserved + sold", product.held, Wide{product.reserved} + product.sold);
    }
}

}  // namespace

std::vector<Difference> compare(const Facts& facts, const EventsOfOrders& events) {
    std::vector<Difference> out;
    for (const OddValue& odd : facts.odd_values) {
        out.push_back({odd.service, odd.order, odd.product, odd.field, odd.ledger, odd.table});
    }
    std::int64_t booked = 0;
    for (std::uint32_t i = 0; i < facts.orders.size(); ++i) {
        const OrderFacts& order = facts.orders[i];
        compare_orders({out, Service::order, i}, order);
        compare_reservations({out, Service::inventory, i}, order);
        compare_payments({out, Service::payment, i}, order);
        compare_shipments({out, Service::shipping, i}, order);
        compare_effects(out, facts, i, events.of(i));
        compare_claims({out, Service::order, i}, order);
        compare_between(out, order, i);
        if (order.ledger.shipment && order.ledger.shipment->storage_booked) ++booked;
    }
    compare_products(facts, out);
    Sides{out, Service::shipping}.same("storage used", booked, facts.storage_used);
    return out;
}

}  // namespace orderflow::orderctl
