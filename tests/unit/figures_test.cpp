// The rules of the counters: what each event adds to them, whatever the order of arrival and
// however often it comes; and the figures of the dashboard that follow from them.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_floating_point.hpp>

#include "analytics/timeline/figures.hpp"
#include "analytics/timeline/timeline_api.hpp"
#include "unit/analytics_ways.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::analytics;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;
using events::Reason;

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

}  // namespace
