// Part of fold.hpp: compares each service's ledger with its own tables, and calls all comparisons.

#include "core/enums.hpp"
#include "orderctl/compare.hpp"

namespace orderflow::orderctl {
namespace {

using std::string;

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
    sides.same("cancellingAt set", ledger.cancelling, table.cancelling);
    sides.same("finishedAt set", ledger.finished, table.finished);
    // While CANCELLING, the bits of the answers so far are set already: see compare_claims.
    if (ledger.state != OrderState::CANCELLING) sides.same("undone", ledger.undone, table.undone);
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

// Whether a payment's row may be in state `table` when its ledger ends in `ledger`: calls that are
// under way and the trigger write no event of payment.
bool payment_fits(const PaymentRow& ledger, PaymentState table) {
    switch (ledger.state) {
        case PaymentState::CAPTURED:
        case PaymentState::DECLINED:
            return table == ledger.state || table == PaymentState::CANCELLING;
        case PaymentState::REFUNDED:
        case PaymentState::NEVER_CHARGED:
            return table == ledger.state ||
                   (ledger.settled_by_hand &&
                    (table == PaymentState::SETTLED || table == PaymentState::REFUNDED ||
                     table == PaymentState::NEVER_CHARGED));
        case PaymentState::INTENT:
        case PaymentState::UNKNOWN:
        case PaymentState::CANCELLING:
        case PaymentState::SETTLED: return false;  // no fold of a ledger gives these states
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
        if (table && table->settled_as) {
            sides.differ("settledAs", "no event", text(table->settled_as));
        }
        return;
    }
    if (!sides.both(ledger, table)) return;
    if (!payment_fits(*ledger, table->state)) sides.same("state", ledger->state, table->state);
    if (ledger->reason) sides.same("reason", ledger->reason, table->reason);
    if (ledger->amount) sides.same("amount", ledger->amount, table->amount);
    if (ledger->captured) sides.same_text("chargeId", ledger->charge, table->charge);
    sides.same("settledAs", ledger->settled_as, table->settled_as);
    sides.same_text("settledBy", ledger->settled_by, table->settled_by);
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

void compare_products(const Facts& facts, std::vector<Difference>& out) {
    for (std::uint32_t i = 0; i < facts.products.size(); ++i) {
        const ProductFacts& product = facts.products[i];
        const Sides sides{out, Service::inventory, kNone, i};
        if (!product.in_table && !product.in_ledger) {
            if (product.held != 0) sides.differ("row", "reserved", kNoRow);
            continue;  // orders name the product, but it was never created
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
    std::vector<Difference> out = facts.odd_values;
    std::int64_t booked = 0;
    for (std::uint32_t i = 0; i < facts.orders.size(); ++i) {
        const OrderFacts& order = facts.orders[i];
        compare_orders({out, Service::order, i}, order);
        compare_reservations({out, Service::inventory, i}, order);
        compare_payments({out, Service::payment, i}, order);
        compare_shipments({out, Service::shipping, i}, order);
        compare_across(out, facts, i, events.of(i));
        if (order.ledger.shipment && order.ledger.shipment->storage_booked) ++booked;
    }
    compare_products(facts, out);
    Sides{out, Service::shipping}.same("storage used", booked, facts.storage_used);
    return out;
}

}  // namespace orderflow::orderctl
