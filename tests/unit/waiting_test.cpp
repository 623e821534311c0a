// The orders that wait longest: whom each waits for by its events, and the search that finds them.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "analytics/timeline/timeline_api.hpp"
#include "analytics/timeline/open_orders.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::analytics;
using namespace std::chrono_literals;

const Instant kStart = parse_rfc3339("2026-01-02T03:04:05.000000Z").value();

// A timeline with these marks, 1 s apart in the order given.
Timeline timeline_of(std::vector<Slot> slots) {
    Timeline timeline;
    timeline.customer_id = "CUST-001";
    timeline.total = Money{1'500, {}};
    Instant time = kStart;
    for (const Slot slot : slots) {
        timeline.marks[static_cast<std::size_t>(slot)] = Mark{time, 0, 0};
        time += 1s;
    }
    return timeline;
}

TEST_CASE("waiting: an order waits for whoever has the next word, since the word before") {
    using S = Slot;
    using Expected = std::vector<WaitingFor>;
    struct Row {
        std::vector<Slot> slots;
        Expected waiting;
    };
    const Instant t0 = kStart, t1 = kStart + 1s, t2 = kStart + 2s, t3 = kStart + 3s;
    const std::vector<Row> rows{
        {{S::order_placed}, {{"inventory-service", t0}}},
        {{S::order_placed, S::stock_reserved}, {{"payment-service", t1}}},
        {{S::order_placed, S::stock_rejected}, {{"order-service", t1}}},
        {{S::order_placed, S::stock_reserved, S::payment_captured}, {{"shipping-service", t2}}},
        {{S::order_placed, S::stock_reserved, S::payment_declined}, {{"order-service", t2}}},
        {{S::order_placed, S::payment_captured}, {{"shipping-service", t1}}},  // by another topic
        {{S::order_placed, S::stock_reserved, S::payment_captured, S::shipment_scheduled},
         {{"order-service", t3}}},
        {{S::order_placed, S::stock_reserved, S::payment_captured, S::shipment_refused},
         {{"order-service", t3}}},
        {{S::order_placed, S::cancellation_started},
         {{"inventory-service", t1}, {"payment-service", t1}, {"shipping-service", t1}}},
        {{S::order_placed, S::cancellation_started, S::stock_released},
         {{"payment-service", t1}, {"shipping-service", t1}}},
        {{S::order_placed, S::cancellation_started, S::shipping_nothing, S::payment_nothing},
         {{"inventory-service", t1}}},
        {{S::order_placed, S::cancellation_started, S::inventory_nothing, S::payment_refunded,
          S::shipment_voided},
         {{"order-service", kStart + 4s}}},
        {{S::stock_reserved}, {}},
        {{S::order_placed, S::order_completed}, {}},
        {{S::order_placed, S::cancellation_started, S::order_cancelled}, {}}};
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CAPTURE(i);
        CHECK(waiting_for(timeline_of(rows[i].slots)) == rows[i].waiting);
        CHECK(open_order(OrderId{}, timeline_of(rows[i].slots)).has_value() ==
              !rows[i].waiting.empty());
    }
}

// A table in memory that counts how much of it was looked at.
class MemorySource final : public OpenOrderSource {
public:
    std::map<OrderId, Timeline> rows;
    int scans = 0;
    std::size_t looks = 0;
    std::vector<std::int64_t> tidied;

    std::vector<OpenSecond> open_seconds(std::int64_t before) override {
        std::map<std::int64_t, std::int64_t> counts;
        for (const auto& [id, timeline] : rows) {
            if (second_of(id) < before && open_order(id, timeline)) ++counts[second_of(id)];
        }
        std::vector<OpenSecond> seconds;
        for (const auto& [second, open] : counts) seconds.push_back({second, open});
        return seconds;
    }
    std::vector<OrderId> scan_second(std::int64_t second) override {
        ++scans;
        std::vector<OrderId> open;
        for (const auto& [id, timeline] : rows) {
            if (second_of(id) == second && open_order(id, timeline)) open.push_back(id);
        }
        return open;
    }
    std::vector<OpenOrder> find_open(std::span<const OrderId> ids) override {
        looks += ids.size();
        std::vector<OpenOrder> found;
        for (const OrderId& id : ids) {
            const auto row = rows.find(id);
            if (row == rows.end()) continue;
            if (auto order = open_order(id, row->second)) found.push_back(std::move(*order));
        }
        return found;
    }
    void tidy(std::int64_t before) override { tidied.push_back(before); }
};

struct Lab {
    IdSource ids{7};
    MemorySource source;
    OpenOrderSearch search;
    Instant now = kStart + 24h;

    OrderId add(std::chrono::milliseconds age, std::vector<Slot> slots = {Slot::order_placed}) {
        const auto id = ids.next<OrderId>(now - age);
        Timeline timeline = timeline_of(slots);
        for (auto& mark : timeline.marks) {
            if (mark) mark->time += now - age - kStart;
        }
        source.rows[id] = timeline;
        return id;
    }
    void end(const OrderId& id) {
        source.rows[id].marks[static_cast<std::size_t>(Slot::order_completed)] = Mark{now, 0, 0};
    }
    void step() { search.step(source, now); }
    std::vector<OrderId> longest(std::size_t limit = 200) {
        std::vector<OrderId> list;
        for (const OpenOrder& order : search.longest(limit)) list.push_back(order.order_id);
        return list;
    }
};

TEST_CASE("waiting: the longest wait comes first, and an order leaves the list when it ends") {
    Lab lab;
    const auto young = lab.add(5s);
    const auto old = lab.add(10h);
    // Placed longer ago than `young`, but it has moved since.
    const auto moved = lab.add(6s, {Slot::order_placed, Slot::stock_reserved});
    lab.source.rows[moved].marks[1]->time = lab.now - 4s;
    lab.add(1h, {Slot::order_placed, Slot::order_completed});
    lab.step();
    CHECK(lab.longest() == std::vector{old, young, moved});
    CHECK(lab.longest(1) == std::vector{old});

    // When it moves on, it waits for somebody else, since then.
    lab.source.rows[old].marks[1] = Mark{lab.now - 3s, 0, 0};
    lab.step();
    CHECK(lab.longest() == std::vector{young, moved, old});
    CHECK(lab.search.longest(3)[2].waiting_for ==
          std::vector<WaitingFor>{{"payment-service", lab.now - 3s}});

    lab.end(old);
    lab.step();
    CHECK(lab.longest() == std::vector{young, moved});
}

TEST_CASE("waiting: an order is found when the time has passed it, and one that came late, too") {
    Lab lab;
    lab.step();
    const auto placed = lab.add(0s);
    lab.step();
    CHECK(lab.longest().empty());  // too young to be called waiting
    lab.now += 2s;
    lab.step();
    CHECK(lab.longest() == std::vector{placed});
    // Its first event arrives when younger ones were found already.
    const auto late = lab.add(5h);
    const auto same_second = lab.add(2s);
    lab.step();
    CHECK(lab.longest() == std::vector{late, placed, same_second});
}

TEST_CASE("waiting: only a second whose count has changed is looked into") {
    Lab lab;
    for (int i = 0; i < 1'000; ++i) {
        lab.add(2h + 100ms * i, {Slot::order_placed, Slot::order_completed});
    }
    const auto one = lab.add(2h);
    const auto two = lab.add(1h);
    lab.step();
    CHECK(lab.source.scans == 2);
    CHECK(lab.source.looks == 2);
    lab.now += 10min;
    lab.step();
    CHECK(lab.source.scans == 2);
    // One that ends is seen to have ended without a search,
    lab.end(one);
    lab.step();
    CHECK(lab.source.scans == 2);
    CHECK(lab.longest() == std::vector{two});
    // and of those that were not looked at again the counts tell.
    const auto three = lab.add(70min);  // in the same second as the other
    const std::size_t before = lab.source.looks;
    lab.step();
    CHECK(lab.source.scans == 3);
    CHECK(lab.source.looks == before + 2);
    CHECK(lab.longest() == std::vector{two, three});
}

TEST_CASE("waiting: the search ends where no later order can wait longer") {
    Lab lab;
    std::vector<OrderId> open;
    for (int i = 0; i < 25'000; ++i) open.push_back(lab.add(10h - 100ms * i));
    lab.step();
    // 200 of them stand in the oldest 20 seconds.
    CHECK(lab.source.scans <= 22);
    CHECK(lab.longest() == std::vector(open.begin(), open.begin() + 200));
    // When they end, those behind them are found.
    for (std::size_t i = 0; i < 24'000; ++i) lab.end(open[i]);
    for (int i = 0; i < 3; ++i) lab.step();
    CHECK(lab.longest() == std::vector(open.begin() + 24'000, open.begin() + 24'200));
    CHECK(lab.search.remembered() < 300);
}

TEST_CASE("waiting: an order that has moved on stands behind one that was placed later") {
    Lab lab;
    for (int i = 0; i < 300; ++i) {
        const auto id = lab.add(2h - 1s * i, {Slot::order_placed, Slot::stock_reserved});
        lab.source.rows[id].marks[1]->time = lab.now - 3s;
    }
    const auto waits = lab.add(1h);
    for (int i = 0; i < 7; ++i) lab.step();  // 50 seconds each
    CHECK(lab.longest(1) == std::vector{waits});
    CHECK(lab.source.scans == 301);
}

TEST_CASE("waiting: there is an end to what is remembered, and seconds without orders are tidied") {
    Lab lab;
    for (int i = 0; i < 25'000; ++i) {
        const auto id = lab.add(10h - 20ms * i, {Slot::order_placed, Slot::stock_reserved});
        lab.source.rows[id].marks[1]->time = lab.now - 3s;  // nobody waits long
    }
    for (int i = 0; i < 20; ++i) lab.step();
    CHECK(lab.search.remembered() >= 20'000);
    CHECK(lab.search.remembered() < 20'100);
    REQUIRE(lab.source.tidied.size() == 1);
    CHECK(lab.source.tidied[0] == (lab.now - 1min).time_since_epoch() / 1s);
    lab.now += 1min;
    lab.step();
    CHECK(lab.source.tidied.size() == 2);
    // Of seconds in which nothing is open any more nothing is remembered.
    for (const auto& [id, timeline] : std::map(lab.source.rows)) lab.end(id);
    lab.step();
    CHECK(lab.search.remembered() == 0);
}

TEST_CASE("waiting: the answers have the agreed members") {
    const auto id = OrderId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10").value();
    const auto order = open_order(id, timeline_of({Slot::order_placed, Slot::stock_reserved}));
    REQUIRE(order);
    CHECK(waiting_json(std::vector{*order}) ==
          R"({"orders":[{"orderId":"019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10","status":"PROCESSING",)"
          R"("customerId":"CUST-001","total":1500,"currency":"KRW",)"
          R"("placedAt":"2026-01-02T03:04:05.000000Z","since":"2026-01-02T03:04:06.000000Z",)"
          R"("waitingFor":[{"service":"payment-service",)"
          R"("since":"2026-01-02T03:04:06.000000Z"}]}]})");
    CHECK(waiting_json({}) == R"({"orders":[]})");
    MinuteFigures minute{kStart, 3, 2, 1, "30000000000000000000", 3, 4'500};
    CHECK(throughput_json(std::vector{minute}) ==
          R"({"minutes":[{"minute":"2026-01-02T03:04:05.000000Z","placed":3,"completed":2,)"
          R"("cancelled":1,"revenue":30000000000000000000,"avgResponseTime":1.5}]})");
}

}  // namespace
