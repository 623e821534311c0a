#pragma once
// Facts of a small stack as the readers would bring them: everything in order, for a test to spoil.
#include <algorithm>
#include <string>

#include "core/enums.hpp"
#include "json/json.hpp"
#include "orderctl/check.hpp"
#include "support/builders.hpp"

namespace orderflow::orderctl {

using test::Story;

class World {
public:
    Facts facts;

    World() {
        facts.topics_read = true;
        facts.gateway_read = true;
        adjust("ITEM-001", 1'000);
    }

    // Adds an event to its service's ledger, relayed and handled by everybody.
    LedgerEvent& emit(const events::Event& event) { return emit(event, test::producer_of(event)); }
    LedgerEvent& emit(const events::Event& event, Service service) {
        std::string data;
        events::encode(event, data);
        const OrderId* order = events::order_of(event);
        LedgerLine line;
        line.seq = ++facts.checkpoints[static_cast<std::size_t>(service)];
        line.id = test::new_id<EventId>();
        if (order) line.order = *order;
        line.topic = events::topic_of(service);
        const std::string key = events::key_of(event).value();
        line.key = key;
        line.type = events::type_name(events::kind_of(event));
        line.data = data;
        line.recorded_at = test::kPlacedAt;
        fold(facts, service, line);
        LedgerEvent& added = facts.events.back();
        added.copies = 1;
        added.partition = 0;
        added.offset = line.seq;
        added.arrived = 0xff;
        return added;
    }

    void adjust(const std::string& product, std::int64_t change) {
        emit(events::StockAdjusted{product, "Laptop", 1500, Currency{}, change});
        ProductFacts& row = this->product(product);
        if (row.in_table) row.asked += change;
        row.in_table = true;
        row.free += change;
        row.price = row.ledger_price;
        row.name = row.ledger_name;
    }
    ProductFacts& product(const std::string& id) { return facts.products[facts.product(id)]; }

    OrderFacts& of(const Story& story) { return facts.orders[facts.order(story.id)]; }
    // What the order's ledgers say becomes what the tables say.
    void settle_tables(const Story& story) {
        OrderFacts& order = of(story);
        order.table = order.ledger;
        if (order.table.shipment) {
            order.table.shipment->destination =
                story.order.shipment ? digest(json::to_json(*story.order.shipment)) : 0;
        }
        OrderRow& row = *order.table.order;
        if (row.state == OrderState::CANCELLED) row.answers = 7;  // no event has them
        if (row.state == OrderState::COMPLETED) row.reserved = row.captured = true;
    }
    void gateway_captured(const Story& story) {
        GatewayFacts& gateway = of(story).gateway;
        ++gateway.captures;
        gateway.captured += story.order.total;
        gateway.currency = story.order.currency;
    }
    void gateway_refunded(const Story& story) {
        GatewayFacts& gateway = of(story).gateway;
        ++gateway.refunds;
        gateway.refunded += story.order.total;
    }

    Story completed() {
        Story story;
        emit(story.placed());
        emit(story.reserved());
        gateway_captured(story);
        emit(story.captured());
        emit(story.scheduled());
        emit(story.completed());
        settle_tables(story);
        of(story).table.reservation->state = ReservationState::SOLD;
        ProductFacts& row = product("ITEM-001");
        --row.free;
        ++row.sold;
        ++row.sold_rows;
        return story;
    }
    // Cancelled by the customer after everything had been done.
    Story cancelled() {
        Story story;
        emit(story.placed());
        emit(story.reserved());
        gateway_captured(story);
        emit(story.captured());
        emit(story.cancellation());
        emit(story.scheduled());
        emit(story.released());
        gateway_refunded(story);
        emit(story.refunded());
        emit(story.voided());
        events::OrderCancelled end = story.cancelled();
        end.undone = {events::Compensation::StockReleased, events::Compensation::PaymentRefunded,
                      events::Compensation::ShipmentVoided};
        emit(end);
        settle_tables(story);
        return story;
    }
    // Refused: the card was declined.
    Story declined() {
        Story story;
        emit(story.placed());
        emit(story.reserved());
        emit(story.declined());
        emit(story.cancellation(events::Reason::CARD_DECLINED));
        emit(story.released());
        emit(story.nothing(events::Participant::payment));
        emit(story.nothing(events::Participant::shipping));
        events::OrderCancelled end = story.cancelled(events::Reason::CARD_DECLINED);
        end.undone = {events::Compensation::StockReleased};
        emit(end);
        settle_tables(story);
        return story;
    }
    // Placed and reserved; payment has its intent.
    Story in_flight() {
        Story story;
        emit(story.placed());
        emit(story.reserved());
        settle_tables(story);
        of(story).table.order->reserved = true;
        PaymentRow& payment = of(story).table.payment.emplace();
        payment.amount = Money{story.order.total, story.order.currency};
        ProductFacts& row = product("ITEM-001");
        --row.free;
        ++row.reserved;
        ++row.reserved_rows;
        return story;
    }

    Report check(const History* history = nullptr) const { return orderctl::check(facts, history); }
};

inline const Invariant& invariant(const Report& report, const std::string& id) {
    return *std::ranges::find(report.invariants, id, &Invariant::id);
}
inline std::string violated(const Report& report) {
    std::string ids;
    for (const Invariant& i : report.invariants) {
        if (i.verdict == Verdict::violated) ids += (ids.empty() ? "" : " ") + i.id;
    }
    return ids;
}
// What was said of the invariant, one line each.
inline std::string said(const Report& report, const std::string& id) {
    std::string text;
    for (const Violation& violation : report.violations) {
        if (violation.invariant == id) text += violation.what + "\n";
    }
    return text;
}

}  // namespace orderflow::orderctl
