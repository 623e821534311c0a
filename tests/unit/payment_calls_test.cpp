// The pools of calls to the gateway.
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "support/builders.hpp"
#include "support/payment_calls.hpp"

namespace {

using namespace orderflow;
using namespace orderflow::payment;
using test::CallsFixture;
using test::charge_of;
using test::new_order_id;

const Money kPrice{1500, {}};

}  // namespace

TEST_CASE("calls: an order is called once at a time for each verb") {
    CallsFixture f;
    const OrderId id = new_order_id();
    f.gateway.answering = true;

    f.calls.submit({charge_of(id), charge_of(id)});
    f.calls.submit({{id, CallKind::retry, kPrice, "tok_ok"}, {id, CallKind::cancel, {}, ""}});
    CHECK(f.take_results().size() == 2);
    CHECK(f.gateway.asked.size() == 2);

    f.calls.submit({charge_of(id)});
    CHECK(f.take_results().size() == 1);
}

TEST_CASE("calls: a result that is not settled yet keeps its order from being called") {
    CallsFixture f;
    const OrderId id = new_order_id();
    f.calls.submit({charge_of(id)});
    f.run();

    f.calls.submit({charge_of(id)});
    f.run();

    CHECK(f.gateway.asked.size() == 1);
}

TEST_CASE("calls: pools are bounded, and what does not fit is named") {
    CallsFixture f;
    f.gateway.answering = false;
    std::vector<Call> calls;
    for (int i = 0; i < 70'000; ++i) calls.push_back(charge_of(new_order_id()));
    const auto all = calls;

    f.calls.submit(std::move(calls));
    f.run();
    f.calls.submit({charge_of(new_order_id())});
    f.run();

    const auto load = f.calls.load(CallKind::charge);
    CHECK(load.running == 1'024);
    CHECK(load.waiting == 8'192 - 1'024 + 1);
    CHECK(f.gateway.asked.size() == 1'024);
    const auto overflow = f.calls.take_overflow();
    CHECK(overflow.ids.size() == 50'000);
    CHECK(overflow.ids.front() == all[8'192].id);
    REQUIRE(overflow.lost_from);
    CHECK(*overflow.lost_from > overflow.ids.front());
    CHECK(f.calls.take_overflow().ids.empty());
}

TEST_CASE("calls: retries that hang hold up no first charge") {
    CallsFixture f;
    f.gateway.answering = false;
    std::vector<Call> retries;
    for (int i = 0; i < 300; ++i) {
        retries.push_back({new_order_id(), CallKind::retry, kPrice, "tok_ok"});
    }
    f.calls.submit(std::move(retries));
    f.run();
    CHECK(f.calls.load(CallKind::retry).running == 128);

    f.gateway.answering = true;
    f.calls.submit({charge_of(new_order_id())});

    CHECK(f.take_results().size() == 1);
}

TEST_CASE("calls: a gateway that throws leaves the outcome unclear") {
    CallsFixture f;
    f.gateway.failing = true;
    f.calls.submit({charge_of(new_order_id())});

    const auto results = f.take_results();

    REQUIRE(results.size() == 1);
    CHECK(is_unclear(results[0]));
}
