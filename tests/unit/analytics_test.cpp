// The rules of the timelines: what each event leaves in an order's timeline, whatever the order of
// arrival and however often it comes; and the handler that saves the timelines and counts.
#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "analytics/timeline/timeline.hpp"
#include "analytics/timeline/timeline_api.hpp"
#include "analytics/timeline/timeline_handler.hpp"
#include "kafka/delivery.hpp"
#include "kafka/record.hpp"
#include "outbox/unit_of_work.hpp"
#include "unit/analytics_ways.hpp"
#include "unit/simulated_stores.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::analytics;
using events::Event;
using events::Participant;
using events::Reason;

TEST_CASE("each kind of event is kept once, in its own place, and decides the status") {
    struct Row {
        Event event;
        Slot slot;
        Status status;  // of an order of which nothing else is known
    };
    const auto order = an_order();
    const std::vector<Row> rows{
        {events::OrderPlaced{kId, order}, Slot::order_placed, Status::PROCESSING},
        {events::StockReserved{kId, order}, Slot::stock_reserved, Status::PROCESSING},
        {events::StockRejected{kId, {}, "ITEM-001"}, Slot::stock_rejected, Status::PROCESSING},
        {events::PaymentCaptured{kId, "ch", 1'500, {}, order}, Slot::payment_captured,
         Status::PROCESSING},
        {events::PaymentDeclined{kId, {}}, Slot::payment_declined, Status::PROCESSING},
        {events::ShipmentScheduled{kId, kShipment, "T", 1'500, {}, true}, Slot::shipment_scheduled,
         Status::PROCESSING},
        {events::ShipmentRefused{kId, {}}, Slot::shipment_refused, Status::PROCESSING},
        {events::CancellationStarted{kId, Reason::CUSTOMER}, Slot::cancellation_started,
         Status::CANCELLING},
        {events::StockReleased{kId}, Slot::stock_released, Status::PROCESSING},
        {events::PaymentRefunded{kId, 1'500, {}, {}}, Slot::payment_refunded, Status::PROCESSING},
        {events::ShipmentVoided{kId, kShipment}, Slot::shipment_voided, Status::PROCESSING},
        {events::NothingToCompensate{kId, Participant::inventory, {}}, Slot::inventory_nothing,
         Status::PROCESSING},
        {events::NothingToCompensate{kId, Participant::payment, {}}, Slot::payment_nothing,
         Status::PROCESSING},
        {events::NothingToCompensate{kId, Participant::shipping, {}}, Slot::shipping_nothing,
         Status::PROCESSING},
        {events::OrderCompleted{kId, "CUST-001", kShipment, 1'500, {}}, Slot::order_completed,
         Status::COMPLETED},
        {events::OrderCancelled{kId, "CUST-001", Reason::CUSTOMER, 1'500, {}, {}},
         Slot::order_cancelled, Status::CANCELLED},
    };
    REQUIRE(rows.size() == kSlots);
    for (const Row& row : rows) {
        CAPTURE(boost::describe::enum_to_string(row.slot, ""));
        const Mark mark{kStart, 3, 42};
        const auto timeline = fold(nullptr, row.event, mark);
        REQUIRE(timeline);
        for (std::size_t i = 0; i < kSlots; ++i) {
            CHECK(timeline->marks[i].has_value() == (i == static_cast<std::size_t>(row.slot)));
        }
        CHECK((*timeline)[row.slot] == mark);
        CHECK(status_of(*timeline) == row.status);
        CHECK(info(row.slot).kind == events::kind_of(row.event));
        // Again, and from another offset: nothing changes.
        CHECK_FALSE(fold(&*timeline, row.event, mark));
        CHECK_FALSE(fold(&*timeline, row.event, {kStart + 1s, 3, 43}));
    }
}

TEST_CASE("a change of stock belongs to no order and leaves nothing") {
    const Event adjusted = events::StockAdjusted{"ITEM-001", "Laptop", 1'500, {}, 10};
    CHECK_FALSE(fold(nullptr, adjusted, {kStart, 0, 0}));
}

TEST_CASE("customer, total and reason come from the first event that carries them") {
    const auto timeline = fold_all(refused_way(Reason::CARD_DECLINED)).timeline;
    CHECK(timeline.customer_id == "CUST-001");
    CHECK(timeline.total == Money{1'500, {}});
    CHECK(timeline.reason == Reason::CARD_DECLINED);
    // A participant's refusal is not yet the reason of a cancellation.
    CHECK_FALSE(fold(nullptr, events::StockRejected{kId, {}, "X"}, {kStart, 0, 0})->reason);
}

TEST_CASE("the timeline is sorted by time and names what a compensation undoes") {
    // Given an order whose events arrived in any order, two of them at the same time
    auto way = refused_way(Reason::CUSTOMER);
    way[4].after = way[3].after;
    const auto list = events_of(fold_all(way, {6, 4, 3, 1, 5, 2, 0}).timeline);
    // Then causes stand before effects and each knows the time since the one before
    std::vector<std::string> types;
    for (const auto& event : list) types.emplace_back(event.type);
    CHECK(types == std::vector<std::string>{"OrderPlaced", "StockReserved", "CancellationStarted",
                                            "StockReleased", "NothingToCompensate",
                                            "NothingToCompensate", "OrderCancelled"});
    CHECK_FALSE(list[0].latency_ms);
    CHECK(list[1].latency_ms == 2.0);
    CHECK(list[4].latency_ms == 0.0);
    CHECK(list[3].compensates == "StockReserved");
    CHECK_FALSE(list[4].compensates);
    CHECK(list[4].service == "payment-service");
    CHECK(list[4].topic == "payment-events");
    CHECK(list[5].service == "shipping-service");
    CHECK(list[6].partition == 4);
    CHECK(list[6].offset == 6);
}

TEST_CASE("in a timeline time decides where it contradicts no cause") {
    // Given a cancellation that was recorded before the reservation it has to undo
    auto way = refused_way(Reason::CUSTOMER);
    way[2].after = 1'000us;
    const auto list = events_of(fold_all(way).timeline);
    CHECK(list[1].type == "CancellationStarted");
    CHECK(list[2].type == "StockReserved");
    CHECK(list[2].latency_ms == 1.0);
}

TEST_CASE("in a timeline no effect stands before its cause, whatever a clock said") {
    using events::Service;
    using Types = std::vector<std::string>;
    struct Clock {
        Service whose;
        std::size_t from;  // the first event of the way that it is wrong for
        std::chrono::microseconds off;
    };
    const auto clock = GENERATE(Clock{Service::order, 1, -1h}, Clock{Service::order, 0, 26h},
                                Clock{Service::inventory, 0, -1h}, Clock{Service::payment, 0, 26h},
                                Clock{Service::shipping, 0, -5ms}, Clock{Service::payment, 0, -1h});
    const bool back = GENERATE(false, true);
    auto way = back ? refused_way(Reason::CUSTOMER) : forward_way();
    Types straight;
    for (const auto& event : events_of(fold_all(way).timeline)) straight.emplace_back(event.type);
    for (std::size_t i = clock.from; i < way.size(); ++i) {
        const auto slot = slot_of(way[i].event).value();
        if (info(slot).producer == clock.whose) way[i].after += clock.off;
    }
    const auto list = events_of(fold_all(way).timeline);
    Types types;
    for (const auto& event : list) {
        types.emplace_back(event.type);
        CHECK(event.latency_ms.value_or(0) >= 0);
    }
    CHECK(types.front() == "OrderPlaced");
    CHECK(types.back() == straight.back());
    if (!back) CHECK(types == straight);
    const auto place = [&](const char* type) { return std::ranges::find(types, type); };
    if (back) CHECK(place("CancellationStarted") < place("StockReleased"));
    if (back) CHECK(place("StockReserved") < place("StockReleased"));
    if (back) CHECK(place("CancellationStarted") < place("NothingToCompensate"));
}

TEST_CASE("the timeline's JSON leaves out what is not there") {
    const auto way = forward_way();
    CHECK(timeline_json(kId, fold_all({way[0], way[1]}).timeline) ==
          R"({"orderId":"019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10","status":"PROCESSING","events":[)"
          R"({"type":"OrderPlaced","service":"order-service","time":"2026-01-02T03:04:05.000000Z",)"
          R"("topic":"order-events","partition":4,"offset":0},)"
          R"({"type":"StockReserved","service":"inventory-service",)"
          R"("time":"2026-01-02T03:04:05.003000Z","latencyMs":3.0,"topic":"inventory-events",)"
          R"("partition":4,"offset":1}]})");
}

// Loses `races` saves to other batches, and keeps a list of what was added to the counters.
class RacedStore final : public TimelineStore {
public:
    RacedStore(simulation::Session& session, simulation::AnalyticsDatabase& database)
        : inner_(session, database) {}

    Timelines load(std::span<const OrderId> ids) override { return inner_.load(ids); }
    bool save(const Timelines& timelines) override {
        return races-- <= 0 && inner_.save(timelines);
    }
    void add(const Tally& tally) override {
        added.push_back(tally);
        inner_.add(tally);
    }

    std::vector<Tally> added;
    int races = 0;

private:
    simulation::TimelineStore inner_;
};

// Analytics' tables, those of the simulator, and a handler on them.
class Desk {
public:
    explicit Desk(OnEnded on_ended = {}) : handler(std::move(owned_), std::move(on_ended)) {}

    // A batch in a transaction.
    bool handle(std::span<const kafka::Delivery> batch, outbox::BatchOutput& out) {
        session_.begin();
        const bool saved = handler.handle(kStart, batch, out);
        saved ? session_.commit({}) : session_.rollback();
        return saved;
    }

    test::SimulatedDatabase<simulation::AnalyticsDatabase> database;

private:
    simulation::Session session_{database.world, database.tables,
                                 database.place(simulation::Step::consume)};
    std::unique_ptr<RacedStore> owned_ = std::make_unique<RacedStore>(session_, database.tables);

public:
    RacedStore& store = *owned_;
    TimelineHandler handler;
};

TEST_CASE("a batch handled twice saves one row and counts it once") {
    // Given the forward way as one batch, every record twice, and a stock change between
    auto way = forward_way();
    way.insert(way.begin() + 2, {events::StockAdjusted{"ITEM-001", "Laptop", 1'500, {}, 1}, 0us});
    const std::vector<kafka::Record> records(2 * way.size());
    std::vector<kafka::Delivery> batch(records.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        batch[i].event = way[i % way.size()].event;
        batch[i].time = kStart + way[i % way.size()].after;
        batch[i].record = &records[i];
    }
    Desk desk;
    outbox::BatchOutput out;
    // When the first save is lost to another batch, and the batch is then handled twice
    desk.store.races = 1;
    CHECK_FALSE(desk.handle(batch, out));
    CHECK(desk.store.added.empty());
    CHECK(desk.handle(batch, out));
    CHECK(desk.handle(batch, out));
    // Then there is one row in one version, and the second time added nothing
    const auto& rows = desk.database.tables.timelines.rows();
    REQUIRE(rows.size() == 1);
    CHECK(rows.at(kId).version == 1);
    REQUIRE(desk.store.added.size() == 2);
    CHECK(desk.store.added[0].totals.at("completed") == Sum{0, 1});
    CHECK(desk.store.added[1] == Tally{});
    CHECK(desk.database.tables.totals.at("completed") == 1);
    CHECK(out.events.empty());
    CHECK(out.parked.empty());
}

TEST_CASE("the trace context is OrderPlaced's, whatever comes first") {
    const auto way = forward_way();
    const auto traceparent = [](std::size_t i) { return "of record " + std::to_string(i); };
    std::vector<std::size_t> order(way.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    do {
        Timeline timeline;
        for (const std::size_t i : order) {
            if (auto next = fold(&timeline, way[i].event, {kStart, 0, 0}, traceparent(i)))
                timeline = *next;
        }
        // What comes again, with another context, changes nothing
        CHECK_FALSE(fold(&timeline, way[0].event, {kStart, 0, 9}, "another"));
        REQUIRE(timeline.traceparent == traceparent(0));
    } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("an order's end is told after the commit, once, and of the try that was committed") {
    // Given a whole order, and another one's beginning
    const auto way = forward_way();
    const kafka::Record record;
    std::vector<kafka::Delivery> batch(way.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
        batch[i].event = way[i].event;
        batch[i].time = kStart + way[i].after;
        batch[i].record = &record;
    }
    std::vector<OrderId> told;
    Desk desk(
        [&](std::span<const OrderId> ids) { told.insert(told.end(), ids.begin(), ids.end()); });
    outbox::BatchOutput out;
    const std::span<const kafka::Delivery> all = batch;
    // When the end is not there yet, then comes in a try that is lost, and then in one that is not
    REQUIRE(desk.handle(all.first(2), out));
    desk.handler.committed();
    CHECK(told.empty());
    desk.store.races = 1;
    CHECK_FALSE(desk.handle(all, out));
    REQUIRE(desk.handle(all, out));
    CHECK(told.empty());
    desk.handler.committed();
    CHECK(told == std::vector{kId});
    // Then the same batch again, as after a COMMIT without an answer, tells nothing
    REQUIRE(desk.handle(all, out));
    desk.handler.committed();
    CHECK(told.size() == 1);
}

}  // namespace
