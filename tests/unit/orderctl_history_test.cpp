// A client's history against the facts (I1, I2).
#include <fstream>
#include <sstream>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "orderctl/connect.hpp"
#include "unit/orderctl_world.hpp"

namespace orderflow::orderctl {
namespace {

using Catch::Matchers::ContainsSubstring;

Placement placed(const Story& story, HistoryResult outcome = HistoryResult::ok,
                 std::string key = {}) {
    Placement placement;
    placement.order = story.id;
    placement.outcome = outcome;
    placement.key = std::move(key);
    return placement;
}
Placement unclear(std::string key = {}) {
    Placement placement;
    placement.key = std::move(key);
    return placement;
}

Result<History> read(const std::string& text) {
    std::istringstream in(text);
    return read_history(in);
}

}  // namespace

TEST_CASE("orderctl history: accepted orders that are there are clean") {
    World world;
    const Story first = world.completed();
    const Story second = world.in_flight();
    const History history{{placed(first), placed(second)}};
    const Report report = world.check(&history);
    CHECK(violated(report) == "");
    CHECK(invariant(report, "I1").note == "2 accepted; 1 of them not final yet: not judged");
}

TEST_CASE("orderctl history: I1 catches an accepted order that is not there") {
    World world;
    const History history{{placed(Story{})}};
    CHECK_THAT(said(world.check(&history), "I1"),
               ContainsSubstring("answered with 202, but it does not exist"));
}

TEST_CASE("orderctl history: I1 catches a refused order that is there, and a missing reason") {
    World world;
    const Story refused = world.completed();
    const Story cancelled = world.cancelled();
    world.of(cancelled).table.order->reason.reset();
    const History history{{placed(refused, HistoryResult::fail), placed(cancelled)}};
    const std::string text = said(world.check(&history), "I1");
    CHECK_THAT(text, ContainsSubstring("refused, but the order exists"));
    CHECK_THAT(text, ContainsSubstring("CANCELLED without a reason"));
}

TEST_CASE("orderctl history: I2 catches an order that nobody asked for") {
    World world;
    const Story asked = world.completed();
    world.completed();
    const History history{{placed(asked)}};
    CHECK_THAT(said(world.check(&history), "I2"), ContainsSubstring("no request of the history"));
    const History with_unclear{{placed(asked), unclear()}};
    CHECK(violated(world.check(&with_unclear)) == "");
}

TEST_CASE("orderctl history: I2 counts repeats with one key as one order") {
    World world;
    world.completed();
    world.completed();
    const History history{{unclear("k"), unclear("k")}};
    CHECK(violated(world.check(&history)) == "I2");
    const History two_keys{{unclear("k"), unclear("l")}};
    CHECK(violated(world.check(&two_keys)) == "");
}

TEST_CASE("orderctl history: I2 catches one key answered with two orders") {
    World world;
    const Story first = world.completed();
    const Story second = world.completed();
    const History history{
        {placed(first, HistoryResult::ok, "k"), placed(second, HistoryResult::ok, "k")}};
    CHECK_THAT(said(world.check(&history), "I2"), ContainsSubstring("key k was answered with"));
}

TEST_CASE("orderctl history: I2 looks at the named customers alone") {
    World world;
    const Story asked = world.completed();
    const Story other = world.completed();
    world.of(other).table.order->customer += 1;
    Placement placement = placed(asked);
    placement.customer = asked.order.customer_id;
    const History history{{placement}};
    const Report report = world.check(&history);
    CHECK(invariant(report, "I2").verdict == Verdict::ok);
}

TEST_CASE("orderctl history: an empty one is of no customer's orders alone") {
    World world;
    const History history;
    CHECK(violated(world.check(&history)) == "");
    const Story story = world.completed();
    CHECK(violated(world.check(&history)) == "I2");
    CHECK_THAT(said(world.check(&history), "I2"), ContainsSubstring("no request of the history"));
}

TEST_CASE("orderctl history: what cannot be read is not empty") {
    std::ifstream directory("/");
    const auto history = read_history(directory);
    REQUIRE_FALSE(history.has_value());
    CHECK(history.error().detail == "cannot be read");
    CHECK_THROWS_WITH(read_stack_env("/"), "cannot read /");
    CHECK_THROWS_WITH(read_stack_env("/dev/null/none"), "cannot read /dev/null/none");
}

TEST_CASE("orderctl history: lines are read as documented, others are skipped") {
    const OrderId id = test::new_order_id();
    const auto history = read("{\"op\":\"place\",\"orderId\":\"" + id.to_string() +
                              "\",\"outcome\":\"ok\",\"key\":\"k-1\",\"extra\":[1]}\n\n"
                              "{\"op\":\"cancel\",\"what\":1}\n"
                              "{\"op\":\"place\",\"orderId\":null,\"outcome\":\"info\","
                              "\"key\":null,\"customerId\":\"C\"}\n");
    REQUIRE(history.has_value());
    REQUIRE(history->placements.size() == 2);
    CHECK(history->placements[0].order == id);
    CHECK(history->placements[0].key == "k-1");
    CHECK_FALSE(history->placements[1].order.has_value());
    CHECK(history->placements[1].customer == "C");
    CHECK(history->placements[1].line == 4);
}

TEST_CASE("orderctl history: an unreadable line is named") {
    for (const char* bad :
         {"{\"op\":\"place\",\"outcome\":\"maybe\"}", "nonsense", "{\"op\":\"place\"}",
          "{\"op\":\"place\",\"outcome\":\"ok\",\"orderId\":null}",
          "{\"op\":\"place\",\"outcome\":\"ok\",\"orderId\":\"x\"}"}) {
        const auto history = read(std::string("\n") + bad);
        REQUIRE_FALSE(history.has_value());
        CHECK_THAT(history.error().detail, ContainsSubstring("line 2"));
    }
}

}  // namespace orderflow::orderctl
