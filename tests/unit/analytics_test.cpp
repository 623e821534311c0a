// The read model's rules: what each event leaves in an order's timeline, and what it adds to the
// counters, whatever the order of arrival and however often it comes.
#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include "analytics/timeline/figures.hpp"
#include "analytics/timeline/timeline.hpp"
#include "analytics/timeline/timeline_api.hpp"
#include "analytics/timeline/timeline_handler.hpp"
#include "kafka/delivery.hpp"
#include "kafka/record.hpp"
#include "outbox/unit_of_work.hpp"
#include "unit/simulated_stores.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::analytics;
using namespace std::chrono_literals;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
using events::Event;
using events::Participant;
using events::Reason;

const OrderId kId = OrderId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10").value();
const ShipmentId kShipment = ShipmentId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c11").value();
const Instant kStart = parse_rfc3339("2026-01-02T03:04:05.000000Z").value();

events::Order an_order(std::int64_t total = 1'500, Currency currency = {}) {
    events::Order order;
    order.customer_id = "CUST-001";
    order.currency = currency;
    order.total = total;
    order.items = {{"ITEM-001", "Laptop", total, 1}};
    order.payment.token = "tok_ok";
    order.placed_at = kStart;
    return order;
}

// An event and when it was recorded.
struct Timed {
    Event event;
    std::chrono::microseconds after;
};

std::vector<Timed> forward_way(std::int64_t total = 1'500, Currency currency = {}) {
    const auto order = an_order(total, currency);
    return {{events::OrderPlaced{kId, order}, 0us},
            {events::StockReserved{kId, order}, 3'000us},
            {events::PaymentCaptured{kId, "ch-1", total, currency, order}, 28'000us},
            {events::ShipmentScheduled{kId, kShipment, "TRK-1", total, currency, false}, 30'000us},
            {events::OrderCompleted{kId, "CUST-001", kShipment, total, currency}, 40'500us}};
}

std::vector<Timed> refused_way(Reason reason) {
    return {{events::OrderPlaced{kId, an_order()}, 0us},
            {events::StockReserved{kId, an_order()}, 2'000us},
            {events::CancellationStarted{kId, reason}, 10'000us},
            {events::StockReleased{kId}, 12'000us},
            {events::NothingToCompensate{kId, Participant::payment, {}}, 13'000us},
            {events::NothingToCompensate{kId, Participant::shipping, {}}, 14'000us},
            {events::OrderCancelled{kId, "CUST-001", reason, 1'500, Currency{}, {}}, 20'000us}};
}

struct Folded {
    Timeline timeline;
    Tally tally;
    bool operator==(const Folded&) const = default;
};

// The offset is the event's place in the way, so that permutations carry the same marks.
void take(Folded& folded, const Timed& timed, std::int64_t offset) {
    const auto next = fold(&folded.timeline, timed.event, {kStart + timed.after, 4, offset});
    if (!next) return;
    count(kId, folded.timeline, *next, folded.tally);
    folded.timeline = *next;
}

Folded fold_all(const std::vector<Timed>& way, const std::vector<std::size_t>& order) {
    Folded folded;
    for (const std::size_t i : order) take(folded, way[i], static_cast<std::int64_t>(i));
    return folded;
}

Folded fold_all(const std::vector<Timed>& way) {
    std::vector<std::size_t> order(way.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    return fold_all(way, order);
}

std::map<std::string, std::int64_t> totals(const Tally& tally) {
    std::map<std::string, std::int64_t> plain;
    for (const auto& [name, sum] : tally.totals) {
        REQUIRE(sum.high == 0);
        plain[name] = sum.low;
    }
    return plain;
}

using Totals = std::map<std::string, std::int64_t>;
using OpenSeconds = std::map<std::int64_t, std::int32_t>;

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

TEST_CASE("a completed order counts once, in whatever order its events arrive") {
    const auto way = forward_way();
    const Folded expected = fold_all(way);
    CHECK(totals(expected.tally) ==
          Totals{{"placed", 1}, {"completed", 1}, {"revenue.KRW", 1'500}});
    REQUIRE(expected.tally.minutes.size() == 1);
    const Minute& minute = expected.tally.minutes.begin()->second;
    CHECK(expected.tally.minutes.begin()->first == kStart - 5s);
    CHECK(minute.placed == 1);
    CHECK(minute.completed == 1);
    CHECK(minute.cancelled == 0);
    CHECK(minute.revenue == Sum{0, 1'500});
    CHECK(minute.responses == 1);
    CHECK(minute.response_us == 40'500);

    std::vector<std::size_t> order{0, 1, 2, 3, 4};
    do {
        CHECK(fold_all(way, order) == expected);
    } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("counting a way step by step gives the same as counting it at once") {
    for (const auto& way : {forward_way(), refused_way(Reason::CUSTOMER)}) {
        const Folded stepwise = fold_all(way);
        Tally at_once;
        count(kId, Timeline{}, stepwise.timeline, at_once);
        CHECK(at_once == stepwise.tally);
        Tally again;
        count(kId, stepwise.timeline, stepwise.timeline, again);
        CHECK(again == Tally{});
    }
}

TEST_CASE("an order is open from placed to its end, and never less than not open") {
    const auto way = forward_way();
    Folded folded;
    take(folded, way[0], 0);
    CHECK(totals(folded.tally) == Totals{{"open", 1}, {"placed", 1}});
    CHECK(folded.tally.open_seconds == OpenSeconds{{second_of(kId), 1}});
    take(folded, way[4], 4);
    CHECK(totals(folded.tally).count("open") == 0);
    CHECK(folded.tally.open_seconds.empty());

    // The end without the beginning: it was lost with its topic's retention.
    const Tally tally = fold_all({way[4]}).tally;
    CHECK(totals(tally) == Totals{{"completed", 1}, {"revenue.KRW", 1'500}});
    CHECK(tally.open_seconds.empty());
}

TEST_CASE("a cancelled order counts by its reason and brings no revenue") {
    const auto folded = fold_all(refused_way(Reason::OUT_OF_STOCK));
    CHECK(totals(folded.tally) == Totals{{"cancelled.OUT_OF_STOCK", 1}, {"placed", 1}});
    const Minute& minute = folded.tally.minutes.begin()->second;
    CHECK(minute.cancelled == 1);
    CHECK(minute.revenue == Sum{});
    CHECK(minute.responses == 1);
    CHECK(minute.response_us == 20'000);
    CHECK(minute.steps[static_cast<std::size_t>(Step::charge)].empty());
}

TEST_CASE("revenue in another currency is kept apart") {
    const auto dollars = Currency::parse("USD").value();
    const auto folded = fold_all(forward_way(2'000, dollars));
    CHECK(totals(folded.tally).at("revenue.USD") == 2'000);
    CHECK(folded.tally.minutes.begin()->second.revenue == Sum{});

    Figures figures;
    figures.totals = {{"revenue.USD", "2000"}, {"revenue.KRW", "99999999999999999999"}};
    const Dashboard board = summarise(figures);
    CHECK(board.revenue == "99999999999999999999");
    CHECK(board.revenue_by_currency.at("USD") == "2000");
}

TEST_CASE("sums of the largest totals do not overflow") {
    constexpr std::int64_t kLargest = 10'000'000'000'000'000;
    Sum sum;
    for (int i = 0; i < 4'096; ++i) sum.add(kLargest);
    CHECK(sum == Sum{40, 960'000'000'000'000'000});
}

TEST_CASE("a customer's activity spans the batch") {
    auto later = forward_way();
    Tally tally;
    for (const auto after : {5min + 1s, 0min + 0s, 2min + 0s}) {
        const auto timeline = fold(nullptr, later[0].event, {kStart + after, 0, 0});
        count(kId, Timeline{}, *timeline, tally);
    }
    CHECK(tally.customers ==
          std::map<std::string, Activity>{{"CUST-001", {kStart, kStart - 5s + 5min}}});
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

TEST_CASE("latency buckets follow each other without gaps, an eighth wide at most") {
    CHECK(latency_bucket(-1s) == 0);
    CHECK(latency_bucket(0us) == 0);
    CHECK(latency_bucket(7us) == 0);
    CHECK(latency_bucket(8us) == 1);
    CHECK(latency_bucket(63us) == 7);
    CHECK(latency_bucket(64us) == 8);
    CHECK(latency_bucket(127us) == 15);
    CHECK(latency_bucket(128us) == 16);
    CHECK(latency_bucket(std::chrono::days{10'000}) == latency_bucket(std::chrono::days{10}));
    std::size_t last = 0;
    for (std::chrono::microseconds us{0}; us < 100ms; ++us) {
        const std::size_t bucket = latency_bucket(us);
        if (bucket != last && bucket != last + 1) FAIL("gap at " << us.count() << " µs");
        last = bucket;
    }
}

TEST_CASE("percentiles are right to an eighth") {
    std::vector<std::int64_t> histogram(latency_bucket(1s) + 1);
    for (std::chrono::milliseconds ms{1}; ms <= 1'000ms; ++ms) ++histogram[latency_bucket(ms)];
    CHECK_THAT(percentile_ms(histogram, 0.5), WithinRel(500.0, 0.0625));
    CHECK_THAT(percentile_ms(histogram, 0.99), WithinRel(990.0, 0.0625));
    CHECK(percentile_ms({}, 0.99) == 0);
}

TEST_CASE("the error rate counts only orders that failed because of us") {
    Figures figures;
    figures.totals = {{"placed", "10"},
                      {"open", "2"},
                      {"completed", "4"},
                      {"cancelled.CUSTOMER", "2"},
                      {"cancelled.DEADLINE", "1"},
                      {"cancelled.CARRIER_REFUSED", "1"}};
    figures.responses = 2;
    figures.response_us = 30'000;
    const Dashboard board = summarise(figures);
    CHECK(board.placed == 10);
    CHECK(board.cancelled == 4);
    CHECK(board.open == 2);
    CHECK(board.cancelled_by_reason.size() == 9);
    CHECK(board.cancelled_by_reason.at(Reason::CUSTOMER) == 2);
    CHECK_THAT(board.error_rate, WithinAbs(0.125, 1e-9));
    CHECK_THAT(board.average_response_ms, WithinAbs(15.0, 1e-9));
}

TEST_CASE("an empty dashboard is all zeros, with every member in place") {
    CHECK(dashboard_json(summarise({})) ==
          R"({"orders":{"count":0,"completed":0,"cancelled":0,"open":0,"revenue":0,)"
          R"("revenueByCurrency":{},"byReason":{"OUT_OF_STOCK":0,"UNKNOWN_PRODUCT":0,)"
          R"("PRICE_MISMATCH":0,"CARD_DECLINED":0,"CARD_TOKEN_UNKNOWN":0,"CARRIER_REFUSED":0,)"
          R"("STORAGE_FULL":0,"CUSTOMER":0,"DEADLINE":0}},"users":{"active":0,"new":0},)"
          R"("performance":{"avgResponseTime":0.0,"errorRate":0.0,"steps":{)"
          R"("reserve":{"p50":0.0,"p99":0.0},"charge":{"p50":0.0,"p99":0.0},)"
          R"("ship":{"p50":0.0,"p99":0.0},"complete":{"p50":0.0,"p99":0.0}}}})");
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
