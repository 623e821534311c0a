// The handler around the order's rules, with the store in memory: what a batch comes to.

#include <catch2/catch_test_macros.hpp>

#include "loops/decode.hpp"
#include "order/saga/saga.hpp"
#include "order/saga/saga_commands.hpp"
#include "order/saga/saga_handler.hpp"
#include "outbox/parking.hpp"
#include "outbox/unit_of_work.hpp"
#include "support/builders.hpp"
#include "support/commands.hpp"
#include "support/memory_keys.hpp"
#include "support/memory_orders.hpp"

namespace orderflow::order {
namespace {

using events::Event;
using events::Reason;
using test::at;
using test::MemoryKeys;
using test::MemoryOrders;
using test::name_of;
using test::Story;

Saga processing(const Story& story) { return *place(story.id, story.order).next; }

Saga completed(const Story& story) {
    const Saga saga = processing(story);
    return *decide(&saga, story.scheduled(), at(9)).next;
}

outbox::BatchOutput handled(MemoryOrders& store, const std::vector<Event>& list,
                            bool expect_saved = true) {
    const auto records = test::records_of(list);
    const auto batch = loops::decode_batch(events::Service::order, records);
    REQUIRE(batch.deliveries.size() == list.size());
    outbox::BatchOutput out;
    auto lent = std::make_unique<MemoryOrders>(store);  // the handler owns its store
    const MemoryOrders& used = *lent;
    SagaHandler handler(std::move(lent));
    CHECK(handler.handle(at(8), batch.deliveries, out) == expect_saved);
    store = used;
    return out;
}

std::vector<Event> events_of(const outbox::BatchOutput& out) {
    std::vector<Event> list;
    for (const auto& event : out.events) list.push_back(event.data);
    return list;
}

}  // namespace

TEST_CASE("order service: a batch folds an order's events into one row and keeps their order") {
    const Story a;
    const Story b;
    MemoryOrders store;
    store.rows = {{a.id, processing(a)}, {b.id, processing(b)}};

    const auto out = handled(store, {a.reserved(), b.rejected(), a.captured(), a.scheduled()});

    CHECK(events_of(out) ==
          std::vector<Event>{b.cancellation(Reason::OUT_OF_STOCK), a.completed()});
    CHECK(store.updated == std::vector<OrderId>{std::min(a.id, b.id), std::max(a.id, b.id)});
    CHECK(store.rows[a.id].state == State::COMPLETED);
    CHECK(store.rows[a.id].reserved_at == at(8));
    CHECK(store.rows[b.id].state == State::CANCELLING);
}

// Under load the steps of an order share a transaction (Subscription::can_wait).
TEST_CASE(
    "order service: placing pauses by the time in the services, also if steps share a batch") {
    using namespace std::chrono_literals;
    const Story story;
    MemoryOrders store;
    store.rows = {{story.id, processing(story)}};
    const Instant placed = store.rows[story.id].placed_at;
    Admission admission;
    SagaHandler handler(std::make_unique<MemoryOrders>(store), &admission);
    auto reserved = test::message_of(story.reserved());
    auto captured = test::message_of(story.captured());
    reserved.header("ce_time") = to_rfc3339(placed + 150ms);
    captured.header("ce_time") = to_rfc3339(placed + 20s);  // a slow gateway
    const std::vector messages{reserved, captured, test::message_of(story.scheduled())};
    const auto records = test::records_of(messages);
    const auto batch = loops::decode_batch(events::Service::order, records);
    outbox::BatchOutput out;

    REQUIRE(handler.handle(placed + 20s + 150ms, batch.deliveries, out));
    handler.committed();

    const auto now = Admission::Clock::now();
    CHECK(admission.pause(now) == 25ms);  // (300 - 100) / 8
    CHECK(admission.pause(now + 2s) == 0ms);
}

TEST_CASE("order service: an event that changes nothing saves nothing") {
    const Story story;
    MemoryOrders store;
    store.rows = {{story.id, completed(story)}};

    const auto out = handled(store, {story.reserved(), story.scheduled(), story.declined()});

    CHECK(out.events.empty());
    CHECK(store.updated.empty());
}

TEST_CASE("order service: a lost order is inserted once, as the whole batch leaves it") {
    const Story story;
    MemoryOrders store;

    const auto out = handled(store, {story.reserved(), story.captured(), story.scheduled()});

    REQUIRE(out.events.size() == 2);
    CHECK(name_of(out.events[0].data) == "OrderPlaced");
    CHECK(name_of(out.events[1].data) == "OrderCompleted");
    CHECK(store.inserted == std::vector<OrderId>{story.id});
    CHECK(store.updated.empty());
    CHECK(store.rows[story.id].state == State::COMPLETED);
}

TEST_CASE("order service: an orphan is put aside, its neighbours are handled") {
    const Story known;
    const Story orphan;
    MemoryOrders store;
    store.rows = {{known.id, processing(known)}};

    const auto out = handled(store, {orphan.scheduled(), known.scheduled()});

    REQUIRE(out.parked.size() == 1);
    CHECK(out.parked[0].why == outbox::Parking::orphan);
    CHECK(out.parked[0].order_id == orphan.id);
    CHECK(out.parked[0].error.starts_with("orphan: "));
    CHECK(store.rows[known.id].state == State::COMPLETED);
    CHECK(store.rows.size() == 1);
}

TEST_CASE("order service: a lost compare-and-set is returned to the caller") {
    const Story story;
    MemoryOrders store;
    store.rows = {{story.id, processing(story)}};
    store.lose_updates = true;

    handled(store, {story.scheduled()}, false);

    CHECK(store.rows[story.id].state == State::PROCESSING);
}

TEST_CASE("order service: an event carries on the trace of what caused it") {
    const Story story;
    MemoryOrders store;
    store.rows = {{story.id, processing(story)}};
    const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const auto records =
        test::records_of({test::message_of(story.scheduled(), test::new_id<EventId>(), trace)});
    const auto batch = loops::decode_batch(events::Service::order, records);
    outbox::BatchOutput out;

    REQUIRE(
        SagaHandler(std::make_unique<MemoryOrders>(store)).handle(at(8), batch.deliveries, out));

    REQUIRE(out.events.size() == 1);
    CHECK(out.events[0].traceparent == trace);
}

TEST_CASE("order service: orders are placed at the database's time, all or none") {
    Story a;
    Story b;
    const auto store = std::make_shared<MemoryOrders>();
    const auto place_all = place_orders(store, std::make_shared<MemoryKeys>());
    std::vector<Placement> placements{{a.id, a.order, "", ""}, {b.id, b.order, "", ""}};
    outbox::BatchOutput out;

    CHECK(test::apply(place_all, placements, at(3), out));

    a.order.placed_at = b.order.placed_at = at(3);
    CHECK(events_of(out) == std::vector<Event>{a.placed(), b.placed()});
    CHECK(store->rows.size() == 2);
    outbox::BatchOutput again;
    CHECK_FALSE(test::apply(place_all, placements, at(4), again));
}

TEST_CASE("order service: an order whose row was lost after its end does not begin anew") {
    const Story story;
    MemoryOrders store;
    store.ledger[story.id] = {
        {story.placed(), at(0)}, {story.cancellation(), at(1)}, {story.cancelled(), at(2)}};

    const auto out = handled(store, {story.reserved(), story.scheduled()});

    CHECK(out.events.empty());
    CHECK(store.rows.at(story.id).state == State::CANCELLED);
}

}  // namespace orderflow::order
