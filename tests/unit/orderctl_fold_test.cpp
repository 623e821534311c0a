// The fold of the ledgers against the tables (I8, rebuild): which difference is found, and which
// difference is none.
#include <functional>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "unit/orderctl_world.hpp"

namespace orderflow::orderctl {
namespace {

using Catch::Matchers::ContainsSubstring;
using events::EventKind;

std::string differences(const World& world) {
    std::string text;
    for (const Difference& d : compare(world.facts, EventsOfOrders(world.facts))) {
        text += describe(d) + "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("orderctl fold: every column of a row that differs from its ledger is found") {
    using Spoil = std::function<void(Aggregates&)>;
    const std::vector<std::pair<std::string, Spoil>> faults{
        {"order: state", [](Aggregates& a) { a.order->state = OrderState::CANCELLED; }},
        {"order: reason", [](Aggregates& a) { a.order->reason = events::Reason::CUSTOMER; }},
        {"order: total", [](Aggregates& a) { a.order->total.amount += 1; }},
        {"order: customerId", [](Aggregates& a) { a.order->customer += 1; }},
        {"order: body", [](Aggregates& a) { a.order->body += 1; }},
        {"order: shipmentId", [](Aggregates& a) { a.order->shipment.reset(); }},
        {"order: undone", [](Aggregates& a) { a.order->undone = 2; }},
        {"order: finishedAt", [](Aggregates& a) { a.order->finished = false; }},
        {"order: cancellingAt", [](Aggregates& a) { a.order->cancelling = true; }},
        {"order: row", [](Aggregates& a) { a.order.reset(); }},
        {"inventory: state",
         [](Aggregates& a) { a.reservation->state = ReservationState::RELEASED; }},
        {"inventory: items", [](Aggregates& a) { a.reservation->items += 1; }},
        {"inventory: reservedAt", [](Aggregates& a) { a.reservation->reserved = false; }},
        {"inventory: row", [](Aggregates& a) { a.reservation.reset(); }},
        {"payment: state", [](Aggregates& a) { a.payment->state = PaymentState::INTENT; }},
        {"payment: amount", [](Aggregates& a) { a.payment->amount->amount += 1; }},
        {"payment: chargeId", [](Aggregates& a) { a.payment->charge += 1; }},
        {"payment: settledAs", [](Aggregates& a) { a.payment->settled_as = Settlement::REFUNDED; }},
        {"payment: settledBy", [](Aggregates& a) { a.payment->settled_by = 7; }},
        {"payment: state: ledger has no CancellationStarted",
         [](Aggregates& a) { a.payment->state = PaymentState::CANCELLING; }},
        {"shipping: state: ledger has no CancellationStarted",
         [](Aggregates& a) { a.shipment->state = ShipmentState::VOIDED; }},
        {"inventory: state: ledger has no CancellationStarted",
         [](Aggregates& a) { a.reservation->state = ReservationState::CANCELLED; }},
        {"payment: row", [](Aggregates& a) { a.payment.reset(); }},
        {"shipping: state", [](Aggregates& a) { a.shipment->state = ShipmentState::VOIDED; }},
        {"shipping: trackingNumber", [](Aggregates& a) { a.shipment->tracking += 1; }},
        {"shipping: destination", [](Aggregates& a) { a.shipment->destination += 1; }},
        {"shipping: storageBooked", [](Aggregates& a) { a.shipment->storage_booked = true; }},
        {"shipping: row", [](Aggregates& a) { a.shipment.reset(); }}};
    for (const auto& [field, spoil] : faults) {
        World world;
        const Story story = world.completed();
        REQUIRE(differences(world) == "");
        spoil(world.of(story).table);
        CHECK_THAT(differences(world), ContainsSubstring(field));
    }
}

TEST_CASE("orderctl fold: a row that its ledger does not know is found") {
    World world;
    const Story story = world.in_flight();
    world.of(story).table.shipment.emplace();
    CHECK_THAT(differences(world),
               ContainsSubstring("shipping: row: ledger has no row, table has SCHEDULED"));
}

TEST_CASE("orderctl fold: calls under way and the trigger leave no event of payment's own") {
    World world;
    const Story story = world.in_flight();
    for (const auto state :
         {PaymentState::INTENT, PaymentState::UNKNOWN, PaymentState::CANCELLING}) {
        world.of(story).table.payment->state = state;
        CHECK(differences(world) == "");
    }
    world.of(story).table.payment->state = PaymentState::CAPTURED;
    CHECK_THAT(differences(world), ContainsSubstring("ledger has no event, table has CAPTURED"));
}

TEST_CASE("orderctl fold: an event that was consumed without effect is found") {
    World world;
    const Story story = world.in_flight();
    world.of(story).table.payment.reset();
    CHECK_THAT(differences(world), ContainsSubstring("StockReserved.v1 seq 2, table has no row"));
    world.facts.events.back().arrived = 0;  // not consumed yet
    CHECK(differences(world) == "");
}

TEST_CASE("orderctl fold: a scheduled shipment that the order did not notice is found") {
    World world;
    const Story story = world.completed();
    world.facts.events.pop_back();  // OrderCompleted never was
    world.of(story).ledger.order->state = OrderState::PROCESSING;
    world.of(story).ledger.order->shipment.reset();
    world.of(story).table.order->state = OrderState::PROCESSING;
    world.of(story).table.order->shipment.reset();
    CHECK_THAT(differences(world), ContainsSubstring("ShipmentScheduled.v1 seq 1, table has "
                                                     "PROCESSING"));
}

TEST_CASE("orderctl fold: a step or an answer that nobody gave is found") {
    World world;
    const Story story = world.in_flight();
    world.of(story).table.order->captured = true;
    CHECK_THAT(differences(world), ContainsSubstring("capturedAt: ledger has no PaymentCaptured"));
    world.of(story).table.order->captured = false;
    world.of(story).table.order->answers = 4;
    CHECK_THAT(differences(world), ContainsSubstring("answer of shipping: ledger has none"));
}

TEST_CASE("orderctl fold: CANCELLED after two answers is found") {
    World world;
    const Story story = world.declined();
    world.of(story).table.order->answers = 3;
    CHECK_THAT(differences(world), ContainsSubstring("answers: ledger has 7 (CANCELLED)"));
}

TEST_CASE("orderctl fold: an answer before the trigger, or none, is no legal ledger") {
    World world;
    const Story story;
    world.emit(story.placed());
    world.emit(story.cancelled());
    world.emit(story.released());
    world.emit(story.voided());
    const Report report = world.check();
    const std::string text = said(report, "I8");
    CHECK_THAT(text, ContainsSubstring("OrderCancelled.v1 comes in state PROCESSING"));
    CHECK_THAT(text, ContainsSubstring("StockReleased.v1 comes without StockReserved"));
    CHECK_THAT(text, ContainsSubstring("ShipmentVoided.v1 comes without ShipmentScheduled"));
}

TEST_CASE("orderctl fold: a participant's row of an order that nobody placed is found") {
    World world;
    const Story story;
    world.emit(story.captured());
    world.of(story).table.payment = world.of(story).ledger.payment;
    CHECK_THAT(differences(world), ContainsSubstring("unknown to the order service"));
    world.of(story).late = true;
    CHECK(differences(world) == "");
}

TEST_CASE("orderctl fold: another order block than the one placed is found") {
    World world;
    Story story;
    world.emit(story.placed());
    world.settle_tables(story);
    story.order.items.front().quantity = 2;
    world.emit(story.reserved());
    world.of(story).table.reservation = world.of(story).ledger.reservation;
    CHECK_THAT(differences(world), ContainsSubstring("inventory: order block"));
}

TEST_CASE("orderctl fold: an event that does not speak of its order as placed is found") {
    using Spoil = std::function<events::Event(const Story&)>;
    const std::vector<std::pair<std::string, Spoil>> faults{
        {"OrderCompleted.v1 names another total",
         [](const Story& story) {
             auto event = story.completed();
             event.total += 1;
             return event;
         }},
        {"OrderCompleted.v1 names another customer",
         [](const Story& story) {
             auto event = story.completed();
             event.customer_id = "CUST-002";
             return event;
         }},
        {"PaymentCaptured.v1 captures another amount",
         [](const Story& story) {
             auto event = story.captured();
             event.amount += 1;
             return event;
         }},
        {"shipping: total: ledger has 1500 KRW, table has 1500 USD", [](const Story& story) {
             auto event = story.scheduled();
             event.currency = *Currency::parse("USD");
             return event;
         }}};
    for (const auto& [what, spoil] : faults) {
        World world;
        const Story story;
        for (const events::Event& event :
             {events::Event(story.placed()), events::Event(story.reserved()),
              events::Event(story.captured()), events::Event(story.scheduled()),
              events::Event(story.completed())}) {
            const events::Event spoilt = spoil(story);
            world.emit(spoilt.index() == event.index() ? spoilt : event);
        }
        world.settle_tables(story);
        CHECK_THAT(said(world.check(), "I8"), ContainsSubstring(what));
    }
}

TEST_CASE("orderctl fold: OrderCancelled with another reason, total or customer is found") {
    World world;
    const Story story;
    world.emit(story.placed());
    world.emit(story.cancellation());
    auto end = story.cancelled(events::Reason::DEADLINE);
    world.emit(end);
    CHECK_THAT(said(world.check(), "I8"), ContainsSubstring("another reason"));
}

TEST_CASE("orderctl fold: a refusal that no participant gave is found") {
    World world;
    const Story story = world.declined();
    CHECK(differences(world) == "");
    const auto reason = events::Reason::CARD_TOKEN_UNKNOWN;
    world.of(story).ledger.order->reason = world.of(story).table.order->reason = reason;
    CHECK_THAT(differences(world), ContainsSubstring("order: reason: ledger has CARD_DECLINED, "
                                                     "table has CARD_TOKEN_UNKNOWN"));
}

TEST_CASE("orderctl fold: who settled a payment by hand, and as what, is in ledger and table") {
    World world;
    const Story story;
    world.emit(story.placed());
    world.emit(story.cancellation());
    world.emit(story.nothing(events::Participant::inventory));
    auto refunded = story.refunded();
    refunded.settled_by = "kim";
    world.emit(refunded);
    world.emit(story.nothing(events::Participant::shipping));
    auto end = story.cancelled();
    end.undone = {events::Compensation::PaymentRefunded};
    world.emit(end);
    world.settle_tables(story);
    CHECK(differences(world) == "");
    world.of(story).table.payment->settled_by = digest("lee");
    CHECK_THAT(differences(world), ContainsSubstring("payment: settledBy"));
    world.of(story).table.payment->settled_by = digest("kim");
    world.of(story).table.payment->settled_as = Settlement::NEVER_CHARGED;
    CHECK_THAT(differences(world), ContainsSubstring("payment: settledAs: ledger has REFUNDED"));
}

TEST_CASE("orderctl fold: a value that nobody knows is a difference of its own") {
    World world;
    const Story story = world.completed();
    world.facts.odd_values.push_back(
        {Service::order, world.facts.order(story.id), kNone, "state", "COMPLETED", "'SHIPPED'"});
    const Report report = world.check();
    REQUIRE(violated(report) == "I8");
    CHECK(report.violations.front().order_id == story.id);
    CHECK(report.violations.front().what ==
          "order: state: ledger has COMPLETED, table has 'SHIPPED'");
}

TEST_CASE("orderctl fold: the catalogue and the storage follow from the ledgers") {
    World world;
    world.in_flight();
    CHECK(differences(world) == "");
    world.product("ITEM-001").price.amount += 1;
    CHECK_THAT(differences(world), ContainsSubstring("inventory: price"));
    world.product("ITEM-001").price.amount -= 1;
    world.product("ITEM-001").free += 1;
    CHECK_THAT(differences(world), ContainsSubstring("free: ledger has 999, table has 1000"));
    world.product("ITEM-001").free -= 1;
    world.facts.storage_used = 1;
    CHECK_THAT(differences(world), ContainsSubstring("storage used: ledger has 0, table has 1"));
}

TEST_CASE("orderctl fold: announcements are no events of the saga") {
    World world;
    const Story story = world.in_flight();
    LedgerLine line;
    line.seq = 99;
    line.id = test::new_id<EventId>();
    line.order = story.id;
    line.topic = "order-events.retry";
    line.type = "RecordParked.v1";
    line.data = "{}";
    fold(world.facts, Service::inventory, line);
    CHECK_FALSE(world.facts.events.back().kind.has_value());
    CHECK(differences(world) == "");
}

}  // namespace orderflow::orderctl
