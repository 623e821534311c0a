// The checker: clean facts are clean, and each invariant's fault is caught by its name.
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "unit/orderctl_world.hpp"

namespace orderflow::orderctl {
namespace {

using Catch::Matchers::ContainsSubstring;
using events::Participant;
using events::Reason;

}  // namespace

TEST_CASE("orderctl check: completed, cancelled, declined and moving orders are clean") {
    World world;
    world.completed();
    world.cancelled();
    world.declined();
    world.in_flight();
    const Report report = world.check();
    for (const Violation& violation : report.violations) FAIL_CHECK(violation.what);
    CHECK(violated(report) == "");
    CHECK(report.counts.orders == 4);
    CHECK(report.counts.settled == 3);
    CHECK(report.counts.in_flight == 1);
    CHECK(invariant(report, "I1").verdict == Verdict::not_judged);
    CHECK(invariant(report, "I4").note == "KRW 1500");
}

TEST_CASE("orderctl check: I3 catches a second charge, even of an order in flight") {
    World world;
    const Story story = world.in_flight();
    world.gateway_captured(story);
    CHECK(violated(world.check()) == "");
    world.gateway_captured(story);
    CHECK_THAT(said(world.check(), "I3"), ContainsSubstring("charged more than once"));
}

TEST_CASE("orderctl check: I3 catches a completed order that was refunded or never charged") {
    World world;
    const Story story = world.completed();
    world.gateway_refunded(story);
    CHECK_THAT(said(world.check(), "I3"), ContainsSubstring("COMPLETED and refunded"));
    world.of(story).gateway = {};
    CHECK_THAT(said(world.check(), "I3"), ContainsSubstring("without exactly one capture"));
}

TEST_CASE("orderctl check: I3 catches a cancelled order whose money was kept") {
    World world;
    const Story story = world.cancelled();
    world.of(story).gateway.refunds = 0;
    world.of(story).gateway.refunded = 0;
    const Report report = world.check();
    CHECK_THAT(said(report, "I3"), ContainsSubstring("CANCELLED and not refunded"));
    CHECK(violated(report) == "I3 I4");
}

TEST_CASE("orderctl check: I3 catches a charge for an order that nobody knows") {
    World world;
    const Story story;
    world.gateway_captured(story);
    CHECK_THAT(said(world.check(), "I3"), ContainsSubstring("does not know the order"));
    world.of(story).late = true;  // it was placed while the checker read
    CHECK(violated(world.check()) == "");
}

TEST_CASE("orderctl check: I3 catches money kept under a key that is no order's") {
    World world;
    GatewayFacts& charge = world.facts.foreign_charges["charge:nobody"];
    charge.captures = charge.refunds = 1;
    charge.captured = charge.refunded = 700;
    world.facts.foreign_charges["probe"];
    const Report clean = world.check();
    CHECK(violated(clean) == "");
    CHECK(invariant(clean, "I3").note == "2 keys that belong to no order, no money kept");
    CHECK(clean.counts.foreign_charges == 2);
    charge.refunds = 0;
    charge.refunded = 0;
    CHECK_THAT(said(world.check(), "I3"),
               ContainsSubstring("charged under key 'charge:nobody', which belongs to no order"));
}

TEST_CASE("orderctl check: money is judged of a final order whatever was put aside") {
    World world;
    const Story story = world.cancelled();
    world.of(story).parked = events::bit(Service::inventory);
    CHECK(violated(world.check()) == "");
    world.of(story).gateway.refunds = 0;
    world.of(story).gateway.refunded = 0;
    CHECK(violated(world.check()) == "I3 I4");
}

TEST_CASE("orderctl check: I3 catches a charge in a currency that is none") {
    World world;
    world.of(world.completed()).gateway.odd_currency = true;
    CHECK_THAT(said(world.check(), "I3"), ContainsSubstring("an invalid currency"));
}

TEST_CASE("orderctl check: I4 catches one minor unit, and two errors that cancel each other") {
    World world;
    const Story more = world.completed();
    const Story less = world.completed();
    world.of(more).gateway.captured += 1;
    world.of(less).gateway.captured -= 1;
    const Report report = world.check();
    CHECK(violated(report) == "I4");
    CHECK(invariant(report, "I4").violations == 2);
    CHECK(invariant(report, "I4").note == "KRW 3000");
}

TEST_CASE("orderctl check: I4 catches a refund of another amount than was announced") {
    World world;
    const Story story = world.cancelled();
    world.of(story).gateway.captured = world.of(story).gateway.refunded = 1'400;
    CHECK_THAT(said(world.check(), "I4"), ContainsSubstring("PaymentRefunded has 1500 KRW"));
}

TEST_CASE("orderctl check: what an operator settled is not judged before the gateway has spoken") {
    World world;
    const Story story = world.cancelled();
    world.of(story).ledger.payment->settled_by_hand = true;
    world.of(story).table.payment->state = PaymentState::SETTLED;
    world.of(story).gateway.refunds = 0;
    world.of(story).gateway.refunded = 0;
    CHECK(violated(world.check()) == "");
    CHECK(world.check().counts.settled_by_hand == 1);
    world.of(story).table.payment->state = PaymentState::NEVER_CHARGED;
    CHECK_THAT(violated(world.check()), ContainsSubstring("I3"));
}

TEST_CASE("orderctl check: I4 names an order of which the gateway contradicts an operator") {
    for (const auto& [as, says] : {std::pair{Settlement::REFUNDED, PaymentState::NEVER_CHARGED},
                                   std::pair{Settlement::NEVER_CHARGED, PaymentState::REFUNDED}}) {
        World world;
        const Story story = world.cancelled();
        OrderFacts& order = world.of(story);
        order.ledger.payment->settled_as = order.table.payment->settled_as = as;
        order.ledger.payment->settled_by_hand = true;
        order.table.payment->state = PaymentState::SETTLED;
        CHECK(said(world.check(), "I4") == "");  // the gateway has not spoken yet
        order.table.payment->state = says;
        CHECK_THAT(said(world.check(), "I4"), ContainsSubstring("an operator settled it as"));
    }
}

TEST_CASE("orderctl check: I4 names an order whose gateway took its own capture back") {
    World world;
    const Story story = world.declined();
    world.of(story).table.payment->charge = digest("ch_1");
    CHECK_THAT(said(world.check(), "I4"), ContainsSubstring("the gateway had captured"));
}

TEST_CASE("orderctl check: I5 catches a piece that is lost, and a counter below zero") {
    World world;
    world.completed();
    world.product("ITEM-001").free -= 1;
    CHECK_THAT(said(world.check(), "I5"),
               ContainsSubstring("adjusted by 1000, but free + reserved + sold = 999"));
    world.product("ITEM-001").free = -1;
    CHECK_THAT(said(world.check(), "I5"), ContainsSubstring("negative"));
}

TEST_CASE("orderctl check: I5 catches pieces that came or went without, or twice for, a request") {
    World world;
    world.completed();
    world.adjust("ITEM-001", -3);
    CHECK(violated(world.check()) == "");
    world.product("ITEM-001").asked = 0;
    CHECK_THAT(said(world.check(), "I5"),
               ContainsSubstring("adjusted by -3 since it was created, but requests asked for 0"));
}

TEST_CASE("orderctl check: I5 catches counters that the orders do not add up to") {
    World world;
    world.completed();
    world.product("ITEM-001").sold += 1;
    world.product("ITEM-001").free -= 1;
    CHECK_THAT(said(world.check(), "I5"), ContainsSubstring("sold 2, SOLD orders took 1"));
    world.product("ITEM-001").sold -= 1;
    world.product("ITEM-001").reserved += 1;
    CHECK_THAT(said(world.check(), "I5"), ContainsSubstring("reserved 1, RESERVED orders hold 0"));
}

TEST_CASE("orderctl check: I5 catches a completed order not sold, and a cancelled one sold") {
    World world;
    const Story completed = world.completed();
    const Story cancelled = world.cancelled();
    world.of(completed).table.reservation->state = ReservationState::RELEASED;
    world.of(cancelled).table.reservation->state = ReservationState::SOLD;
    const std::string said_i5 = said(world.check(), "I5");
    CHECK_THAT(said_i5, ContainsSubstring("COMPLETED, but its reservation is RELEASED"));
    CHECK_THAT(said_i5, ContainsSubstring("CANCELLED, but its reservation is SOLD"));
}

TEST_CASE("orderctl check: an order whose OrderCompleted is still on its way is in flight") {
    World world;
    const Story story = world.completed();
    world.facts.events.back().arrived = 0;
    world.of(story).table.reservation->state = ReservationState::RESERVED;
    ProductFacts& row = world.product("ITEM-001");
    row.sold = 0;
    row.sold_rows = 0;
    row.reserved = 1;
    row.reserved_rows = 1;
    const Report report = world.check();
    CHECK(violated(report) == "");
    CHECK(report.counts.in_flight == 0);
    CHECK(report.counts.not_arrived == 1);
}

TEST_CASE("orderctl check: I9 catches a ledger row without record, unless the relay is behind it") {
    World world;
    world.completed();
    LedgerEvent& lost = world.facts.events.back();
    lost.copies = 0;
    lost.offset = lost.partition = -1;
    lost.arrived = 0;
    CHECK_THAT(said(world.check(), "I9"), ContainsSubstring("not in its topic: order seq 2"));
    world.facts.checkpoints[0] = lost.seq - 1;
    CHECK(invariant(world.check(), "I9").note == "1 rows not relayed yet");
    CHECK(violated(world.check()) == "");
}

TEST_CASE("orderctl check: I9 counts what retention took and duplicates, and fails neither") {
    World world;
    world.completed();
    LedgerEvent& old = world.facts.events.back();
    old.copies = 0;
    world.facts.topics[old.topic].retention_s = 60;
    world.facts.read_s = old.recorded_s + 60;
    world.facts.events.front().copies = 3;
    const Report report = world.check();
    CHECK(violated(report) == "");
    CHECK(invariant(report, "I9").note == "1 expired by retention");
    CHECK(report.counts.duplicates == 2);
}

TEST_CASE("orderctl check: I9 does not excuse a young row by what retention took, nor one unsent") {
    World world;
    world.completed();
    LedgerEvent& lost = world.facts.events.back();
    lost.copies = 0;
    lost.home = 1;
    TopicFacts& topic = world.facts.topics[lost.topic];
    topic.retention_s = 7 * 24 * 3'600;
    topic.partitions = {{500, lost.recorded_s + 60}, {500, lost.recorded_s - 1}};
    world.facts.read_s = lost.recorded_s + 300;
    CHECK_THAT(said(world.check(), "I9"), ContainsSubstring("not in its topic"));
    topic.limited_by_size = true;  // its partition begins with an older record all the same
    CHECK_THAT(said(world.check(), "I9"), ContainsSubstring("not in its topic"));
    topic.partitions[1].oldest_s = lost.recorded_s + 1;
    CHECK(invariant(world.check(), "I9").note == "1 expired by retention");
    world.facts.checkpoints[0] = lost.seq - 1;
    CHECK(invariant(world.check(), "I9").note == "1 rows not relayed yet");
}

TEST_CASE("orderctl check: I9 catches adjustments of a product that stand in another order") {
    World world;
    world.adjust("ITEM-001", 5);
    world.adjust("ITEM-002", 5);
    CHECK(violated(world.check()) == "");
    world.facts.events[1].offset = 0;  // before the first of ITEM-001
    const Report report = world.check();
    REQUIRE(violated(report) == "I9");
    CHECK(report.violations.front().product_id == "ITEM-001");
}

TEST_CASE("orderctl check: I9 catches records of an order that first stand in another order") {
    World world;
    const Story story = world.cancelled();
    auto& list = world.facts.events;
    const auto last = std::ranges::find_if(
        list, [](const LedgerEvent& e) { return e.is(events::EventKind::OrderCancelled); });
    last->offset = 0;
    CHECK_THAT(said(world.check(), "I9"), ContainsSubstring("is at 0@0"));
    last->offset = 100;
    CHECK(violated(world.check()) == "");
    last->partition = 1;
    CHECK(violated(world.check()) == "I9");
}

TEST_CASE("orderctl check: I9 catches a record that no ledger has, and an id that stands twice") {
    World world;
    const Story story = world.completed();
    StrayRecord& stray = world.facts.strays.emplace_back();
    stray.topic = "payment-events";
    stray.type = "PaymentCaptured.v1";
    stray.kind = events::EventKind::PaymentCaptured;
    stray.producer = Service::payment;
    stray.ce_id = "another";
    stray.order = world.facts.order(story.id);
    const Report report = world.check();
    CHECK_THAT(said(report, "I9"), ContainsSubstring("in no ledger: PaymentCaptured.v1 another"));
    CHECK(violated(report) == "I9 I10");

    World doubled;
    doubled.completed();
    LedgerEvent copy = doubled.facts.events.back();
    CHECK_FALSE(doubled.facts.add(copy));
    CHECK_THAT(said(doubled.check(), "I9"), ContainsSubstring("event id is used twice"));
}

TEST_CASE("orderctl check: I10 catches a second event of one kind") {
    World world;
    const Story story = world.completed();
    world.emit(story.captured());
    const Report report = world.check();
    CHECK_THAT(said(report, "I10"), ContainsSubstring("2 events PaymentCaptured.v1 of payment"));
    CHECK_THAT(said(report, "I8"), ContainsSubstring("PaymentCaptured.v1 comes in state CAPTURED"));
}

TEST_CASE("orderctl check: the same answer of two participants is not a second event") {
    World world;
    const Story story;
    world.emit(story.placed());
    world.emit(story.cancellation());
    for (const auto participant :
         {Participant::inventory, Participant::payment, Participant::shipping}) {
        world.emit(story.nothing(participant));
    }
    world.emit(story.cancelled());
    world.settle_tables(story);
    CHECK(violated(world.check()) == "");
}

TEST_CASE("orderctl check: an order with a parked event is counted, not judged across services") {
    World world;
    const Story story = world.completed();
    ParkedFact& parked = world.facts.parked.emplace_back();
    parked.service = Service::inventory;
    parked.order = story.id;
    parked.ce_id = test::new_id<EventId>().to_string();
    world.facts.mark_parked();
    CHECK(world.check().counts.settled == 1);  // garbage under the order's key is no event of it
    parked.ce_id = world.facts.events.back().id.to_string();
    parked.service = Service::analytics;  // it decides nothing
    world.facts.mark_parked();
    CHECK(world.check().counts.settled == 1);
    parked.service = Service::inventory;
    world.facts.mark_parked();
    world.of(story).table.reservation->state = ReservationState::RESERVED;
    ProductFacts& row = world.product("ITEM-001");
    row.sold = row.sold_rows = 0;
    row.reserved = row.reserved_rows = 1;
    const Report report = world.check();
    CHECK(violated(report) == "");
    CHECK(report.counts.parked == 1);
}

TEST_CASE("orderctl check: ids that only a record names are counted nowhere") {
    World world;
    world.completed();
    world.facts.order(test::new_id<OrderId>());  // of an announcement about a broken record
    world.facts.product("NOBODYS");              // of an order that was refused for it
    const Report report = world.check();
    CHECK(report.counts.orders == 1);
    CHECK(invariant(report, "I8").note == "1 orders, 1 products");
    CHECK(invariant(report, "I5").note == "1 products, 1 pieces of completed orders");
}

TEST_CASE("orderctl check: I8 names an event that a service has given up") {
    for (const Service service : {Service::inventory, Service::analytics}) {
        World world;
        world.completed();
        ParkedFact& parked = world.facts.parked.emplace_back();
        parked.service = service;
        parked.ce_id = world.facts.events.back().id.to_string();
        parked.error = "broken";
        world.facts.mark_parked();
        CHECK(violated(world.check()) == "");  // it will be tried again
        parked.dead = true;
        CHECK_THAT(said(world.check(), "I8"),
                   ContainsSubstring("has given up order seq 2 OrderCompleted.v1"));
        parked.ce_id = test::new_id<EventId>().to_string();  // garbage
        CHECK(violated(world.check()) == "");
    }
}

TEST_CASE("orderctl check: a group without committed offsets is named, and nothing is clean") {
    World world;
    world.completed();
    world.facts.silent_groups = {"payment-service"};
    CHECK_FALSE(world.check().judged_nothing());  // what was judged has another group's word
    for (LedgerEvent& event : world.facts.events) event.arrived = 0;
    const Report report = world.check();
    CHECK(report.judged_nothing());
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes.front() ==
          "0 comparable of 1 final orders: no committed offsets of group payment-service");
}

TEST_CASE("orderctl check: a group that stands where its log has nothing is a violation") {
    World world;
    world.completed();
    CHECK(violated(world.check()) == "");
    world.facts.stray_groups = {{"shipping-service", "payment-events", 3, 200, 12, false}};
    CHECK(violated(world.check()) == "I9");
    CHECK_THAT(world.check().violations.front().what,
               ContainsSubstring("offset 200 of payment-events/3, which ends at 12"));
    world.facts.stray_groups.front().of_another_log = true;
    CHECK_THAT(world.check().violations.front().what,
               ContainsSubstring("a log that no longer exists"));
}

TEST_CASE("orderctl check: sums of money beyond 64 bits are exact") {
    World world;
    for (int i = 0; i < 3; ++i) {
        const Story story = world.completed();
        OrderFacts& order = world.of(story);
        constexpr std::int64_t kHuge = 9'000'000'000'000'000'000;
        order.gateway.captured = kHuge;
        order.ledger.payment->amount->amount = order.table.payment->amount->amount = kHuge;
        order.ledger.order->total.amount = order.table.order->total.amount = kHuge;
        order.ledger.shipment->total->amount = kHuge;
    }
    CHECK(invariant(world.check(), "I4").note == "KRW 27000000000000000000");
    CHECK(violated(world.check()) == "");
}

}  // namespace orderflow::orderctl
