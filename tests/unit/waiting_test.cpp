// The orders that wait longest: whom each waits for by its events, and the walks that find them.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "analytics/analytics_api.hpp"
#include "analytics/analytics_waiting.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::analytics;
using namespace std::chrono_literals;

const Instant kStart = parse_rfc3339("2026-01-02T03:04:05.000000Z").value();

// A view with these marks, 1 s apart in the order given.
OrderView view_of(std::vector<Slot> slots) {
    OrderView view;
    view.customer_id = "CUST-001";
    view.total = Money{1'500, {}};
    Instant time = kStart;
    for (const Slot slot : slots) {
        view.marks[static_cast<std::size_t>(slot)] = Mark{time, 0, 0};
        time += 1s;
    }
    return view;
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
        CHECK(waiting_for(view_of(rows[i].slots)) == rows[i].waiting);
        CHECK(open_order(OrderId{}, view_of(rows[i].slots)).has_value() ==
              !rows[i].waiting.empty());
    }
}

// A table in memory that counts how much of it was looked at.
class MemorySource final : public OpenOrderSource {
public:
    std::map<OrderId, OrderView> rows;
    std::int64_t most_at_once = 0;

    OpenPage scan_open(const OrderId& after, const OrderId& upto, std::int64_t limit) override {
        OpenPage page;
        std::int64_t looked_at = 0;
        for (auto at = rows.upper_bound(after); at != rows.end() && at->first <= upto; ++at) {
            if (looked_at++ == limit) break;
            page.last = at->first;
            if (!waiting_for(at->second).empty()) page.open.push_back(at->first);
        }
        most_at_once = std::max(most_at_once, looked_at);
        return page;
    }
    std::vector<OpenOrder> find_open(std::span<const OrderId> ids) override {
        std::vector<OpenOrder> found;
        for (const OrderId& id : ids) {
            const auto row = rows.find(id);
            if (row == rows.end()) continue;
            if (auto order = open_order(id, row->second)) found.push_back(std::move(*order));
        }
        return found;
    }
};

struct Lab {
    IdSource ids{7};
    MemorySource source;
    Waiting waiting;
    Instant now = kStart + 24h;

    OrderId add(std::chrono::milliseconds age, std::vector<Slot> slots = {Slot::order_placed}) {
        const auto id = ids.next<OrderId>(now - age);
        OrderView view = view_of(slots);
        for (auto& mark : view.marks) {
            if (mark) mark->time += now - age - kStart;
        }
        source.rows[id] = view;
        return id;
    }
    void end(const OrderId& id) {
        source.rows[id].marks[static_cast<std::size_t>(Slot::order_completed)] = Mark{now, 0, 0};
    }
    // Until the walks have nothing left to do at once.
    void settle() {
        while (waiting.step(source, now)) {}
    }
    std::vector<OrderId> longest(std::size_t limit = 200) {
        std::vector<OrderId> list;
        for (const OpenOrder& order : waiting.longest(limit)) list.push_back(order.order_id);
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
    lab.settle();
    CHECK(lab.longest() == std::vector{old, young, moved});
    CHECK(lab.longest(1) == std::vector{old});

    lab.end(old);
    lab.now += 1s;
    lab.settle();
    CHECK(lab.longest() == std::vector{young, moved});
}

TEST_CASE("waiting: an order is found when the time has passed it, and one that came late, too") {
    Lab lab;
    lab.settle();
    const auto placed = lab.add(0s);
    lab.settle();
    CHECK(lab.longest().empty());  // too young to be called waiting
    lab.now += 2s;
    lab.settle();
    CHECK(lab.longest() == std::vector{placed});
    // Its first event arrives when the walk has passed its place.
    const auto late = lab.add(60s);
    lab.now += 30s;
    lab.settle();
    CHECK(lab.longest() == std::vector{late, placed});
    // And one that is older than an order's deadline.
    const auto later = lab.add(5h);
    lab.now += 10min;
    lab.settle();
    CHECK(lab.longest() == std::vector{later, late, placed});
}

TEST_CASE("waiting: a long table is walked in pages, and the longest waits are kept") {
    Lab lab;
    const auto first = lab.add(20h);
    std::vector<OrderId> open;
    for (int i = 0; i < 25'000; ++i) open.push_back(lab.add(10h - 100ms * i));
    lab.settle();
    CHECK(lab.source.most_at_once == 5'001);  // one more than the page tells that it was full
    CHECK(lab.waiting.remembered() == 20'000);
    CHECK(lab.longest(1) == std::vector{first});
    // When they end, others that had no room are found again.
    for (int i = 0; i < 24'000; ++i) lab.end(open[static_cast<std::size_t>(i)]);
    lab.now += 11min;
    for (int i = 0; i < 20; ++i) lab.settle();
    lab.now += 11min;
    lab.settle();
    CHECK(lab.waiting.remembered() == 1'001);
}

TEST_CASE("waiting: the answers have the agreed members") {
    const auto id = OrderId::parse("019b7ca9-8d03-7c3e-9a51-3f6d2b8e4c10").value();
    const auto order = open_order(id, view_of({Slot::order_placed, Slot::stock_reserved}));
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
